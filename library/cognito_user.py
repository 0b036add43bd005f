#!/usr/bin/python
"""Converge users of a Cognito user pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_user
short_description: Converge users of a Cognito user pool
version_added: "0.1.0"
description:
  - Creates users of a user pool with their attributes, groups and password, and updates existing
    ones in place, each only in what is given.
  - Users that are not listed are left alone. The module is for operators and demonstration
    accounts, not for people who sign up themselves.
  - A password never leaves AWS Secrets Manager but for Cognito.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - A user pool that does not exist is taken for one that the same playbook creates before.
        Outside check mode it is an error.
  diff_mode:
    support: full
    description: Returns the models of the changing users before and after, without passwords.
options:
  user_pool:
    description: Name of the user pool.
    type: str
    required: true
  users:
    description: The users to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - User name as the pool has it, not an alias such as the e-mail address.
          - In a pool whose users sign in with their e-mail address, that address.
        type: str
        required: true
      email:
        description:
          - E-mail address.
          - A new user without I(password_secret) is invited there with a first password.
        type: str
      email_verified:
        description: Whether the address counts as verified. It has a meaning only with I(email).
        type: bool
        default: true
      attributes:
        description:
          - Other attributes by name, custom ones as C(custom:name).
          - Attributes that are not listed are left alone, and one with an empty value is removed.
        type: dict
      groups:
        description: Groups that the user is in, and no others. They must exist.
        type: list
        elements: str
      in_groups:
        description:
          - Groups that the user is in, beside those that the user is in already. They must exist.
          - Not together with I(groups).
        type: list
        elements: str
      not_in_groups:
        description: Groups that the user is not in. Not together with I(groups).
        type: list
        elements: str
      enabled:
        description: Whether the user can sign in. Disabling also ends all sessions of the user.
        type: bool
      password_secret:
        description:
          - Name of the secret in Secrets Manager whose plain string is the user's password.
          - A secret that does not exist is created with a random password of 32 characters.
          - The password is set, for good, for a new user and for one that has none yet, or whose
            password has to be changed before the next sign-in. All others keep theirs, also an
            account that somebody else registered and confirmed under the name before.
          - No invitation is sent then.
        type: str
  secret_tags:
    description: Tags of the secrets that the module creates.
    type: dict
    default: {}
  state:
    description: Whether the users exist.
    type: str
    choices: [present, absent]
    default: present
  delete_secrets:
    description: Whether I(state=absent) also deletes each I(password_secret), for good.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the owner of the shop
  cognito_user:
    user_pool: shop-users
    users:
      - name: ada
        email: ada@example.com
        attributes:
          name: Ada Lovelace
        groups: [owners]
        password_secret: shop/users/ada

- name: Let her in to the warehouse as well, and no longer to the till
  cognito_user:
    user_pool: shop-users
    users:
      - name: ada
        in_groups: [warehouse]
        not_in_groups: [clerks]

- name: Delete the owner of the shop together with the password
  cognito_user:
    state: absent
    delete_secrets: true
    user_pool: shop-users
    users:
      - name: ada
        password_secret: shop/users/ada
"""

RETURN = r"""
users:
  description: The listed users by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  contains:
    email:
      description: E-mail address, if the user has one.
      type: str
    email_verified:
      description: Whether the address counts as verified.
      type: bool
    attributes:
      description: Other attributes by name.
      type: dict
    enabled:
      description: Whether the user can sign in.
      type: bool
    status:
      description: Status of the account as Cognito calls it.
      type: str
    groups:
      description: Groups that the user is in. Only for users with an option about groups.
      type: list
      elements: str
  sample:
    ada:
      email: ada@example.com
      email_verified: true
      attributes: {name: Ada Lovelace}
      groups: [owners]
      enabled: true
      status: CONFIRMED
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.cognito_user import (
    apply_user,
    concerns_groups,
    desired_user,
    plan_secrets,
    plan_user,
    read_user,
    stored_password,
)
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible.module_utils.artificien.secrets import delete_secret
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

USER = {
    "name": {"type": "str", "required": True},
    "email": {"type": "str"},
    "email_verified": {"type": "bool", "default": True},
    "attributes": {"type": "dict"},
    "groups": {"type": "list", "elements": "str"},
    "in_groups": {"type": "list", "elements": "str"},
    "not_in_groups": {"type": "list", "elements": "str"},
    "enabled": {"type": "bool"},
    "password_secret": {"type": "str", "no_log": False},
}
ARGUMENT_SPEC = {
    "user_pool": {"type": "str", "required": True},
    "users": {"type": "list", "elements": "dict", "required": True, "options": USER},
    "secret_tags": {"type": "dict", "default": {}, "no_log": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "delete_secrets": {"type": "bool", "default": False},
}


def plan_users(
    client: CognitoIdentityProviderClient, pool_id: str | None, params: dict[str, Any]
) -> list[Plan]:
    """Plan the listed users: as wanted, or with I(state=absent) gone."""
    plans = []
    for user in params["users"]:
        name = user["name"]
        if params["state"] == "absent":
            current = read_user(client, pool_id, name, with_groups=False)
            plans.append(make_plan(name, current, None))
        else:
            desired = desired_user(user)
            current = read_user(client, pool_id, name, with_groups=concerns_groups(desired))
            plans.append(plan_user(name, current, desired))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    pool = params["user_pool"]
    cognito, secrets = client(module, "cognito-idp"), client(module, "secretsmanager")
    secret_of = {user["name"]: user["password_secret"] for user in params["users"]}
    pool_id = cache(lambda: find_pool(cognito, pool))
    plans = converge(
        module,
        lambda: plan_users(cognito, pool_id(), params),
        lambda plan: apply_user(
            cognito,
            existing_pool(pool_id(), pool),
            plan,
            lambda: stored_password(
                secrets,
                secret_of[plan.name],
                params["secret_tags"],
                f"Password of {plan.name} in user pool {pool}",
            ),
        ),
    )
    if params["state"] == "present":
        module.exit_json(users={plan.name: plan.after for plan in plans}, **result(plans))
    if params["delete_secrets"]:
        plans += converge(
            module,
            lambda: plan_secrets(secrets, params["users"]),
            lambda plan: delete_secret(secrets, (plan.before or {})["password_secret"]),
        )
    module.exit_json(**result(plans))


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Converge one Cognito identity pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_identity_pool
short_description: Converge one Cognito identity pool
version_added: "0.1.0"
description:
  - Creates an identity pool, which gives AWS credentials to the users of user pools, with its roles
    and principal tags, and updates an existing one in place.
  - What this module does not manage stays as it is, such as providers other than user pools and the
    rules that map users to roles.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: >-
      Reports what would change without changing anything. User pools and clients that do not exist
      yet are taken as made meanwhile.
  diff_mode:
    support: full
    description: Returns the model of the identity pool before and after.
options:
  name:
    description: Name of the identity pool. Several pools of that name are refused.
    type: str
    required: true
  guests:
    description:
      - Whether somebody who has not signed in gets credentials.
      - Without it a new pool has none for them.
    type: bool
  classic_flow:
    description: Whether the older flow, in which an app itself asks for a role, is allowed.
    type: bool
  user_pool_clients:
    description:
      - The clients of user pools whose users get credentials.
      - One that does not exist fails, but for check mode.
    type: list
    elements: dict
    suboptions:
      user_pool:
        description: Name of the user pool.
        type: str
        required: true
      client:
        description: Name of the client in the user pool.
        type: str
        required: true
      server_side_token_check:
        description: Whether a user who was signed out or disabled is refused at once.
        type: bool
        default: false
  authenticated_role:
    description: ARN of the role of signed-in users. An empty text takes the role away.
    type: str
  unauthenticated_role:
    description: ARN of the role of guests. An empty text takes the role away.
    type: str
  principal_tags:
    description:
      - Claims of the user's token by the names of the tags that they become, in the user's session.
      - They hold for each of the pool's user pools.
    type: dict
  tags:
    description: Tags of the identity pool.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the identity pool exists. V(absent) also deletes the identities in it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Give the customers of the shop credentials
  cognito_identity_pool:
    name: shop-prod
    guests: false
    user_pool_clients:
      - user_pool: shop-prod
        client: web
        server_side_token_check: true
    authenticated_role: arn:aws:iam::111122223333:role/shop-prod-customer
    principal_tags:
      username: sub
    tags:
      owner: shop

- name: Delete the identity pool
  cognito_identity_pool:
    name: shop-prod
    state: absent
"""

RETURN = r"""
identity_pool:
  description:
    - The identity pool as it is now, or in check mode would be.
    - The C(id) of a pool that does not exist yet is null. Of a new pool, only the settings that
      were given.
  returned: when I(state=present)
  type: dict
  sample:
    id: us-east-1:1a2b3c4d-0000-4000-8000-1234567890ab
    guests: false
    classic_flow: false
    user_pool_clients:
      - provider: cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI
        client_id: 1h57kf5cpq17m0eml12EXAMPLE
        server_side_token_check: true
    authenticated_role: arn:aws:iam::111122223333:role/shop-prod-customer
    unauthenticated_role: ""
    principal_tags:
      cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI: {username: sub}
    tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, read_account, result
from ansible.module_utils.artificien.cognito_identity import (
    apply_identity_pool,
    desired_identity_pool,
    find_identity_pool,
    plan_identity_pool,
    read_identity_pool,
)
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_cognito_identity import CognitoIdentityClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

USER_POOL_CLIENT = {
    "user_pool": {"type": "str", "required": True},
    "client": {"type": "str", "required": True},
    "server_side_token_check": {"type": "bool", "default": False, "no_log": False},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "guests": {"type": "bool"},
    "classic_flow": {"type": "bool"},
    "user_pool_clients": {"type": "list", "elements": "dict", "options": USER_POOL_CLIENT},
    "authenticated_role": {"type": "str"},
    "unauthenticated_role": {"type": "str"},
    "principal_tags": {"type": "dict"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_pool(
    pools: CognitoIdentityClient, users: CognitoIdentityProviderClient, params: dict[str, Any]
) -> list[Plan]:
    """Plan the identity pool: as wanted, or with I(state=absent) gone."""
    name = params["name"]
    pool_id = find_identity_pool(pools, name)
    current = read_identity_pool(pools, pool_id, name) if pool_id else None
    if params["state"] == "absent":
        return [make_plan(name, current, None)]
    desired = desired_identity_pool(users, params)
    return [plan_identity_pool(name, current, desired, purge_tags=params["purge_tags"])]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    pools, users = client(module, "cognito-identity"), client(module, "cognito-idp")
    sts = client(module, "sts")
    applied: dict[str, Any] = {}
    plans = converge(
        module,
        lambda: plan_pool(pools, users, module.params),
        lambda plan: applied.update(id=apply_identity_pool(pools, read_account(sts), plan)),
    )
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    identity_pool = {"id": None} | (plans[0].after or {}) | applied
    module.exit_json(identity_pool=identity_pool, **result(plans))


if __name__ == "__main__":
    main()

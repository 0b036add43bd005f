#!/usr/bin/python
"""Converge groups of a Cognito user pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_group
short_description: Converge groups of a Cognito user pool
version_added: "0.1.0"
description:
  - Creates groups of a user pool with their description, precedence and role, and updates existing
    ones in place.
  - Groups that are not listed are left alone. Who is in a group is told by C(cognito_user).
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
    description: Returns the models of the changing groups before and after.
options:
  user_pool:
    description: Name of the user pool.
    type: str
    required: true
  groups:
    description: The groups to converge, or with I(state=absent) to delete. Their users stay.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      description:
        description: What the group is for.
        type: str
      precedence:
        description:
          - Rank of the group among those of a user; the lowest number decides on the role.
          - It can be replaced, not removed.
        type: int
      role_arn:
        description:
          - ARN of the IAM role that an identity pool gives to users of the group.
          - It can be replaced. To remove it, delete the group first.
        type: str
  state:
    description: Whether the groups exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the groups of the shop
  cognito_group:
    user_pool: shop-users
    groups:
      - name: owners
        description: May change prices.
        precedence: 1
      - name: clerks
        precedence: 2

- name: Delete the group of clerks
  cognito_group:
    state: absent
    user_pool: shop-users
    groups:
      - name: clerks
"""

RETURN = r"""
groups:
  description: The listed groups by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    owners:
      description: May change prices.
      precedence: 1
      role_arn: null
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.cognito_group import apply_group, desired_group, read_group
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

GROUP = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "precedence": {"type": "int"},
    "role_arn": {"type": "str"},
}
ARGUMENT_SPEC = {
    "user_pool": {"type": "str", "required": True},
    "groups": {"type": "list", "elements": "dict", "required": True, "options": GROUP},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_groups(
    client: CognitoIdentityProviderClient, pool_id: str | None, params: dict[str, Any]
) -> list[Plan]:
    """Plan the listed groups: as wanted, or with I(state=absent) gone."""
    present = params["state"] == "present"
    return [
        make_plan(
            group["name"],
            read_group(client, pool_id, group["name"]),
            desired_group(group) if present else None,
        )
        for group in params["groups"]
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    cognito = client(module, "cognito-idp")
    pool_id = cache(lambda: find_pool(cognito, params["user_pool"]))
    plans = converge(
        module,
        lambda: plan_groups(cognito, pool_id(), params),
        lambda plan: apply_group(cognito, existing_pool(pool_id(), params["user_pool"]), plan),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(groups={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Give a Cognito user pool its prefix domain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_user_pool_domain
short_description: Give a Cognito user pool its prefix domain
version_added: "0.1.0"
description:
  - Creates the domain below C(amazoncognito.com) on which a user pool serves its sign-in pages and
    its OAuth endpoints, and waits until it is active.
  - A user pool has at most one prefix domain. Another prefix replaces it; if AWS refuses the new
    one, the old one is put back.
  - A custom domain of the pool is neither managed nor touched.
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
    description: Returns the model of the domain before and after, if it changes.
options:
  user_pool:
    description: Name of the user pool.
    type: str
    required: true
  prefix:
    description:
      - First label of the domain. It is unique in its region, across all accounts.
      - Lower-case letters, digits and hyphens, without the words C(aws), C(amazon) and C(cognito).
      - Required with I(state=present). With I(state=absent) it has no meaning.
    type: str
  managed_login_version:
    description:
      - V(1) serves the classic hosted UI, V(2) managed login, which needs a branding style.
      - Without it a new domain gets the version that Cognito chooses.
    type: int
    choices: [1, 2]
  state:
    description:
      - Whether the user pool has a prefix domain.
      - V(absent) deletes the one that it has, whatever its prefix.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout_seconds:
    description: How long to wait until the domain is active, or gone.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Serve the sign-in pages of the shop
  cognito_user_pool_domain:
    user_pool: shop-users
    prefix: example-shop
    managed_login_version: 1

- name: Take the sign-in pages of the shop down
  cognito_user_pool_domain:
    state: absent
    user_pool: shop-users
"""

RETURN = r"""
domain:
  description: The domain as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    prefix: example-shop
    managed_login_version: 1
    status: ACTIVE
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.cognito_domain import (
    apply_domain,
    check_owner,
    desired_domain,
    read_domain,
)
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

ARGUMENT_SPEC = {
    "user_pool": {"type": "str", "required": True},
    "prefix": {"type": "str"},
    "managed_login_version": {"type": "int", "choices": [1, 2]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout_seconds": {"type": "int", "default": 300},
}


def plan_domain(
    client: CognitoIdentityProviderClient, pool_id: str | None, params: dict[str, Any]
) -> list[Plan]:
    """Plan the pool's prefix domain: as wanted, or with I(state=absent) gone."""
    name = params["user_pool"]
    if params["state"] == "absent":
        return [make_plan(name, read_domain(client, pool_id), None)]
    desired = desired_domain(params["prefix"], params["managed_login_version"])
    current = read_domain(client, pool_id)
    if current is None or current["prefix"] != desired["prefix"]:
        check_owner(client, desired["prefix"], pool_id)
    return [make_plan(name, current, desired)]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["prefix"])],
        supports_check_mode=True,
    )
    params = module.params
    cognito = client(module, "cognito-idp")
    pool_id = cache(lambda: find_pool(cognito, params["user_pool"]))
    plans = converge(
        module,
        lambda: plan_domain(cognito, pool_id(), params),
        lambda plan: apply_domain(
            cognito,
            existing_pool(pool_id(), params["user_pool"]),
            plan,
            params["wait_timeout_seconds"],
        ),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(domain=plans[0].after, **result(plans))


if __name__ == "__main__":
    main()

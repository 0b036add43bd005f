#!/usr/bin/python
"""Generate random secrets in Secrets Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_secrets
short_description: Generate random secrets in Secrets Manager
version_added: "0.1.0"
description:
  - Makes secrets that nobody has to know, such as the tokens by which services know each other.
    Each is a plain string of 256 random bits, 43 letters, digits, dashes and underscores.
  - A secret that has a value keeps it, whoever put it there.
  - Values never leave the module but for Secrets Manager. C(community.aws.secretsmanager_secret)
    needs the value as an argument.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the tags of the changing secrets before and after, and no value.
options:
  secrets:
    description: The secrets to generate, or with I(state=absent) to delete for good.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the secret.
        type: str
        required: true
      description:
        description: What the secret is for. An existing one keeps its description.
        type: str
        default: ""
      tags:
        description: Tags of the secret.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the secrets exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Generate what the till proves itself with
  secretsmanager_secrets:
    secrets:
      - name: shop-till-token
        description: Token of the till
        tags:
          owner: shop

- name: Delete it for good
  secretsmanager_secrets:
    state: absent
    secrets:
      - name: shop-till-token
"""

RETURN = r"""
secrets:
  description: The secrets by name as they are now, or in check mode would be, without their values.
  returned: when I(state=present)
  type: dict
  sample:
    shop-till-token:
      tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.generated_secrets import (
    apply_generated,
    plan_generated,
    read_generated,
)
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": SECRET,
        "no_log": False,
    },
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_secrets(client: SecretsManagerClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the listed secrets: there with their tags, or with I(state=absent) gone."""
    plans = []
    for secret in params["secrets"]:
        name = secret["name"]
        current = read_generated(client, name)
        if params["state"] == "absent":
            plans.append(make_plan(name, current, None))
        else:
            tags, purge_tags = secret["tags"], params["purge_tags"]
            plans.append(plan_generated(name, current, tags, purge_tags=purge_tags))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    secrets = client(module, "secretsmanager")
    descriptions = {secret["name"]: secret["description"] for secret in params["secrets"]}
    plans = converge(
        module,
        lambda: plan_secrets(secrets, params),
        lambda plan: apply_generated(secrets, plan, descriptions[plan.name]),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(secrets={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()

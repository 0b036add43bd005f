#!/usr/bin/python
"""Converge a set of CloudWatch log groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: log_groups
short_description: Converge a set of CloudWatch log groups
version_added: "0.1.0"
description:
  - Creates log groups with their retention, encryption and tags, and updates existing ones in
    place. A present group is never deleted to change it.
  - C(amazon.aws.cloudwatchlogs_log_group) changes the retention even in check mode, and deletes an
    existing group with its logs when the retention is one that it does not know.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing log groups before and after.
options:
  groups:
    description: The log groups to converge, or with I(state=absent) to delete with their logs.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the log group.
        type: str
        required: true
      retention_days:
        description:
          - Days after which log events expire.
          - Without it a new log group keeps its events for ever.
        type: int
        choices:
          - 1
          - 3
          - 5
          - 7
          - 14
          - 30
          - 60
          - 90
          - 120
          - 150
          - 180
          - 365
          - 400
          - 545
          - 731
          - 1096
          - 1827
          - 2192
          - 2557
          - 2922
          - 3288
          - 3653
      kms_key:
        description:
          - ARN of the KMS key that encrypts the log events, or V(aws_managed) for none.
          - Events that are stored already keep the encryption that they have.
        type: str
      tags:
        description: Tags of the log group.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the log groups exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the log group of the order function
  log_groups:
    groups:
      - name: /aws/lambda/orders
        retention_days: 30
        kms_key: aws_managed
        tags:
          owner: shop

- name: Delete the log group of the order function
  log_groups:
    state: absent
    groups:
      - name: /aws/lambda/orders
"""

RETURN = r"""
groups:
  description: The log groups by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    /aws/lambda/orders:
      retention_days: 30
      kms_key: aws_managed
      tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.logs import (
    RETENTION_DAYS,
    apply_group,
    desired_group,
    read_group,
)
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_logs import CloudWatchLogsClient

GROUP = {
    "name": {"type": "str", "required": True},
    "retention_days": {"type": "int", "choices": RETENTION_DAYS},
    "kms_key": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "groups": {"type": "list", "elements": "dict", "required": True, "options": GROUP},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_groups(client: CloudWatchLogsClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the listed log groups: as wanted, or with I(state=absent) gone."""
    present = params["state"] == "present"
    return [
        make_plan(
            group["name"],
            read_group(client, group["name"]),
            desired_group(group) if present else None,
            merged=[] if params["purge_tags"] else ["tags"],
        )
        for group in params["groups"]
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    logs = client(module, "logs")
    plans = converge(
        module,
        lambda: plan_groups(logs, module.params),
        lambda plan: apply_group(logs, plan),
    )
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(groups={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()

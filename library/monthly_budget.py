#!/usr/bin/python
"""Converge one monthly cost budget of AWS Budgets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: monthly_budget
short_description: Converge one monthly cost budget of AWS Budgets
version_added: "0.1.0"
description:
  - Creates a budget for what the account costs in a month, with its notifications, and updates an
    existing one in place.
  - What this module does not manage stays as it is, such as the filters of an existing budget.
  - AWS takes the costs of a day into account some hours later. A budget tells, it stops nothing.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of the budget before and after.
options:
  name:
    description: Name of the budget. A budget of another kind that has this name is refused.
    type: str
    required: true
  limit_usd:
    description: US dollars a month, to the cent. Required for a new budget.
    type: float
  notifications:
    description:
      - Who is told when. Others that the budget has are deleted.
      - One with new recipients is replaced, and tells them again what it may have told already.
    type: list
    elements: dict
    suboptions:
      type:
        description: Whether the costs so far count, or those that AWS expects for the month.
        type: str
        choices: [ACTUAL, FORECASTED]
        required: true
      threshold_percent:
        description: Part of the limit above which somebody is told.
        type: float
        required: true
      emails:
        description: Addresses that get a mail, at most ten. They need not confirm.
        type: list
        elements: str
        default: []
      topic:
        description:
          - ARN of an SNS topic, whose policy must allow C(budgets.amazonaws.com) to publish.
        type: str
  tags:
    description: Tags of the budget.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the budget exists.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Tell before the shop costs more than 200 dollars a month
  monthly_budget:
    name: shop-prod
    limit_usd: 200
    notifications:
      - type: ACTUAL
        threshold_percent: 80
        emails: [ops@example.com]
      - type: FORECASTED
        threshold_percent: 100
        topic: arn:aws:sns:us-east-1:111122223333:shop-prod-alerts
    tags:
      owner: shop

- name: Delete the budget
  monthly_budget:
    name: shop-prod
    state: absent
"""

RETURN = r"""
budget:
  description: The budget as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    limit: 200.00 USD
    notifications:
      ACTUAL GREATER_THAN 80 PERCENTAGE:
        type: ACTUAL
        comparison: GREATER_THAN
        threshold: 80.0
        threshold_type: PERCENTAGE
        emails: [ops@example.com]
        topics: []
    tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, read_account, result
from ansible.module_utils.artificien.budgets import (
    Budget,
    apply_budget,
    desired_budget,
    plan_budget,
    read_budget,
)
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_budgets import BudgetsClient

NOTIFICATION = {
    "type": {"type": "str", "choices": ["ACTUAL", "FORECASTED"], "required": True},
    "threshold_percent": {"type": "float", "required": True},
    "emails": {"type": "list", "elements": "str", "default": []},
    "topic": {"type": "str"},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "limit_usd": {"type": "float"},
    "notifications": {"type": "list", "elements": "dict", "options": NOTIFICATION},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_monthly_budget(client: BudgetsClient, where: Budget, params: dict[str, Any]) -> list[Plan]:
    """Plan the budget: as wanted, or with I(state=absent) gone."""
    current = read_budget(client, where)
    if params["state"] == "absent":
        return [make_plan(where.name, current, None)]
    desired = desired_budget(params)
    return [plan_budget(where.name, current, desired, purge_tags=params["purge_tags"])]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    budgets, sts = client(module, "budgets"), client(module, "sts")

    def where() -> Budget:
        return Budget(read_account(sts), module.params["name"], budgets.meta.partition)

    plans = converge(
        module,
        lambda: plan_monthly_budget(budgets, where(), module.params),
        lambda plan: apply_budget(budgets, where(), plan),
    )
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(budget=plans[0].after, **result(plans))


if __name__ == "__main__":
    main()

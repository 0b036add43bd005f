#!/usr/bin/python
"""Put items into DynamoDB tables, as far as they are missing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_seed
short_description: Put items into DynamoDB tables, as far as they are missing
version_added: "0.1.0"
description:
  - Creates items whose keys are not in a table yet, by conditional writes. Existing items are never
    touched, unless I(overwrite=true).
  - Strings, numbers, booleans, null, lists and dictionaries become the DynamoDB types S, N, BOOL,
    NULL, L and M.
  - All items are checked first. Nothing is written if one of them is bad or a table is missing.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - All items of a table that does not exist yet count as missing.
  diff_mode:
    support: full
    description: Returns the first 20 changing items of each table before and after.
options:
  seeds:
    description: Lists or files of items. Several may be for the same table.
    type: list
    elements: dict
    required: true
    suboptions:
      table:
        description: Name of the table.
        type: str
        required: true
      items:
        description: The items. With I(state=absent) only their keys matter.
        type: list
        elements: dict
      file:
        description: Path of a file of items, one JSON object a line or one JSON list of objects.
        type: path
  overwrite:
    description: Whether existing items that differ are replaced.
    type: bool
    default: false
  hidden_attributes:
    description: Top-level attributes whose values the diff does not show.
    type: list
    elements: str
    default: []
  workers:
    description: How many requests are made at a time, 1 to 64.
    type: int
    default: 4
  state:
    description:
      - V(present) creates the items.
      - V(absent) deletes them, whatever their other attributes are by now.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Offer the first products
  dynamodb_seed:
    seeds:
      - table: products
        items:
          - product_id: tea
            price: 4.5
            tags: [hot, herbal]
      - table: customers
        file: build/customers.jsonl
    hidden_attributes: [token]

- name: Put the first products back to what they were
  dynamodb_seed:
    overwrite: true
    seeds:
      - table: products
        items:
          - product_id: tea
            price: 4.5
            tags: [hot, herbal]
"""

RETURN = r"""
tables:
  description: How many of the listed items were, or in check mode would be, changed by table.
  returned: success
  type: dict
  sample:
    products: {created: 1, replaced: 0, deleted: 0, unchanged: 12}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import converge
from ansible.module_utils.artificien.dynamodb_items import (
    apply_items,
    client_config,
    read_items,
    read_schema,
)
from ansible.module_utils.artificien.dynamodb_seeds import (
    by_key,
    counts,
    desired_items,
    plan_items,
    plan_without_table,
    shown_plan,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_WORKERS = 64
SEED = {
    "table": {"type": "str", "required": True},
    "items": {"type": "list", "elements": "dict"},
    "file": {"type": "path"},
}
ARGUMENT_SPEC = {
    "seeds": {"type": "list", "elements": "dict", "required": True, "options": SEED},
    "overwrite": {"type": "bool", "default": False},
    "hidden_attributes": {"type": "list", "elements": "str", "default": []},
    "workers": {"type": "int", "default": 4},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def make_plans(client: DynamoDBClient, params: dict[str, Any]) -> list[Plan]:
    """Plan each table; those that do not exist come first, so that nothing else is written."""
    workers = params["workers"]
    if not 1 <= workers <= MAX_WORKERS:
        raise ReconcileError(f"workers is {workers}. Write a number from 1 to {MAX_WORKERS}.")
    plans = [
        plan_table(client, params, table, seeds)
        for table, seeds in desired_items(params["seeds"]).items()
    ]
    return sorted(plans, key=lambda plan: plan.before is not None)


def plan_table(
    client: DynamoDBClient, params: dict[str, Any], table: str, seeds: list[Any]
) -> Plan:
    """Plan the listed items of one table."""
    absent, overwrite = params["state"] == "absent", params["overwrite"]
    schema = read_schema(client, table)
    if schema is None:
        nothing = absent or not seeds
        return Plan(table, {}, {}) if nothing else plan_without_table(table, seeds)
    desired = by_key(seeds, schema)
    current = read_items(
        client, table, schema, desired, params["workers"], whole=absent or overwrite
    )
    if absent:
        return Plan(table, current, {})
    return plan_items(table, current, desired, overwrite=overwrite)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    workers = module.params["workers"]
    dynamodb = module.client("dynamodb", aws_config=client_config(workers))
    written: dict[str, Plan] = {}

    def apply(plan: Plan) -> None:
        written[plan.name] = apply_items(dynamodb, plan, workers)

    plans = converge(module, lambda: make_plans(dynamodb, module.params), apply)
    plans = [written.get(plan.name, plan) for plan in plans]
    hidden = set(module.params["hidden_attributes"])
    module.exit_json(
        changed=any(plan.changed for plan in plans),
        tables={plan.name: counts(plan) for plan in plans},
        diff=diff(shown_plan(plan, hidden) for plan in plans),
    )


if __name__ == "__main__":
    main()

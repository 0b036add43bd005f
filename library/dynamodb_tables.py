#!/usr/bin/python
"""Converge a set of DynamoDB tables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_tables
short_description: Converge a set of DynamoDB tables
version_added: "0.1.0"
description:
  - Creates on-demand DynamoDB tables with their indexes, stream, recovery, protection and
    encryption, and updates existing ones in place.
  - A table is never replaced. A change that only a new table could have fails with the remedy.
  - C(amazon.aws.dynamodb_table) has neither streams nor point-in-time recovery nor deletion
    protection.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing tables before and after.
options:
  tables:
    description: The tables to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the table.
        type: str
        required: true
      hash_key:
        description: Name of the partition key. Required with I(state=present).
        type: str
      hash_key_type:
        description: Type of the partition key.
        type: str
        choices: [S, N, B]
        default: S
      range_key:
        description: Name of the sort key.
        type: str
      range_key_type:
        description: Type of the sort key.
        type: str
        choices: [S, N, B]
        default: S
      indexes:
        description:
          - Global secondary indexes that the table must have.
          - Others that it has are left alone.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the index.
            type: str
            required: true
          hash_key:
            description: Name of the partition key.
            type: str
            required: true
          hash_key_type:
            description: Type of the partition key.
            type: str
            choices: [S, N, B]
            default: S
          range_key:
            description: Name of the sort key.
            type: str
          range_key_type:
            description: Type of the sort key.
            type: str
            choices: [S, N, B]
            default: S
          projection:
            description: Which attributes a query of the index sees.
            type: str
            choices: [ALL, KEYS_ONLY]
            default: ALL
      stream:
        description: What a record of the table's stream carries. V(none) turns the stream off.
        type: str
        choices: [none, KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES]
      point_in_time_recovery:
        description: Whether the table can be restored to any second of the last 35 days.
        type: bool
      deletion_protection:
        description: Whether DynamoDB refuses to delete the table.
        type: bool
      kms_key:
        description: ARN of the KMS key that encrypts the table, or V(aws_owned).
        type: str
      tags:
        description: Tags of the table.
        type: dict
  owner_tags:
    description:
      - Tags that tell whose a table is.
      - An existing table on which one of them has another value is refused and stays as it is.
    type: dict
    default: {}
  purge_tags:
    description: Whether tags that are not listed are removed.
    type: bool
    default: true
  state:
    description:
      - V(present) converges the tables.
      - V(absent) deletes them, but for those that are protected against deletion, and with
        I(delete_items=false) those that hold items.
    type: str
    choices: [present, absent]
    default: present
  delete_items:
    description: Whether I(state=absent) also deletes tables that hold items.
    type: bool
    default: false
  wait_timeout_seconds:
    description: How long to wait for each change of a table. Filling an index takes longest.
    type: int
    default: 900
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the order tables
  dynamodb_tables:
    tables:
      - name: orders
        hash_key: order_id
        stream: NEW_IMAGE
        point_in_time_recovery: true
        deletion_protection: true
        indexes:
          - name: customer-date-index
            hash_key: customer
            range_key: date
        tags:
          owner: shop

- name: Delete the order tables as far as they are empty
  dynamodb_tables:
    state: absent
    tables:
      - name: orders
"""

RETURN = r"""
tables:
  description: The tables by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    orders:
      keys: {hash: {name: order_id, type: S}}
      indexes: {}
      billing_mode: PAY_PER_REQUEST
      stream: NEW_IMAGE
      point_in_time_recovery: true
      deletion_protection: true
      kms_key: aws_owned
      tags: {owner: shop}
kept:
  description: Names of the tables that stay, because they hold items or are protected.
  returned: success
  type: list
  elements: str
  sample: [orders]
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.dynamodb import (
    apply_table,
    check_owner,
    desired_table,
    is_empty,
    plan_deletion,
    plan_table,
    read_table,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS = {
    "hash_key": {"type": "str"},
    "hash_key_type": {"type": "str", "choices": ["S", "N", "B"], "default": "S"},
    "range_key": {"type": "str"},
    "range_key_type": {"type": "str", "choices": ["S", "N", "B"], "default": "S"},
}
INDEX = {
    **KEYS,
    "hash_key": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "projection": {"type": "str", "choices": ["ALL", "KEYS_ONLY"], "default": "ALL"},
}
TABLE = {
    **KEYS,
    "name": {"type": "str", "required": True},
    "indexes": {"type": "list", "elements": "dict", "options": INDEX},
    "stream": {
        "type": "str",
        "choices": ["none", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"],
    },
    "point_in_time_recovery": {"type": "bool"},
    "deletion_protection": {"type": "bool"},
    "kms_key": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "tables": {"type": "list", "elements": "dict", "required": True, "options": TABLE},
    "owner_tags": {"type": "dict", "default": {}},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "delete_items": {"type": "bool", "default": False},
    "wait_timeout_seconds": {"type": "int", "default": 900},
}


def plan_tables(client: DynamoDBClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the listed tables: as wanted, or with I(state=absent) gone."""
    plans = []
    for table in params["tables"]:
        name = table["name"]
        current = read_table(client, name)
        check_owner(name, current, params["owner_tags"])
        if params["state"] == "present":
            desired = desired_table(table)
            plans.append(plan_table(name, current, desired, purge_tags=params["purge_tags"]))
        else:
            keep = bool(current) and not params["delete_items"] and not is_empty(client, name)
            plans.append(plan_deletion(name, current, keep=keep))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    dynamodb = client(module, "dynamodb")
    plans = converge(
        module,
        lambda: plan_tables(dynamodb, module.params),
        lambda plan: apply_table(dynamodb, plan, module.params["wait_timeout_seconds"]),
    )
    tables = {plan.name: plan.after for plan in plans if plan.after is not None}
    if module.params["state"] == "absent":
        module.exit_json(kept=sorted(tables), **result(plans))
    module.exit_json(tables=tables, kept=[], **result(plans))


if __name__ == "__main__":
    main()

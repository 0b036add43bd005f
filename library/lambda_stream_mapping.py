#!/usr/bin/python
"""Deliver a DynamoDB table's stream to a Lambda function."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_stream_mapping
short_description: Deliver a DynamoDB table's stream to a Lambda function
version_added: "0.1.0"
description:
  - Creates the event source mapping between the present stream of a table and a function, and
    updates it in place.
  - A table that was created again, or whose stream was turned off and on, has a new stream. The
    mapping of an older one is then replaced.
  - C(amazon.aws.lambda_event) refuses batches of less than 100 records and has neither retries,
    bisecting, record age, failure destination nor partial failures.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - A table, stream or function that does not exist is taken for one that the same playbook
        creates before. Outside check mode it is an error.
  diff_mode:
    support: full
    description: Returns the model of the mapping before and after, if it changes.
options:
  function_name:
    description: Name of the function.
    type: str
    required: true
  table_name:
    description: Name of the table.
    type: str
    required: true
  batch_size:
    description: How many records the function gets at most in one call, 1 to 10000.
    type: int
  batching_window_seconds:
    description: How long records are collected for a full batch, 0 to 300.
    type: int
  parallelization_factor:
    description: How many batches of one shard are processed at a time, 1 to 10.
    type: int
  starting_position:
    description:
      - Whether a new mapping begins with the oldest record of the stream or with the next one.
      - It has no meaning for a mapping that exists, and is not compared.
    type: str
    choices: [TRIM_HORIZON, LATEST]
    default: TRIM_HORIZON
  maximum_retry_attempts:
    description: How often a failed batch is tried again, 0 to 10000, or V(-1) until it expires.
    type: int
  maximum_record_age_seconds:
    description: Age at which records are given up, 60 to 604800, or V(-1) for never.
    type: int
  bisect_on_error:
    description: Whether a failed batch is split in two before it is tried again.
    type: bool
  report_batch_item_failures:
    description: Whether the function answers which records of the batch failed.
    type: bool
  on_failure_destination:
    description:
      - ARN of the SQS queue or the SNS topic that is told of batches that were given up.
      - A destination can be replaced. To remove it, delete the mapping first.
    type: str
  enabled:
    description: Whether the function is called.
    type: bool
  tags:
    description: Tags of the mapping.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed.
    type: bool
    default: true
  state:
    description:
      - Whether the mapping shall exist.
      - With V(absent) the mappings of all streams that the table ever had are deleted.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout_seconds:
    description: How long to wait for each change, and for a new role of the function to be known.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Count each order
  lambda_stream_mapping:
    function_name: shop-count-order
    table_name: orders
    batch_size: 10
    maximum_retry_attempts: 5
    bisect_on_error: true
    report_batch_item_failures: true
    on_failure_destination: arn:aws:sqs:us-east-1:111122223333:shop-failed-orders

- name: Stop counting orders
  lambda_stream_mapping:
    state: absent
    function_name: shop-count-order
    table_name: orders
"""

RETURN = r"""
mapping:
  description: The mapping as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    stream: arn:aws:dynamodb:us-east-1:111122223333:table/orders/stream/2026-01-01T00:00:00.000
    older_streams: []
    batch_size: 10
    batching_window_seconds: 0
    parallelization_factor: 1
    starting_position: TRIM_HORIZON
    maximum_retry_attempts: 5
    maximum_record_age_seconds: -1
    bisect_on_error: true
    report_batch_item_failures: true
    on_failure_destination: arn:aws:sqs:us-east-1:111122223333:shop-failed-orders
    enabled: true
    tags: {}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.lambda_mapping import (
    apply_mapping,
    desired_mapping,
    list_mappings,
    plan_mapping,
    read_mapping,
    read_stream,
)
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

ARGUMENT_SPEC = {
    "function_name": {"type": "str", "required": True},
    "table_name": {"type": "str", "required": True},
    "batch_size": {"type": "int"},
    "batching_window_seconds": {"type": "int"},
    "parallelization_factor": {"type": "int"},
    "starting_position": {
        "type": "str",
        "choices": ["TRIM_HORIZON", "LATEST"],
        "default": "TRIM_HORIZON",
    },
    "maximum_retry_attempts": {"type": "int"},
    "maximum_record_age_seconds": {"type": "int"},
    "bisect_on_error": {"type": "bool"},
    "report_batch_item_failures": {"type": "bool"},
    "on_failure_destination": {"type": "str"},
    "enabled": {"type": "bool"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout_seconds": {"type": "int", "default": 300},
}


def plan_present(
    functions: LambdaClient, tables: DynamoDBClient, params: dict[str, Any]
) -> list[Plan]:
    """Plan the mapping of the table's present stream."""
    function, table = params["function_name"], params["table_name"]
    stream = read_stream(tables, table)
    current = read_mapping(functions, list_mappings(functions, function, table), stream)
    desired = desired_mapping(params, stream)
    return [
        plan_mapping(f"{table} to {function}", current, desired, purge_tags=params["purge_tags"])
    ]


def plan_absent(functions: LambdaClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the deletion of the mappings of all the table's streams."""
    function, table = params["function_name"], params["table_name"]
    current = read_mapping(functions, list_mappings(functions, function, table), stream=None)
    return [make_plan(f"{table} to {function}", current, None)]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    functions = client(module, "lambda")
    plans = converge(
        module,
        lambda: (
            plan_absent(functions, params)
            if params["state"] == "absent"
            else plan_present(functions, client(module, "dynamodb"), params)
        ),
        lambda plan: apply_mapping(
            functions,
            plan,
            params["function_name"],
            params["table_name"],
            params["wait_timeout_seconds"],
        ),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(mapping=plans[0].after, **result(plans))


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Deliver the messages of an SQS queue to a Lambda function."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_queue_mapping
short_description: Deliver the messages of an SQS queue to a Lambda function
version_added: "0.1.0"
description:
  - Creates the event source mapping between a queue and a function, and updates it in place.
  - C(amazon.aws.lambda_event) fails where the function does not exist yet or any more, even in
    check mode, and has neither tags nor a limit of concurrency.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - A queue or function that does not exist is taken for one that the same playbook creates
        before. Outside check mode it is an error.
  diff_mode:
    support: full
    description: Returns the model of the mapping before and after, if it changes.
options:
  function_name:
    description: Name of the function.
    type: str
    required: true
  queue_arn:
    description: ARN of the queue.
    type: str
    required: true
  batch_size:
    description: How many messages the function gets at most in one call, 1 to 10000.
    type: int
  batching_window_seconds:
    description: How long messages are collected for a full batch, 0 to 300.
    type: int
  maximum_concurrency:
    description:
      - How many calls of the function may work on the queue at a time, 2 to 1000, or V(-1) for no
        limit.
      - Where the function has a reserved concurrency, a limit below it keeps messages from being
        counted as failed because the function was throttled.
    type: int
  report_batch_item_failures:
    description: Whether the function answers which messages of the batch failed.
    type: bool
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
    description: Whether the mapping shall exist.
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
- name: Send what is ordered
  lambda_queue_mapping:
    function_name: shop-send
    queue_arn: arn:aws:sqs:us-east-1:111122223333:shop-orders
    batch_size: 10
    report_batch_item_failures: true

- name: Send nothing more
  lambda_queue_mapping:
    state: absent
    function_name: shop-send
    queue_arn: arn:aws:sqs:us-east-1:111122223333:shop-orders
"""

RETURN = r"""
mapping:
  description: The mapping as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    batch_size: 10
    batching_window_seconds: 0
    maximum_concurrency: -1
    report_batch_item_failures: true
    enabled: true
    tags: {}
    arn: arn:aws:lambda:us-east-1:111122223333:event-source-mapping:14e0db71-5d35-4eb5
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.lambda_queue import (
    apply_mapping,
    desired_mapping,
    read_mapping,
)
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ARGUMENT_SPEC = {
    "function_name": {"type": "str", "required": True},
    "queue_arn": {"type": "str", "required": True},
    "batch_size": {"type": "int"},
    "batching_window_seconds": {"type": "int"},
    "maximum_concurrency": {"type": "int"},
    "report_batch_item_failures": {"type": "bool"},
    "enabled": {"type": "bool"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout_seconds": {"type": "int", "default": 300},
}


def plan_mapping(client: LambdaClient, params: dict[str, Any]) -> Plan:
    """Plan the mapping: as wanted, or with I(state=absent) gone."""
    function, queue_arn = params["function_name"], params["queue_arn"]
    return make_plan(
        f"{queue_arn} to {function}",
        read_mapping(client, function, queue_arn),
        desired_mapping(params) if params["state"] == "present" else None,
        merged=[] if params["purge_tags"] else ["tags"],
    )


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    functions = client(module, "lambda")
    plans = converge(
        module,
        lambda: [plan_mapping(functions, params)],
        lambda plan: apply_mapping(
            functions,
            plan,
            params["function_name"],
            params["queue_arn"],
            params["wait_timeout_seconds"],
        ),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(mapping=plans[0].after, **result(plans))


if __name__ == "__main__":
    main()

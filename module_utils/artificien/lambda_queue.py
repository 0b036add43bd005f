"""The mapping of an SQS queue to a Lambda function: models, and the calls that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, error_code, own_tags
from ansible.module_utils.artificien.lambda_event_source import (
    PARTIAL_FAILURES,
    delete_mapping,
    tag_mapping,
    wait_until_settled,
)
from ansible.module_utils.artificien.lambda_function import when_role_is_ready
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef as Mapping

UNLIMITED = -1
MEMBERS = {
    "batch_size": ("BatchSize", 10),
    "batching_window_seconds": ("MaximumBatchingWindowInSeconds", 0),
}
RANGES = {
    "batch_size": range(1, 10_001),
    "batching_window_seconds": range(301),
    "maximum_concurrency": range(2, 1001),
}


def desired_mapping(params: dict[str, Any]) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: AWS would refuse a value.
    """
    for field, allowed in RANGES.items():
        value = params[field]
        has_no_limit = field == "maximum_concurrency"
        if value is None or value in allowed or (has_no_limit and value == UNLIMITED):
            continue
        raise ReconcileError(
            f"{field} is {value}; give {allowed[0]} to {allowed[-1]}"
            f"{f', or {UNLIMITED} for no limit' if has_no_limit else ''}."
        )
    return {
        field: params[field] for field in (*RANGES, "report_batch_item_failures", "enabled", "tags")
    }


def _find(client: LambdaClient, function: str, queue_arn: str) -> Mapping | None:
    """Return the mapping of the queue to the function.

    All mappings of the region are looked at, since AWS refuses the name of a function that is gone.
    """
    pages = client.get_paginator("list_event_source_mappings").paginate()
    mappings = (mapping for page in pages for mapping in page["EventSourceMappings"])
    ours = (
        mapping
        for mapping in mappings
        if mapping.get("EventSourceArn") == queue_arn
        and mapping["FunctionArn"].endswith(f":function:{function}")
        and mapping["State"] != "Deleting"
    )
    return next(ours, None)


@aws_call("read the mapping of {1} to Lambda function {0}")
def read_mapping(client: LambdaClient, function: str, queue_arn: str) -> Model | None:
    """Return the model of the mapping of the queue to the function; `None` if there is none."""
    mapping = _find(client, function, queue_arn)
    if mapping is None:
        return None
    scaling = mapping.get("ScalingConfig", {})
    return {
        **{field: mapping.get(member, unset) for field, (member, unset) in MEMBERS.items()},
        "maximum_concurrency": scaling.get("MaximumConcurrency", UNLIMITED),
        "report_batch_item_failures": PARTIAL_FAILURES in mapping.get("FunctionResponseTypes", []),
        "enabled": mapping["State"] not in {"Disabled", "Disabling"},
        "tags": own_tags(client.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]),
        "arn": mapping["EventSourceMappingArn"],
    }


def apply_mapping(
    client: LambdaClient, plan: Plan, function: str, queue_arn: str, timeout_seconds: float
) -> None:
    """Carry out the plan of the mapping of the queue to the function.

    Raises:
        ReconcileError: the function does not exist.
    """
    if plan.before is None:
        _create(client, plan, function, queue_arn, timeout_seconds)
        return
    uuid = plan.before["arn"].rsplit(":", 1)[1]
    if plan.after is None:
        delete_mapping(client, plan.name, uuid, timeout_seconds)
        return
    change = _request({field: value for field, value in plan.after.items() if plan.changes(field)})
    if change:
        _update(client, plan.name, uuid, change, timeout_seconds)
    if plan.changes("tags"):
        tag_mapping(client, plan, plan.before["arn"])


def _request(fields: Model) -> dict[str, Any]:
    """Return the members of a request that set `fields`."""
    request = {MEMBERS[field][0]: value for field, value in fields.items() if field in MEMBERS}
    if "maximum_concurrency" in fields:
        limit = fields["maximum_concurrency"]
        request["ScalingConfig"] = {} if limit == UNLIMITED else {"MaximumConcurrency": limit}
    if "report_batch_item_failures" in fields:
        types = [PARTIAL_FAILURES] if fields["report_batch_item_failures"] else []
        request["FunctionResponseTypes"] = types
    if "enabled" in fields:
        request["Enabled"] = fields["enabled"]
    return request


@aws_call("create the mapping {0.name}")
def _create(
    client: LambdaClient,
    plan: Plan,
    function: str,
    queue_arn: str,
    timeout_seconds: float,
) -> None:
    after = plan.after or {}
    created: list[str] = []

    def create() -> None:
        mapping = client.create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=queue_arn,
            Tags=after.get("tags", {}),
            **_request(after),
        )
        created.append(mapping["UUID"])

    try:
        when_role_is_ready(create, f"role of function {function}", timeout_seconds)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise ReconcileError(
                f"Lambda function {function} does not exist. Deploy it with lambda_functions "
                "before its mapping."
            ) from error
        raise
    wait_until_settled(client, plan.name, created[0], timeout_seconds, is_new=True)


@aws_call("update the mapping {0}")
def _update(
    client: LambdaClient, name: str, uuid: str, request: dict[str, Any], timeout_seconds: float
) -> None:
    wait_until_settled(client, name, uuid, timeout_seconds)
    client.update_event_source_mapping(UUID=uuid, **request)
    wait_until_settled(client, name, uuid, timeout_seconds)

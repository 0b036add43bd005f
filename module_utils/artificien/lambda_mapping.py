"""The mapping of a DynamoDB table's stream to a Lambda function: models, plans and the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    error_code,
    none_if_missing,
    own_tags,
)
from ansible.module_utils.artificien.lambda_event_source import (
    PARTIAL_FAILURES,
    delete_mapping,
    tag_mapping,
    wait_until_settled,
)
from ansible.module_utils.artificien.lambda_function import when_role_is_ready
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef as Mapping

NO_LIMIT = -1
NOT_YET = "to be made with the table"

# Member of the API by field, and what AWS means where it leaves the member out.
MEMBERS = {
    "batch_size": ("BatchSize", 100),
    "batching_window_seconds": ("MaximumBatchingWindowInSeconds", 0),
    "parallelization_factor": ("ParallelizationFactor", 1),
    "maximum_retry_attempts": ("MaximumRetryAttempts", NO_LIMIT),
    "maximum_record_age_seconds": ("MaximumRecordAgeInSeconds", NO_LIMIT),
    "bisect_on_error": ("BisectBatchOnFunctionError", False),
}
RANGES = {
    "batch_size": range(1, 10_001),
    "batching_window_seconds": range(301),
    "parallelization_factor": range(1, 11),
    "maximum_retry_attempts": range(10_001),
    "maximum_record_age_seconds": range(60, 604_801),
}


def desired_mapping(params: dict[str, Any], stream: str | None) -> Model:
    """Turn the module's options into a model that reads `stream`, or one that does not exist yet.

    Raises:
        ReconcileError: AWS would refuse a value.
    """
    for field, allowed in RANGES.items():
        value, has_no_limit = params[field], field.startswith("maximum_")
        if value is None or value in allowed or (has_no_limit and value == NO_LIMIT):
            continue
        raise ReconcileError(
            f"{field} is {value}; give {allowed[0]} to {allowed[-1]}"
            f"{f', or {NO_LIMIT} for no limit' if has_no_limit else ''}."
        )
    destination = params["on_failure_destination"]
    if destination is not None and not destination.startswith("arn:"):
        raise ReconcileError(
            f"on_failure_destination is {destination!r}; give the ARN of an SQS queue or an SNS "
            "topic, or leave the option out."
        )
    fields = [*MEMBERS, "starting_position", "report_batch_item_failures", "enabled", "tags"]
    return {
        **{field: params[field] for field in fields},
        "on_failure_destination": destination,
        "stream": stream or NOT_YET,
        "older_streams": [],
    }


@aws_call("read the stream of DynamoDB table {0}")
@none_if_missing("ResourceNotFoundException")
def read_stream(client: DynamoDBClient, table: str) -> str | None:
    """Return the ARN of the stream that the table writes to; `None` if it has none."""
    description = client.describe_table(TableName=table)["Table"]
    # A stream that was turned off stays the latest one for a day.
    if not description.get("StreamSpecification", {}).get("StreamEnabled"):
        return None
    return description.get("LatestStreamArn")


@aws_call("list the stream mappings of Lambda function {0}")
def list_mappings(client: LambdaClient, function: str, table: str) -> list[Mapping]:
    """Return the mappings of the table's streams, old and new, to the function, by stream.

    All mappings of the region are looked at, since AWS lists those of a function that is gone
    in no other way.
    """
    mappings = [
        mapping
        for page in client.get_paginator("list_event_source_mappings").paginate()
        for mapping in page["EventSourceMappings"]
        if f":table/{table}/stream/" in mapping.get("EventSourceArn", "")
        and mapping["FunctionArn"].endswith(f":function:{function}")
        and mapping["State"] != "Deleting"
    ]
    return sorted(mappings, key=lambda mapping: mapping["EventSourceArn"])


@aws_call("read the stream mapping")
def read_mapping(
    client: LambdaClient, mappings: Sequence[Mapping], stream: str | None
) -> Model | None:
    """Return the model of the mapping of `stream`, or of the newest older stream if it has none.

    Raises:
        ReconcileError: several mappings read `stream`.
    """
    if not mappings:
        return None
    same = [mapping for mapping in mappings if mapping["EventSourceArn"] == stream]
    if len(same) > 1:
        raise ReconcileError(
            f"{len(same)} mappings deliver {stream} to the same function: "
            f"{', '.join(mapping['UUID'] for mapping in same)}. Delete all but one of them."
        )
    mapping = mappings[-1]  # streams are named by their time, and the table's latest is last
    destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return {
        **{field: mapping.get(member, unset) for field, (member, unset) in MEMBERS.items()},
        "starting_position": mapping.get("StartingPosition"),
        "report_batch_item_failures": PARTIAL_FAILURES in mapping.get("FunctionResponseTypes", []),
        "on_failure_destination": destination,
        "enabled": mapping["State"] not in {"Disabled", "Disabling"},
        "tags": own_tags(client.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]),
        "stream": mapping["EventSourceArn"],
        "older_streams": [
            other["EventSourceArn"] for other in mappings if other["UUID"] != mapping["UUID"]
        ],
    }


def plan_mapping(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a mapping; of another stream than the present one it will be a new mapping."""
    if current is not None and current["stream"] == desired["stream"]:
        # It says where the first reading began, and has no meaning afterwards.
        desired = desired | {"starting_position": None}
    return make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])


def apply_mapping(
    client: LambdaClient, plan: Plan, function: str, table: str, timeout_seconds: float
) -> None:
    """Carry out the plan of the mapping of `table` to `function`.

    Raises:
        ReconcileError: the stream or the function does not exist.
    """
    after = plan.after
    mappings = list_mappings(client, function, table)
    if after is not None:
        if after["stream"] == NOT_YET:
            raise ReconcileError(
                f"Table {table} does not exist or has no stream. Deploy it with a stream (option "
                "stream of dynamodb_tables) before its mapping."
            )
        if plan.changes("stream"):
            _create(client, plan.name, function, after, timeout_seconds)
        else:
            mapping = next(item for item in mappings if item["EventSourceArn"] == after["stream"])
            _update(client, plan, mapping, timeout_seconds)
    for mapping in mappings:
        if after is None or mapping["EventSourceArn"] != after["stream"]:
            delete_mapping(client, plan.name, mapping["UUID"], timeout_seconds)


def _request(fields: Model) -> dict[str, Any]:
    """Return the members of a request that set `fields`, as far as they can be changed."""
    request = {MEMBERS[field][0]: value for field, value in fields.items() if field in MEMBERS}
    if "report_batch_item_failures" in fields:
        types = [PARTIAL_FAILURES] if fields["report_batch_item_failures"] else []
        request["FunctionResponseTypes"] = types
    if fields.get("on_failure_destination"):
        request["DestinationConfig"] = {
            "OnFailure": {"Destination": fields["on_failure_destination"]}
        }
    if "enabled" in fields:
        request["Enabled"] = fields["enabled"]
    return request


@aws_call("create the stream mapping {0}")
def _create(
    client: LambdaClient, name: str, function: str, after: Model, timeout_seconds: float
) -> None:
    created: list[str] = []

    def create() -> None:
        mapping = client.create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=after["stream"],
            StartingPosition=after["starting_position"],
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
    wait_until_settled(client, name, created[0], timeout_seconds, is_new=True)


@aws_call("update the stream mapping {0.name}")
def _update(client: LambdaClient, plan: Plan, mapping: Mapping, timeout_seconds: float) -> None:
    after = plan.after or {}
    change = _request({field: value for field, value in after.items() if plan.changes(field)})
    if change:
        wait_until_settled(client, plan.name, mapping["UUID"], timeout_seconds)
        when_role_is_ready(
            lambda: client.update_event_source_mapping(UUID=mapping["UUID"], **change),
            f"role of function {mapping['FunctionArn']}",
            timeout_seconds,
        )
        wait_until_settled(client, plan.name, mapping["UUID"], timeout_seconds)
    if plan.changes("tags"):
        tag_mapping(client, plan, mapping["EventSourceMappingArn"])

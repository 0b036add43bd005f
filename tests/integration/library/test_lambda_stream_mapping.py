"""`lambda_stream_mapping` against the emulator."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

FUNCTION = "count-of-run"
TABLE = "orders_mapped_of_run"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed-of-run"
ROLE = "arn:aws:iam::000000000000:role/count-of-run"
OPTIONS: dict[str, Any] = {
    "function_name": FUNCTION,
    "table_name": TABLE,
    "batch_size": 1,
    "batching_window_seconds": 1,
    "maximum_retry_attempts": 5,
    "maximum_record_age_seconds": 3600,
    "bisect_on_error": True,
    "report_batch_item_failures": True,
    "on_failure_destination": QUEUE,
    "tags": {"owner": "shop"},
}
# Without boto3, which AWS's runtime has and the emulator's need not have.
HANDLER = """
def handle(event, context):
    for record in event["Records"]:
        record["dynamodb"]["NewImage"]["id"]
"""
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


@pytest.fixture(autouse=True)
def _nothing_left(cloud: Cloud) -> Iterator[None]:
    functions, iam, tables = (cloud.client(name) for name in ("lambda", "iam", "dynamodb"))

    def clean() -> None:
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["FunctionArn"].endswith(FUNCTION):
                functions.delete_event_source_mapping(UUID=mapping["UUID"])
        if any(f["FunctionName"] == FUNCTION for f in functions.list_functions()["Functions"]):
            functions.delete_function(FunctionName=FUNCTION)
        if any(role["RoleName"] == FUNCTION for role in iam.list_roles()["Roles"]):
            iam.delete_role(RoleName=FUNCTION)
        if TABLE in tables.list_tables()["TableNames"]:
            tables.delete_table(TableName=TABLE)

    clean()
    yield
    clean()


def make_table(cloud: Cloud) -> str:
    """Create the table and return the ARN of its stream."""
    table = cloud.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(table["TableDescription"]["LatestStreamArn"])


def make_function(cloud: Cloud) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    cloud.client("iam").create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=trust)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("count.py", HANDLER)
    cloud.client("lambda").create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Handler="count.handle",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": code.getvalue()},
    )


def mappings(cloud: Cloud) -> list[dict[str, Any]]:
    found = cloud.client("lambda").list_event_source_mappings(FunctionName=FUNCTION)
    return list(found["EventSourceMappings"])


def put_and_deliver(cloud: Cloud) -> None:
    """Put an item and wait until the function has accepted it."""
    cloud.client("dynamodb").put_item(TableName=TABLE, Item={"id": {"S": "1"}})
    deadline = time.monotonic() + 20
    while (result := mappings(cloud)[0]["LastProcessingResult"]) != "OK - 1 records":
        assert time.monotonic() < deadline, result
        time.sleep(0.1)


def test_a_mapping_is_created_once_delivers_and_is_deleted_once(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    stream = make_table(cloud)
    make_function(cloud)
    first = run_module.four_runs("lambda_stream_mapping", **OPTIONS)
    assert first["mapping"]["stream"] == stream
    (made,) = mappings(cloud)
    assert made["EventSourceArn"] == stream
    assert made["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}
    assert made["MaximumRetryAttempts"] == 5
    put_and_deliver(cloud)
    names = {"function_name": FUNCTION, "table_name": TABLE}
    run_module.gone_twice("lambda_stream_mapping", **names)
    assert mappings(cloud) == []


def test_a_mapping_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    make_table(cloud)
    make_function(cloud)
    run_module("lambda_stream_mapping", **OPTIONS)
    (before,) = mappings(cloud)
    changed = {
        "function_name": FUNCTION,
        "table_name": TABLE,
        "batch_size": 10,
        "maximum_record_age_seconds": -1,
        "report_batch_item_failures": False,
        "enabled": False,
        "starting_position": "LATEST",
        "tags": {"owner": "web"},
    }
    run_module.four_runs("lambda_stream_mapping", **changed)
    (after,) = mappings(cloud)
    assert after["UUID"] == before["UUID"]
    assert after["State"] == "Disabled"
    assert after["FunctionResponseTypes"] == []
    assert after["MaximumRetryAttempts"] == 5


def test_the_mapping_follows_a_table_that_was_created_again(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    old = make_table(cloud)
    make_function(cloud)
    run_module("lambda_stream_mapping", **OPTIONS)
    cloud.client("dynamodb").delete_table(TableName=TABLE)
    gone = run_module("lambda_stream_mapping", check=True, **OPTIONS)
    assert gone["changed"] is True
    new = make_table(cloud)
    replaced = run_module.four_runs("lambda_stream_mapping", **OPTIONS)
    name = f"{TABLE} to {FUNCTION}"
    assert replaced["diff"]["before"][name]["stream"] == old
    assert replaced["diff"]["after"][name]["stream"] == new
    assert [mapping["EventSourceArn"] for mapping in mappings(cloud)] == [new]
    put_and_deliver(cloud)


def test_what_is_not_there_is_planned_and_then_refused_with_the_remedy(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    assert run_module("lambda_stream_mapping", check=True, **OPTIONS)["changed"] is True
    failed = run_module("lambda_stream_mapping", fails=True, **OPTIONS)
    assert f"Table {TABLE} does not exist or has no stream" in failed["msg"]
    make_table(cloud)
    assert run_module("lambda_stream_mapping", check=True, **OPTIONS)["changed"] is True
    failed = run_module("lambda_stream_mapping", fails=True, **OPTIONS)
    assert f"Lambda function {FUNCTION} does not exist" in failed["msg"]

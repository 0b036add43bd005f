"""`lambda_queue_mapping` against the emulator."""

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

NAME = "send-of-run"
ROLE = f"arn:aws:iam::000000000000:role/{NAME}"
QUEUE = f"arn:aws:sqs:us-east-1:000000000000:{NAME}"
OPTIONS: dict[str, Any] = {
    "function_name": NAME,
    "queue_arn": QUEUE,
    "batch_size": 1,
    "report_batch_item_failures": True,
    "tags": {"owner": "shop"},
}
HANDLER = """
def handle(event, context):
    return {"batchItemFailures": []}
"""
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


@pytest.fixture(autouse=True)
def _nothing_left(cloud: Cloud) -> Iterator[None]:
    functions, iam, queues = (cloud.client(name) for name in ("lambda", "iam", "sqs"))

    def clean() -> None:
        for mapping in mappings(cloud):
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
        if any(f["FunctionName"] == NAME for f in functions.list_functions()["Functions"]):
            functions.delete_function(FunctionName=NAME)
        if any(role["RoleName"] == NAME for role in iam.list_roles()["Roles"]):
            iam.delete_role(RoleName=NAME)
        for url in queues.list_queues(QueueNamePrefix=NAME).get("QueueUrls", []):
            queues.delete_queue(QueueUrl=url)

    clean()
    yield
    clean()


def make_function(cloud: Cloud) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    cloud.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("send.py", HANDLER)
    cloud.client("lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Handler="send.handle",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": code.getvalue()},
    )


def mappings(cloud: Cloud) -> list[dict[str, Any]]:
    found = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return [mapping for mapping in found if mapping["EventSourceArn"] == QUEUE]


def send_and_deliver(cloud: Cloud, url: str) -> None:
    """Send a message and wait until the function has accepted it."""
    queues = cloud.client("sqs")
    queues.send_message(QueueUrl=url, MessageBody="tea")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + 20
    while True:
        left = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if set(left.values()) == {"0"}:
            return
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_a_mapping_is_created_once_delivers_and_is_deleted_once(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    assert run_module("lambda_queue_mapping", check=True, **OPTIONS)["changed"] is True
    url = cloud.client("sqs").create_queue(QueueName=NAME)["QueueUrl"]
    make_function(cloud)
    run_module.four_runs("lambda_queue_mapping", **OPTIONS)
    (made,) = mappings(cloud)
    assert (made["BatchSize"], made["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])
    send_and_deliver(cloud, url)
    cloud.client("lambda").delete_function(FunctionName=NAME)
    names = {"function_name": NAME, "queue_arn": QUEUE}
    run_module.gone_twice("lambda_queue_mapping", **names)
    assert mappings(cloud) == []


def test_a_mapping_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    cloud.client("sqs").create_queue(QueueName=NAME)
    make_function(cloud)
    run_module("lambda_queue_mapping", **OPTIONS)
    (before,) = mappings(cloud)
    changed = OPTIONS | {"batch_size": 5, "enabled": False, "tags": {"owner": "web"}}
    run_module.four_runs("lambda_queue_mapping", **changed)
    (after,) = mappings(cloud)
    assert after["UUID"] == before["UUID"]
    assert (after["BatchSize"], after["State"]) == (5, "Disabled")


def test_a_missing_function_is_an_error(cloud: Cloud, run_module: ModuleRunner) -> None:
    cloud.client("sqs").create_queue(QueueName=NAME)
    failed = run_module("lambda_queue_mapping", fails=True, **OPTIONS)
    assert f"Lambda function {NAME} does not exist" in failed["msg"]

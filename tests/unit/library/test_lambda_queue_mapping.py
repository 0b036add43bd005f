"""`lambda_queue_mapping` without AWS: models, plans, and the exact calls of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.lambda_queue import (
    apply_mapping,
    desired_mapping,
    read_mapping,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.lambda_queue_mapping import plan_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    type Stubbed = Callable[[str], tuple[Any, Stubber]]

QUEUE = "arn:aws:sqs:us-east-1:111122223333:orders"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:send"
UUID = "11111111-1111-1111-1111-111111111111"
ARN = f"arn:aws:lambda:us-east-1:111122223333:event-source-mapping:{UUID}"
NAME = f"{QUEUE} to send"
OPTIONS: dict[str, Any] = {
    "function_name": "send",
    "queue_arn": QUEUE,
    "batch_size": None,
    "batching_window_seconds": None,
    "maximum_concurrency": None,
    "report_batch_item_failures": None,
    "enabled": None,
    "tags": None,
    "purge_tags": True,
    "state": "present",
}


def model(**fields: Any) -> dict[str, Any]:
    """Return a mapping's model with `fields` changed."""
    return {
        "batch_size": 10,
        "batching_window_seconds": 0,
        "maximum_concurrency": -1,
        "report_batch_item_failures": False,
        "enabled": True,
        "tags": {},
        "arn": ARN,
    } | fields


def mapping(**fields: Any) -> dict[str, Any]:
    """Return what Lambda answers for `model()`."""
    return {
        "UUID": UUID,
        "EventSourceMappingArn": ARN,
        "EventSourceArn": QUEUE,
        "FunctionArn": FUNCTION,
        "State": "Enabled",
        "BatchSize": 10,
    } | fields


def add_mappings(stubber: Stubber, *mappings: dict[str, Any]) -> None:
    """Make the account answer with mappings, each on its own page."""
    for number, found in enumerate(mappings):
        last = number == len(mappings) - 1
        answer = {"EventSourceMappings": [found]} | ({} if last else {"NextMarker": str(number)})
        stubber.add_response(
            "list_event_source_mappings", answer, {"Marker": str(number - 1)} if number else {}
        )


def add_state(stubber: Stubber, state: str) -> None:
    stubber.add_response("get_event_source_mapping", {"State": state}, {"UUID": UUID})


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({}, model(tags={"a": "1"})),
        ({"batch_size": 1, "tags": {"b": "2"}}, model(batch_size=1, tags={"b": "2"})),
        ({"tags": {"b": "2"}, "purge_tags": False}, model(tags={"a": "1", "b": "2"})),
        ({"state": "absent"}, None),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Stubbed, wanted: dict[str, Any], after: dict[str, Any] | None
) -> None:
    client, stubber = stubbed("lambda")
    add_mappings(stubber, mapping())
    stubber.add_response("list_tags", {"Tags": {"a": "1", "aws:x": "y"}}, {"Resource": ARN})
    plan = plan_mapping(client, OPTIONS | wanted)
    assert plan == Plan(NAME, model(tags={"a": "1"}), after)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"batch_size": 0}, r"batch_size is 0; give 1 to 10000\."),
        ({"batching_window_seconds": 301}, r"give 0 to 300\."),
        ({"maximum_concurrency": 1}, r"give 2 to 1000, or -1 for no limit\."),
    ],
)
def test_what_aws_would_refuse_is_refused_before(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ReconcileError, match=words):
        desired_mapping(OPTIONS | fields)


def test_read_finds_the_mapping_of_this_queue_to_this_function(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    add_mappings(
        stubber,
        mapping(EventSourceArn=f"{QUEUE}-old"),
        mapping(FunctionArn=FUNCTION.replace("send", "re-send")),
        mapping(State="Deleting"),
        {"UUID": UUID, "FunctionArn": FUNCTION, "State": "Enabled"},
        mapping(
            State="Disabling",
            ScalingConfig={"MaximumConcurrency": 2},
            FunctionResponseTypes=["ReportBatchItemFailures"],
        ),
    )
    stubber.add_response("list_tags", {"Tags": {}}, {"Resource": ARN})
    assert read_mapping(client, "send", QUEUE) == model(
        maximum_concurrency=2, report_batch_item_failures=True, enabled=False
    )
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": []}, {})
    assert read_mapping(client, "send", QUEUE) is None
    stubber.add_client_error("list_event_source_mappings", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"read the mapping of {QUEUE} to Lambda function send: Acc"):
        read_mapping(client, "send", QUEUE)


def test_a_new_mapping_waits_for_its_role(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    refusal = "The function execution role does not have permissions to call ReceiveMessage on SQS"
    stubber.add_client_error(
        "create_event_source_mapping", "InvalidParameterValueException", refusal
    )
    stubber.add_response(
        "create_event_source_mapping",
        {"UUID": UUID},
        {
            "FunctionName": "send",
            "EventSourceArn": QUEUE,
            "BatchSize": 1,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 5},
            "Tags": {"a": "1"},
        },
    )
    stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    add_state(stubber, "Creating")
    add_state(stubber, "Enabled")
    after = {
        "batch_size": 1,
        "report_batch_item_failures": True,
        "maximum_concurrency": 5,
        "tags": {"a": "1"},
    }
    apply_mapping(client, Plan(NAME, None, after), "send", QUEUE, timeout_seconds=9)


def test_a_mapping_of_a_missing_function_tells_the_remedy(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_client_error("create_event_source_mapping", "ResourceNotFoundException")
    with pytest.raises(ReconcileError, match="send does not exist"):
        apply_mapping(client, Plan(NAME, None, {}), "send", QUEUE, timeout_seconds=0)


def test_an_update_is_one_call_between_two_waits(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    add_state(stubber, "Enabled")
    change = {"ScalingConfig": {}, "FunctionResponseTypes": [], "Enabled": False}
    stubber.add_response("update_event_source_mapping", {}, {"UUID": UUID} | change)
    add_state(stubber, "Disabled")
    stubber.add_response("untag_resource", {}, {"Resource": ARN, "TagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"Resource": ARN, "Tags": {"b": "2"}})
    before = model(maximum_concurrency=5, report_batch_item_failures=True, tags={"a": "1"})
    after = model(enabled=False, tags={"b": "2"})
    apply_mapping(client, Plan(NAME, before, after), "send", QUEUE, timeout_seconds=0)


def test_a_deleted_mapping_is_waited_for(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    add_state(stubber, "Enabled")
    stubber.add_response("delete_event_source_mapping", {}, {"UUID": UUID})
    add_state(stubber, "Deleting")
    stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    apply_mapping(client, Plan(NAME, model(), None), "send", QUEUE, timeout_seconds=9)

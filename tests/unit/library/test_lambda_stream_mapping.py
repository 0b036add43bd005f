"""`lambda_stream_mapping` without AWS: plans as tables, and the exact calls of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.lambda_mapping import (
    NOT_YET,
    apply_mapping,
    desired_mapping,
    list_mappings,
    plan_mapping,
    read_mapping,
    read_stream,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/orders"
OLD, NEW = f"{TABLE}/stream/2026-01-01T00:00:00.000", f"{TABLE}/stream/2026-02-02T00:00:00.000"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:count"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:failed"
NAME = "orders to count"


def uuid(digit: int) -> str:
    return "-".join(str(digit) * length for length in (8, 4, 4, 4, 12))


def arn(digit: int) -> str:
    return f"arn:aws:lambda:us-east-1:111122223333:event-source-mapping:{uuid(digit)}"


def model(**fields: Any) -> dict[str, Any]:
    """Return a mapping's model with `fields` changed."""
    base: dict[str, Any] = {
        "batch_size": 100,
        "batching_window_seconds": 0,
        "parallelization_factor": 1,
        "maximum_retry_attempts": -1,
        "maximum_record_age_seconds": -1,
        "bisect_on_error": False,
        "starting_position": "TRIM_HORIZON",
        "report_batch_item_failures": False,
        "on_failure_destination": None,
        "enabled": True,
        "tags": {},
        "stream": NEW,
        "older_streams": [],
    }
    return base | fields


def options(**fields: Any) -> dict[str, Any]:
    """Return the module's options with `fields` set."""
    return dict.fromkeys(model()) | {"starting_position": "TRIM_HORIZON"} | fields


def mapping(digit: int = 1, stream: str = NEW, **fields: Any) -> dict[str, Any]:
    """Return what Lambda answers for `model()`."""
    base = {
        "UUID": uuid(digit),
        "EventSourceMappingArn": arn(digit),
        "EventSourceArn": stream,
        "FunctionArn": FUNCTION,
        "State": "Enabled",
        "StartingPosition": "TRIM_HORIZON",
    }
    return base | fields


@pytest.mark.parametrize(
    ("current", "desired", "action"),
    [
        (None, desired_mapping(options(), NEW), "create"),
        (None, desired_mapping(options(), None), "create"),
        (model(), desired_mapping(options(), NEW), "none"),
        (model(), desired_mapping(options(starting_position="LATEST"), NEW), "none"),
        (model(), desired_mapping(options(batch_size=1), NEW), "update"),
        (model(stream=OLD), desired_mapping(options(), NEW), "update"),
        (model(stream=OLD), desired_mapping(options(), None), "update"),
        (model(older_streams=[OLD]), desired_mapping(options(), NEW), "update"),
    ],
)
def test_plan(current: dict[str, Any] | None, desired: dict[str, Any], action: str) -> None:
    assert plan_mapping(NAME, current, desired, purge_tags=True).action == action


def test_a_replaced_mapping_keeps_what_is_not_wanted_otherwise() -> None:
    current = model(stream=OLD, batch_size=7, starting_position="LATEST")
    desired = desired_mapping(options(bisect_on_error=True), NEW)
    plan = plan_mapping(NAME, current, desired, purge_tags=True)
    assert plan.after == model(batch_size=7, bisect_on_error=True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"batch_size": 0}, "batch_size is 0; give 1 to 10000."),
        ({"batching_window_seconds": 301}, "give 0 to 300."),
        ({"parallelization_factor": 11}, "give 1 to 10."),
        ({"maximum_retry_attempts": -2}, "give 0 to 10000, or -1 for no limit."),
        ({"maximum_record_age_seconds": 59}, "give 60 to 604800, or -1 for no limit."),
        ({"on_failure_destination": "failed"}, "give the ARN of an SQS queue"),
    ],
)
def test_what_aws_would_refuse_is_refused_before(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ReconcileError, match=words.replace(".", r"\.")):
        desired_mapping(options(**fields), NEW)


@pytest.mark.parametrize(
    ("table", "stream"),
    [
        ({"StreamSpecification": {"StreamEnabled": True}, "LatestStreamArn": NEW}, NEW),
        ({"LatestStreamArn": NEW}, None),
        ({}, None),
    ],
)
def test_a_stream_counts_while_the_table_writes_to_it(
    stubbed: Callable[[str], tuple[Any, Stubber]], table: dict[str, Any], stream: str | None
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", {"Table": table}, {"TableName": "orders"})
    assert read_stream(client, "orders") == stream


def test_a_missing_table_has_no_stream(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    assert read_stream(client, "orders") is None


def test_mappings_of_other_functions_and_tables_are_left_out(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    others = [
        mapping(2, FunctionArn=f"{FUNCTION}:alias"),
        mapping(3, FunctionArn=FUNCTION.replace("count", "discount")),
        mapping(4, stream=NEW.replace("orders", "preorders")),
        mapping(5, State="Deleting"),
        mapping(6, stream=QUEUE),
    ]
    page = {"EventSourceMappings": [mapping(), *others], "NextMarker": "more"}
    stubber.add_response("list_event_source_mappings", page, {})
    last = {"EventSourceMappings": [mapping(7, stream=OLD)]}
    stubber.add_response("list_event_source_mappings", last, {"Marker": "more"})
    found = list_mappings(client, "count", "orders")
    assert [item["UUID"] for item in found] == [uuid(7), uuid(1)]


def test_read_gives_the_words_of_the_options(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    full: Any = mapping(
        BatchSize=10,
        MaximumBatchingWindowInSeconds=1,
        ParallelizationFactor=2,
        MaximumRetryAttempts=5,
        MaximumRecordAgeInSeconds=60,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": QUEUE}},
        State="Disabling",
    )
    tags = {"a": "1", "aws:cloudformation:stack-name": "mall"}
    stubber.add_response("list_tags", {"Tags": tags}, {"Resource": arn(1)})
    assert read_mapping(client, [full], NEW) == model(
        batch_size=10,
        batching_window_seconds=1,
        parallelization_factor=2,
        maximum_retry_attempts=5,
        maximum_record_age_seconds=60,
        bisect_on_error=True,
        report_batch_item_failures=True,
        on_failure_destination=QUEUE,
        enabled=False,
        tags={"a": "1"},
    )


def test_the_present_stream_goes_before_older_ones(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    both: Any = [mapping(2, stream=OLD), mapping(1)]
    stubber.add_response("list_tags", {"Tags": {}}, {"Resource": arn(1)})
    assert read_mapping(client, both, NEW) == model(older_streams=[OLD])
    stubber.add_response("list_tags", {"Tags": {}}, {"Resource": arn(2)})
    assert read_mapping(client, both[:1], NEW) == model(stream=OLD)
    assert read_mapping(client, [], NEW) is None


def test_several_mappings_of_the_stream_are_refused(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, _ = stubbed("lambda")
    twins: Any = [mapping(1), mapping(2)]
    with pytest.raises(ReconcileError, match="Delete all but one"):
        read_mapping(client, twins, NEW)


def test_a_mapping_is_created_once_the_role_may_read(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": []})
    stubber.add_client_error(
        "create_event_source_mapping",
        "InvalidParameterValueException",
        "Cannot access stream. Please ensure the role can perform the GetRecords actions.",
    )
    stubber.add_response(
        "create_event_source_mapping",
        mapping(State="Creating"),
        {
            "FunctionName": "count",
            "EventSourceArn": NEW,
            "StartingPosition": "LATEST",
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
            "Enabled": False,
            "Tags": {"a": "1"},
        },
    )
    for state in ("Creating", "Disabled"):
        stubber.add_response("get_event_source_mapping", mapping(State=state), {"UUID": uuid(1)})
    desired = desired_mapping(
        options(
            starting_position="LATEST",
            batch_size=10,
            report_batch_item_failures=True,
            on_failure_destination=QUEUE,
            enabled=False,
            tags={"a": "1"},
        ),
        NEW,
    )
    plan = plan_mapping(NAME, None, desired, purge_tags=True)
    apply_mapping(client, plan, "count", "orders", timeout_seconds=9)


def test_only_what_differs_is_updated_and_only_when_aws_is_idle(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping()]})
    for state in ("Updating", "Enabled"):
        stubber.add_response("get_event_source_mapping", mapping(State=state))
    stubber.add_response(
        "update_event_source_mapping",
        mapping(),
        {"UUID": uuid(1), "MaximumRetryAttempts": 5, "FunctionResponseTypes": []},
    )
    for state in ("Updating", "Enabled"):
        stubber.add_response("get_event_source_mapping", mapping(State=state))
    stubber.add_response("untag_resource", {}, {"Resource": arn(1), "TagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"Resource": arn(1), "Tags": {"b": "2"}})
    before = model(report_batch_item_failures=True, tags={"a": "1"})
    after = model(maximum_retry_attempts=5, tags={"b": "2"})
    apply_mapping(client, Plan(NAME, before, after), "count", "orders", timeout_seconds=9)


def test_an_update_waits_until_the_role_may_do_what_it_needs(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping()]})
    stubber.add_response("get_event_source_mapping", mapping())
    change = {"UUID": uuid(1), "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
    stubber.add_client_error(
        "update_event_source_mapping",
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call SendMessage on SQS",
        expected_params=change,
    )
    stubber.add_response("update_event_source_mapping", mapping(), change)
    stubber.add_response("get_event_source_mapping", mapping())
    plan = Plan(NAME, model(), model(on_failure_destination=QUEUE))
    apply_mapping(client, plan, "count", "orders", timeout_seconds=9)


def test_other_refusals_of_an_update_are_final(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping()]})
    stubber.add_response("get_event_source_mapping", mapping())
    stubber.add_client_error(
        "update_event_source_mapping", "InvalidParameterValueException", "bad size"
    )
    with pytest.raises(AwsError, match=rf"update the stream mapping {NAME}: .*bad size"):
        apply_mapping(client, Plan(NAME, model(), model(batch_size=1)), "count", "orders", 9)


def test_a_new_mapping_may_not_be_visible_at_once(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": []})
    stubber.add_response("create_event_source_mapping", mapping(State="Creating"))
    stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    stubber.add_response("get_event_source_mapping", mapping(), {"UUID": uuid(1)})
    apply_mapping(client, Plan(NAME, None, model()), "count", "orders", timeout_seconds=9)


def test_a_mapping_that_goes_while_it_is_updated_is_not_waited_for(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping()]})
    stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        apply_mapping(client, Plan(NAME, model(), model(batch_size=1)), "count", "orders", 9)


def test_a_mapping_of_an_older_stream_is_replaced(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    listed = {"EventSourceMappings": [mapping(2, stream=OLD)]}
    stubber.add_response("list_event_source_mappings", listed)
    stubber.add_response("create_event_source_mapping", mapping())
    stubber.add_response("get_event_source_mapping", mapping(), {"UUID": uuid(1)})
    stubber.add_response("get_event_source_mapping", mapping(2), {"UUID": uuid(2)})
    stubber.add_response("delete_event_source_mapping", mapping(2), {"UUID": uuid(2)})
    stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    plan = Plan(NAME, model(stream=OLD), model())
    apply_mapping(client, plan, "count", "orders", timeout_seconds=9)


def test_all_mappings_of_the_table_are_deleted(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    both = {"EventSourceMappings": [mapping(1), mapping(2, stream=OLD)]}
    stubber.add_response("list_event_source_mappings", both)
    for digit in (2, 1):
        stubber.add_response("get_event_source_mapping", mapping(digit))
        stubber.add_response("delete_event_source_mapping", {}, {"UUID": uuid(digit)})
        stubber.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    plan = Plan(NAME, model(older_streams=[OLD]), None)
    apply_mapping(client, plan, "count", "orders", timeout_seconds=9)


def test_a_missing_stream_or_function_is_named_with_the_remedy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    none: dict[str, Any] = {"EventSourceMappings": []}
    stubber.add_response("list_event_source_mappings", none)
    with pytest.raises(ReconcileError, match="orders does not exist or has no stream"):
        apply_mapping(client, Plan(NAME, None, model(stream=NOT_YET)), "count", "orders", 9)
    stubber.add_response("list_event_source_mappings", none)
    stubber.add_client_error("create_event_source_mapping", "ResourceNotFoundException")
    with pytest.raises(ReconcileError, match=r"count does not exist\. Deploy it with"):
        apply_mapping(client, Plan(NAME, None, model()), "count", "orders", 9)


def test_waiting_ends_with_the_remedy(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping()]})
    stubber.add_response("get_event_source_mapping", mapping(State="Updating"))
    with pytest.raises(AwsError, match="run the playbook again"):
        apply_mapping(client, Plan(NAME, model(), model(batch_size=1)), "count", "orders", 0)

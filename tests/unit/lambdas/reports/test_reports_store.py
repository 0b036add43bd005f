"""The calls that the store makes, and how it takes the services' answers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from reports.logic import Figures, Sum
from reports.settings import Settings
from reports.store import Store, connect_secret

from tests.unit.lambdas.reports.fakes import FRESH

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

TABLE, QUEUE = "model_table", "https://queue"
KEY = {"model_id": {"S": "m"}}
MINUTE = 29_000_000
ITEM: dict[str, Any] = KEY | {
    "active_status": {"N": "1"},
    "percent_complete": {"N": "0"},
    "devices_trained_this_cycle": {"N": "0"},
    "loss_this_cycle": {"N": "-1"},
    "acc_this_cycle": {"N": "-1"},
}
TOTALS = Figures(Decimal("1.5"), Decimal("-2"))


class Stubs:
    """A store on two stubbed clients."""

    def __init__(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
        dynamodb, self.dynamodb = stubbed("dynamodb")
        sqs, self.sqs = stubbed("sqs")
        self.store = Store(dynamodb, sqs, table=TABLE, queue_url=QUEUE)

    def refuses(self) -> None:
        """Let the condition of an update fail."""
        self.dynamodb.add_client_error("update_item", "ConditionalCheckFailedException")

    def updates(self, expression: str, condition: str, **values: str) -> None:
        """Let a row be updated."""
        expected = {
            "TableName": TABLE,
            "Key": KEY,
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {
                f":{name}": {"N": value} for name, value in values.items()
            },
        }
        self.dynamodb.add_response("update_item", {}, expected)


@pytest.fixture
def stubs(stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch) -> Stubs:
    monkeypatch.setattr("time.time", lambda: MINUTE * 60 + 0.5)
    return Stubs(stubbed)


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({}, FRESH),
        (
            {
                "devices_trained_this_cycle": {"N": "2"},
                "loss_total": {"N": "1.5"},
                "acc_total": {"N": "-2"},
                "loss_minute": {"N": str(MINUTE)},
                "losses_in_minute": {"N": "7"},
            },
            replace(FRESH, count=2, totals=TOTALS, minute=MINUTE, minute_count=7),
        ),
        (
            {"percent_complete": {"N": "100"}, "retrieval_queued_at": {"N": "1"}},
            replace(FRESH, percent=100, queued=True),
        ),
        (
            {"active_status": {"S": "1"}, "percent_complete": {"S": "0"}},
            replace(FRESH, active=False, percent=-1),
        ),
    ],
)
def test_model(stubs: Stubs, changes: dict[str, Any], model: object) -> None:
    expected = {"TableName": TABLE, "Key": KEY, "ConsistentRead": True}
    stubs.dynamodb.add_response("get_item", {"Item": ITEM | changes}, expected)
    assert stubs.store.model("m") == model


def test_no_model(stubs: Stubs) -> None:
    stubs.dynamodb.add_response("get_item", {})
    assert stubs.store.model("m") is None


def added(condition: str, count: str, **values: str) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": (
            "SET loss_total = if_not_exists(loss_total, :loss_start) + :loss,"
            " acc_total = if_not_exists(acc_total, :acc_start) + :acc,"
            " devices_trained_this_cycle = if_not_exists(devices_trained_this_cycle, :zero) + :one,"
            f" loss_minute = :minute, losses_in_minute = {count}"
        ),
        "ConditionExpression": (
            f"active_status = :one AND percent_complete < :complete AND {condition}"
        ),
        "ExpressionAttributeValues": {
            f":{name}": {"N": value}
            for name, value in {
                "loss": "0.250000000000",
                "acc": "-1.000000000000",
                "zero": "0",
                "one": "1",
                "minute": str(MINUTE),
                "complete": "100",
                **values,
            }.items()
        },
        "ReturnValues": "UPDATED_NEW",
    }


ANSWER = {
    "Attributes": {
        "loss_total": {"N": "1.5"},
        "acc_total": {"N": "-2"},
        "devices_trained_this_cycle": {"N": "2"},
    }
}
REPORT = Figures.of_report(0.25, -1)


def test_the_first_report(stubs: Stubs) -> None:
    expected = added("attribute_not_exists(loss_minute)", ":one", loss_start="0", acc_start="0")
    stubs.dynamodb.add_response("update_item", ANSWER, expected)
    assert stubs.store.add("m", REPORT, FRESH, MINUTE) == Sum(TOTALS, 2)


@pytest.mark.parametrize(
    ("minute", "count"), [(MINUTE, "losses_in_minute + :one"), (MINUTE - 1, ":one")]
)
def test_a_later_report(stubs: Stubs, minute: int, count: str) -> None:
    seen = replace(FRESH, count=1, totals=TOTALS, minute=minute, minute_count=9)
    expected = added(
        "loss_minute = :seen", count, loss_start="1.5", acc_start="-2", seen=str(minute)
    )
    stubs.dynamodb.add_response("update_item", ANSWER, expected)
    assert stubs.store.add("m", REPORT, seen, MINUTE) == Sum(TOTALS, 2)


def test_a_report_to_a_model_without_totals(stubs: Stubs) -> None:
    seen = replace(FRESH, count=3, means=Figures(Decimal("0.4"), Decimal(-1)))
    expected = added("attribute_not_exists(loss_minute)", ":one", loss_start="1.2", acc_start="-3")
    stubs.dynamodb.add_response("update_item", ANSWER, expected)
    stubs.store.add("m", REPORT, seen, MINUTE)


def test_a_report_to_a_model_that_changed(stubs: Stubs) -> None:
    stubs.refuses()
    assert stubs.store.add("m", REPORT, FRESH, MINUTE) is None
    stubs.dynamodb.add_client_error("update_item", "ProvisionedThroughputExceededException")
    with pytest.raises(ClientError):
        stubs.store.add("m", REPORT, FRESH, MINUTE)


def test_means_are_written_for_their_sum_only(stubs: Stubs) -> None:
    stubs.updates(
        "SET loss_this_cycle = :loss, acc_this_cycle = :acc",
        "devices_trained_this_cycle = :count"
        " AND loss_total = :loss_total AND acc_total = :acc_total",
        loss="0.750000000000",
        acc="-1.000000000000",
        count="2",
        loss_total="1.5",
        acc_total="-2",
    )
    stubs.store.set_means("m", TOTALS.mean(2), Sum(TOTALS, 2))
    stubs.refuses()
    stubs.store.set_means("m", TOTALS.mean(2), Sum(TOTALS, 2))


def test_advance(stubs: Stubs) -> None:
    stubs.updates(
        "SET percent_complete = :percent, devices_trained_this_cycle = :zero,"
        " loss_total = :zero, acc_total = :zero",
        "attribute_exists(model_id)"
        " AND (attribute_not_exists(percent_complete) OR percent_complete < :percent)",
        percent="40",
        zero="0",
    )
    assert stubs.store.advance("m", 40) is True
    stubs.refuses()
    assert stubs.store.advance("m", 40) is False


def test_a_retrieval_is_queued_before_that_is_noted(stubs: Stubs) -> None:
    stubs.sqs.add_client_error("send_message", "AccessDenied")
    with pytest.raises(ClientError):
        stubs.store.queue_retrieval("m")
    expected = {"QueueUrl": QUEUE, "MessageBody": '{"model_id": "m"}'}
    stubs.sqs.add_response("send_message", {}, expected)
    stubs.updates(
        "SET retrieval_queued_at = :time",
        "percent_complete = :complete",
        complete="100",
        time=str(MINUTE * 60),
    )
    stubs.store.queue_retrieval("m")


def test_the_node_gets_its_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings = Settings(TABLE, QUEUE, "progress", 60, "INFO")
    config: Any = Store.connect(settings)._dynamodb.meta.config
    assert config.retries["mode"] == "standard"
    assert config.connect_timeout + config.read_timeout < 10
    assert connect_secret(settings)

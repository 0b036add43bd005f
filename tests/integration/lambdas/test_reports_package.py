"""The package of `reports` keeps every report, alone with the boto3 of the runtime."""

from __future__ import annotations

import json
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambdas.packages import Function, answered, post, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud

MODEL, NAME = "health-1.0-ada", "progress-of-reports"


@pytest.fixture
def table(cloud: Cloud) -> Iterator[Any]:
    """Return the table of models, with one as the notebook writes it."""
    table = cloud.resource("dynamodb").create_table(
        TableName="models-of-reports",
        KeySchema=[{"AttributeName": "model_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(
        Item={
            "model_id": MODEL,
            "active_status": 1,
            "version": "1.0",
            "dataset": "Artificien-Health",
            "date_submitted": "2026-01-31",
            "owner_name": "ada",
            "percent_complete": 0,
            "devices_trained_this_cycle": 0,
            "loss_this_cycle": -1,
            "acc_this_cycle": -1,
        }
    )
    yield table
    table.delete()


@pytest.fixture
def queue(cloud: Cloud) -> Iterator[Any]:
    """Return the queue of retrievals."""
    queue = cloud.resource("sqs").create_queue(QueueName="retrievals-of-reports")
    yield queue
    queue.delete()


@pytest.fixture
def secret(cloud: Cloud) -> Iterator[str]:
    """Return the secret that the node sends."""
    client, value = cloud.client("secretsmanager"), secrets.token_urlsafe(32)
    client.create_secret(Name=NAME, SecretString=value)
    yield value
    client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def function(cloud: Cloud, table: Any, queue: Any, secret: str, tmp_path: Path) -> Function:
    """Return the function."""
    del secret
    return unpack(
        "reports",
        tmp_path,
        cloud,
        MODEL_TABLE=table.name,
        RETRIEVAL_QUEUE_URL=queue.url,
        PROGRESS_SECRET=NAME,
        LOSSES_PER_MINUTE="10000",
        LOG_LEVEL="WARNING",
    )


def loss(value: float) -> dict[str, Any]:
    return post("/model_loss", {"model_id": MODEL, "acc": -1, "loss": value})


def figures(table: Any) -> tuple[Any, Any, Any]:
    item = table.get_item(Key={"model_id": MODEL}, ConsistentRead=True)["Item"]
    return item["devices_trained_this_cycle"], item["loss_this_cycle"], item["acc_this_cycle"]


def test_200_reports_at_once_are_all_in_the_means(table: Any, function: Function) -> None:
    losses = [number / 10 + 0.1 for number in range(200)]
    answers = function(*map(loss, losses), at_a_time=200)
    assert {answered(answer)[0] for answer in answers} == {200}
    # Of 0.1, 0.2, ... 20.0, none of which has a finite binary fraction.
    assert figures(table) == (200, Decimal("10.05"), -1)


def test_a_model_from_first_report_to_retrieval(
    table: Any, queue: Any, secret: str, function: Function
) -> None:
    def progress(percent: int, known: str = secret) -> dict[str, Any]:
        body = {"model_id": MODEL, "percent_complete": percent}
        return post("/model_progress", body, **{"X-Progress-Secret": known})

    answers = function(loss(0.25), loss(1), progress(40), progress(40), progress(20))
    recorded, unchanged = (200, {"status": "recorded"}), (200, {"status": "unchanged"})
    assert [answered(answer) for answer in answers] == [recorded] * 3 + [unchanged] * 2
    assert figures(table) == (0, Decimal("0.625"), -1)

    answers = function(progress(100, "guess"), loss(3), progress(100), progress(100), loss(3))
    status = [answered(answer)[0] for answer in answers]
    assert status == [401, 200, 200, 200, 409]
    assert figures(table) == (0, 3, -1)
    messages = queue.receive_messages(MaxNumberOfMessages=10)
    assert [json.loads(message.body) for message in messages] == [{"model_id": MODEL}]


def test_a_row_without_totals_keeps_its_means(table: Any, function: Function) -> None:
    table.update_item(
        Key={"model_id": MODEL},
        UpdateExpression="SET devices_trained_this_cycle = :n, loss_this_cycle = :l",
        ExpressionAttributeValues={":n": 3, ":l": Decimal("0.4")},
    )
    function(*[loss(0.8)] * 5, at_a_time=5)
    assert figures(table) == (8, Decimal("0.65"), -1)

"""Rows of models in DynamoDB, and the queue of retrievals."""

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from lambda_common.secret import Secret

from reports.logic import COMPLETE, Figures, Model, Sum

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_sqs import SQSClient

    from reports.settings import Settings

    type Item = dict[str, AttributeValueTypeDef]

# A phone waits, and the node for 10 seconds.
_CONFIG = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}
)


class Store:
    """The `ModelStore` of the deployed function."""

    def __init__(self, dynamodb: "DynamoDBClient", sqs: "SQSClient", *, table: str, queue_url: str):
        self._dynamodb, self._table = dynamodb, table
        self._sqs, self._queue_url = sqs, queue_url

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with the clients of this process' credentials and region."""
        return cls(
            boto3.client("dynamodb", config=_CONFIG),
            boto3.client("sqs", config=_CONFIG),
            table=settings.model_table,
            queue_url=settings.retrieval_queue_url,
        )

    def model(self, model_id: str) -> Model | None:
        """Return the model, None if there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=_key(model_id), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = answer["Item"]
        added = "loss_total" in item and "acc_total" in item
        return Model(
            active=_number(item, "active_status") == 1,
            percent=int(_number(item, "percent_complete", -1)),
            count=int(_number(item, "devices_trained_this_cycle")),
            means=Figures(_number(item, "loss_this_cycle"), _number(item, "acc_this_cycle")),
            totals=_totals(item) if added else None,
            minute=int(_number(item, "loss_minute")),
            minute_count=int(_number(item, "losses_in_minute")),
            queued="retrieval_queued_at" in item,
        )

    def add(self, model_id: str, report: Figures, seen: Model, minute: int) -> Sum | None:
        """Add a report to the model that was seen, and return the sum, None if it changed."""
        # A row that somebody else wrote has means but no totals.
        start = seen.totals or seen.means.times(seen.count)
        same_minute = minute == seen.minute
        values: Item = {
            ":loss": _typed(report.loss),
            ":acc": _typed(report.accuracy),
            ":loss_start": _typed(start.loss),
            ":acc_start": _typed(start.accuracy),
            ":zero": _typed(0),
            ":one": _typed(1),
            ":minute": _typed(minute),
            ":complete": _typed(COMPLETE),
        }
        if seen.minute:
            values[":seen"] = _typed(seen.minute)
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(model_id),
                UpdateExpression=(
                    "SET loss_total = if_not_exists(loss_total, :loss_start) + :loss,"
                    " acc_total = if_not_exists(acc_total, :acc_start) + :acc,"
                    " devices_trained_this_cycle"
                    " = if_not_exists(devices_trained_this_cycle, :zero) + :one,"
                    " loss_minute = :minute,"
                    f" losses_in_minute = {'losses_in_minute + ' if same_minute else ''}:one"
                ),
                ConditionExpression=(
                    "active_status = :one AND percent_complete < :complete AND "
                    + (
                        "loss_minute = :seen"
                        if seen.minute
                        else "attribute_not_exists(loss_minute)"
                    )
                ),
                ExpressionAttributeValues=values,
                ReturnValues="UPDATED_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        item = answer["Attributes"]
        return Sum(_totals(item), int(_number(item, "devices_trained_this_cycle")))

    def set_means(self, model_id: str, means: Figures, of: Sum) -> None:
        """Write the means, unless the sum that they are of has changed meanwhile."""
        self._update(
            model_id,
            "SET loss_this_cycle = :loss, acc_this_cycle = :acc",
            "devices_trained_this_cycle = :count"
            " AND loss_total = :loss_total AND acc_total = :acc_total",
            loss=means.loss,
            acc=means.accuracy,
            count=of.count,
            loss_total=of.totals.loss,
            acc_total=of.totals.accuracy,
        )

    def advance(self, model_id: str, percent: int) -> bool:
        """Begin the cycle after so many percent; whether the model had not come so far yet."""
        return self._update(
            model_id,
            "SET percent_complete = :percent, devices_trained_this_cycle = :zero,"
            " loss_total = :zero, acc_total = :zero",
            "attribute_exists(model_id)"
            " AND (attribute_not_exists(percent_complete) OR percent_complete < :percent)",
            percent=percent,
            zero=0,
        )

    def queue_retrieval(self, model_id: str) -> None:
        """Let the model be retrieved, and note that it will be."""
        self._sqs.send_message(
            QueueUrl=self._queue_url, MessageBody=json.dumps({"model_id": model_id})
        )
        # Only now: who is interrupted here sends the message twice, which does no harm.
        self._update(
            model_id,
            "SET retrieval_queued_at = :time",
            "percent_complete = :complete",
            complete=COMPLETE,
            time=int(time.time()),
        )

    def _update(self, model_id: str, update: str, condition: str, **values: Decimal | int) -> bool:
        """Update the row; whether it fulfilled the condition."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(model_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues={
                    f":{name}": _typed(value) for name, value in values.items()
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def connect_secret(settings: "Settings") -> Secret:
    """Return the secret that the node sends with its progress."""
    return Secret(boto3.client("secretsmanager", config=_CONFIG), settings.progress_secret)


def _key(model_id: str) -> "Item":
    return {"model_id": {"S": model_id}}


def _totals(item: "Item") -> Figures:
    return Figures(_number(item, "loss_total"), _number(item, "acc_total"))


def _number(item: "Item", name: str, missing: int = 0) -> Decimal:
    return Decimal(item.get(name, {}).get("N", missing))


def _typed(value: Decimal | int) -> "AttributeValueTypeDef":
    # Of zeros, Decimal also has negative ones and such with many digits.
    return {"N": f"{Decimal(value):f}" if value else "0"}

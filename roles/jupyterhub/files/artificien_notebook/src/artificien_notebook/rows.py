"""The table of models, reached with the person's own credentials."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .errors import NotebookError
from .settings import model_table, setting


def connect() -> Any:
    """Return the table of models."""
    return boto3.resource("dynamodb", region_name=setting("AWS_REGION")).Table(model_table())


def announce(table: Any, model_id: str, version: str, dataset: str, owner: str) -> None:
    """Write the row of a new model; one that is there stays, with what is known of its training.

    Raises:
        ClientError: It may not be written.
    """
    row = {
        "model_id": model_id,
        "active_status": 1,
        "version": version,
        "dataset": dataset,
        "date_submitted": f"{datetime.now(UTC):%Y-%m-%d}",
        "owner_name": owner,
        "percent_complete": 0,
        "devices_trained_this_cycle": 0,
        # No device has reported any yet.
        "loss_this_cycle": -1,
        "acc_this_cycle": -1,
    }
    try:
        table.put_item(Item=row, ConditionExpression="attribute_not_exists(model_id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def read(table: Any, model_id: str) -> dict[str, Any]:
    """Return the row of a model as it is now.

    Raises:
        ClientError: It may not be read.
        NotebookError: There is none.
    """
    answer = table.get_item(Key={"model_id": model_id}, ConsistentRead=True)
    if "Item" not in answer:
        raise NotebookError(f"{model_id} was not announced: call create first.")
    row: dict[str, Any] = answer["Item"]
    return row

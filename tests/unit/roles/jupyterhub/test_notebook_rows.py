"""The rows that notebooks write into the table of models."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from artificien_notebook import rows
from artificien_notebook.errors import NotebookError
from botocore.exceptions import ClientError
from botocore.stub import Stubber

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Stubber]]:
    """Return the table with what stands for its service."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("ARTIFICIEN_MODEL_TABLE", "second_model_table")
    monkeypatch.setattr(
        boto3,
        "DEFAULT_SESSION",
        boto3.Session(aws_access_key_id="unit", aws_secret_access_key="unit"),  # noqa: S106
    )
    table = rows.connect()
    with Stubber(table.meta.client) as stubber:
        yield table, stubber
        stubber.assert_no_pending_responses()


def announcement() -> dict[str, Any]:
    """Return the request for the row of a new model."""
    return {
        "TableName": "second_model_table",
        "Item": {
            "model_id": "heart-1-Ada",
            "active_status": 1,
            "version": "1",
            "dataset": "Artificien-Health",
            "date_submitted": f"{datetime.now(UTC):%Y-%m-%d}",
            "owner_name": "Ada",
            "percent_complete": 0,
            "devices_trained_this_cycle": 0,
            "loss_this_cycle": -1,
            "acc_this_cycle": -1,
        },
        "ConditionExpression": "attribute_not_exists(model_id)",
    }


def test_a_new_model_has_the_attributes_that_the_library_writes(table: tuple[Any, Stubber]) -> None:
    models, stubber = table
    stubber.add_response("put_item", {}, announcement())
    rows.announce(models, "heart-1-Ada", "1", "Artificien-Health", "Ada")


def test_what_is_known_of_a_model_stays(table: tuple[Any, Stubber]) -> None:
    models, stubber = table
    stubber.add_client_error("put_item", "ConditionalCheckFailedException")
    rows.announce(models, "heart-1-Ada", "1", "Artificien-Health", "Ada")


def test_a_refusal_is_none_to_be_silent_about(table: tuple[Any, Stubber]) -> None:
    models, stubber = table
    stubber.add_client_error("put_item", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        rows.announce(models, "heart-1-Ada", "1", "Artificien-Health", "Ada")


def test_a_row_is_read_as_it_is_now(table: tuple[Any, Stubber]) -> None:
    models, stubber = table
    request = {
        "TableName": "second_model_table",
        "Key": {"model_id": "heart-1-Ada"},
        "ConsistentRead": True,
    }
    stubber.add_response("get_item", {"Item": {"percent_complete": {"N": "50"}}}, request)
    assert rows.read(models, "heart-1-Ada") == {"percent_complete": Decimal(50)}
    stubber.add_response("get_item", {}, request)
    with pytest.raises(NotebookError, match="heart-1-Ada was not announced"):
        rows.read(models, "heart-1-Ada")


def test_the_table_has_its_usual_name_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("ARTIFICIEN_MODEL_TABLE", raising=False)
    assert rows.connect().name == "model_table"

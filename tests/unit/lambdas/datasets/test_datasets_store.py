"""The calls that the store makes, and how it takes the services' answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from datasets.logic import Dataset, Model, User
from datasets.settings import Settings
from datasets.store import Store, connect_node
from lambda_common.node import NodeSettings

from tests.unit.lambdas.datasets.fakes import ADA, DESCRIBED, MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

USERS, DATASETS, MODELS = "user_table", "dataset_table", "model_table"
MINUTE = 29_000_000
USER_KEY = {"user_id": {"S": "ada@example.com"}}
COUNT = {
    "TableName": USERS,
    "Key": USER_KEY,
    "UpdateExpression": "SET info_calls = info_calls + :one",
    "ConditionExpression": "info_minute = :minute AND info_calls < :limit",
    "ExpressionAttributeValues": {
        ":one": {"N": "1"},
        ":minute": {"N": str(MINUTE)},
        ":limit": {"N": "60"},
    },
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
BEGIN = {
    "TableName": USERS,
    "Key": USER_KEY,
    "UpdateExpression": "SET info_minute = :info_minute, info_calls = :info_calls",
    "ConditionExpression": "attribute_exists(user_id)",
    "ExpressionAttributeValues": {
        ":info_minute": {"N": str(MINUTE)},
        ":info_calls": {"N": "1"},
    },
}
MODEL_ITEM: dict[str, Any] = {
    "model_id": {"S": MODEL.model_id},
    "version": {"S": "1.0"},
    "owner_name": {"S": "ada"},
    "dataset": {"S": "Steps"},
    "percent_complete": {"N": "0"},
}


class Stubs:
    """A store on a stubbed client."""

    def __init__(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
        client, self.dynamodb = stubbed("dynamodb")
        self.store = Store(
            client,
            user_table=USERS,
            dataset_table=DATASETS,
            model_table=MODELS,
            info_calls_per_minute=60,
        )

    def refuses(self, expected: dict[str, Any], **fields: Any) -> None:
        """Let the condition of an update fail."""
        self.dynamodb.add_client_error(
            "update_item",
            "ConditionalCheckFailedException",
            modeled_fields=fields,
            expected_params=expected,
        )


@pytest.fixture
def stubs(stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch) -> Stubs:
    monkeypatch.setattr("time.time", lambda: MINUTE * 60 + 59.9)
    return Stubs(stubbed)


def test_users(stubs: Stubs) -> None:
    purchases = [{"S": "Steps"}, {"N": "1"}, {"S": "Sleep"}]
    items = [
        USER_KEY | {"api_key": {"S": "key-of-ada"}, "datasets_purchased": {"L": purchases}},
        {"user_id": {"S": "b@example.com"}, "api_key": {"N": "1"}},
    ]
    query = {
        "TableName": USERS,
        "IndexName": "users_username_index",
        "KeyConditionExpression": "username = :username",
        "ExpressionAttributeValues": {":username": {"S": "Ada"}},
    }
    stubs.dynamodb.add_response("query", {"Items": items}, query)
    assert stubs.store.users("Ada") == [ADA, User("b@example.com", "Ada", "", [])]


def test_a_key_goes_only_to_the_account_that_asked(stubs: Stubs) -> None:
    update = {
        "TableName": USERS,
        "Key": USER_KEY,
        "UpdateExpression": "SET api_key = :api_key",
        "ConditionExpression": "username = :username",
        "ExpressionAttributeValues": {":api_key": {"S": "new"}, ":username": {"S": "Ada"}},
    }
    stubs.dynamodb.add_response("update_item", {}, update)
    stubs.store.replace_key(ADA, "new")
    stubs.refuses(update)
    with pytest.raises(ClientError):
        stubs.store.replace_key(ADA, "new")


def test_calls_of_a_minute_are_counted(stubs: Stubs) -> None:
    stubs.dynamodb.add_response("update_item", {}, COUNT)
    assert stubs.store.count_info_call(ADA) is True
    old = {"info_minute": {"N": str(MINUTE)}, "info_calls": {"N": "60"}}
    stubs.refuses(COUNT, Item=old)
    assert stubs.store.count_info_call(ADA) is False


@pytest.mark.parametrize("old", [{}, {"info_minute": {"N": str(MINUTE - 1)}}])
def test_a_minute_begins(stubs: Stubs, old: dict[str, Any]) -> None:
    stubs.refuses(COUNT, Item=USER_KEY | old)
    stubs.dynamodb.add_response("update_item", {}, BEGIN)
    assert stubs.store.count_info_call(ADA) is True


def test_a_user_who_is_gone_gets_no_row(stubs: Stubs) -> None:
    stubs.refuses(COUNT)
    stubs.refuses(BEGIN)
    assert stubs.store.count_info_call(ADA) is True


@pytest.mark.parametrize(
    ("item", "dataset"),
    [
        (
            {"properlySetUp": {"BOOL": True}, "hasNode": {"BOOL": True}, "nodeURL": {"S": "host"}},
            Dataset("Steps", "dev", properly_set_up=True, node_url="host"),
        ),
        (
            {"hasNode": {"BOOL": False}, "nodeURL": {"S": "host"}},
            Dataset("Steps", "dev", properly_set_up=False, node_url=""),
        ),
        ({"hasNode": {"BOOL": True}}, Dataset("Steps", "dev", properly_set_up=False, node_url="")),
        ({"owner_username": {"N": "1"}}, None),
    ],
)
def test_dataset(stubs: Stubs, item: dict[str, Any], dataset: Dataset | None) -> None:
    row = {"dataset_id": {"S": "Steps"}, "owner_username": {"S": "dev"}} | item
    key = {"dataset_id": {"S": "Steps"}}
    expected = {"TableName": DATASETS, "Key": key, "ConsistentRead": True}
    stubs.dynamodb.add_response("get_item", {"Item": row}, expected)
    assert stubs.store.dataset("Steps") == dataset


def test_what_does_not_exist(stubs: Stubs) -> None:
    stubs.dynamodb.add_response("get_item", {})
    assert stubs.store.dataset("Steps") is None
    stubs.dynamodb.add_response("get_item", {})
    assert stubs.store.model("a") is None


@pytest.mark.parametrize(
    ("change", "expression", "values"),
    [
        (
            lambda store: store.mark_set_up("Steps"),
            "SET properlySetUp = :properlySetUp",
            {":properlySetUp": {"BOOL": True}},
        ),
        (
            lambda store: store.give_node("Steps", "host"),
            "SET hasNode = :hasNode, nodeURL = :nodeURL",
            {":hasNode": {"BOOL": True}, ":nodeURL": {"S": "host"}},
        ),
        (
            lambda store: store.take_node("Steps"),
            "SET hasNode = :hasNode",
            {":hasNode": {"BOOL": False}},
        ),
    ],
)
def test_changes_of_a_dataset_that_exists(
    stubs: Stubs, change: Callable[[Store], None], expression: str, values: dict[str, Any]
) -> None:
    update = {
        "TableName": DATASETS,
        "Key": {"dataset_id": {"S": "Steps"}},
        "UpdateExpression": expression,
        "ConditionExpression": "attribute_exists(dataset_id)",
        "ExpressionAttributeValues": values,
    }
    stubs.dynamodb.add_response("update_item", {}, update)
    change(stubs.store)
    stubs.refuses(update)
    change(stubs.store)
    stubs.dynamodb.add_client_error("update_item", "AccessDeniedException")
    with pytest.raises(ClientError):
        change(stubs.store)


def test_a_model_is_described(stubs: Stubs) -> None:
    update = {
        "TableName": MODELS,
        "Key": {"model_id": {"S": MODEL.model_id}},
        "UpdateExpression": "SET features = :features, labels = :labels, node_URL = :node_URL",
        "ConditionExpression": "attribute_exists(model_id)",
        "ExpressionAttributeValues": {
            ":features": {"L": [{"S": "Age"}]},
            ":labels": {"L": [{"S": "Steps"}]},
            ":node_URL": {"S": "node.example.com"},
        },
    }
    stubs.dynamodb.add_response("update_item", {}, update)
    stubs.store.describe(DESCRIBED)
    described = MODEL_ITEM | {
        "features": {"L": [{"S": "Age"}]},
        "labels": {"L": [{"S": "Steps"}]},
        "node_URL": {"S": "node.example.com"},
    }
    stubs.dynamodb.add_response("get_item", {"Item": described})
    assert stubs.store.model(MODEL.model_id) == DESCRIBED


def test_open_models_of_all_pages(stubs: Stubs) -> None:
    query = {
        "TableName": MODELS,
        "IndexName": "dataset-index",
        "KeyConditionExpression": "#dataset = :dataset",
        "ExpressionAttributeNames": {"#dataset": "dataset"},
        "ExpressionAttributeValues": {":dataset": {"S": "Steps"}},
    }
    key = {"model_id": {"S": "a"}}
    complete = MODEL_ITEM | {"percent_complete": {"N": "100"}}
    stubs.dynamodb.add_response(
        "query", {"Items": [complete, MODEL_ITEM], "LastEvaluatedKey": key}, query
    )
    strange = {"model_id": {"S": "b"}, "version": {"N": "2"}, "features": {"S": "Age"}}
    stubs.dynamodb.add_response("query", {"Items": [strange]}, query | {"ExclusiveStartKey": key})
    found = stubs.store.open_models("Steps")
    assert found == [replace(MODEL, features=[], labels=[]), Model("b", "", "", "", [], [])]


def test_a_request_ends_before_api_gateway_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings = Settings(USERS, DATASETS, MODELS, NodeSettings("/a", "token"), 60, "INFO")
    config: Any = Store.connect(settings)._dynamodb.meta.config
    attempts = config.retries["total_max_attempts"]
    # Standard mode waits at most 1, 2, 4... seconds between attempts.
    waits = sum(2**retry for retry in range(attempts - 1))
    assert attempts * (config.connect_timeout + config.read_timeout) + waits < 29
    assert connect_node(settings)

"""Rows of users, datasets and models in DynamoDB."""

import time
from typing import TYPE_CHECKING, Any, Self, cast

import boto3
from botocore.config import Config
from lambda_common.logs import LOGGER
from lambda_common.node import Node
from lambda_common.secret import Secret

from datasets.logic import Dataset, Model, User

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from datasets.settings import Settings

    type Item = dict[str, AttributeValueTypeDef]

# A phone or notebook waits: no longer than API Gateway's 29 seconds.
_CONFIG = Config(
    connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3}
)
_USERNAME_INDEX = "users_username_index"
_DATASET_INDEX = "dataset-index"


class Store:
    """The `DatasetStore` of the deployed function."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        *,
        user_table: str,
        dataset_table: str,
        model_table: str,
        info_calls_per_minute: int,
    ):
        self._dynamodb = dynamodb
        self._user_table, self._dataset_table = user_table, dataset_table
        self._model_table = model_table
        self._info_calls_per_minute = info_calls_per_minute

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with a client of this process' credentials and region."""
        return cls(
            boto3.client("dynamodb", config=_CONFIG),
            user_table=settings.user_table,
            dataset_table=settings.dataset_table,
            model_table=settings.model_table,
            info_calls_per_minute=settings.info_calls_per_minute,
        )

    def users(self, username: str) -> list[User]:
        """Return the rows that bear the user name."""
        answer = self._dynamodb.query(
            TableName=self._user_table,
            IndexName=_USERNAME_INDEX,
            KeyConditionExpression="username = :username",
            ExpressionAttributeValues={":username": {"S": username}},
        )
        return [
            User(
                user_id=_text(item, "user_id"),
                username=username,
                api_key=_text(item, "api_key"),
                datasets_purchased=_texts(item, "datasets_purchased"),
            )
            for item in answer["Items"]
        ]

    def replace_key(self, user: User, api_key: str) -> None:
        """Give the user another key."""
        self._dynamodb.update_item(
            TableName=self._user_table,
            Key={"user_id": {"S": user.user_id}},
            UpdateExpression="SET api_key = :api_key",
            ConditionExpression="username = :username",
            ExpressionAttributeValues={
                ":api_key": {"S": api_key},
                ":username": {"S": user.username},
            },
        )

    def count_info_call(self, user: User) -> bool:
        """Count a call with the user's key; whether it is within the minute's limit."""
        minute: AttributeValueTypeDef = {"N": str(int(time.time() // 60))}
        key: Item = {"user_id": {"S": user.user_id}}
        try:
            self._dynamodb.update_item(
                TableName=self._user_table,
                Key=key,
                UpdateExpression="SET info_calls = info_calls + :one",
                ConditionExpression="info_minute = :minute AND info_calls < :limit",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":minute": minute,
                    ":limit": {"N": str(self._info_calls_per_minute)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            # The types of clients' errors know no fields of their own.
            item = cast("dict[str, Any]", error.response).get("Item", {})
            if item.get("info_minute") == minute:
                return False
            # Who begins the same minute at the same time begins it anew: a few calls more pass.
            self._update(self._user_table, key, {"info_minute": minute, "info_calls": {"N": "1"}})
        return True

    def dataset(self, dataset_id: str) -> Dataset | None:
        """Return the dataset, None if there is none that somebody owns."""
        answer = self._dynamodb.get_item(
            TableName=self._dataset_table,
            Key={"dataset_id": {"S": dataset_id}},
            ConsistentRead=True,
        )
        item = answer.get("Item", {})
        owner = _text(item, "owner_username")
        # A purchase that arrives before the registration leaves a row without an owner.
        if not owner:
            return None
        return Dataset(
            dataset_id=dataset_id,
            owner=owner,
            properly_set_up=_true(item, "properlySetUp"),
            node_url=_text(item, "nodeURL") if _true(item, "hasNode") else "",
        )

    def mark_set_up(self, dataset_id: str) -> None:
        """Note that an app has shown itself with the owner's key."""
        self._update_dataset(dataset_id, {"properlySetUp": {"BOOL": True}})

    def give_node(self, dataset_id: str, host: str) -> None:
        """Note that the dataset's models train on the node of this host name."""
        self._update_dataset(dataset_id, {"hasNode": {"BOOL": True}, "nodeURL": {"S": host}})

    def take_node(self, dataset_id: str) -> None:
        """Note that the dataset has no node."""
        self._update_dataset(dataset_id, {"hasNode": {"BOOL": False}})

    def model(self, model_id: str) -> Model | None:
        """Return the model, None if there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._model_table, Key={"model_id": {"S": model_id}}, ConsistentRead=True
        )
        return _model(answer["Item"]) if "Item" in answer else None

    def describe(self, model: Model) -> None:
        """Write the model's features, labels and node."""
        self._update(
            self._model_table,
            {"model_id": {"S": model.model_id}},
            {
                "features": {"L": [{"S": name} for name in model.features]},
                "labels": {"L": [{"S": name} for name in model.labels]},
                "node_URL": {"S": model.node_url},
            },
        )

    def open_models(self, dataset_id: str) -> list[Model]:
        """Return the dataset's models that are not complete."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._model_table,
            IndexName=_DATASET_INDEX,
            KeyConditionExpression="#dataset = :dataset",
            ExpressionAttributeNames={"#dataset": "dataset"},
            ExpressionAttributeValues={":dataset": {"S": dataset_id}},
        )
        return [
            _model(item)
            for page in pages
            for item in page["Items"]
            if item.get("percent_complete") != {"N": "100"}
        ]

    def _update_dataset(self, dataset_id: str, values: "Item") -> None:
        self._update(self._dataset_table, {"dataset_id": {"S": dataset_id}}, values)

    def _update(self, table: str, key: "Item", values: "Item") -> None:
        (key_name,) = key
        try:
            self._dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
                ConditionExpression=f"attribute_exists({key_name})",
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            LOGGER.info("row was deleted meanwhile", extra={"fields": {"table": table}})


def connect_node(settings: "Settings") -> Node:
    """Return the platform's node for this process' credentials and region."""
    token = Secret(boto3.client("secretsmanager", config=_CONFIG), settings.node.token_secret)
    return Node(boto3.client("ssm", config=_CONFIG), token, ssm_path=settings.node.ssm_path)


def _model(item: "Item") -> Model:
    return Model(
        model_id=_text(item, "model_id"),
        version=_text(item, "version"),
        owner=_text(item, "owner_name"),
        dataset_id=_text(item, "dataset"),
        features=_texts(item, "features"),
        labels=_texts(item, "labels"),
        node_url=_text(item, "node_URL"),
    )


# Browsers and notebooks write rows as well: what is missing or of another type counts as empty.
def _text(item: "Item", name: str) -> str:
    return item.get(name, {}).get("S", "")


def _texts(item: "Item", name: str) -> list[str]:
    entries = item.get(name, {}).get("L", [])
    return [entry["S"] for entry in entries if "S" in entry]


def _true(item: "Item", name: str) -> bool:
    return item.get(name, {}).get("BOOL", False)

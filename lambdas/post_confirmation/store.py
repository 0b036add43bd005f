"""Rows of users in DynamoDB, and the accounts of the user pool."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import boto3
from botocore.config import Config

from post_confirmation.logic import Account, Row

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesUnionTypeDef

    from post_confirmation.settings import Settings

# Cognito waits five seconds for the whole function: two attempts and the second at most between
# them take four. What fails nevertheless is found by `find_missing`.
HURRIED = Config(
    connect_timeout=0.5,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
)
_PATIENT = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
)
_PAGE = 60
_LOOKUP_ATTEMPTS = 8


class Store:
    """The `UserStore` of the deployed function, and the accounts of user pools."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        cognito: "Callable[[], CognitoIdentityProviderClient]",
        *,
        table: str,
    ):
        self._dynamodb, self._table = dynamodb, table
        self._cognito = cognito

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with the clients of this process' credentials and region."""
        return cls(
            boto3.client("dynamodb", config=HURRIED),
            # Made when needed, which it is not while somebody waits for a confirmation.
            lambda: boto3.client("cognito-idp", config=_PATIENT),
            table=settings.user_table,
        )

    def create(self, row: Row) -> str | None:
        """Write the row unless its `user_id` has one; return the user name of that one."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={name: _typed(value) for name, value in row.items()},
                ConditionExpression="attribute_not_exists(user_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            # The types of clients' errors know no fields of their own.
            return _username(cast("dict[str, Any]", error.response)["Item"])
        return None

    def usernames(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Return the user names, empty where missing, of the rows that exist."""
        # Of one key twice DynamoDB makes an error.
        keys = [{"user_id": {"S": user_id}} for user_id in sorted(set(user_ids))]
        request: Mapping[str, KeysAndAttributesUnionTypeDef] = {
            self._table: {
                "Keys": keys,
                "ProjectionExpression": "user_id, username",
                "ConsistentRead": True,
            }
        }
        found = {}
        for attempt in range(_LOOKUP_ATTEMPTS):
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                found[item["user_id"]["S"]] = _username(item)
            request = answer["UnprocessedKeys"]
            if not request:
                return found
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret comes of it
        raise TimeoutError(f"{self._table} is read too fast: try again when it is less busy")

    def accounts(self, user_pool_id: str) -> Iterator[Account]:
        """Yield the accounts of the pool that have an e-mail address, but for open sign-ups."""
        # With all attributes: asked for some, Cognito fails for accounts that lack one of them.
        pages = (
            self._cognito()
            .get_paginator("list_users")
            .paginate(UserPoolId=user_pool_id, PaginationConfig={"PageSize": _PAGE})
        )
        for page in pages:
            for user in page["Users"]:
                attributes = {pair["Name"]: pair.get("Value", "") for pair in user["Attributes"]}
                if user["UserStatus"] != "UNCONFIRMED" and attributes.get("email"):
                    yield Account(user["Username"], attributes["email"], attributes["sub"])


def _typed(value: str | list[str]) -> "AttributeValueTypeDef":
    return {"S": value} if isinstance(value, str) else {"L": [{"S": entry} for entry in value]}


def _username(item: "dict[str, AttributeValueTypeDef]") -> str:
    return item.get("username", {}).get("S", "")

"""The condition keys of requests to DynamoDB: which items they touch, and which attributes."""

import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

Request = dict[str, Any]
PartitionKey = Callable[[str, str], str | None]
"""Returns the name of the partition key of a table, or of one of its indexes."""

_EXPRESSIONS = (
    *("ProjectionExpression", "UpdateExpression", "ConditionExpression"),
    *("FilterExpression", "KeyConditionExpression"),
)
_BY_ATTRIBUTE = (
    *("Key", "Item", "AttributeUpdates", "Expected"),
    *("KeyConditions", "QueryFilter", "ScanFilter"),
)
_KEYWORDS = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})
# The first segment of a path: no value, no deeper segment and no name of a function.
_NAME = re.compile(r"(?<![\w:#.])(#\w+|[A-Za-z_]\w*)\b(?!\s*\()")
_EQUALITY = re.compile(r"([#\w]+)\s*=\s*(:\w+)|(:\w+)\s*=\s*([#\w]+)")


def patch(iam_actions: ModuleType, dynamodb: ModuleType) -> None:
    """Fill in ``dynamodb:LeadingKeys``, and ``dynamodb:Attributes`` with all that is named.

    The emulator fills in the attributes of a projection only.

    Args:
        iam_actions: the emulator's module ``ministack.core.iam_actions``.
        dynamodb: its module ``ministack.services.dynamodb``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    context: Any = known(iam_actions, "dynamodb_service_context", ["body"])
    tables: Any = getattr(dynamodb, "_tables", None)
    if not hasattr(tables, "get"):
        raise moved(f"{dynamodb.__name__}._tables")

    def partition_key(table: str, index: str) -> str | None:
        # A table may be named by its ARN.
        return _partition_key(tables.get(table.rpartition("/")[2]) or {}, index)

    def context_with_keys(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = context(body)
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            return found
        return found | condition_keys(data, partition_key) if isinstance(data, dict) else found

    iam_actions.dynamodb_service_context = context_with_keys  # type: ignore[attr-defined]


def condition_keys(data: Request, partition_key: PartitionKey) -> dict[str, list[str]]:
    """Return the condition keys of a request; one without a value is left out."""
    requests = [*_single_requests(data)]
    keys = {
        "dynamodb:LeadingKeys": [
            value for request in requests for value in _leading_keys(request, partition_key)
        ],
        "dynamodb:Attributes": [
            *dict.fromkeys(name for request in requests for name in _attributes(request))
        ],
    }
    return {name: values for name, values in keys.items() if values}


def _partition_key(table: dict[str, Any], index: str) -> str | None:
    if index:
        indexes = [
            *(table.get("GlobalSecondaryIndexes") or []),
            *(table.get("LocalSecondaryIndexes") or []),
        ]
        table = next((each for each in indexes if each["IndexName"] == index), {})
    schema = table.get("KeySchema") or []
    return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), None)


def _single_requests(data: Request) -> Iterator[Request]:
    for table, request in (data.get("RequestItems") or {}).items():
        if isinstance(request, list):
            for write in request:
                yield from ({"TableName": table} | each for each in write.values())
        else:
            yield from (
                request | {"TableName": table, "Key": key} for key in request.get("Keys") or []
            )
    for item in data.get("TransactItems") or []:
        yield from item.values()
    if "TableName" in data:
        yield data


def _leading_keys(request: Request, partition_key: PartitionKey) -> list[str]:
    name = partition_key(request.get("TableName", ""), request.get("IndexName", ""))
    for part in ("Key", "Item"):
        if part in request:
            return _values([request[part].get(name)])
    if "KeyConditions" in request:
        condition = request["KeyConditions"].get(name) or {}
        return _values(condition.get("AttributeValueList") or [None])
    if "KeyConditionExpression" in request:
        names = request.get("ExpressionAttributeNames") or {}
        values = request.get("ExpressionAttributeValues") or {}
        for left, value, value_first, right in _EQUALITY.findall(request["KeyConditionExpression"]):
            attribute = left or right
            if names.get(attribute, attribute) == name:
                return _values([values.get(value or value_first)])
        return _values([None])
    return []


def _values(typed: list[dict[str, Any] | None]) -> list[str]:
    # What is not there must not look as if nothing had been asked for: it has no permitted value.
    return [str(next(iter((value or {"S": ""}).values()))) for value in typed]


def _attributes(request: Request) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    for part in _BY_ATTRIBUTE:
        yield from request.get(part) or {}
    yield from request.get("AttributesToGet") or []
    for part in _EXPRESSIONS:
        for name in _NAME.findall(request.get(part) or ""):
            if name.upper() not in _KEYWORDS:
                yield names.get(name, name)

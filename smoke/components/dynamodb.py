"""The tables: an item is written, found by every index that clients query, and removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from smoke.checks import Check, require
from smoke.platform import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

# Indexes are written to some time after their table.
INDEX_SECONDS = 20.0
NUMBERS = {"active_status", "num_devices"}


@dataclass(frozen=True)
class Table:
    """A table that clients know by its name, its key, and its indexes with their keys."""

    key: str
    indexes: dict[str, tuple[str, ...]] = field(default_factory=dict)


TABLES = {
    "enterprise_table": Table("enterprise_id"),
    "user_table": Table("user_id", {"users_username_index": ("username",)}),
    "app_table": Table("app_id"),
    "model_table": Table("model_id", {"owner-active-index": ("owner_name", "active_status")}),
    "dataset_table": Table(
        "dataset_id",
        {
            "owner_username-index": ("owner_username",),
            "category-app-index": ("category", "app"),
            "placeholder-app": ("placeholder", "app"),
        },
    ),
}


def marked_item(table: Table, mark: str) -> dict[str, Any]:
    """Return an item that all indexes of the table hold, and no query of a client finds."""
    names = {table.key, *(name for keys in table.indexes.values() for name in keys)}
    return {name: {"N": "0"} if name in NUMBERS else {"S": mark} for name in sorted(names)}


def checks(platform: Platform) -> Iterator[Check]:
    """Return one check for each table."""
    names = platform.published("dynamodb/tables")
    client = platform.client("dynamodb")
    for title, table in TABLES.items():
        yield Check(
            title,
            _check(client, names[title], table, platform),
            "make deploy TAGS=dynamodb; if that changes nothing, look at the caller's rights.",
        )


def _check(client: Any, name: str, table: Table, platform: Platform) -> Callable[[ExitStack], None]:
    key = {table.key: {"S": platform.mark}}

    def finds(index: str) -> bool:
        answer = client.query(
            TableName=name,
            IndexName=index,
            KeyConditionExpression="#hash = :mark",
            ExpressionAttributeNames={"#hash": table.indexes[index][0]},
            ExpressionAttributeValues={":mark": {"S": platform.mark}},
        )
        return bool(answer["Items"])

    def run(stack: ExitStack) -> None:
        status = client.describe_table(TableName=name)["Table"]["TableStatus"]
        require(status == "ACTIVE", f"{name} is {status}")
        for index in table.indexes:
            finds(index)
        if platform.read_only:
            client.get_item(TableName=name, Key=key)
            return
        stack.callback(client.delete_item, TableName=name, Key=key)
        client.put_item(TableName=name, Item=marked_item(table, platform.mark))
        found = client.get_item(TableName=name, Key=key, ConsistentRead=True)
        require("Item" in found, f"an item of {name} is not there after it was written")
        for index in table.indexes:
            wait_for(partial(finds, index), f"an item in {index}", INDEX_SECONDS)

    return run

"""DynamoDB items: the calls that read and write them, many at a time."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    RETRIES,
    AwsError,
    aws_call,
    error_code,
    none_if_missing,
)
from ansible.module_utils.artificien.dynamodb import is_empty
from ansible.module_utils.artificien.dynamodb_seeds import (
    Items,
    Key,
    Schema,
    key_of,
)
from ansible.module_utils.artificien.dynamodb_values import Item, json_bytes
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_READ = 100
PUTS_PER_TRANSACTION = 100
REQUESTS_PER_BATCH = 25
# Below DynamoDB's 4 MB per transaction and 16 MB per batch, with room for what surrounds the items.
CHUNK_BYTES = 3_500_000

ATTEMPTS = 12
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
EXISTS = "ConditionalCheckFailed"
# Reasons of a cancelled transaction after which the same request may succeed.
PASSING = {
    "None",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "TransactionConflict",
}


def client_config(workers: int) -> Config:
    """Return the settings of a client that `workers` threads share.

    Botocore's own check of each parameter takes a fifth of the time, and every item has been
    checked before the first is written.
    """
    return RETRIES.merge(Config(parameter_validation=False, max_pool_connections=workers))


@aws_call("read DynamoDB table {0}")
@none_if_missing("ResourceNotFoundException")
def read_schema(client: DynamoDBClient, table: str) -> Schema:
    """Read the keys of `table`, and the type of each attribute that it or an index needs."""
    description = client.describe_table(TableName=table)["Table"]
    keys = sorted(description["KeySchema"], key=lambda key: key["KeyType"])  # HASH, then RANGE
    return Schema(
        keys=tuple(key["AttributeName"] for key in keys),
        types={
            attribute["AttributeName"]: attribute["AttributeType"]
            for attribute in description["AttributeDefinitions"]
        },
    )


def read_items(
    client: DynamoDBClient, table: str, schema: Schema, listed: Items, workers: int, *, whole: bool
) -> Items:
    """Read which of the `listed` items exist: with `whole` all their fields, else the keys."""
    if len(listed) > KEYS_PER_READ and is_empty(client, table):
        return {}
    request: dict[str, Any] = {"ConsistentRead": True}
    if not whole:
        names = {f"#k{position}": name for position, name in enumerate(schema.keys)}
        request["ProjectionExpression"] = ",".join(names)
        request["ExpressionAttributeNames"] = names

    def read(chunk: tuple[Item, ...]) -> list[Item]:
        return _read_chunk(client, table, request, [_key_fields(item, schema) for item in chunk])

    with ThreadPoolExecutor(workers) as pool:
        chunks = batched(listed.values(), KEYS_PER_READ, strict=False)
        return {key_of(item, schema): item for found in pool.map(read, chunks) for item in found}


@aws_call("read items of DynamoDB table {0}")
def _read_chunk(
    client: DynamoDBClient, table: str, request: dict[str, Any], keys: list[Item]
) -> list[Item]:
    found: list[Item] = []
    for _ in _attempts(table):
        wanted: Any = {table: {**request, "Keys": keys}}
        answer: Any = client.batch_get_item(RequestItems=wanted)
        found += answer["Responses"].get(table, [])
        keys = answer["UnprocessedKeys"].get(table, {}).get("Keys", [])
        if not keys:
            break
    return found


def apply_items(client: DynamoDBClient, plan: Plan, workers: int) -> Plan:
    """Write what `plan` changes, and return the plan as it came about.

    An item that somebody else created since it was missing stays as it is.

    Raises:
        ReconcileError: the table does not exist.
    """
    table, before, after = plan.name, plan.before or {}, plan.after or {}
    schema = read_schema(client, table)
    if schema is None:
        raise ReconcileError(
            f"DynamoDB table {table} does not exist. Create it first: run the playbook with "
            "--tags dynamodb."
        )
    requests: list[Any] = [
        {"DeleteRequest": {"Key": _key_fields(item, schema)}}
        for key, item in before.items()
        if key not in after
    ]
    requests += [
        {"PutRequest": {"Item": item}}
        for key, item in after.items()
        if key in before and item != before[key]
    ]
    missing = {key: item for key, item in after.items() if key not in before}

    def create(chunk: list[tuple[Key, Item]]) -> set[Key]:
        return _create_chunk(client, table, schema.keys[0], dict(chunk))

    def write(chunk: list[Any]) -> None:
        _write_chunk(client, table, chunk)

    with ThreadPoolExecutor(workers) as pool:
        creations = pool.map(create, _chunks(missing.items(), PUTS_PER_TRANSACTION))
        raced = {key for keys in creations for key in keys}
        list(pool.map(write, _chunks(requests, REQUESTS_PER_BATCH)))
    return Plan(table, before | {key: after[key] for key in raced}, after)


def _chunks[T](entries: Iterable[T], count: int) -> Iterator[list[T]]:
    """Split `entries` into lists of at most `count` entries and `CHUNK_BYTES`."""
    chunk: list[T] = []
    room = CHUNK_BYTES
    for entry in entries:
        size = json_bytes(entry)
        if chunk and (len(chunk) == count or size > room):
            yield chunk
            chunk, room = [], CHUNK_BYTES
        chunk.append(entry)
        room -= size
    if chunk:
        yield chunk


@aws_call("create items in DynamoDB table {0}")
def _create_chunk(client: DynamoDBClient, table: str, hash_key: str, items: Items) -> set[Key]:
    """Create those of `items` that do not exist; return the keys of those that do."""
    raced: set[Key] = set()
    for _ in _attempts(table):
        refusals = _create_all(client, table, hash_key, items)
        raced |= {key for key, code in refusals.items() if code == EXISTS}
        items = {key: items[key] for key in refusals if key not in raced}
        if not items:
            break
    return raced


def _create_all(client: DynamoDBClient, table: str, hash_key: str, items: Items) -> dict[Key, str]:
    """Create all `items` or none; return nothing, or the code of each item that came to nothing."""
    put: dict[str, Any] = {
        "TableName": table,
        "ConditionExpression": "attribute_not_exists(#k)",
        "ExpressionAttributeNames": {"#k": hash_key},
    }
    try:
        puts: list[Any] = [{"Put": {**put, "Item": item}} for item in items.values()]
        client.transact_write_items(TransactItems=puts)
    except ClientError as error:
        if error_code(error) != "TransactionCanceledException":
            raise
        reasons: Any = error.response["CancellationReasons"]
    else:
        return {}
    for key, reason in zip(items, reasons, strict=True):
        if reason["Code"] not in PASSING | {EXISTS}:
            raise AwsError(
                f"Failed to create item {key} in DynamoDB table {table}: "
                f"{reason['Code']}: {reason.get('Message', '')}"
            )
    return {key: reason["Code"] for key, reason in zip(items, reasons, strict=True)}


@aws_call("write items of DynamoDB table {0}")
def _write_chunk(client: DynamoDBClient, table: str, requests: list[Any]) -> None:
    for _ in _attempts(table):
        answer: Any = client.batch_write_item(RequestItems={table: requests})
        requests = answer["UnprocessedItems"].get(table, [])
        if not requests:
            break


def _attempts(table: str) -> Iterator[int]:
    """Count attempts, with a pause of random length before each but the first.

    Raises:
        AwsError: the last attempt was in vain too.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
            time.sleep(random.uniform(0, longest))  # noqa: S311 - it spreads load, guards nothing
        yield attempt
    raise AwsError(
        f"DynamoDB put off requests to table {table} {ATTEMPTS} times. Run the playbook again, it "
        "continues where this run stopped; lower workers if that recurs."
    )


def _key_fields(item: Item, schema: Schema) -> Item:
    return {name: item[name] for name in schema.keys}

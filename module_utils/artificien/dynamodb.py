"""DynamoDB tables: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    accepted,
    aws_call,
    changed_tags,
    check_kms_key,
    error_code,
    from_tag_list,
    none_if_missing,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

AWS_OWNED_KEY = "aws_owned"
NO_STREAM = "none"
# What a table answers while an earlier change of it, or its very creation, is still under way.
BUSY = {"ResourceInUseException", "ContinuousBackupsUnavailableException"}


def desired_table(table: dict[str, Any]) -> Model:
    """Turn one entry of the module's `tables` option into a model.

    Raises:
        ReconcileError: the entry names no partition key, or a KMS key that is not given by its ARN.
    """
    if table["hash_key"] is None:
        raise ReconcileError(f"{table['name']}: hash_key is missing; name the partition key.")
    check_kms_key(table["name"], table["kms_key"], AWS_OWNED_KEY)
    indexes = table["indexes"]
    return {
        "keys": _keys(table),
        "indexes": None
        if indexes is None
        else {
            index["name"]: {"keys": _keys(index), "projection": index["projection"]}
            for index in indexes
        },
        "billing_mode": "PAY_PER_REQUEST",
        "stream": table["stream"],
        "point_in_time_recovery": table["point_in_time_recovery"],
        "deletion_protection": table["deletion_protection"],
        "kms_key": table["kms_key"],
        "tags": table["tags"],
    }


def _keys(owner: dict[str, Any]) -> dict[str, dict[str, str]]:
    keys = {"hash": {"name": owner["hash_key"], "type": owner["hash_key_type"]}}
    if owner["range_key"]:
        keys["range"] = {"name": owner["range_key"], "type": owner["range_key_type"]}
    return keys


@aws_call("read DynamoDB table {0}")
@none_if_missing("ResourceNotFoundException")
def read_table(client: DynamoDBClient, name: str) -> Model:
    """Read everything that the module manages of the table `name`."""
    table = client.describe_table(TableName=name)["Table"]
    types = {item["AttributeName"]: item["AttributeType"] for item in table["AttributeDefinitions"]}

    def keys(schema: Any) -> dict[str, dict[str, str]]:
        return {
            key["KeyType"].lower(): {
                "name": key["AttributeName"],
                "type": types[key["AttributeName"]],
            }
            for key in schema
        }

    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    stream = table.get("StreamSpecification", {"StreamEnabled": False})
    encryption = table.get("SSEDescription", {})
    encrypted = encryption.get("Status") in {"ENABLED", "ENABLING", "UPDATING"}
    tags: dict[str, str] = {}
    for page in client.get_paginator("list_tags_of_resource").paginate(
        ResourceArn=table["TableArn"]
    ):
        tags |= from_tag_list(page["Tags"])
    return {
        "keys": keys(table["KeySchema"]),
        "indexes": {
            index["IndexName"]: {
                "keys": keys(index["KeySchema"]),
                "projection": index["Projection"]["ProjectionType"],
            }
            for index in table.get("GlobalSecondaryIndexes", [])
        },
        "billing_mode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "stream": stream.get("StreamViewType") if stream["StreamEnabled"] else NO_STREAM,
        "point_in_time_recovery": recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        "deletion_protection": table.get("DeletionProtectionEnabled", False),
        "kms_key": encryption.get("KMSMasterKeyArn") if encrypted else AWS_OWNED_KEY,
        "tags": tags,
    }


def check_owner(name: str, current: Model | None, owner_tags: dict[str, str]) -> None:
    """Refuse an existing table that bears somebody else's tags.

    Raises:
        ReconcileError: one of `owner_tags` has another value on the table.
    """
    for tag, value in owner_tags.items():
        present = (current or {}).get("tags", {}).get(tag, value)
        if present != value:
            raise ReconcileError(
                f"{name}: the table belongs to another deployment, its tag {tag} is {present!r} "
                f"and not {value!r}. Give this environment a table prefix, or its own account or "
                "region."
            )


def plan_table(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a table; indexes are added to the present ones and never taken away.

    Raises:
        ReconcileError: keys, an index or the stream's content would need a replacement.
    """
    merged = ["indexes"] if purge_tags else ["indexes", "tags"]
    plan = make_plan(name, current, desired, create_only=["keys"], merged=merged)
    if current is None:
        return plan
    for index, definition in (desired["indexes"] or {}).items():
        present = current["indexes"].get(index, definition)
        if present != definition:
            raise ReconcileError(
                f"{name}: index {index} exists as {present} and cannot become {definition} in "
                "place. Give the new index another name, or delete the present one yourself once "
                "no client uses it."
            )
    if plan.changes("stream") and NO_STREAM not in (current["stream"], desired["stream"]):
        raise ReconcileError(
            f"{name}: the stream carries {current['stream']}, not {desired['stream']}. A stream "
            "can only be replaced, which loses unread records: set stream to none, deploy, wait "
            "until its consumers are idle, then set the new value."
        )
    return plan


def plan_deletion(name: str, current: Model | None, *, keep: bool) -> Plan:
    """Plan to delete a table; with `keep`, and if it is protected, to leave it as it is."""
    if current and (keep or current["deletion_protection"]):
        return Plan(name, current, current)
    return make_plan(name, current, None)


@aws_call("create DynamoDB table {0}")
def _create(client: DynamoDBClient, name: str, after: Model) -> None:
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": after["billing_mode"],
        "AttributeDefinitions": _attribute_definitions(after),
        "KeySchema": _key_schema(after["keys"]),
        "Tags": to_tag_list(after.get("tags") or {}),
        "DeletionProtectionEnabled": after.get("deletion_protection", False),
    }
    if indexes := after.get("indexes"):
        request["GlobalSecondaryIndexes"] = [_index(*item) for item in sorted(indexes.items())]
    if after.get("stream", NO_STREAM) != NO_STREAM:
        request["StreamSpecification"] = _stream(after["stream"])
    if after.get("kms_key", AWS_OWNED_KEY) != AWS_OWNED_KEY:
        request["SSESpecification"] = _encryption(after["kms_key"])
    client.create_table(**request)


def _when_free(change: Callable[[], Any], name: str, timeout_seconds: float) -> None:
    made = accepted(change, lambda error: error_code(error) in BUSY)
    wait_until(made, f"DynamoDB table {name} to take a change", timeout_seconds)


@aws_call("update DynamoDB table {0}")
def _update(
    client: DynamoDBClient, name: str, change: dict[str, Any], timeout_seconds: float
) -> None:
    _when_free(lambda: client.update_table(TableName=name, **change), name, timeout_seconds)


@aws_call("set point-in-time recovery of DynamoDB table {0}")
def _set_recovery(client: DynamoDBClient, name: str, enabled: bool, timeout_seconds: float) -> None:
    _when_free(
        lambda: client.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
        ),
        name,
        timeout_seconds,
    )


@aws_call("tag DynamoDB table {0}")
def _tag(client: DynamoDBClient, name: str, plan: Plan, timeout_seconds: float) -> None:
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    tags, removed = changed_tags(plan)
    if removed:
        _when_free(
            lambda: client.untag_resource(ResourceArn=arn, TagKeys=removed), name, timeout_seconds
        )
    if tags:
        _when_free(
            lambda: client.tag_resource(ResourceArn=arn, Tags=to_tag_list(tags)),
            name,
            timeout_seconds,
        )


@aws_call("delete DynamoDB table {0}")
def _delete(client: DynamoDBClient, name: str) -> None:
    client.delete_table(TableName=name)


@aws_call("look for items in DynamoDB table {0}")
def is_empty(client: DynamoDBClient, name: str) -> bool:
    """Whether the table holds no item."""
    page = client.scan(TableName=name, Limit=1, ConsistentRead=True)
    # A page may be empty although others follow.
    return not page["Items"] and "LastEvaluatedKey" not in page


@none_if_missing("ResourceNotFoundException")
def _describe(client: DynamoDBClient, name: str) -> TableDescriptionTypeDef:
    return client.describe_table(TableName=name)["Table"]


@aws_call("wait for DynamoDB table {0}")
def _wait_until_active(client: DynamoDBClient, name: str, timeout_seconds: float) -> None:
    def active() -> bool:
        table = _describe(client, name)
        if table is None:  # a new table is not visible at once
            return False
        indexes = table.get("GlobalSecondaryIndexes", [])
        encryption = table.get("SSEDescription", {}).get("Status", "ENABLED")
        return {table["TableStatus"], *(index["IndexStatus"] for index in indexes)} == {
            "ACTIVE"
        } and encryption in {"ENABLED", "DISABLED"}

    wait_until(active, f"DynamoDB table {name} to become active", timeout_seconds)


@aws_call("wait for the deletion of DynamoDB table {0}")
def _wait_until_gone(client: DynamoDBClient, name: str, timeout_seconds: float) -> None:
    wait_until(
        lambda: _describe(client, name) is None, f"table {name} to be deleted", timeout_seconds
    )


def apply_table(client: DynamoDBClient, plan: Plan, timeout_seconds: float) -> None:
    """Carry out one plan: a table takes one change at a time, so each is waited for."""
    name = plan.name
    if plan.action == "delete":
        _delete(client, name)
        _wait_until_gone(client, name, timeout_seconds)
        return
    after = plan.after or {}
    if plan.action == "create":
        _create(client, name, after)
        _wait_until_active(client, name, timeout_seconds)
        if after.get("point_in_time_recovery"):
            _set_recovery(client, name, True, timeout_seconds)
        return
    _wait_until_active(client, name, timeout_seconds)
    for change in _table_changes(plan):
        _update(client, name, change, timeout_seconds)
        _wait_until_active(client, name, timeout_seconds)
    if plan.changes("point_in_time_recovery"):
        _set_recovery(client, name, after["point_in_time_recovery"], timeout_seconds)
    if plan.changes("tags"):
        _tag(client, name, plan, timeout_seconds)


def _table_changes(plan: Plan) -> list[dict[str, Any]]:
    """List the UpdateTable requests of a plan: AWS refuses several kinds of change in one."""
    before, after = plan.before or {}, plan.after or {}
    changes: list[dict[str, Any]] = []
    if plan.changes("deletion_protection"):
        changes.append({"DeletionProtectionEnabled": after["deletion_protection"]})
    if plan.changes("billing_mode"):
        changes.append({"BillingMode": after["billing_mode"]})
    if plan.changes("stream"):
        changes.append({"StreamSpecification": _stream(after["stream"])})
    if plan.changes("kms_key"):
        changes.append({"SSESpecification": _encryption(after["kms_key"])})
    changes.extend(
        {
            "AttributeDefinitions": _attribute_definitions(after),
            "GlobalSecondaryIndexUpdates": [{"Create": _index(index, after["indexes"][index])}],
        }
        for index in sorted(after["indexes"].keys() - before["indexes"].keys())
    )
    return changes


def _key_schema(keys: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": key["name"], "KeyType": kind.upper()} for kind, key in keys.items()]


def _attribute_definitions(table: Model) -> list[dict[str, str]]:
    owners = [table, *(table.get("indexes") or {}).values()]
    types = {key["name"]: key["type"] for owner in owners for key in owner["keys"].values()}
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in sorted(types.items())]


def _index(name: str, index: Model) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _key_schema(index["keys"]),
        "Projection": {"ProjectionType": index["projection"]},
    }


def _stream(view: str) -> dict[str, Any]:
    if view == NO_STREAM:
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": view}


def _encryption(kms_key: str) -> dict[str, Any]:
    if kms_key == AWS_OWNED_KEY:
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": kms_key}

"""`dynamodb_tables` without AWS: plans as tables, and the exact calls of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.dynamodb import (
    apply_table,
    check_owner,
    desired_table,
    is_empty,
    plan_deletion,
    plan_table,
    read_table,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

KEYS = {"hash": {"name": "id", "type": "S"}}
ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/orders"
INDEX = {"keys": {"hash": {"name": "owner", "type": "S"}}, "projection": "ALL"}


def model(**fields: Any) -> dict[str, Any]:
    """Return a table's model with `fields` changed."""
    base: dict[str, Any] = {
        "keys": KEYS,
        "indexes": {},
        "billing_mode": "PAY_PER_REQUEST",
        "stream": "none",
        "point_in_time_recovery": False,
        "deletion_protection": False,
        "kms_key": "aws_owned",
        "tags": {},
    }
    return base | fields


def description(**fields: Any) -> dict[str, Any]:
    """Return what DescribeTable answers for `model()`."""
    base: dict[str, Any] = {
        "TableName": "orders",
        "TableArn": ARN,
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }
    return {"Table": base | fields}


@pytest.mark.parametrize(
    ("current", "desired", "action"),
    [
        (None, model(), "create"),
        (model(), model(), "none"),
        (model(), model(stream=None, tags=None, indexes=None), "none"),
        (model(), model(point_in_time_recovery=True), "update"),
        (model(indexes={"by-owner": INDEX}), model(indexes={}), "none"),
        (model(tags={"a": "1"}), model(tags={"b": "2"}), "update"),
        (model(billing_mode="PROVISIONED"), model(), "update"),
    ],
)
def test_plan(current: dict[str, Any] | None, desired: dict[str, Any], action: str) -> None:
    assert plan_table("orders", current, desired, purge_tags=True).action == action


def test_tags_that_are_not_listed_stay_without_purge() -> None:
    current, desired = model(tags={"a": "1"}), model(tags={"b": "2"})
    plan = plan_table("orders", current, desired, purge_tags=False)
    assert plan.after is not None
    assert plan.after["tags"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("current", "desired", "words"),
    [
        (model(), model(keys={"hash": {"name": "other", "type": "S"}}), "orders: keys"),
        (
            model(indexes={"by-owner": INDEX}),
            model(indexes={"by-owner": INDEX | {"projection": "KEYS_ONLY"}}),
            "index by-owner",
        ),
        (model(stream="NEW_IMAGE"), model(stream="KEYS_ONLY"), "carries NEW_IMAGE"),
    ],
)
def test_a_replacement_is_refused(
    current: dict[str, Any], desired: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReconcileError, match=words):
        plan_table("orders", current, desired, purge_tags=True)


def test_a_table_of_another_deployment_is_refused() -> None:
    theirs = model(tags={"environment": "staging"})
    check_owner("orders", None, {"environment": "prod"})
    check_owner("orders", model(), {"environment": "prod"})
    check_owner("orders", theirs, {"environment": "staging"})
    with pytest.raises(ReconcileError, match="environment is 'staging' and not 'prod'"):
        check_owner("orders", theirs, {"environment": "prod"})


def test_deletion_respects_protection_and_contents() -> None:
    assert plan_deletion("orders", None, keep=False).action == "none"
    assert plan_deletion("orders", model(), keep=True).action == "none"
    assert plan_deletion("orders", model(), keep=False).action == "delete"
    assert plan_deletion("orders", model(deletion_protection=True), keep=False).action == "none"


@pytest.mark.parametrize("kms_key", ["alias/orders", "arn:aws:kms:us-east-1:1:alias/orders"])
def test_a_key_must_be_given_as_dynamodb_answers_it(kms_key: str) -> None:
    option = dict.fromkeys(("indexes", "range_key", "tags", "stream"))
    table = option | {
        "name": "orders",
        "hash_key": "id",
        "hash_key_type": "S",
        "point_in_time_recovery": None,
        "deletion_protection": None,
    }
    key = "arn:aws:kms:us-east-1:1:key/2"
    assert desired_table(table | {"kms_key": key})["kms_key"] == key
    with pytest.raises(ReconcileError, match="orders: kms_key is"):
        desired_table(table | {"kms_key": kms_key})


@pytest.mark.parametrize(
    ("page", "empty"),
    [
        ({"Items": []}, True),
        ({"Items": [{"id": {"S": "1"}}]}, False),
        ({"Items": [], "LastEvaluatedKey": {"id": {"S": "1"}}}, False),
    ],
)
def test_an_empty_page_alone_is_no_empty_table(
    stubbed: Callable[[str], tuple[Any, Stubber]], page: dict[str, Any], empty: bool
) -> None:
    client, stubber = stubbed("dynamodb")
    request = {"TableName": "orders", "Limit": 1, "ConsistentRead": True}
    stubber.add_response("scan", page, request)
    assert is_empty(client, "orders") is empty


def test_read_gives_the_words_of_the_options(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response(
        "describe_table",
        description(
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            SSEDescription={"Status": "ENABLED", "KMSMasterKeyArn": "arn:aws:kms:key"},
            DeletionProtectionEnabled=True,
        ),
    )
    recovery = {"PointInTimeRecoveryStatus": "ENABLED"}
    stubber.add_response(
        "describe_continuous_backups",
        {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": recovery,
            }
        },
    )
    page = {"Tags": [{"Key": "a", "Value": "1"}], "NextToken": "more"}
    stubber.add_response("list_tags_of_resource", page, {"ResourceArn": ARN})
    stubber.add_response(
        "list_tags_of_resource",
        {"Tags": [{"Key": "b", "Value": "2"}]},
        {"ResourceArn": ARN, "NextToken": "more"},
    )
    assert read_table(client, "orders") == model(
        stream="NEW_IMAGE",
        point_in_time_recovery=True,
        deletion_protection=True,
        kms_key="arn:aws:kms:key",
        tags={"a": "1", "b": "2"},
    )


def test_read_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    assert read_table(client, "orders") is None
    stubber.add_client_error("describe_table", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match="read DynamoDB table orders: AccessDeniedException: not"):
        read_table(client, "orders")


def test_a_new_table_is_protected_and_encrypted_from_its_first_second(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response(
        "create_table",
        {},
        {
            "TableName": "orders",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "owner", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "Tags": [],
            "DeletionProtectionEnabled": True,
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-owner",
                    "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            "SSESpecification": {
                "Enabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": "arn:aws:kms:key",
            },
        },
    )
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    stubber.add_response("describe_table", description(), {"TableName": "orders"})
    stubber.add_client_error("update_continuous_backups", "ContinuousBackupsUnavailableException")
    stubber.add_response(
        "update_continuous_backups",
        {},
        {
            "TableName": "orders",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    )
    after = model(
        indexes={"by-owner": INDEX},
        deletion_protection=True,
        point_in_time_recovery=True,
        kms_key="arn:aws:kms:key",
    )
    apply_table(client, Plan("orders", None, after), timeout_seconds=5)


def test_changes_are_made_one_at_a_time(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", description())
    for change in (
        {"DeletionProtectionEnabled": True},
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
    ):
        stubber.add_client_error("update_table", "ResourceInUseException")
        stubber.add_response("update_table", {}, {"TableName": "orders", **change})
        stubber.add_response("describe_table", description(SSEDescription={"Status": "UPDATING"}))
        stubber.add_response("describe_table", description())
    after = model(deletion_protection=True, stream="NEW_IMAGE")
    apply_table(client, Plan("orders", model(), after), timeout_seconds=5)


def test_waiting_ends_with_the_remedy(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", description(TableStatus="UPDATING"))
    with pytest.raises(AwsError, match="run the playbook again"):
        apply_table(client, Plan("orders", model(), model(tags={"a": "1"})), timeout_seconds=0)

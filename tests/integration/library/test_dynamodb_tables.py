"""`dynamodb_tables` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

ORDERS: dict[str, Any] = {
    "name": "orders_of_run",
    "hash_key": "order_id",
    "stream": "NEW_IMAGE",
    "point_in_time_recovery": True,
    "deletion_protection": False,
    "tags": {"owner": "shop"},
    "indexes": [{"name": "customer-index", "hash_key": "customer"}],
}


@pytest.fixture(autouse=True)
def _no_tables(cloud: Cloud) -> Iterator[None]:
    def clean() -> None:
        client = cloud.client("dynamodb")
        for name in client.list_tables()["TableNames"]:
            if name.startswith("orders_of"):
                client.update_table(TableName=name, DeletionProtectionEnabled=False)
                client.delete_table(TableName=name)

    clean()
    yield
    clean()


def test_tables_are_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module.four_runs("dynamodb_tables", tables=[ORDERS])
    client = cloud.client("dynamodb")
    table = client.describe_table(TableName="orders_of_run")["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "ALL"}
    backups = client.describe_continuous_backups(TableName="orders_of_run")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    run_module.gone_twice("dynamodb_tables", tables=[{"name": "orders_of_run"}])


def test_a_table_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module("dynamodb_tables", tables=[ORDERS | {"stream": "none", "indexes": []}])
    client = cloud.client("dynamodb")
    client.put_item(TableName="orders_of_run", Item={"order_id": {"S": "1"}})
    indexes = [*ORDERS["indexes"], {"name": "date-index", "hash_key": "date"}]
    changed = ORDERS | {"deletion_protection": True, "tags": {"owner": "web"}, "indexes": indexes}
    run_module.four_runs("dynamodb_tables", tables=[changed])
    assert client.scan(TableName="orders_of_run")["Count"] == 1
    assert client.describe_table(TableName="orders_of_run")["Table"]["DeletionProtectionEnabled"]


def test_what_needs_a_replacement_fails_and_names_the_remedy(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("dynamodb_tables", tables=[ORDERS])
    other_key = run_module("dynamodb_tables", tables=[ORDERS | {"hash_key": "id"}], fails=True)
    assert "orders_of_run: keys" in other_key["msg"]
    assert "another name" in other_key["msg"]
    other_index = {"name": "customer-index", "hash_key": "email"}
    failed = run_module("dynamodb_tables", tables=[ORDERS | {"indexes": [other_index]}], fails=True)
    assert "index customer-index" in failed["msg"]
    table = cloud.client("dynamodb").describe_table(TableName="orders_of_run")["Table"]
    assert table["KeySchema"][0]["AttributeName"] == "order_id"


def test_a_table_with_items_stays_unless_told_otherwise(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("dynamodb_tables", tables=[ORDERS])
    cloud.client("dynamodb").put_item(TableName="orders_of_run", Item={"order_id": {"S": "1"}})
    kept = run_module("dynamodb_tables", state="absent", tables=[{"name": "orders_of_run"}])
    assert kept["kept"] == ["orders_of_run"]
    assert kept["changed"] is False
    run_module.gone_twice("dynamodb_tables", tables=[{"name": "orders_of_run"}], delete_items=True)


def test_a_protected_table_is_not_deleted(run_module: ModuleRunner) -> None:
    run_module("dynamodb_tables", tables=[ORDERS | {"deletion_protection": True}])
    kept = run_module(
        "dynamodb_tables", state="absent", tables=[{"name": "orders_of_run"}], delete_items=True
    )
    assert kept["kept"] == ["orders_of_run"]
    assert kept["changed"] is False

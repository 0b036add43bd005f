"""`dynamodb_seed` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.dynamodb_items import apply_items, read_items, read_schema
from ansible.module_utils.artificien.dynamodb_seeds import (
    by_key,
    counts,
    desired_items,
    plan_items,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

GOODS, VISITS = "seed_goods", "seed_visits"
TEA: dict[str, Any] = {
    "id": "tea",
    "price": 4.25,
    "sold": 0,
    "organic": True,
    "origin": None,
    "tags": ["hot", "herbal"],
    "box": {"grams": 100},
    "secret": "hush",
}


@pytest.fixture(autouse=True)
def _tables(cloud: Cloud) -> Iterator[None]:
    client = cloud.client("dynamodb")

    def clean() -> None:
        for name in client.list_tables()["TableNames"]:
            if name.startswith("seed_"):
                client.delete_table(TableName=name)

    clean()
    definitions = [{"AttributeName": "id", "AttributeType": "S"}]
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    client.create_table(
        TableName=GOODS,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=definitions,
        KeySchema=keys,
    )
    client.create_table(
        TableName=VISITS,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[*definitions, {"AttributeName": "at", "AttributeType": "N"}],
        KeySchema=[*keys, {"AttributeName": "at", "KeyType": "RANGE"}],
    )
    yield
    clean()


def items(client: Any, table: str) -> dict[str, Any]:
    """Return all items of `table` by `id`."""
    pages = client.get_paginator("scan").paginate(TableName=table)
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def test_items_of_lists_and_files_are_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, tmp_path: Path
) -> None:
    visits = tmp_path / "visits.jsonl"
    visits.write_text("".join(json.dumps({"id": "ada", "at": n / 2}) + "\n" for n in range(250)))
    seeds = [
        {"table": GOODS, "items": [TEA]},
        {"table": VISITS, "file": str(visits)},
        {"table": GOODS, "items": [{"id": "milk"}]},
    ]
    options: dict[str, Any] = {"seeds": seeds, "hidden_attributes": ["secret"]}
    first = run_module.four_runs("dynamodb_seed", **options)
    assert {name: table["created"] for name, table in first["tables"].items()} == {
        GOODS: 2,
        VISITS: 250,
    }
    assert first["diff"]["before"] == {GOODS: {}, VISITS: {}}
    assert first["diff"]["after"][GOODS]["tea"] == TEA | {"secret": "(hidden)"}
    assert first["diff"]["after"][VISITS]["…"] == "230 more items change"
    client = cloud.client("dynamodb")
    assert items(client, GOODS)["tea"] == {
        "id": {"S": "tea"},
        "price": {"N": "4.25"},
        "sold": {"N": "0"},
        "organic": {"BOOL": True},
        "origin": {"NULL": True},
        "tags": {"L": [{"S": "hot"}, {"S": "herbal"}]},
        "box": {"M": {"grams": {"N": "100"}}},
        "secret": {"S": "hush"},
    }
    client.put_item(TableName=GOODS, Item={"id": {"S": "cup"}})
    run_module.gone_twice("dynamodb_seed", **options)
    assert items(client, GOODS).keys() == {"cup"}
    assert items(client, VISITS) == {}


def test_what_others_changed_stays_unless_overwritten(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    seeds = [{"table": GOODS, "items": [TEA, {"id": "milk", "price": 1.0}]}]
    run_module("dynamodb_seed", seeds=seeds)
    client = cloud.client("dynamodb")
    client.update_item(
        TableName=GOODS,
        Key={"id": {"S": "tea"}},
        UpdateExpression="SET sold = sold + :one, sample_status = :ready",
        ExpressionAttributeValues={":one": {"N": "1"}, ":ready": {"S": "ready"}},
    )
    changed = items(client, GOODS)
    assert changed["tea"]["sold"] == {"N": "1"}
    again = run_module("dynamodb_seed", seeds=seeds)
    assert again["changed"] is False
    assert items(client, GOODS) == changed

    replaced = run_module.four_runs("dynamodb_seed", seeds=seeds, overwrite=True)
    assert replaced["tables"][GOODS] == {
        "created": 0,
        "replaced": 1,
        "deleted": 0,
        "unchanged": 1,
    }
    assert replaced["diff"]["before"][GOODS]["tea"]["sample_status"] == "ready"
    assert replaced["diff"]["after"][GOODS] == {"tea": TEA}
    assert "sample_status" not in items(client, GOODS)["tea"]


def test_nothing_is_written_where_one_item_is_bad_or_one_table_is_missing(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    good = {"table": GOODS, "items": [TEA]}
    bad = {"table": VISITS, "items": [{"id": "ada", "at": 1}, {"id": "ada", "at": "noon"}]}
    failed = run_module("dynamodb_seed", seeds=[good, bad], fails=True)
    assert "seed_visits: seeds[1].items[1]: field at is 'noon'" in failed["msg"]
    lost = {"table": "seed_lost", "items": [{"id": "x"}]}
    planned = run_module("dynamodb_seed", seeds=[good, lost], check=True)
    assert planned["changed"] is True
    assert planned["diff"]["after"]["seed_lost"] == {"seed_lost: seeds[1].items[0]": {"id": "x"}}
    failed = run_module("dynamodb_seed", seeds=[good, lost], fails=True)
    assert "table seed_lost does not exist" in failed["msg"]
    assert "--tags dynamodb" in failed["msg"]
    assert items(cloud.client("dynamodb"), GOODS) == {}


def test_an_item_created_meanwhile_stays_as_it_is(cloud: Cloud) -> None:
    client = cloud.client("dynamodb")
    plain = [{"id": f"{number:03}"} for number in range(250)]
    seeds = desired_items([{"table": GOODS, "items": plain, "file": None}])[GOODS]
    schema = read_schema(client, GOODS)
    assert schema is not None
    desired = by_key(seeds, schema)
    current = read_items(client, GOODS, schema, desired, 4, whole=False)
    plan = plan_items(GOODS, current, desired, overwrite=False)
    for raced in ("000", "120", "249"):
        client.put_item(TableName=GOODS, Item={"id": {"S": raced}, "by": {"S": "others"}})
    done = apply_items(client, plan, 4)
    assert counts(done) == {"created": 247, "replaced": 0, "deleted": 0, "unchanged": 3}
    written = items(client, GOODS)
    assert len(written) == 250
    assert written["120"]["by"] == {"S": "others"}

"""`dynamodb_seed` without AWS: values and plans as tables, and the exact calls of each."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien import dynamodb_items
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.dynamodb_items import (
    apply_items,
    client_config,
    read_items,
    read_schema,
)
from ansible.module_utils.artificien.dynamodb_seeds import (
    Schema,
    Seed,
    by_key,
    counts,
    desired_items,
    plan_items,
    plan_without_table,
    shown_plan,
)
from ansible.module_utils.artificien.dynamodb_values import MAX_ITEM_BYTES, item_bytes, to_item
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.dynamodb_seed import make_plans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.stub import Stubber

SCHEMA = Schema(keys=("id",), types={"id": "S", "owner": "S"})
DESCRIPTION = {
    "Table": {
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "owner", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
}
TEA = {"id": {"S": "tea"}}
MILK = {"id": {"S": "milk"}}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb_items, "FIRST_PAUSE_SECONDS", 0)


def seed(table: str = "goods", **source: Any) -> dict[str, Any]:
    """Return an entry of the option `seeds` as Ansible hands it over."""
    return {"table": table, "items": None, "file": None} | source


def listed(*items: dict[str, Any]) -> list[Seed]:
    """Return plain items as the option's code reads them."""
    return desired_items([seed(items=list(items))])["goods"]


def put(item: dict[str, Any]) -> dict[str, Any]:
    """Return the conditional write that creates `item`."""
    return {
        "Put": {
            "TableName": "goods",
            "ConditionExpression": "attribute_not_exists(#k)",
            "ExpressionAttributeNames": {"#k": "id"},
            "Item": item,
        }
    }


def cancelled(stubber: Stubber, *codes: str, items: list[dict[str, Any]]) -> None:
    """Let the next transaction of `items` be cancelled for one code per item."""
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        expected_params={
            "TransactItems": [put(item) for item in items],
        },
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("a", {"S": "a"}),
        ("", {"S": ""}),
        (True, {"BOOL": True}),
        (1, {"N": "1"}),
        (0.1, {"N": "0.1"}),
        (10**37, {"N": "1" + "0" * 37}),
        (1e100, {"N": "1" + "0" * 100}),
        (-0.0, {"N": "0"}),
        (1.0, {"N": "1"}),
        (Decimal("2.50"), {"N": "2.5"}),
        (None, {"NULL": True}),
        (["a", [1]], {"L": [{"S": "a"}, {"L": [{"N": "1"}]}]}),
        ({"b": {"c": False}}, {"M": {"b": {"M": {"c": {"BOOL": False}}}}}),
    ],
)
def test_plain_values_become_typed_ones(value: object, wire: dict[str, Any]) -> None:
    assert to_item({"f": value}) == {"f": wire}


def nested(levels: int) -> Any:
    """Return a string within lists, `levels` deep in all."""
    return "leaf" if levels == 1 else [nested(levels - 1)]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"price": float("nan")}, "field price is nan.*finite number"),
        ({"a": {"b": [0, float("inf")]}}, r"field a.b\[1\] is inf"),
        ({"n": 1e126}, "field n is 1e.126.*38 significant digits"),
        ({"n": Decimal("1E-131")}, "powers of ten from -130"),
        ({"n": 10**38 + 1}, "38 significant digits"),
        ({"s": set()}, r"field s is set\(\), a set. Write a string"),
        ({"b": b"x"}, "field b is b'x', a bytes"),
        ({"t": "\ud800"}, "field t is .*surrogate"),
        ({"": 1}, "empty name"),
        ({"deep": nested(33)}, "nested deeper than the 32 levels"),
        ({"big": "x" * MAX_ITEM_BYTES, "id": "a"}, "409[0-9]{3} bytes, .* in field big. Shorten"),
    ],
)
def test_what_dynamodb_cannot_hold_is_refused(item: dict[str, Any], words: str) -> None:
    with pytest.raises(ReconcileError, match=words) as refused:
        desired_items([seed(items=[{"id": "fine"}, item])])
    assert str(refused.value).startswith("goods: seeds[0].items[1]: ")


def test_the_limits_themselves_are_allowed() -> None:
    to_item({"deep": nested(32)})
    text = "x" * (MAX_ITEM_BYTES - 1)
    assert item_bytes(to_item({"f": text})) == MAX_ITEM_BYTES
    # Much longer as JSON than as DynamoDB counts.
    to_item({"f": [None] * 100_000})
    to_item({"n": Decimal("9" * 38)})


def test_items_come_from_lists_and_files(tmp_path: Path) -> None:
    lines = tmp_path / "goods.jsonl"
    lines.write_text('{"id": "a", "price": 0.10}\n\n{"id": "b"}\n')
    array = tmp_path / "goods.json"
    array.write_text(' [{"id": "c"}]')
    read = desired_items(
        [seed(items=[{"id": "d"}]), seed(file=lines), seed(file=array), seed("other", items=[])]
    )
    assert [entry.item["id"]["S"] for entry in read["goods"]] == ["d", "a", "b", "c"]
    assert read["goods"][1].item["price"] == {"N": "0.1"}
    assert read["goods"][2].where == f"goods: {lines} line 3"
    assert read["other"] == []


@pytest.mark.parametrize("source", [{}, {"items": [], "file": "goods.jsonl"}])
def test_an_entry_has_either_items_or_a_file(source: dict[str, Any]) -> None:
    with pytest.raises(ReconcileError, match=r"goods: seeds\[0\] must have one of items and file"):
        desired_items([seed(**source)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"id": "a"}\n{"id": ', "line 2 is not JSON.*one JSON object a line"),
        ("[1]", "item 0 is 1. Write a dictionary"),
        ('{"id": NaN}', "line 1: field id is nan"),
        (None, "No such file.*make it first"),
        (b"\xff", "readable UTF-8 file"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    path = tmp_path / "goods.jsonl"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReconcileError, match=words):
        desired_items([seed(file=path)])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"price": 1}], r"items\[0\] has no id, which is a key of the table. Add"),
        ([{"id": 7}], r"items\[0\]: field id is 7.*type S. Write a string, in quotes"),
        ([{"id": ""}], "field id is an empty string.*Give it a value"),
        ([{"id": "x" * 2049}], "longer than the 2048 bytes"),
        ([{"id": "a", "owner": None}], "field owner is None.*index needs type S"),
        ([{"id": "a"}, {"id": "a"}], r"items\[1\] has the key a of .*items\[0\]. Remove one"),
    ],
)
def test_an_item_that_does_not_fit_the_table_is_refused(
    items: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ReconcileError, match=words):
        by_key(listed(*items), SCHEMA)


def test_equal_numbers_are_equal_keys() -> None:
    schema = Schema(keys=("id", "at"), types={"id": "S", "at": "N"})
    assert list(by_key(listed({"id": "a", "at": 100}), schema)) == ['["a", "100"]']
    with pytest.raises(ReconcileError, match="Remove one"):
        by_key(listed({"id": "a", "at": 1}, {"id": "a", "at": 1.0}), schema)


@pytest.mark.parametrize(
    ("current", "overwrite", "expected"),
    [
        ({}, False, {"created": 1, "replaced": 0, "deleted": 0, "unchanged": 0}),
        ({"tea": TEA}, False, {"created": 0, "replaced": 0, "deleted": 0, "unchanged": 1}),
        (
            {"tea": TEA | {"price": {"N": "9"}}},
            True,
            {"created": 0, "replaced": 1, "deleted": 0, "unchanged": 0},
        ),
        (
            {"tea": TEA | {"price": {"N": "4.50"}}},
            True,
            {"created": 0, "replaced": 0, "deleted": 0, "unchanged": 1},
        ),
        (
            {"tea": TEA | {"price": {"BOOL": True}}},
            True,
            {"created": 0, "replaced": 1, "deleted": 0, "unchanged": 0},
        ),
    ],
)
def test_plan(current: dict[str, Any], overwrite: bool, expected: dict[str, int]) -> None:
    desired = by_key(listed({"id": "tea", "price": 4.5}), SCHEMA)
    plan = plan_items("goods", current, desired, overwrite=overwrite)
    assert counts(plan) == expected
    assert plan.changed is (expected["unchanged"] == 0)


def test_all_items_of_a_missing_table_would_be_created() -> None:
    plan = plan_without_table("goods", listed({"id": "tea"}))
    assert plan.action == "create"
    assert counts(plan)["created"] == 1
    assert shown_plan(plan, set()).before is None


def test_the_diff_shows_some_items_and_no_secret() -> None:
    current = {"b": {"id": {"S": "b"}, "key": {"S": "old"}}, "same": {"id": {"S": "same"}}}
    items = [{"id": f"{number:02}", "key": "new"} for number in range(30)]
    desired = by_key(listed(*items, {"id": "b", "key": "new", "n": 1.5}), SCHEMA)
    plan = plan_items("goods", current, desired, overwrite=True)
    shown = shown_plan(plan, {"key"})
    assert "new" not in str(shown)
    assert "old" not in str(shown)
    assert shown.after is not None
    assert shown.after["00"] == {"id": "00", "key": "(hidden)"}
    assert len(shown.after) == 21
    assert shown.after["…"] == "11 more items change"
    replaced = shown_plan(Plan("goods", current, {"b": desired["b"]}), {"key"})
    assert replaced.before == {
        "b": {"id": "b", "key": "(hidden)"},
        "same": {"id": "same"},
    }
    assert replaced.after == {"b": {"id": "b", "key": "(hidden, changed)", "n": 1.5}}


def test_read_schema_tells_missing_from_refused(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION, {"TableName": "goods"})
    assert read_schema(client, "goods") == SCHEMA
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    assert read_schema(client, "goods") is None
    stubber.add_client_error("describe_table", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match="read DynamoDB table goods: AccessDeniedException: not"):
        read_schema(client, "goods")


def test_reading_asks_for_keys_and_again_for_what_was_left_over(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    request = {
        "ConsistentRead": True,
        "ProjectionExpression": "#k0",
        "ExpressionAttributeNames": {"#k0": "id"},
    }
    stubber.add_response(
        "batch_get_item",
        {"Responses": {"goods": [TEA]}, "UnprocessedKeys": {"goods": {"Keys": [MILK]}}},
        {"RequestItems": {"goods": {**request, "Keys": [TEA, MILK]}}},
    )
    stubber.add_response(
        "batch_get_item",
        {"Responses": {"goods": [MILK]}, "UnprocessedKeys": {}},
        {"RequestItems": {"goods": {**request, "Keys": [MILK]}}},
    )
    desired = by_key(listed({"id": "tea", "price": 4}, {"id": "milk"}), SCHEMA)
    found = read_items(client, "goods", SCHEMA, desired, 1, whole=False)
    assert found == {"tea": TEA, "milk": MILK}


def test_an_empty_table_is_known_by_one_call(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    desired = by_key(listed(*({"id": str(number)} for number in range(101))), SCHEMA)
    stubber.add_response(
        "scan", {"Items": []}, {"TableName": "goods", "Limit": 1, "ConsistentRead": True}
    )
    assert read_items(client, "goods", SCHEMA, desired, 1, whole=False) == {}


def test_items_are_created_on_condition_and_a_race_is_lost_in_peace(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    cancelled(stubber, "None", "ConditionalCheckFailed", items=[TEA, MILK])
    cancelled(stubber, "TransactionConflict", items=[TEA])
    expected = {"TransactItems": [put(TEA)]}
    stubber.add_response("transact_write_items", {}, expected)
    done = apply_items(client, Plan("goods", {}, {"tea": TEA, "milk": MILK}), 1)
    assert counts(done) == {"created": 1, "replaced": 0, "deleted": 0, "unchanged": 1}


def test_nothing_is_changed_where_every_race_is_lost(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    cancelled(stubber, "ConditionalCheckFailed", items=[TEA])
    assert apply_items(client, Plan("goods", {}, {"tea": TEA}), 1).changed is False


def test_other_reasons_of_a_cancelled_transaction_name_the_item(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    cancelled(stubber, "None", "ValidationError", items=[TEA, MILK])
    with pytest.raises(AwsError, match="create item milk in DynamoDB table goods: Validation"):
        apply_items(client, Plan("goods", {}, {"tea": TEA, "milk": MILK}), 1)


def test_endless_conflicts_end_with_the_remedy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    for _ in range(dynamodb_items.ATTEMPTS):
        cancelled(stubber, "TransactionConflict", items=[TEA])
    with pytest.raises(AwsError, match="Run the playbook again"):
        apply_items(client, Plan("goods", {}, {"tea": TEA}), 1)


def test_replacing_and_deleting_repeat_what_was_not_processed(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    new = TEA | {"price": {"N": "4"}}
    requests = [{"DeleteRequest": {"Key": MILK}}, {"PutRequest": {"Item": new}}]
    stubber.add_response(
        "batch_write_item",
        {"UnprocessedItems": {"goods": requests[1:]}},
        {"RequestItems": {"goods": requests}},
    )
    stubber.add_response(
        "batch_write_item", {"UnprocessedItems": {}}, {"RequestItems": {"goods": requests[1:]}}
    )
    before = {"milk": MILK | {"fat": {"N": "3"}}, "tea": TEA}
    apply_items(client, Plan("goods", before, {"tea": new}), 1)


def test_requests_stay_within_the_limits(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    small = {str(number): {"id": {"S": str(number)}} for number in range(101)}
    big = {
        f"b{number}": {"id": {"S": f"b{number}"}, "x": {"S": "x" * 390_000}} for number in (1, 2)
    }
    items = list((small | big).values())
    for chunk in (items[:100], items[100:]):
        stubber.add_response(
            "transact_write_items",
            {},
            {"TransactItems": [put(item) for item in chunk]},
        )
    apply_items(client, Plan("goods", {}, small | big), 1)
    stubber.add_response("describe_table", DESCRIPTION)
    many = {
        f"b{number}": {"id": {"S": f"b{number}"}, "x": {"S": "x" * 390_000}} for number in range(9)
    }
    items = list(many.values())
    for chunk in (items[:8], items[8:]):
        stubber.add_response(
            "transact_write_items",
            {},
            {"TransactItems": [put(item) for item in chunk]},
        )
    apply_items(client, Plan("goods", {}, many), 1)


def params(**options: Any) -> dict[str, Any]:
    """Return the module's options with `options` changed."""
    base = {"seeds": [], "overwrite": False, "workers": 1, "state": "present"}
    return base | options


def test_nothing_is_written_where_a_table_is_missing(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("describe_table", DESCRIPTION)
    stubber.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": {}})
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    seeds = [seed(items=[{"id": "tea"}]), seed("other", items=[{"id": "x"}])]
    plans = make_plans(client, params(seeds=seeds))
    assert [plan.name for plan in plans] == ["other", "goods"]
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    with pytest.raises(ReconcileError, match=r"other does not exist.*--tags dynamodb"):
        apply_items(client, plans[0], 1)


@pytest.mark.parametrize(
    ("options", "items"), [({"state": "absent"}, [{"id": "a"}]), ({"state": "present"}, [])]
)
def test_a_missing_table_is_no_matter_where_nothing_goes_into_it(
    options: dict[str, Any],
    items: list[dict[str, Any]],
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_client_error("describe_table", "ResourceNotFoundException")
    seeds = [seed(items=items)]
    (plan,) = make_plans(client, params(seeds=seeds, **options))
    assert plan.changed is False


@pytest.mark.parametrize("workers", [0, 65])
def test_a_senseless_number_of_workers_is_refused(workers: int) -> None:
    with pytest.raises(ReconcileError, match="from 1 to 64"):
        make_plans(None, params(workers=workers))  # type: ignore[arg-type]


def test_the_client_retries_and_has_a_connection_for_each_worker() -> None:
    config: Any = client_config(9)
    assert config.max_pool_connections == 9
    assert config.retries["mode"] == "standard"

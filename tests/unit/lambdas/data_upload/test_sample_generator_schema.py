"""Which items make a schema, and what is said of the others."""

from decimal import Decimal

import pytest
from data_upload.sample_generator import SchemaError, fingerprint, parse_schema
from data_upload.sample_generator.dynamodb_json import is_typed, plain_item
from data_upload.sample_generator.schema import MAX_COLUMNS

from tests.unit.lambdas.data_upload.fakes import DEFAULT_ROWS, health_item, item_of, typed_item


def test_item_of_the_registration_page() -> None:
    schema = parse_schema(plain_item(typed_item(health_item())), DEFAULT_ROWS)
    assert schema.dataset_id == "Artificien-Health"
    assert schema.rows == DEFAULT_ROWS
    assert [column.name for column in schema.columns][::3] == ["Age", "Weekly Step Count"]
    assert schema.columns[3].bounds == (Decimal(0), Decimal(100000))
    assert schema.columns[0].description == "In years"


def test_ranges_belong_to_ranged_columns_in_order() -> None:
    item = item_of(
        [("a", "N", "1", "2"), ("b", "S", "", ""), ("c", "B", "", ""), ("d", "F", "3", "4")]
    )
    bounds = [column.bounds for column in parse_schema(item, DEFAULT_ROWS).columns]
    assert bounds == [(Decimal(1), Decimal(2)), None, None, (Decimal(3), Decimal(4))]


def test_older_item_without_ranges_and_descriptions() -> None:
    item = {"dataset_id": "d", "attributes": ["a"], "attributeTypes": ["S"]}
    assert parse_schema(item, DEFAULT_ROWS).columns[0].bounds is None


def test_numbers_in_lists_are_as_good_as_strings() -> None:
    item = health_item(
        attributes=[Decimal(2020), "b"],
        attributeTypes=["N", "N"],
        attributeRangeMins=[Decimal("0.5"), "1"],
        attributeRangeMaxes=[Decimal(3), " 2 "],
        attributeDescriptions=[],
    )
    columns = parse_schema(item, DEFAULT_ROWS).columns
    assert columns[0].name == "2020"
    assert columns[0].bounds == (Decimal("0.5"), Decimal(3))
    assert columns[1].bounds == (Decimal(1), Decimal(2))


@pytest.mark.parametrize(
    ("num_devices", "rows"),
    [
        (None, 500),
        (Decimal(0), 500),
        (Decimal(-3), 500),
        (Decimal(7), 7),
        ("12", 12),
        (10**7, 10**7),
    ],
)
def test_rows(num_devices: object, rows: int) -> None:
    assert parse_schema(health_item(num_devices=num_devices), DEFAULT_ROWS).rows == rows


@pytest.mark.parametrize(
    ("changes", "attribute", "part"),
    [
        ({"dataset_id": ""}, "dataset_id", "is ''"),
        ({"dataset_id": "a\0"}, "dataset_id", "NUL"),
        ({"attributes": "Age,Sex"}, "attributes", "is 'Age,Sex', which is not a list"),
        ({"attributes": frozenset({"Age"})}, "attributes", "not a list"),
        ({"attributes": []}, "attributes", "name at least one"),
        ({"attributes": None}, "attributes", "is missing"),
        ({"attributes": [str(n) for n in range(MAX_COLUMNS + 1)]}, "attributes", "at most 1000"),
        ({"attributes": ["a", "", "c", "d"]}, "attributes[1]", "give the attribute a name"),
        ({"attributes": ["a", "b", "a", "d"]}, "attributes[2]", "is 'a', as is attributes[0]"),
        ({"attributes": ["a", "b\0", "c", "d"]}, "attributes[1]", r"'b\x00'"),
        ({"attributes": ["a", "b", "c", "\ud800"]}, "attributes[3]", "Unicode"),
        ({"attributes": ["a", True, "c", "d"]}, "attributes[1]", "is True"),
        ({"attributes": ["a", ["b"], "c", "d"]}, "attributes[1]", "is ['b']"),
        ({"attributeTypes": None}, "attributeTypes", "is missing"),
        ({"attributeTypes": ["N", "N", "N"]}, "attributeTypes", "3 entries for 4 attributes"),
        ({"attributeTypes": ["S", "N", "N", "N"]}, "attributeRangeMins", "4 entries for 3"),
        ({"attributeTypes": ["S", "S", "B", "S"]}, "attributeRangeMins", "4 entries for 0"),
        ({"attributeRangeMins": ["1"]}, "attributeRangeMins", "1 entries for 4"),
        ({"attributeRangeMaxes": None}, "attributeRangeMaxes", "is missing"),
        ({"attributeRangeMaxes": ["90", "1", "45"]}, "attributeRangeMaxes", "3 entries for 4"),
        (
            {"attributeRangeMins": ["91", "0", "1", "0"]},
            "attributeRangeMins[0]",
            "is 91 for 'Age', more than",
        ),
        (
            {"attributeRangeMins": ["0.9", "1.1", "1", "0"]},
            "attributeRangeMins[1]",
            "is 1.1 for 'Sex', more",
        ),
        ({"attributeDescriptions": ["one"]}, "attributeDescriptions", "1 entries for 4"),
        ({"attributeDescriptions": "text"}, "attributeDescriptions", "not a list"),
        ({"num_devices": Decimal("2.5")}, "num_devices", "is 2.5"),
        ({"num_devices": "many"}, "num_devices", "is 'many'"),
        ({"num_devices": [5]}, "num_devices", "is [5]"),
        ({"num_devices": 10_000_001}, "num_devices", "at most 10000000"),
    ],
)
def test_bad_schema(changes: dict[str, object], attribute: str, part: str) -> None:
    with pytest.raises(SchemaError) as raised:
        parse_schema(health_item(**changes), DEFAULT_ROWS)
    assert raised.value.attribute == attribute
    assert str(raised.value).startswith(attribute)
    assert part in str(raised.value)


@pytest.mark.parametrize(
    "bound",
    ["", "abc", "NaN", "inf", "-Infinity", "1e309", "1_000", "\uff11", "1,5", "1e-" + "9" * 30],
)
def test_bound_that_is_no_finite_number(bound: str) -> None:
    with pytest.raises(SchemaError, match=r"^attributeRangeMins\[2\] .* not a finite number"):
        parse_schema(health_item(attributeRangeMins=["1", "0", bound, "0"]), DEFAULT_ROWS)


def test_more_values_than_one_run_can_write() -> None:
    columns = [(str(number), "B", "", "") for number in range(100)]
    parse_schema(item_of(columns, num_devices=1_500_000), DEFAULT_ROWS)
    with pytest.raises(SchemaError, match="write at most 1500000"):
        parse_schema(item_of(columns, num_devices=1_500_001), DEFAULT_ROWS)


def test_message_is_short_whatever_the_value() -> None:
    with pytest.raises(SchemaError) as raised:
        parse_schema(health_item(num_devices="x" * 100_000), DEFAULT_ROWS)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset_id": "other"},
        {"attributes": ["Age", "Sex", "BMI", "Weekly Step Count"]},
        {"attributeTypes": ["N", "N", "F", "N"]},
        {"attributeRangeMins": ["18", "0", "15", "1"]},
        {"attributeRangeMaxes": ["90", "1", "45", "100001"]},
        {"attributeDescriptions": ["In years", "0 or 1", "", "Steps"]},
        {"num_devices": Decimal(10)},
        {"attributes": None},
        {"attributes": {"nested": [b"bytes", frozenset({"b", "a"}), True]}},
        {"num_devices": "many"},
    ],
)
def test_fingerprint_changes_with_the_schema(changes: dict[str, object]) -> None:
    changed = fingerprint(health_item(**changes), DEFAULT_ROWS)
    assert changed != fingerprint(health_item(), DEFAULT_ROWS)
    assert changed == fingerprint(health_item(**changes), DEFAULT_ROWS)


def test_fingerprint_ignores_the_rest_of_the_item() -> None:
    changed = health_item(numPurchases=5, nodeURL="node", num_devices=Decimal(0), sample_status="x")
    assert fingerprint(changed, DEFAULT_ROWS) == fingerprint(health_item(), DEFAULT_ROWS)


def test_fingerprint_depends_on_default_rows_only_where_they_apply() -> None:
    assert fingerprint(health_item(), 500) != fingerprint(health_item(), 600)
    item = health_item(num_devices=Decimal(10))
    assert fingerprint(item, 500) == fingerprint(item, 600)


def test_dynamodb_json() -> None:
    item: dict[str, dict[str, object]] = {
        "s": {"S": "text"},
        "n": {"N": "1.50"},
        "flag": {"BOOL": False},
        "none": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"M": {"a": {"S": "b"}}}]},
        "sets": {"L": [{"SS": ["a"]}, {"NS": ["1"]}, {"BS": ["YQ=="]}]},
        "event": {"B": "YQ=="},
        "answer": {"B": b"a"},
    }
    assert is_typed(item)
    assert plain_item(item) == {
        "s": "text",
        "n": Decimal("1.50"),
        "flag": False,
        "none": None,
        "list": [1, {"a": "b"}],
        "sets": [frozenset({"a"}), frozenset({1}), frozenset({b"a"})],
        "event": b"a",
        "answer": b"a",
    }
    assert not is_typed(health_item())


@pytest.mark.parametrize("value", [{}, {"S": "a", "N": "1"}, {"X": "a"}])
def test_value_that_is_not_dynamodb_json(value: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a DynamoDB value"):
        plain_item({"a": value})

"""Reads the schema of a dataset from its item and refuses what no sample can be made of."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException

MAX_ROWS = 10_000_000
MAX_COLUMNS = 1_000
# Rows times columns: keeps even the slowest sample, one of floats of extreme magnitude, within the
# 15 minutes that a Lambda may run.
MAX_VALUES = 150_000_000

# Types without a range. `N` is a number, and so is every type that is not known.
STRING_TYPE = "S"
BINARY_TYPE = "B"
NUMBER_TYPE = "N"
_UNRANGED_TYPES = (STRING_TYPE, BINARY_TYPE)

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SHOWN_CHARACTERS = 60


class SchemaError(ValueError):
    """The item describes no dataset that a sample could be made of.

    `attribute` names the offending attribute of the item; the message says what is wrong with
    its value and what to write instead.
    """

    def __init__(self, attribute: str, problem: str, remedy: str) -> None:
        super().__init__(f"{attribute} {problem}: {remedy}")
        self.attribute = attribute


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and description, and the inclusive range if it has one."""

    name: str
    type: str
    description: str
    bounds: tuple[Decimal, Decimal] | None


@dataclass(frozen=True, slots=True)
class Schema:
    """What a sample is made of: at least one column and at least one row."""

    dataset_id: str
    columns: tuple[Column, ...]
    rows: int


def parse_schema(item: Mapping[str, object], default_rows: int) -> Schema:
    """Return the schema in `item`, a dataset item as plain Python values.

    `default_rows` is the number of rows where the item asks for none. Raises `SchemaError`.
    """
    dataset_id = _dataset_id(item)
    names = _names(item)
    types = _texts(item, "attributeTypes")
    if len(types) != len(names):
        raise SchemaError(
            "attributeTypes",
            f"has {len(types)} entries for {len(names)} attributes",
            "write one type for each attribute",
        )
    descriptions = _descriptions(item, len(names))
    ranged = [
        name for name, type_ in zip(names, types, strict=True) if type_ not in _UNRANGED_TYPES
    ]
    ranges = iter(_ranges(item, ranged))
    columns = tuple(
        Column(name, type_, description, None if type_ in _UNRANGED_TYPES else next(ranges))
        for name, type_, description in zip(names, types, descriptions, strict=True)
    )
    return Schema(dataset_id, columns, _rows(item, default_rows, len(columns)))


def asks_for_default_rows(item: Mapping[str, object]) -> bool:
    """Tell whether `num_devices` is absent, zero or negative, as it is in what the page writes."""
    value = item.get("num_devices")
    if value is None:
        return True
    number = _number(value)
    return number is not None and number <= 0


def _dataset_id(item: Mapping[str, object]) -> str:
    dataset_id = item.get("dataset_id")
    if not isinstance(dataset_id, str) or not dataset_id:
        raise SchemaError(
            "dataset_id", f"is {_shown(dataset_id)}", "write the name of the dataset, a string"
        )
    _refuse_unencodable("dataset_id", dataset_id)
    return dataset_id


def _names(item: Mapping[str, object]) -> list[str]:
    names = _texts(item, "attributes")
    if not names:
        raise SchemaError("attributes", "is empty", "name at least one attribute")
    if len(names) > MAX_COLUMNS:
        raise SchemaError(
            "attributes", f"has {len(names)} entries", f"name at most {MAX_COLUMNS} attributes"
        )
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        where = f"attributes[{index}]"
        if not name:
            raise SchemaError(where, "is empty", "give the attribute a name")
        _refuse_unencodable(where, name)
        if name in seen:
            raise SchemaError(
                where,
                f"is {_shown(name)}, as is attributes[{seen[name]}]",
                "give each attribute its own name",
            )
        seen[name] = index
    return names


def _descriptions(item: Mapping[str, object], columns: int) -> list[str]:
    # Older items have none; they only help to choose plausible strings.
    if item.get("attributeDescriptions") is None:
        return [""] * columns
    descriptions = _texts(item, "attributeDescriptions")
    if descriptions and len(descriptions) != columns:
        raise SchemaError(
            "attributeDescriptions",
            f"has {len(descriptions)} entries for {columns} attributes",
            "write one description for each attribute, or none at all",
        )
    return descriptions or [""] * columns


def _ranges(item: Mapping[str, object], ranged: list[str]) -> list[tuple[Decimal, Decimal]]:
    minimums = _bounds(item, "attributeRangeMins", ranged)
    maximums = _bounds(item, "attributeRangeMaxes", ranged)
    ranges = list(zip(minimums, maximums, strict=True))
    for index, (minimum, maximum) in enumerate(ranges):
        if minimum > maximum:
            raise SchemaError(
                f"attributeRangeMins[{index}]",
                f"is {_shown(minimum)} for {_shown(ranged[index])}, more than"
                f" attributeRangeMaxes[{index}], which is {_shown(maximum)}",
                "write the smaller bound as the minimum",
            )
    return ranges


def _bounds(item: Mapping[str, object], attribute: str, ranged: list[str]) -> list[Decimal]:
    if item.get(attribute) is None and not ranged:
        return []
    entries = _texts(item, attribute)
    if len(entries) != len(ranged):
        raise SchemaError(
            attribute,
            f"has {len(entries)} entries for {len(ranged)} attributes with a range",
            f"write one for each attribute whose type is neither {STRING_TYPE} nor {BINARY_TYPE},"
            " in their order",
        )
    bounds = []
    for index, entry in enumerate(entries):
        number = _number(entry)
        if number is None:
            raise SchemaError(
                f"{attribute}[{index}]",
                f"is {_shown(entry)} for {_shown(ranged[index])}, which is not a finite number",
                "write a number such as 12.5, no larger than 64-bit floats can be",
            )
        bounds.append(number)
    return bounds


def _rows(item: Mapping[str, object], default_rows: int, columns: int) -> int:
    if asks_for_default_rows(item):
        rows = default_rows
    else:
        value = item["num_devices"]
        number = _number(value)
        if number is None or number != int(number):
            raise SchemaError(
                "num_devices", f"is {_shown(value)}", "write a whole number, or remove it"
            )
        rows = int(number)
    limit = min(MAX_ROWS, MAX_VALUES // columns)
    if rows > limit:
        raise SchemaError(
            "num_devices",
            f"asks for {_shown(rows)} rows of {columns} columns",
            f"write at most {limit}",
        )
    return rows


def _texts(item: Mapping[str, object], attribute: str) -> list[str]:
    value = item.get(attribute)
    if value is None:
        raise SchemaError(attribute, "is missing", "write a list of strings")
    if not isinstance(value, list):
        raise SchemaError(
            attribute, f"is {_shown(value)}, which is not a list", "write a list of strings"
        )
    return [_text(f"{attribute}[{index}]", entry) for index, entry in enumerate(value)]


def _text(where: str, entry: object) -> str:
    match entry:
        case str():
            return entry
        case bool():
            pass
        case int() | Decimal():
            return str(entry)
    raise SchemaError(where, f"is {_shown(entry)}", "write a string")


def _number(value: object) -> Decimal | None:
    """Return `value` as a finite number within the range of a 64-bit float, else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None
    try:
        return Decimal(text)
    except DecimalException:  # an exponent far below that of any float
        return None


def _refuse_unencodable(where: str, text: str) -> None:
    if "\0" in text:
        raise SchemaError(where, f"is {_shown(text)}, with a NUL character", "remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SchemaError(
            where, f"is {_shown(text)}, which is not valid Unicode", "write it anew"
        ) from None


def _shown(value: object) -> str:
    # Escaped, since the text is stored as an attribute of the item and must be encodable.
    shown = str(value) if isinstance(value, int | Decimal) else ascii(value)
    if len(shown) > _SHOWN_CHARACTERS:
        return shown[:_SHOWN_CHARACTERS] + "..."
    return shown

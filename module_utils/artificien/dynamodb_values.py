"""Plain values and DynamoDB's form of them: pure, without AWS and without Ansible.

DynamoDB's form names the type of each value: `"a"` is `{"S": "a"}`, `[1]` is `{"L": [{"N": "1"}]}`.
"""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal
from typing import Any

from ansible.module_utils.artificien.reconcile import ReconcileError

Value = dict[str, Any]
Item = dict[str, Value]

MAX_ITEM_BYTES = 400 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130
# Every whole number between is within the limits, as nearly all are.
PLAIN_INTEGERS = range(-(10**MAX_DIGITS) + 1, 10**MAX_DIGITS)
NUMBERS = (int, float, Decimal)
EXACT = Context(prec=MAX_DIGITS)
SURROGATES = re.compile("[\ud800-\udfff]")
SHOWN_CHARACTERS = 60

_to_json = json.JSONEncoder(check_circular=False).encode


def to_item(plain: dict[str, Any]) -> Item:
    """Return an item of plain values in DynamoDB's form.

    Raises:
        ReconcileError: a value is none that DynamoDB holds, or the item is too big.
    """
    item = {name: to_value(value, name) for name, value in plain.items()}
    if "" in item:
        raise ReconcileError("a field has an empty name; give it a name or leave it out.")
    # JSON is never shorter than what DynamoDB counts, so most items need no exact count.
    if json_bytes(item) > MAX_ITEM_BYTES and (size := item_bytes(item)) > MAX_ITEM_BYTES:
        largest = max(item, key=lambda name: _value_bytes(item[name]))
        raise ReconcileError(
            f"the item has {size} bytes, more than the {MAX_ITEM_BYTES} that DynamoDB allows, most "
            f"of them in field {largest}. Shorten it, or keep that value in S3 and its key here."
        )
    return item


def to_value(value: object, field: str, depth: int = 1) -> Value:
    """Return one plain value in DynamoDB's form; `field` is its path, for messages.

    Raises:
        ReconcileError: DynamoDB does not hold such a value.
    """
    if isinstance(value, str):
        if not value.isascii() and SURROGATES.search(value):
            raise ReconcileError(
                f"field {field} is {abbreviated(value)}, which has half of a character. Write both "
                "halves of the surrogate pair, or the character itself."
            )
        return {"S": value}
    if isinstance(value, bool):  # before int, which it is too
        return {"BOOL": value}
    if isinstance(value, NUMBERS):
        return {"N": _number(value, field)}
    if value is None:
        return {"NULL": True}
    if depth == MAX_DEPTH:
        raise ReconcileError(
            f"field {field} is nested deeper than the {MAX_DEPTH} levels that DynamoDB allows. "
            "Flatten it."
        )
    if isinstance(value, list):
        return {"L": [to_value(v, f"{field}[{i}]", depth + 1) for i, v in enumerate(value)]}
    if isinstance(value, dict):
        return {"M": {k: to_value(v, f"{field}.{k}", depth + 1) for k, v in value.items()}}
    raise ReconcileError(
        f"field {field} is {abbreviated(value)}, a {type(value).__name__}. Write a string, number, "
        "boolean, null, list or dictionary."
    )


def _number(value: float | Decimal, field: str) -> str:
    if isinstance(value, int) and value in PLAIN_INTEGERS:
        return str(value)
    # A float by way of its text: Decimal(0.1) has 55 digits.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ReconcileError(
            f"field {field} is {abbreviated(value)}, which is not a number. Write a finite number, "
            "or leave the field out."
        )
    significant = "".join(map(str, number.as_tuple().digits)).strip("0")
    in_range = not number or MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT
    if len(significant) > MAX_DIGITS or not in_range:
        raise ReconcileError(
            f"field {field} is {abbreviated(value)}. DynamoDB holds {MAX_DIGITS} significant "
            f"digits and powers of ten from {MIN_EXPONENT} to {MAX_EXPONENT}: round it, or write "
            "it as a string."
        )
    return canonical(number)


def canonical(number: Decimal) -> str:
    """Return `number` as DynamoDB returns it, whatever way it was written."""
    return format(number.normalize(EXACT), "f") if number else "0"


def comparable(value: Value) -> Value:
    """Return `value` with its numbers as numbers, so that `1` and `1.0` compare equal."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return {kind: Decimal(content)}
        case "L":
            return {kind: [comparable(entry) for entry in content]}
        case "M":
            return {kind: {name: comparable(member) for name, member in content.items()}}
    return value


def key_value_text(value: Value) -> str:
    """Return the value of a key attribute as text, equal for equal keys."""
    if "N" in value:
        return canonical(Decimal(value["N"]))
    return str(next(iter(value.values())))


def plain(value: Value) -> Any:
    """Return `value` as people and JSON know it; what has no such form is described."""
    ((kind, content),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            number = Decimal(content)
            return int(number) if number == number.to_integral_value() else float(number)
        case "L":
            return [plain(entry) for entry in content]
        case "M":
            return {name: plain(member) for name, member in content.items()}
        case "S" | "BOOL":
            return content
    return f"({kind})"


def json_bytes(content: object) -> int:
    """Return how many bytes `content` takes in a request."""
    return len(_to_json(content))


def item_bytes(item: Item) -> int:
    """Return the size of `item` as DynamoDB counts it."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Value) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = "".join(map(str, Decimal(content).as_tuple().digits)).strip("0")
            return (len(digits) + 1) // 2 + 2
        case "L":
            return 3 + sum(1 + _value_bytes(entry) for entry in content)
        case "M":
            return 3 + len(content) + item_bytes(content)
    return 1


def abbreviated(value: object) -> str:
    """Return `value` for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"

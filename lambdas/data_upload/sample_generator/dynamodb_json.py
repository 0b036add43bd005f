"""Reads DynamoDB's typed JSON, in which every value is wrapped as `{type: value}`."""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

# DynamoDB's JSON has no schema of its own that a type checker could use.
type TypedValue = Mapping[str, Any]


def plain_item(item: Mapping[str, TypedValue]) -> dict[str, object]:
    """Return the attributes of `item` as plain Python values; numbers become `Decimal`.

    Raises `ValueError` where a value is not wrapped in a DynamoDB type.
    """
    return {name: _plain(value) for name, value in item.items()}


def is_typed(item: Mapping[str, object]) -> bool:
    """Tell whether every attribute of `item` is wrapped in a DynamoDB type."""
    return all(
        isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _READERS
        for value in item.values()
    )


def _plain(typed: TypedValue) -> object:
    if len(typed) != 1:
        raise ValueError(f"not a DynamoDB value: {len(typed)} types instead of one")
    ((kind, value),) = typed.items()
    if kind not in _READERS:
        raise ValueError(f"not a DynamoDB value: unknown type {kind!r}")
    return _READERS[kind](value)


def _binary(value: str | bytes) -> bytes:
    # Stream events carry binary values in base64, API answers as bytes.
    return value if isinstance(value, bytes) else base64.b64decode(value)


_READERS: Mapping[str, Callable[[Any], object]] = {
    "S": str,
    "N": Decimal,
    "B": _binary,
    "BOOL": bool,
    "NULL": lambda _: None,
    "L": lambda values: [_plain(value) for value in values],
    "M": plain_item,
    "SS": frozenset,
    "NS": lambda values: frozenset(map(Decimal, values)),
    "BS": lambda values: frozenset(map(_binary, values)),
}

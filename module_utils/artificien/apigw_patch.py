"""The operations by which API Gateway changes what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef as Operation


def replace(path: str, value: Any) -> Operation:
    """Return the operation that sets the member at `path`."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"op": "replace", "path": path, "value": text}


def add(path: str) -> Operation:
    """Return the operation that adds the last step of `path` to what is above it."""
    return {"op": "add", "path": path}


def remove(path: str) -> Operation:
    """Return the operation that takes away what is at `path`."""
    return {"op": "remove", "path": path}


def exchange(path: str, old: Iterable[str], new: Iterable[str]) -> list[Operation]:
    """Return the operations that turn the values `old` of the list at `path` into `new`."""
    gone: list[Operation] = [
        {"op": "remove", "path": path, "value": value} for value in sorted(set(old) - set(new))
    ]
    come: list[Operation] = [
        {"op": "add", "path": path, "value": value} for value in sorted(set(new) - set(old))
    ]
    return gone + come


def step(text: str) -> str:
    """Return `text` as one step of a path."""
    return text.replace("~", "~0").replace("/", "~1")

"""Items to seed: what is listed, checked and planned; pure but for reading the listed files.

The model of a table has the items that the module lists, by key: before are those that exist,
after those that shall. Without overwriting, an existing item is known by its key alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.dynamodb_values import (
    Item,
    abbreviated,
    comparable,
    key_value_text,
    plain,
    to_item,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Key = str
Items = dict[Key, Item]

SHOWN_ITEMS = 20
MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024
NEEDED_TYPES = {
    "S": "a string, in quotes where it looks like a number",
    "N": "a number, without quotes",
    "B": "the item by other means: YAML and JSON have no binary values",
}


@dataclass(frozen=True, slots=True)
class Seed:
    """One listed item, and where it is listed, for messages."""

    where: str
    item: Item


@dataclass(frozen=True, slots=True)
class Schema:
    """What a table demands of its items."""

    keys: tuple[str, ...]
    types: dict[str, str]


def desired_items(seeds: list[dict[str, Any]]) -> dict[str, list[Seed]]:
    """Turn the module's `seeds` option into items by table.

    Raises:
        ReconcileError: a file or an item is not usable.
    """
    by_table: dict[str, list[Seed]] = {}
    for position, seed in enumerate(seeds):
        if (seed["items"] is None) == (seed["file"] is None):
            raise ReconcileError(
                f"{seed['table']}: seeds[{position}] must have one of items and file. Add a second "
                "entry for the table where both are wanted."
            )
        listed = by_table.setdefault(seed["table"], [])
        if seed["file"] is None:
            items: Iterable[tuple[str, Any]] = (
                (f"seeds[{position}].items[{index}]", item)
                for index, item in enumerate(seed["items"])
            )
        else:
            items = _read_file(Path(seed["file"]))
        for place, item in items:
            where = f"{seed['table']}: {place}"
            if not isinstance(item, dict):
                raise ReconcileError(
                    f"{where} is {abbreviated(item)}. Write a dictionary of fields and values."
                )
            try:
                listed.append(Seed(where, to_item(item)))
            except ReconcileError as error:
                raise ReconcileError(f"{where}: {error}") from error
    return by_table


def _read_file(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReconcileError(
            f"{path}: {error}. Name a readable UTF-8 file of JSON, or make it first."
        ) from error
    if text.lstrip().startswith("["):
        for index, item in enumerate(_parse(text, str(path))):
            yield f"{path} item {index}", item
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{path} line {number}", _parse(line, f"{path} line {number}")


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise ReconcileError(
            f"{where} is not JSON: {error}. Write one JSON object a line, or one list of objects."
        ) from error


def by_key(seeds: list[Seed], schema: Schema) -> Items:
    """Return the items by their key.

    Raises:
        ReconcileError: an item does not fit the table, or has the key of an earlier one.
    """
    items: Items = {}
    places: dict[Key, str] = {}
    for seed in seeds:
        _check_fit(seed, schema)
        key = key_of(seed.item, schema)
        if key in places:
            raise ReconcileError(
                f"{seed.where} has the key {key} of {places[key]}. Remove one of the two."
            )
        places[key] = seed.where
        items[key] = seed.item
    return items


def _check_fit(seed: Seed, schema: Schema) -> None:
    for name in schema.keys:
        if name not in seed.item:
            raise ReconcileError(
                f"{seed.where} has no {name}, which is a key of the table. Add the field."
            )
    for name, kind in schema.types.items():
        if name not in seed.item:
            continue
        value = seed.item[name]
        if kind not in value:
            raise ReconcileError(
                f"{seed.where}: field {name} is {abbreviated(plain(value))}, but the table or an "
                f"index needs type {kind}. Write {NEEDED_TYPES[kind]}."
            )
        if value[kind] == "":
            raise ReconcileError(
                f"{seed.where}: field {name} is an empty string, which a key cannot be. Give it a "
                "value."
            )
    for name, limit in zip(schema.keys, (MAX_HASH_BYTES, MAX_RANGE_BYTES), strict=False):
        text = key_value_text(seed.item[name])
        if len(text.encode()) > limit:
            raise ReconcileError(
                f"{seed.where}: field {name} is {abbreviated(text)}, longer than the {limit} bytes "
                "that this key may have. Shorten it."
            )


def key_of(item: Item, schema: Schema) -> Key:
    """Return the key of `item` as text: equal for equal keys, and legible."""
    parts = [key_value_text(item[name]) for name in schema.keys]
    return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)


def plan_items(table: str, current: Items, desired: Items, *, overwrite: bool) -> Plan:
    """Plan to create what is missing and, with `overwrite`, to replace what differs."""
    after = dict(current)
    for key, item in desired.items():
        if key not in current or (overwrite and not _same(item, current[key])):
            after[key] = item
    return Plan(table, current, after)


def plan_without_table(table: str, seeds: list[Seed]) -> Plan:
    """Plan to create all items in a table whose keys are not known yet: their places name them."""
    return Plan(table, None, {seed.where: seed.item for seed in seeds})


def _same(item: Item, other: Item) -> bool:
    return item == other or comparable({"M": item}) == comparable({"M": other})


def counts(plan: Plan) -> dict[str, int]:
    """Return how many items `plan` creates, replaces, deletes and leaves alone."""
    before, after = plan.before or {}, plan.after or {}
    both = before.keys() & after.keys()
    replaced = sum(before[key] != after[key] for key in both)
    return {
        "created": len(after.keys() - before.keys()),
        "replaced": replaced,
        "deleted": len(before.keys() - after.keys()),
        "unchanged": len(both) - replaced,
    }


def shown_plan(plan: Plan, hidden: set[str]) -> Plan:
    """Return `plan` for the diff: the first changing items, in plain values, without secrets."""
    before, after = plan.before or {}, plan.after or {}
    changing = [
        key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)
    ]
    shown, more = changing[:SHOWN_ITEMS], len(changing) - SHOWN_ITEMS

    def side(items: Items, other: Items) -> dict[str, Any]:
        return {
            key: _shown_item(items[key], other.get(key), hidden) for key in shown if key in items
        }

    after_side = side(after, before)
    if more > 0:
        after_side["…"] = f"{more} more items change"
    return Plan(plan.name, None if plan.before is None else side(before, {}), after_side)


def _shown_item(item: Item, before: Item | None, hidden: set[str]) -> dict[str, Any]:
    def shown(name: str) -> Any:
        if name not in hidden:
            return plain(item[name])
        changed = before is not None and before.get(name) != item[name]
        return "(hidden, changed)" if changed else "(hidden)"

    return {name: shown(name) for name in sorted(item)}

"""Descriptions of resources without what differs between two accounts that are set up alike."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHANCE = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CallerReference",
        "ClientSecret",
        "CreatedTimestamp",
        "CreateTime",
        "DefaultVersionId",
        "ItemCount",
        "LastModified",
        "LastModifiedTimestamp",
        "LatestStreamLabel",
        "ResponseMetadata",
        "RevisionId",
        "SecretVersionsToStages",
        "TableSizeBytes",
        "VersionId",
        "creationTime",
        "storedBytes",
    }
)
"""Fields of times, counts of what happened, versions and random values."""

ORDERED = frozenset({"customRules"})
"""Lists in which the order means something."""


@dataclass(frozen=True)
class Found:
    """A resource as its service describes it."""

    kind: str
    name: str
    """Empty for a resource that nobody gave a name."""
    content: Any
    ids: tuple[str, ...] = ()
    """What the service named it, by which others refer to it."""


def canonical(found: Iterable[Found], words: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return the contents of resources by kind and name; a list, since a name may come twice.

    Generated ids become what they are the ids of, wherever they stand, and `words` what they stand
    for. Values that chance or time decides are left out, and lists are sorted.
    """
    every = list(found)
    replaced = {
        **words,
        **{
            generated: f"<{each.kind} {each.name}>"
            for each in every
            for generated in each.ids
            if generated
        },
    }
    # The longest first: an ARN before the id that it ends with.
    order = sorted(replaced, key=len, reverse=True)

    def reword(text: str) -> str:
        # Names of resources may hold ids of others; those of others still are only words.
        for _ in range(2):
            for word in order:
                text = text.replace(word, replaced[word])
        return text

    state: dict[str, list[Any]] = defaultdict(list)
    for each in every:
        name = reword(f"{each.kind} {each.name or '(no name)'}")
        state[name].append(_plain(each.content, reword))
    return {name: sorted(state[name], key=_key) for name in sorted(state)}


def _plain(value: Any, reword: Any, *, ordered: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            reword(str(key)): _plain(each, reword, ordered=key in ORDERED)
            for key, each in value.items()
            if key not in CHANCE and not isinstance(each, datetime.datetime)
        }
    if isinstance(value, list | tuple):
        items = [_plain(each, reword) for each in value]
        return items if ordered else sorted(items, key=_key)
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            try:
                return _plain(json.loads(value), reword)
            except ValueError:
                pass
        return reword(value)
    return value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)

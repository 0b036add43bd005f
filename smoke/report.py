"""What the checks found, for people and for programs."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADINGS = ("component", "check", "result", "remedy")
# Of the last column; the others are as wide as what is in them.
WIDTH = 70


@dataclass(frozen=True)
class Row:
    """What came out of one check."""

    component: str
    check: str
    result: Literal["ok", "failed", "skipped"]
    remedy: str = ""
    """Of a failure, what was found and what to do; of a check that was left out, why."""


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table with a line that sums them up."""
    lines = [HEADINGS, *((row.component, row.check, row.result, row.remedy) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    printed = []
    for line in lines:
        wrapped = textwrap.wrap(line[3], WIDTH) or [""]
        cells = [text.ljust(width) for text, width in zip(line[:3], widths, strict=True)]
        printed.append("  ".join([*cells, wrapped[0]]).rstrip())
        indent = " " * (sum(widths) + 2 * len(widths))
        printed += [indent + rest for rest in wrapped[1:]]
    rule = "  ".join("-" * width for width in (*widths, WIDTH))
    return "\n".join([printed[0], rule, *printed[1:], "", summary(rows)])


def summary(rows: Sequence[Row]) -> str:
    """Return how many checks came out how."""
    counts = {
        result: sum(row.result == result for row in rows) for result in ("ok", "failed", "skipped")
    }
    return ", ".join(f"{count} {result}" for result, count in counts.items())


def as_json(rows: Sequence[Row]) -> str:
    """Return the rows as a JSON list."""
    return json.dumps([asdict(row) for row in rows], indent=2)


def failed(rows: Sequence[Row]) -> bool:
    """Whether anything failed; nothing checked is a failure, too."""
    return not rows or any(row.result == "failed" for row in rows)

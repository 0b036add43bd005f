"""What docs/named-checks.md explains: findings that stay, and checks that are not made here."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tests.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type Check = Callable[[Mapping[str, bool]], None]

PAGE = ROOT / "docs/named-checks.md"


def table(heading: str) -> list[tuple[list[str], ...]]:
    """Return the table below a heading: of each row, what each cell has in backquotes."""
    section = PAGE.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(re.findall(r"`([^`]+)`", cell) for cell in row.split("|")[1:-1]) for row in rows]


def findings() -> dict[str, list[str]]:
    """Return of each check the patterns of the resources that it is known to fail for."""
    return {check: patterns for checks, patterns, *_ in table("Findings") for check in checks}


def not_made() -> list[str]:
    """Return the checks that are not made."""
    return [check for checks, *_ in table("Not made") for check in checks]


def compare(check: str, results: Mapping[str, bool]) -> None:
    """Require that exactly those resources fail which the findings name."""
    assert results, f"{check} has found nothing to check"
    failing = {resource for resource, passes in results.items() if not passes}
    patterns = findings().get(check, [])
    explained = {
        resource
        for resource in results
        if any(fnmatchcase(resource, pattern) for pattern in patterns)
    }
    assert failing == explained, (
        f"{check}: not explained in docs/named-checks.md: {sorted(failing - explained)};"
        f" explained there although nothing is found: {sorted(explained - failing)}"
    )
    stale = [
        pattern
        for pattern in patterns
        if not any(fnmatchcase(resource, pattern) for resource in failing)
    ]
    assert not stale, f"{check}: docs/named-checks.md names {stale}, which there is not"

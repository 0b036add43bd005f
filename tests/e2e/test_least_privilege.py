"""Roles of the platform may do what they did while all other tests used it, and no more.

These tests tell something only after all others: `conftest.py` leaves them out of every other run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.policies import DEPLOYER, PREFIX, as_list, documents, names_of_roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.deployment import Platform

EXPLANATIONS = Path(__file__).with_name("unused_grants.yml")

Use = tuple[str, str, str]
"""A role, an action in small letters, and a resource."""


@dataclass(frozen=True)
class Grant:
    """An action that a statement of a role's policy allows."""

    role: str
    action: str
    resources: tuple[str, ...]

    def covers(self, use: Use) -> bool:
        """Tell whether a request was allowed by it."""
        role, action, resource = use
        return (
            role == self.role
            and action == self.action.lower()
            and any(fnmatchcase(resource, pattern) for pattern in self.resources)
        )

    def is_meant_by(self, explanation: dict[str, Any]) -> bool:
        """Tell whether an explanation is about it."""
        return self.action in explanation["actions"] and any(
            fnmatchcase(self.role, PREFIX + role) for role in explanation["roles"]
        )


def grants(iam: Any, roles: list[str]) -> Iterator[Grant]:
    """Yield what the roles may do."""
    for name in roles:
        for document in documents(iam, name):
            for statement in as_list(document["Statement"]):
                if statement["Effect"] == "Deny":
                    continue
                for action in as_list(statement["Action"]):
                    yield Grant(name, action, tuple(as_list(statement["Resource"])))


def uses(lines: Iterable[str]) -> set[Use]:
    """Return what roles did, from the recorded decisions."""
    decisions = (json.loads(line) for line in lines)
    return {
        # arn:aws:sts::<account>:assumed-role/<role>/<session>
        (decision["principal"].split("/")[1], decision["action"].lower(), decision["resource"])
        for decision in decisions
        if decision["decision"] == "Allow" and ":assumed-role/" in decision["principal"]
    }


def unused_of(platform: Platform, roles: list[str]) -> list[Grant]:
    """Return the grants of roles that were never used."""
    with (platform.folder / "local/decisions.jsonl").open() as lines:
        used = uses(lines)
    found = list(grants(platform.cloud.client("iam"), roles))
    assert found
    return [grant for grant in found if not any(grant.covers(use) for use in used)]


def unexplained(unused: list[Grant], explanations: list[dict[str, Any]]) -> str:
    """Return the grants of which nobody says why they are there, a line each."""
    return "\n".join(
        str(grant) for grant in unused if not any(map(grant.is_meant_by, explanations))
    )


@pytest.fixture
def explanations() -> dict[str, list[dict[str, Any]]]:
    """Return what is known of unused grants."""
    known: dict[str, list[dict[str, Any]]] = yaml.safe_load(EXPLANATIONS.read_text())
    return known


def test_every_grant_of_the_platform_is_used_or_explained(
    platform: Platform, explanations: dict[str, Any]
) -> None:
    roles = [name for name in names_of_roles(platform.cloud.client("iam")) if name != DEPLOYER]
    unused = unused_of(platform, roles)
    missing = unexplained(unused, explanations["platform"])
    assert not missing, missing
    stale = [
        (explanation["roles"], action)
        for explanation in explanations["platform"]
        for action in explanation["actions"]
        if not any(grant.is_meant_by(explanation | {"actions": [action]}) for grant in unused)
    ]
    assert not stale, f"take these explanations away, for the grants are used: {stale}"


def test_every_grant_of_the_deployer_is_used_or_explained(
    platform: Platform, explanations: dict[str, Any]
) -> None:
    # Which of them a removal uses depends on what was lost before, so an explanation may be idle.
    missing = unexplained(unused_of(platform, [DEPLOYER]), explanations["deployer"])
    assert not missing, missing

"""Roles of the platform may do what they did while all other tests used it, and no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployment import Platform

EXPLANATIONS = Path(__file__).with_name("unused_grants.yml")


@dataclass(frozen=True)
class Grant:
    """An action that a statement of a role's policy allows."""

    role: str
    action: str
    resources: tuple[str, ...]

    def covers(self, decision: dict[str, str]) -> bool:
        """Tell whether a request was allowed by it."""
        # arn:aws:sts::<account>:assumed-role/<role>/<session>
        return (
            decision["decision"] == "Allow"
            and decision["principal"].split("/")[1:2] == [self.role]
            and decision["action"].lower() == self.action.lower()
            and any(fnmatchcase(decision["resource"], pattern) for pattern in self.resources)
        )

    def is_meant_by(self, explanation: dict[str, Any]) -> bool:
        """Tell whether an explanation is about it."""
        return self.action in explanation["actions"] and any(
            fnmatchcase(self.role, f"artificien-local-{role}") for role in explanation["roles"]
        )


def as_list(value: Any) -> list[Any]:
    """Return what policies write as a list or as its only element."""
    return value if isinstance(value, list) else [value]


def documents(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Yield the policies of a role."""
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def grants(iam: Any) -> Iterator[Grant]:
    """Yield what the roles of the platform may do."""
    pages = iam.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    for name in (name for name in names if name.startswith("artificien-local-")):
        for document in documents(iam, name):
            for statement in as_list(document["Statement"]):
                assert statement["Effect"] == "Allow"
                for action in as_list(statement["Action"]):
                    yield Grant(name, action, tuple(as_list(statement["Resource"])))


def test_every_grant_is_used_or_explained(
    platform: Platform, request: pytest.FixtureRequest
) -> None:
    collected = {item.path for item in request.session.items}
    if missing := set(Path(__file__).parent.glob("test_*.py")) - collected:
        pytest.skip(f"tells only after all tests; not run: {sorted(path.name for path in missing)}")
    lines = (platform.folder / "local/decisions.jsonl").read_text().splitlines()
    decisions = [json.loads(line) for line in set(lines)]
    unused = [
        grant
        for grant in grants(platform.cloud.client("iam"))
        if not any(grant.covers(decision) for decision in decisions)
    ]
    explanations = yaml.safe_load(EXPLANATIONS.read_text())
    unexplained = [grant for grant in unused if not any(map(grant.is_meant_by, explanations))]
    assert unexplained == []
    stale = [
        (explanation["roles"], action)
        for explanation in explanations
        for action in explanation["actions"]
        if not any(grant.is_meant_by(explanation | {"actions": [action]}) for grant in unused)
    ]
    assert stale == [], "no longer unused: take the explanation away"

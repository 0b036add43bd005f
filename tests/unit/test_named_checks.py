"""Every check of the catalogue is a test of the deployed platform, or its absence is explained."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

from tests.cloud import ROOT
from tests.e2e.checks import explanations
from tests.e2e.checks.explanations import PAGE, findings, not_made

FOLDER = ROOT / "tests/e2e/checks"


def catalogue() -> set[str]:
    """Return the checks that there are."""
    listed = yaml.safe_load((FOLDER / "catalogue.yml").read_text())
    return {check for checks in listed.values() for check in checks}


def names(name: str, test: Any) -> set[str]:
    """Return the checks that a test is named after: by its own name, or by its parameters."""
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            return set(mark.kwargs.get("ids", mark.args[1]))
    return {name.removeprefix("test_")}


def made() -> set[str]:
    """Return what the tests of the folder are named after."""
    modules = [
        importlib.import_module(f"tests.e2e.checks.{path.stem}")
        for path in FOLDER.glob("test_*.py")
    ]
    return {
        check
        for module in modules
        for name, test in vars(module).items()
        if name.startswith("test_")
        for check in names(name, test)
    }


def test_every_check_is_made_or_its_absence_explained() -> None:
    listed = catalogue()
    assert len(listed) > 200
    assert listed - made() == set(not_made())
    assert len(not_made()) == len(set(not_made()))


def test_findings_are_of_checks_that_are_made() -> None:
    assert set(findings()) <= made() & catalogue()
    assert all(findings().values())


@pytest.mark.parametrize(
    ("role", "variable"),
    [
        ("cognito", "cognito_deletion_protection"),
        ("dynamodb", "dynamodb_deletion_protection"),
        ("model_retrieval", "model_retrieval_deletion_protection"),
        ("ec2_host", "ec2_host_termination_protection"),
    ],
)
def test_what_is_off_in_the_local_environment_alone_is_on_by_default(
    role: str, variable: str
) -> None:
    assert yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())[variable] is True
    for inventory in ("group_vars/all.yml", "inventories/prod/group_vars/all/main.yml"):
        assert variable not in yaml.safe_load((ROOT / inventory).read_text())
    assert f"`{variable}`" in PAGE.read_text()


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({}, "nothing to check"),
        ({"api/old": False, "api/new": True, "other": False}, r"not explained .*\['other'\]"),
        ({"api/old": False, "api/new": True, "else": True}, ""),
        ({"api/old": True}, r"nothing is found: \['api/old'\]"),
        ({"else": True}, r"names \['\*/old'\], which there is not"),
    ],
)
def test_findings_and_explanations_have_to_be_the_same(
    monkeypatch: pytest.MonkeyPatch, results: dict[str, bool], told: str
) -> None:
    monkeypatch.setattr(explanations, "findings", lambda: {"some_check": ["*/old"]})
    if told:
        with pytest.raises(AssertionError, match=told):
            explanations.compare("some_check", results)
    else:
        explanations.compare("some_check", results)

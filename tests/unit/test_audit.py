"""The audit of what the locks pin, and the bandit run beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.audit import Pin, affected, locks, offline, read, reported
from scripts.bandit import explained

ADVISORIES = [{"id": "CVE-1", "package": "some-thing", "affected": ">=1.0,<1.4.2"}]


def test_there_are_locks_of_controller_hosts_functions_and_emulator() -> None:
    found = {str(lock) for lock in locks()}
    assert {
        "requirements.lock",
        "pygrid/requirements.lock",
        "pygrid/requirements.txt",
        "local_cloud/requirements.lock",
        "lambdas/data_upload/requirements.txt",
        "roles/host_tools/files/requirements.txt",
        "roles/jupyterhub/files/requirements/hub.txt",
        "roles/jupyterhub/files/requirements/user.txt",
    } <= found
    assert all(len(read(lock.read_text())[0]) > 0 for lock in locks())


def test_a_lock_is_read_with_markers_hashes_and_comments() -> None:
    text = (
        "# made by a tool\n"
        "some.Thing[extra]==1.2 ; python_version < '4' \\\n"
        "    --hash=sha256:aa \\\n"
        "    --hash=sha256:bb\n"
        "    # via other\n"
        "other==2\n"
        "loose>=3\n"
    )
    pins, loose = read(text)
    assert pins == [
        Pin("some-thing", "1.2", hashed=True),
        Pin("other", "2", hashed=False),
    ]
    assert loose == ["loose>=3"]


@pytest.mark.parametrize(("version", "told"), [("0.9", 0), ("1.0", 1), ("1.4.1", 1), ("1.4.2", 0)])
def test_an_affected_version_is_told(version: str, told: int) -> None:
    assert len(affected([Pin("some-thing", version, hashed=True)], ADVISORIES)) == told


def test_a_lock_that_is_accepted_has_to_be_affected() -> None:
    lock = Path("roles/host_tools/files/requirements.txt")
    known = {"advisories": ADVISORIES, "accepted": {str(lock): "because"}}
    assert offline(lock, known) == ["nothing of it is affected any more: take it out of accepted"]
    assert offline(lock, known | {"accepted": {}}) == []


def test_what_could_not_be_looked_up_does_not_pass() -> None:
    fine = {"name": "one", "version": "1", "vulns": []}
    skipped = {"name": "two", "skip_reason": "not found"}
    bad = {"name": "three", "version": "3", "vulns": [{"id": "CVE-3"}]}
    assert reported(json.dumps({"dependencies": [fine]})) == []
    assert reported(json.dumps({"dependencies": [fine, skipped]})) == [
        "1 of 2 could not be looked up: two"
    ]
    assert reported(json.dumps({"dependencies": [bad]})) == ["three 3 is affected by CVE-3"]
    assert reported("") == ["the advisory service does not answer"]


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ("run(command)  # noqa: S603 - ours", True),
        ("run(command)  # noqa: S103, S603 - ours", True),
        ("run(command)  # noqa: S60 - ours", False),
        ("run(command)", False),
    ],
)
def test_what_ruff_has_been_told_is_told_to_bandit(line: str, passes: bool) -> None:
    finding = {"test_id": "B603", "line_range": [2]}
    assert explained(finding, ["# noqa: S603 - elsewhere", line]) is passes

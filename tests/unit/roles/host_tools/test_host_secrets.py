"""How secrets get from Secrets Manager into files."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from host_tools import secrets

WORDS = ["fetch-secrets", "--region=us-east-1"]


@pytest.fixture
def stubber(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> Stubber:
    client, stubber = stubbed("secretsmanager")
    monkeypatch.setattr(boto3, "client", lambda _, region_name: client if region_name else None)
    return stubber


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the seconds that were waited, without waiting."""
    seconds: list[int] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def answer(stubber: Stubber, name: str, value: str) -> None:
    """Have Secrets Manager know a secret."""
    stubber.add_response("get_secret_value", {"SecretString": value}, {"SecretId": name})


def test_each_secret_gets_a_file(
    stubber: Stubber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("the one before, which is longer")
    answer(stubber, "a-token", "one")
    answer(stubber, "a=url", "other")
    words = [*WORDS, f"--folder={tmp_path}", "--mode=0640", "token=a-token", "url=a=url"]
    monkeypatch.setattr("sys.argv", words)
    secrets.main()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "token": "one",
        "url": "other",
    }
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o640}


def test_files_are_roots_alone_unless_it_is_said(
    stubber: Stubber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(stubber, "a-token", "one")
    monkeypatch.setattr("sys.argv", [*WORDS, f"--folder={tmp_path}", "token=a-token"])
    secrets.main()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_it_asks_until_all_are_there(stubber: Stubber, waits: list[int]) -> None:
    for _ in range(6):
        stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    answer(stubber, "a-token", "one")
    assert secrets.fetch("us-east-1", {"token": "a-token"}) == {"token": "one"}
    assert waits == [1, 2, 4, 8, 16, 30]

"""Whose credentials the checks use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from smoke.platform import Platform

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS: dict[str, Any] = {
    "aws": {
        "region": "us-east-1",
        "access_key_id": "of-the-file",
        "secret_access_key": "of-the-file",  # pragma: allowlist secret
    }
}


@pytest.mark.parametrize(("shell", "used"), [(False, "of-the-file"), (True, "of-the-shell")])
def test_credentials_are_those_of_the_file_unless_the_shell_s_are_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: bool, used: str
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-shell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-shell")
    client = Platform(OUTPUTS, shell_credentials=shell).client("sqs")
    assert client._request_signer._credentials.access_key == used

"""Secrets that hub and proxy are refused to start with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jupyterhub_host import secrets

if TYPE_CHECKING:
    from pathlib import Path

CREDENTIALS = {"client_id": "the-client", "client_secret": "s"}  # pragma: allowlist secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("crypt_key", "proxy_token", "probe_token", "metrics_token"):
        (tmp_path / name).write_text(name * 4)
    (tmp_path / "jupyter_credentials").write_text(json.dumps(CREDENTIALS))
    return tmp_path


def test_generated_secrets_are_taken(folder: Path) -> None:
    settings = secrets.Settings(str(folder), "the-client")
    secrets.check(settings)
    secrets.write_environment(settings)
    written = folder / "proxy.env"
    assert written.read_text() == "CONFIGPROXY_AUTH_TOKEN=" + "proxy_token" * 4 + "\n"
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["crypt_key", "proxy_token", "probe_token", "metrics_token"])
@pytest.mark.parametrize("value", ["", "\n", "short", "x" * 65])
def test_an_empty_short_or_long_secret_is_refused(folder: Path, name: str, value: str) -> None:
    (folder / name).write_text(value)
    with pytest.raises(secrets.SecretError, match=f"{name} has {len(value.strip())} characters"):
        secrets.check(secrets.Settings(str(folder), "the-client"))


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        ("", "no JSON"),
        ("[]", "no JSON"),
        ('{"client_id": "the-client"}', "no JSON"),
        (json.dumps(CREDENTIALS | {"client_secret": ""}), "empty client_secret"),
        (json.dumps(CREDENTIALS | {"client_id": "another"}), "client another, but the hub"),
    ],
)
def test_other_credentials_are_refused(folder: Path, credentials: str, message: str) -> None:
    (folder / "jupyter_credentials").write_text(credentials)
    with pytest.raises(secrets.SecretError, match=message):
        secrets.check(secrets.Settings(str(folder), "the-client"))

"""Settings come from the environment or from files, and mistakes are named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from artificien_pygrid import settings
from artificien_pygrid.settings import Settings

# pragma: allowlist nextline secret
URL = "postgresql://user:hunter2@host/name"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.load.cache_clear()
    monkeypatch.setenv("PYGRID_DATABASE_URL", URL)


def test_secrets_have_no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    assert (loaded.retrieval_token, loaded.status_token, loaded.progress_secret) == (None,) * 3
    assert "hunter2" not in repr(loaded)
    monkeypatch.delenv("PYGRID_DATABASE_URL")
    settings.load.cache_clear()
    with pytest.raises(ValidationError, match="database_url"):
        settings.load()


def test_secrets_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYGRID_DATABASE_URL")
    monkeypatch.setenv("PYGRID_SECRETS_DIR", str(tmp_path))
    (tmp_path / "pygrid_database_url").write_text(URL + "\n")
    (tmp_path / "pygrid_status_token").write_text("abc\n")
    loaded = settings.load()
    assert loaded.database_url.get_secret_value() == URL
    assert loaded.status_token is not None
    assert loaded.status_token.get_secret_value() == "abc"


@pytest.mark.parametrize("value", ["10.0.0.0/8, ::1", '["10.0.0.0/8", "::1"]'])
def test_lists(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PYGRID_HOSTING_NETWORKS", value)
    assert [str(network) for network in settings.load().hosting_networks] == [
        "10.0.0.0/8",
        "::1/128",
    ]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("DATABASE_URL", "sqlite:///x", "must begin with postgresql://"),
        ("HOSTING_NETWORKS", "10.0.0.1/8", "hosting_networks"),
        ("STATUS_TOKEN", " ", "is empty"),
        ("TIMER_SECONDS", "0", "timer_seconds"),
        ("TIMEOUT_FORMAT", "minutes", "timeout_format"),
        ("OIDC_AUDIENCE", "x", "PYGRID_OIDC_ISSUER is required"),
        ("OIDC_ISSUER", "https://x", "PYGRID_OIDC_CLIENT_ID or PYGRID_OIDC_GROUPS"),
    ],
)
def test_mistakes_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, error: str
) -> None:
    monkeypatch.setenv(f"PYGRID_{name}", value)
    with pytest.raises(ValidationError, match=error):
        settings.load()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.load().port = 1


def test_round_trip() -> None:
    loaded = settings.load()
    assert Settings(**loaded.model_dump()) == loaded

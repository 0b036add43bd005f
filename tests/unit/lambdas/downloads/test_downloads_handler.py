"""Requests and answers of the function, its settings and its logs."""

import hashlib
import json
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from downloads.logic import Link
from downloads.settings import Settings
from lambda_common.environment import SettingsError
from lambda_common.logs import configure_logging

CONTEXT = SimpleNamespace(aws_request_id="request-1")
ENVIRONMENT = {"DOWNLOADS_TABLE": "downloads", "MODELS_BUCKET": "models"}
TOKEN = "token-of-a-link"  # noqa: S105 - of this test only
REVOKED = "token-of-a-revoked-link"


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass
class FakeStore:
    """A `LinkStore` of two links."""

    links: dict[str, Link] = field(
        default_factory=lambda: {
            sha256(TOKEN): Link("heart", "ada/heart.pkl", revoked=False),
            sha256(REVOKED): Link("heart", "ada/heart.pkl", revoked=True),
        }
    )
    reads: int = 0

    def link(self, token_sha256: str) -> Link | None:
        """Return the link."""
        self.reads += 1
        return self.links.get(token_sha256)

    def url(self, key: str) -> str:
        """Return a URL."""
        return f"https://s3.example.com/{key}?signature"


@pytest.fixture
def store(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    store = FakeStore()
    monkeypatch.setattr(handler, "STORE", store)
    return store


def follow(handler: ModuleType, token: str) -> dict[str, Any]:
    """Return the answer to `GET /downloads/<token>`, without a header or anybody signed in."""
    response: dict[str, Any] = handler.lambda_handler(
        {
            "httpMethod": "GET",
            "resource": "/downloads/{token}",
            "path": f"/downloads/{token}",
            "pathParameters": {"token": token},
            "headers": None,
            "queryStringParameters": None,
            "requestContext": {},
            "body": None,
        },
        CONTEXT,
    )
    return response


def test_link_redirects(handler: ModuleType, store: FakeStore) -> None:
    response = follow(handler, TOKEN)
    assert (response["statusCode"], response["body"], store.reads) == (302, "", 1)
    assert response["headers"] == {
        "Location": "https://s3.example.com/ada/heart.pkl?signature",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "POST, PUT, GET, HEAD, OPTIONS",
    }


def test_what_does_not_work_looks_the_same(handler: ModuleType, store: FakeStore) -> None:
    tokens = [REVOKED, "unknown", TOKEN[:-1], TOKEN.upper(), "", "x" * 5000, "ä", "\ud800"]
    answers = [follow(handler, token) for token in tokens]
    assert all(answer == answers[0] for answer in answers)
    assert store.reads == len(tokens)
    assert answers[0]["statusCode"] == 404
    assert json.loads(answers[0]["body"])["error"] == "not_found"


def test_tokens_are_not_logged(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")
    follow(handler, TOKEN)
    follow(handler, REVOKED)
    output = capsys.readouterr().out
    assert TOKEN not in output
    assert REVOKED not in output
    assert "signature" not in output
    assert not any(known in output for known in store.links)
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines[0] == {"level": "INFO", "message": "model downloaded", "model_id": "heart"}
    assert [line.get("status") for line in lines] == [None, 302, 404]
    assert lines[1]["route"] == "GET /downloads/{token}"


def test_settings() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings("downloads", "models", "INFO")
    for name in ENVIRONMENT:
        with pytest.raises(SettingsError, match=f"^{name} is not set"):
            Settings.from_environment(ENVIRONMENT | {name: ""})

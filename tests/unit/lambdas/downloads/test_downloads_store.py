"""The calls that the store makes, and the URLs that it signs."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber
from downloads.logic import Link
from downloads.settings import Settings
from downloads.store import Store

SETTINGS = Settings("downloads", "models", "INFO")
ITEM = {
    "token_hash": {"S": "hash"},
    "model_id": {"S": "heart"},
    "owner": {"S": "ada"},
    "bucket_key": {"S": "ada/heart.pkl"},
    "created_at": {"S": "2026-01-01T00:00:00+00:00"},
}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Store.connect(SETTINGS)


@pytest.mark.parametrize(
    ("item", "link"),
    [
        (ITEM, Link("heart", "ada/heart.pkl", revoked=False)),
        (ITEM | {"revoked_at": {"S": ""}}, Link("heart", "ada/heart.pkl", revoked=True)),
        (None, None),
    ],
)
def test_link(
    stubbed: Callable[[str], tuple[Any, Stubber]], item: dict[str, object] | None, link: Link | None
) -> None:
    dynamodb, stubber = stubbed("dynamodb")
    s3, _ = stubbed("s3")
    stubber.add_response(
        "get_item",
        {} if item is None else {"Item": item},
        {"TableName": "downloads", "Key": {"token_hash": {"S": "hash"}}, "ConsistentRead": True},
    )
    assert Store(dynamodb, s3, table="downloads", bucket="models").link("hash") == link


def test_url_opens_for_a_minute(connected: Store) -> None:
    url = urlsplit(connected.url("ada/Herz ä-1.0.pkl"))
    query = parse_qs(url.query)
    assert url.hostname == "models.s3.eu-west-1.amazonaws.com"
    assert url.path == "/ada/Herz%20%C3%A4-1.0.pkl"
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["response-content-disposition"] == [
        "attachment; filename*=UTF-8''Herz%20%C3%A4-1.0.pkl"
    ]


def test_clients_do_not_wait_for_long(connected: Store) -> None:
    config = connected._dynamodb.meta.config
    assert config.connect_timeout == 1  # type: ignore[attr-defined]
    assert config.read_timeout == 3  # type: ignore[attr-defined]
    assert config.retries["total_max_attempts"] == 2  # type: ignore[attr-defined]

"""`godaddy_records` with a registrar that is played behind a proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.registrar import CREDENTIALS, ZONE, Registrar, proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

# pragma: allowlist nextline secret
SECRET = "godaddy-of-run"  # noqa: S105 - its name
OPTIONS: dict[str, Any] = {
    "zone": ZONE,
    "credentials_secret": SECRET,
    "records": [{"name": "api.example.com", "type": "CNAME", "value": "d-1.example.net"}],
}
UNKNOWN = "unheard-of"
OTHER = {"type": "CNAME", "name": "www", "data": "other.example.net", "ttl": 3600}


@pytest.fixture
def registrar(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registrar]:
    """Return a registrar with somebody else's record, who is where modules look for GoDaddy."""
    played = Registrar(OTHER)
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name=SECRET, SecretString=json.dumps(CREDENTIALS))
    certificate = tmp_path / "registrar.pem"
    with proxy(played, certificate) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("TLDEXTRACT_CACHE_PATH", str(tmp_path / "suffixes"))
        yield played
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def test_a_record_is_made_once_and_removed_once(
    cloud: Cloud, registrar: Registrar, run_module: ModuleRunner
) -> None:
    made = run_module.four_runs("godaddy_records", **OPTIONS)
    assert made["records"] == {"CNAME api.example.com": ["d-1.example.net"]}
    assert CREDENTIALS["secret"] not in json.dumps(made)
    assert registrar.writes == ["PUT records/CNAME/api"]
    run_module.gone_twice("godaddy_records", **OPTIONS)
    assert registrar.records == [OTHER]

    cloud.client("secretsmanager").put_secret_value(
        SecretId=SECRET, SecretString=json.dumps({"key": "other", "secret": UNKNOWN})
    )
    failed = run_module("godaddy_records", fails=True, **OPTIONS)
    assert "refuses to work on example.com: 403" in failed["msg"]
    assert UNKNOWN not in json.dumps(failed)

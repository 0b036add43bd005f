"""`godaddy_records` with a registrar that is played: the library's own requests are answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from ansible.module_utils.artificien.godaddy import (
    apply_record,
    check_records,
    plan_records,
    read_credentials,
    read_records,
    session,
)
from ansible.module_utils.artificien.reconcile import ReconcileError

from tests.registrar import CREDENTIALS, HOST, ZONE, Registrar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

API = {"name": "api.example.com", "type": "CNAME", "value": "d-1.example.net."}
RECORD = {"type": "CNAME", "name": "api", "data": "d-1.example.net", "ttl": 600}
OTHER = {"type": "CNAME", "name": "www", "data": "other.example.net", "ttl": 3600}


def send(registrar: Registrar) -> Callable[..., requests.Response]:
    """Return what answers requests in place of the network."""

    def answer(
        _adapter: object, request: requests.PreparedRequest, **_options: object
    ) -> requests.Response:
        url = urlsplit(str(request.url))
        if url.hostname != HOST:
            raise requests.ConnectionError("no other host is asked for anything that matters")
        response = requests.Response()
        response.url = str(request.url)
        response.status_code, content = registrar.answer(
            str(request.method),
            url.path,
            str(request.headers["Authorization"]),
            str(request.body or ""),
        )
        response._content = content.encode()
        return response

    return answer


@pytest.fixture
def registrar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registrar:
    """Return a registrar with somebody else's record, who takes the place of the network."""
    played = Registrar(OTHER)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send(played))
    # Where the library keeps a list of public suffixes.
    monkeypatch.setenv("TLDEXTRACT_CACHE_PATH", str(tmp_path))
    return played


def converge(*records: dict[str, Any], absent: bool = False) -> list[Any]:
    """Plan and carry out, as the module does; return the plans that changed something."""
    with session(ZONE, CREDENTIALS, 600) as operations:
        plans = plan_records(list(records), read_records(operations, list(records)), absent=absent)
        changing = [plan for plan in plans if plan.changed]
        for plan in changing:
            apply_record(operations, plan)
    return changing


def test_a_record_is_made_once_and_removed_once(registrar: Registrar) -> None:
    (created,) = converge(API)
    assert (created.name, created.before) == ("CNAME api.example.com", None)
    assert created.after == {"values": ["d-1.example.net"]}
    assert OTHER in registrar.records
    assert len(registrar.records) == 2
    writes = list(registrar.writes)
    assert converge(API) == []
    assert registrar.writes == writes

    assert [plan.action for plan in converge(API | {"value": None}, absent=True)] == ["delete"]
    assert registrar.records == [OTHER]
    assert converge(API | {"value": None}, absent=True) == []


def test_the_last_record_of_its_type_is_removed(registrar: Registrar) -> None:
    registrar.records = [RECORD]
    converge(API | {"value": None}, absent=True)
    assert registrar.records == []


def test_a_value_is_replaced_not_added(registrar: Registrar) -> None:
    registrar.records += [RECORD | {"data": "old.example.net"}]
    (plan,) = converge(API)
    assert plan.before == {"values": ["old.example.net"]}
    assert [each["data"] for each in registrar.records if each["name"] == "api"] == [
        "d-1.example.net"
    ]
    assert registrar.writes == ["PUT records/CNAME/api"]


def test_other_values_of_the_name_go(registrar: Registrar) -> None:
    text = {"name": "api.example.com", "type": "TXT", "value": "mine"}
    registrar.records += [
        {"type": "TXT", "name": "api", "data": data, "ttl": 600} for data in ("a", "b", "mine")
    ]
    assert len(converge(text)) == 1
    assert [each["data"] for each in registrar.records if each["type"] == "TXT"] == ["mine"]
    assert OTHER in registrar.records


@pytest.mark.usefixtures("registrar")
def test_a_refusal_tells_no_secret() -> None:
    with (
        pytest.raises(ReconcileError, match=r"refuses to work on example.com: 403") as refused,
        session(ZONE, dict.fromkeys(CREDENTIALS, "wrong"), 600),
    ):
        pass
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("record", "absent", "message"),
    [
        (API | {"name": "example.com"}, False, "CNAME example.com is not below example.com"),
        (API | {"name": "notexample.com"}, True, "choose a name within the zone"),
        (API | {"value": None}, False, "CNAME api.example.com has no value"),
    ],
)
def test_what_cannot_be_made_is_refused(record: dict[str, str], absent: bool, message: str) -> None:
    with pytest.raises(ReconcileError, match=message):
        check_records(ZONE, [record], absent=absent)
    check_records(ZONE, [API | {"value": ""}], absent=True)


@pytest.mark.parametrize(
    "content", ["hush", "[]", '{"key": "the-key"}', '{"key": "", "secret": "hush"}']
)
def test_credentials_of_another_form_are_refused(stubbed: Stubbed, content: str) -> None:
    client, stubber = stubbed("secretsmanager")
    asked = {"SecretId": "godaddy"}  # pragma: allowlist secret
    for text in (json.dumps(CREDENTIALS), content):
        stubber.add_response("get_secret_value", {"SecretString": text}, asked)
    assert read_credentials(client, "godaddy") == CREDENTIALS
    with pytest.raises(ReconcileError, match="godaddy: the secret shall be") as refused:
        read_credentials(client, "godaddy")
    assert "hush" not in str(refused.value)

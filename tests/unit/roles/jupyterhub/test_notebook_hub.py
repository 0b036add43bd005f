"""Who is signed in, asked of a hub over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from artificien_notebook import hub
from artificien_notebook.errors import NotebookError

from tests.unit.roles.jupyterhub.notebook_server import Server, serving, token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/hub/api/cognito-tokens"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return the hub of this notebook."""
    with serving() as server:
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"{server.url}/hub/api")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-this-server")
        yield server


def test_the_hub_is_asked_in_the_name_of_the_server(server: Server) -> None:
    server.answers[PATH] = 200, tokens("Ada")
    found = hub.tokens()
    assert found.access_token == tokens("Ada")["access_token"]
    assert found.id_token == tokens("Ada")["id_token"]
    assert found.expires_at == 4_000_000_000
    assert server.requests == [(PATH, "token of-this-server", None)]


def test_tokens_are_not_shown(server: Server) -> None:
    server.answers[PATH] = 200, tokens("Ada")
    shown = f"{hub.tokens()} {hub.tokens()!r}"
    assert "4000000000" in shown
    assert "signature" not in shown


@pytest.mark.parametrize("name", ["Ada", "grace.h", "łucja", "a"])
def test_the_name_is_as_the_pool_has_it(server: Server, name: str) -> None:
    server.answers[PATH] = 200, tokens(name)
    assert hub.username() == name


@pytest.mark.parametrize(
    "access_token",
    ["", "nonsense", "a.b", "a.!.c", token(sub="1"), "a.bnVsbA.c"],
)
def test_what_is_no_access_token_has_no_name(server: Server, access_token: str) -> None:
    server.answers[PATH] = 200, tokens("Ada") | {"access_token": access_token}
    with pytest.raises(NotebookError, match="no access token"):
        hub.username()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, {"status": 403, "message": "Signed out."}), "answered 403: Signed out."),
        ((403, b"<html>"), "answered 403: Forbidden"),
        ((403, []), "answered 403: Forbidden"),
        ((200, b"<html>"), "did not answer with a JSON object"),
        ((200, [1]), "did not answer with a JSON object"),
        ((200, {}), "answered no tokens"),
        ((200, tokens("Ada") | {"expires_at": None}), "answered no tokens"),
    ],
)
def test_a_hub_that_gives_no_tokens_is_told(
    server: Server, answer: tuple[int, Any], told: str
) -> None:
    server.answers[PATH] = answer
    with pytest.raises(NotebookError, match=told):
        hub.tokens()


def test_a_hub_that_is_not_there_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_URL", "http://127.0.0.1:9/hub/api")
    with pytest.raises(NotebookError, match="was not reached"):
        hub.tokens()
    assert server.requests == []


@pytest.mark.parametrize("name", ["JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN"])
def test_a_notebook_elsewhere_is_told_what_is_missing(
    server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(NotebookError, match=f"{name} is not set"):
        hub.tokens()
    assert server.requests == []


def test_a_command_gets_the_access_token(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers[PATH] = 200, tokens("Ada")
    hub.print_access_token()
    assert capsys.readouterr().out == f"{tokens('Ada')['access_token']}\n"
    server.answers[PATH] = 403, {"message": "Signed out."}
    with pytest.raises(SystemExit, match=r"artificien-token: .* answered 403: Signed out\."):
        hub.print_access_token()
    assert capsys.readouterr().out == ""

"""The platform's API, as notebooks ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from artificien_notebook import api, web
from artificien_notebook.errors import NotebookError

from tests.unit.roles.jupyterhub.notebook_server import Server, serving, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return the hub and the API of this notebook."""
    with serving() as server:
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"{server.url}/hub/api")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-this-server")
        monkeypatch.setenv("ARTIFICIEN_API_URL", f"{server.url}/")
        server.answers["/hub/api/cognito-tokens"] = 200, tokens("Ada")
        yield server


def test_the_api_is_asked_with_the_access_token(server: Server) -> None:
    server.answers["/create"] = 200, {"status": "ready"}
    assert api.ask("/create", {"model_id": "heart"}) == {"status": "ready"}
    bearer = f"Bearer {tokens('Ada')['access_token']}"
    assert server.requests[-1] == ("/create", bearer, {"model_id": "heart"})


@pytest.mark.parametrize(
    ("answer", "bought"),
    [
        (["Artificien-Health", "Night Watch"], ["Artificien-Health", "Night Watch"]),
        ("no purchased datasets available", []),
    ],
)
def test_datasets_are_a_list(server: Server, answer: object, bought: list[str]) -> None:
    server.answers["/get_datasets"] = 200, {"datasets": answer}
    assert api.datasets() == bought


def test_a_refusal_is_told_in_the_words_for_people(server: Server) -> None:
    refusal = {"error": "not_purchased", "description": "Buy the dataset first."}
    server.answers["/create"] = 403, refusal
    with pytest.raises(NotebookError, match=r"answered 403: Buy the dataset first\."):
        api.ask("/create", {})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/create"])
def test_links_lead_into_the_web_only(url: str) -> None:
    with pytest.raises(NotebookError, match="no URL of the web"):
        web.open_link(url)

"""Who may log in to the hub, and who is put out again."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt
import pytest
from jupyterhub.handlers import BaseHandler
from jupyterhub_host.authenticator import CognitoAuthenticator, RefusedError, refusal_of
from tornado import web
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = tuple[int, dict[str, Any]]

KEY = "k" * 32
KEPT = "the-refresh-token"
PROBE = "hub-probe"


def token(name: str, groups: list[str], lasts: int = 3600) -> str:
    """Return an access token as Cognito makes it: who is in no group has no such claim."""
    claims: dict[str, Any] = {"username": name, "sub": f"sub-{name}", "exp": time.time() + lasts}
    if groups:
        claims["cognito:groups"] = groups
    return jwt.encode(claims, KEY, algorithm="HS256")


def tokens(name: str, groups: list[str]) -> Answer:
    """Return what the token endpoint answers to a refresh token: no other one."""
    return 200, {
        "access_token": token(name, groups),
        "id_token": token(name, []),
        "token_type": "Bearer",
        "expires_in": 3600,
    }


class Pool:
    """A token endpoint that answers what it is told, and counts the questions."""

    def __init__(self) -> None:
        self.answer: Answer = (500, {})
        self.questions: list[dict[str, list[str]]] = []
        self.authorization: list[str | None] = []
        pool = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                pool.questions.append(parse_qs(body))
                pool.authorization.append(self.headers["Authorization"])
                status, answer = pool.answer
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/oauth2/token"

    def close(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


class User:
    """A user of the hub, as the authenticator sees one."""

    def __init__(self, name: str, kept: dict[str, Any] | None, *, running: bool = True) -> None:
        self.name = name
        self.kept = kept
        self.admin = False
        self.groups: list[str] = []
        self.stopped: list[str] = []
        self._auth_refreshed: float | None = None
        self.orm_user = SimpleNamespace()
        spawner = SimpleNamespace(active=running, ready=running, pending=None, _stop_pending=False)
        self.spawners = {"": spawner}

    async def get_auth_state(self) -> dict[str, Any] | None:
        """Return what is kept."""
        return self.kept

    async def save_auth_state(self, kept: dict[str, Any] | None) -> None:
        """Keep it."""
        self.kept = kept

    def sync_groups(self, groups: list[str]) -> None:
        """Be in these groups."""
        self.groups = groups

    async def stop(self, name: str) -> None:
        """Stop a server."""
        self.stopped.append(name)
        self.spawners[name].active = self.spawners[name].ready = False


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def authenticator(pool: Pool) -> CognitoAuthenticator:
    routes: list[tuple[str, str]] = []

    async def delete_user(user: User, name: str) -> None:
        routes.append((user.name, name))

    authenticator = CognitoAuthenticator(
        client_id="the-client",
        client_secret="the-secret",  # noqa: S106 # pragma: allowlist secret
        token_url=pool.url,
        basic_auth=True,
        enable_auth_state=True,
        manage_groups=True,
        username_claim="username",
        allowed_groups={"data-scientists"},
        admin_groups={"admins"},
        auth_refresh_age=60,
        auth_refresh_strict=True,
        reserved_name=PROBE,
    )
    authenticator.app = SimpleNamespace(
        proxy=SimpleNamespace(delete_user=delete_user), users={}, db=None, routes=routes
    )
    return authenticator


def ada(groups: list[str] | None = None, *, running: bool = True) -> User:
    """Return somebody who has logged in."""
    kept = {
        "id_token": token("ada", []),
        "access_token": token("ada", groups or ["data-scientists"]),
        "refresh_token": KEPT,
        "expires_at": int(time.time()) + 3600,
        "subject": "sub-ada",
        "groups": groups or ["data-scientists"],
    }
    return User("ada", kept, running=running)


def refresh(authenticator: CognitoAuthenticator, user: User) -> Any:
    """Return what the hub is told of a user."""
    return asyncio.run(authenticator.refresh_user(user))


def test_a_refresh_tells_the_groups_of_now(authenticator: CognitoAuthenticator, pool: Pool) -> None:
    pool.answer = tokens("ada", ["data-scientists", "admins"])
    model = refresh(authenticator, ada())
    assert model["name"] == "ada"
    assert model["admin"] is True
    assert model["groups"] == ["admins", "data-scientists"]
    assert model["auth_state"]["access_token"] == pool.answer[1]["access_token"]
    # The pool sends no other refresh token, so that the old one is kept.
    assert model["auth_state"]["refresh_token"] == KEPT
    assert pool.questions == [{"grant_type": ["refresh_token"], "refresh_token": [KEPT]}]
    assert pool.authorization[0] == "Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0"


def test_somebody_is_no_administrator_any_more(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    pool.answer = tokens("ada", ["data-scientists"])
    assert refresh(authenticator, ada(["data-scientists", "admins"]))["admin"] is False


@pytest.mark.parametrize("groups", [[], ["developers"]])
def test_whoever_left_the_groups_is_out_with_their_server(
    authenticator: CognitoAuthenticator, pool: Pool, groups: list[str]
) -> None:
    pool.answer = tokens("ada", groups)
    user = ada()
    assert refresh(authenticator, user) is False
    assert user.stopped == [""]
    assert authenticator.app.routes == [("ada", "")]
    assert user.kept is None


def test_whoever_was_deleted_is_out_with_their_server(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    pool.answer = (400, {"error": "invalid_grant"})
    user = ada()
    assert refresh(authenticator, user) is False
    assert user.stopped == [""]


@pytest.mark.parametrize("answer", [(401, {"error": "invalid_client"}), (403, {})])
def test_a_hub_that_is_refused_itself_stops_no_server(
    authenticator: CognitoAuthenticator, pool: Pool, answer: Answer
) -> None:
    pool.answer = answer
    user = ada()
    assert refresh(authenticator, user) is False
    assert user.stopped == []
    assert user.kept is not None


@pytest.mark.parametrize("answer", [(500, {}), (503, {}), (429, {"error": "too_many"}), (200, {})])
def test_a_pool_in_trouble_puts_nobody_out(
    authenticator: CognitoAuthenticator, pool: Pool, answer: Answer
) -> None:
    pool.answer = answer
    user = ada()
    assert refresh(authenticator, user) is True
    assert user.kept is not None


def test_a_pool_that_is_not_reached_puts_nobody_out(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    pool.close()
    assert refresh(authenticator, ada()) is True


def test_tokens_of_somebody_else_are_not_believed(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    pool.answer = tokens("grace", ["data-scientists"])
    assert refresh(authenticator, ada()) is False


def test_whose_tokens_the_hub_lost_is_out_with_their_server(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    user = User("ada", None)
    assert refresh(authenticator, user) is False
    assert user.stopped == [""]
    assert pool.questions == []


def test_requests_at_a_time_ask_the_pool_once(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    pool.answer = tokens("ada", ["data-scientists"])
    user = ada()

    async def all_at_once() -> Any:
        return await asyncio.gather(*(authenticator.refresh_user(user) for _ in range(5)))

    models = asyncio.run(all_at_once())
    assert len(pool.questions) == 1
    assert {model["name"] for model in models} == {"ada"}
    # And the next one asks again.
    refresh(authenticator, user)
    assert len(pool.questions) == 2


def log_in(authenticator: CognitoAuthenticator, name: str, groups: list[str]) -> Any:
    """Return the model of somebody who comes back with a code, or nothing if they may not."""

    async def authenticate(*_: object) -> Any:
        answer = tokens(name, groups)[1] | {"refresh_token": "one"}
        return await authenticator._token_to_auth_model(answer)

    authenticator.authenticate = authenticate
    return asyncio.run(authenticator.get_authenticated_user(None, None))


@pytest.mark.parametrize("groups", [["data-scientists"], ["admins"], ["x", "data-scientists"]])
def test_members_of_the_groups_log_in(
    authenticator: CognitoAuthenticator, groups: list[str]
) -> None:
    model = log_in(authenticator, "Ada", groups)
    assert model["name"] == "ada"
    assert model["admin"] is ("admins" in groups)
    assert set(model["auth_state"]) == {
        "id_token", "access_token", "refresh_token", "expires_at", "subject", "groups",
    }  # fmt: skip


@pytest.mark.parametrize("groups", [[], ["developers"]])
def test_nobody_else_does(authenticator: CognitoAuthenticator, groups: list[str]) -> None:
    assert log_in(authenticator, "eve", groups) is None


@pytest.mark.parametrize("name", [PROBE, PROBE.upper()])
def test_nobody_logs_in_as_the_probe(authenticator: CognitoAuthenticator, name: str) -> None:
    assert log_in(authenticator, name, ["data-scientists", "admins"]) is None


def test_the_probe_needs_no_tokens(authenticator: CognitoAuthenticator, pool: Pool) -> None:
    user = User(PROBE, None)
    assert refresh(authenticator, user) is True
    assert user.stopped == []
    assert pool.questions == []
    assert asyncio.run(authenticator.check_allowed(PROBE, None)) is True


def request_of(authenticator: CognitoAuthenticator, user: User) -> BaseHandler:
    """Return a page that somebody asks for with a cookie."""
    hub = SimpleNamespace(base_url="/hub/")
    application = web.Application([], authenticator=authenticator, hub=hub, cookie_secret=KEY)
    connection: Any = SimpleNamespace(set_close_callback=lambda _: None)
    line = RequestStartLine("GET", "/hub/spawn", "HTTP/1.1")
    request = HTTPServerRequest(
        start_line=line, headers=HTTPHeaders({"Host": "hub.example.com"}), connection=connection
    )
    handler = BaseHandler(application, request)
    handler._jupyterhub_user = user
    return handler


def test_a_page_whose_refresh_is_refused_is_no_failure(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    # JupyterHub 6.1.1 raised AttributeError here, and answered 500.
    pool.answer = (400, {"error": "invalid_grant"})
    user = ada()
    assert asyncio.run(request_of(authenticator, user).refresh_auth(user)) is None


def test_running_servers_of_people_who_do_nothing_are_reviewed(
    authenticator: CognitoAuthenticator, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted: list[Any] = []
    monkeypatch.setattr(
        "jupyterhub_host.authenticator.assign_default_roles",
        lambda _, entity: granted.append(entity),
    )
    idle, absent, asked = ada(), ada(running=False), ada()
    asked._auth_refreshed = time.monotonic()
    authenticator.app.users = dict(enumerate([idle, absent, asked]))
    pool.answer = tokens("ada", ["admins"])
    asyncio.run(authenticator.review())
    assert len(pool.questions) == 1
    assert idle.admin is True
    assert idle.groups == ["admins"]
    assert idle._auth_refreshed is not None
    assert granted == [idle]

    idle._auth_refreshed = None
    pool.answer = (400, {"error": "invalid_grant"})
    asyncio.run(authenticator.review())
    assert idle.stopped == [""]
    assert asked.stopped == []


def test_a_review_that_fails_does_not_end_the_others(
    authenticator: CognitoAuthenticator, pool: Pool
) -> None:
    broken, user = ada(), ada()
    broken.kept = {"refresh_token": "one"}
    broken.save_auth_state = None  # type: ignore[method-assign,assignment]
    authenticator.app.users = {0: broken, 1: user}
    pool.answer = (400, {"error": "invalid_grant"})
    asyncio.run(authenticator.review())
    assert user.stopped == [""]


@pytest.mark.parametrize(
    ("make", "ended"),
    [
        (lambda: web.HTTPError(403, "no token"), False),
        (lambda: web.HTTPError(500, "Bad response"), None),
        (lambda: OSError("no route"), None),
        (TimeoutError, None),
    ],
)
def test_what_a_failure_means(make: Callable[[], Exception], ended: bool | None) -> None:
    refusal = refusal_of(make())
    assert (refusal.ended if isinstance(refusal, RefusedError) else None) is ended

"""The session that a browser has at the hosted UI, from the first sign-in to the log-out."""

import inspect
import secrets
import time
from functools import wraps
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local_cloud.patches.known import known

COOKIE = "cognito"
SECONDS = 3600

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_REDIRECT = [
    *("client_id", "pool_id", "redirect_uri", "scope", "username", "nonce"),
    *("code_challenge", "code_challenge_method", "state"),
]
_QUERY = ["method", "path", "headers", "query_params"]


def patch(cognito: Any) -> None:
    """Ask a browser for a password once an hour, and again after a log-out.

    The emulator knows no session: it asks every time, so that a log-out could not be told from
    none.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    sessions = Sessions()
    redirect = known(cognito, "_issue_auth_code_redirect", _REDIRECT)
    _begin(cognito, redirect, sessions)
    _use(cognito, redirect, sessions)
    _end(cognito, sessions)


class Sessions:
    """Who has signed in at which pool, by the unguessable value of a cookie."""

    def __init__(self) -> None:
        self._sessions: dict[str, Record] = {}

    def begin(self, pool_id: str, username: str) -> str:
        """Return the cookie of a new session."""
        now = time.monotonic()
        for token in [key for key, each in self._sessions.items() if each["expires"] < now]:
            self._sessions.pop(token, None)
        token = secrets.token_urlsafe(24)
        self._sessions[token] = {"pool": pool_id, "user": username, "expires": now + SECONDS}
        return f"{COOKIE}={token}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax"

    def user(self, headers: Record, pool_id: str) -> str | None:
        """Return who has signed in at a pool, by the headers of a request."""
        session = self._sessions.get(_token(headers))
        if session and session["pool"] == pool_id and session["expires"] > time.monotonic():
            return str(session["user"])
        return None

    def end(self, headers: Record) -> str:
        """Forget the session of a request; return the cookie that is none."""
        self._sessions.pop(_token(headers), None)
        return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


def _token(headers: Record) -> str:
    cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    return cookie.value if cookie else ""


def _with_cookie(response: Response, cookie: str) -> Response:
    status, headers, body = response
    return status, headers | {"Set-Cookie": cookie}, body


def _begin(cognito: Any, redirect: Any, sessions: Sessions) -> None:
    signature = inspect.signature(redirect)

    @wraps(redirect)
    def redirect_with_session(*arguments: Any, **more: Any) -> Response:
        response: Response = redirect(*arguments, **more)
        brought = parse_qs(urlsplit(response[1].get("Location", "")).query)
        if "code" not in brought:
            return response
        given = signature.bind(*arguments, **more).arguments
        return _with_cookie(response, sessions.begin(given["pool_id"], given["username"]))

    cognito._issue_auth_code_redirect = redirect_with_session


def _use(cognito: Any, redirect: Any, sessions: Sessions) -> None:
    handler = "handle_oauth2_authorize"
    authorize = known(cognito, handler, _QUERY)
    value = known(cognito, "_qp", ["query_params", "key", "default"])
    find = known(cognito, "_find_pool_by_client_id", ["client_id"])

    def authorize_at_once(method: Any, path: Any, headers: Any, query_params: Any) -> Any:
        response = authorize(method, path, headers, query_params)
        if response[0] != HTTPStatus.OK:
            return response
        asked = {name: value(query_params, name) for name in _REDIRECT}
        pool_id, pool, client = find(asked["client_id"])
        name = sessions.user(headers, pool_id)
        if not name or not pool["_users"].get(name, {}).get("Enabled"):
            return response
        address = asked["redirect_uri"] or client["DefaultRedirectURI"]
        return redirect(**asked | {"pool_id": pool_id, "username": name, "redirect_uri": address})

    setattr(cognito, handler, authorize_at_once)


def _end(cognito: Any, sessions: Sessions) -> None:
    handler = "handle_logout"
    log_out = known(cognito, handler, _QUERY)

    def log_out_of_session(method: Any, path: Any, headers: Any, query_params: Any) -> Any:
        response = log_out(method, path, headers, query_params)
        if response[0] != HTTPStatus.FOUND:
            return response
        return _with_cookie(response, sessions.end(headers))

    setattr(cognito, handler, log_out_of_session)

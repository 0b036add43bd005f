"""What every request passes: its id and log line, CORS, the limit on its rate, last errors."""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import TooManyRequests
from ..security.networks import peer_of
from .http import error_response, json_response
from .node import Node

_log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
# Supervisors ask as often as they like.
_UNLIMITED = frozenset({"/healthz"})
_FAILED = 400
_BROKEN = 500


class Requests:
    """Gives each request an id, logs it, and answers it even if something unforeseen happens.

    Args:
        app: The application inside.
        node: What its requests share.
    """

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app = app
        self._node = node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, a socket, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                raw: list[tuple[bytes, bytes]] = message["headers"]
                raw.append((b"x-request-id", request_id.encode()))
                _allow_pages(scope, headers, message)
            await send(message)

        try:
            await self._answer(scope, receive, send_marked)
        except ClientDisconnect:
            _log.debug("client went away", path=scope["path"])
            return
        except Exception:  # whatever it is, the client gets an answer without its details
            _log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                return
            body = {"error": "internal error", "request_id": request_id}
            await json_response(body, 500)(scope, receive, send_marked)
        _log_request(scope, status, time.perf_counter() - begin)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await Response(media_type="text/html")(scope, receive, send)
            return
        if scope["path"] not in _UNLIMITED:
            try:
                self._node.count_request(scope)
            except TooManyRequests as error:
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _allow_pages(scope: Scope, headers: Headers, message: Message) -> None:
    answer = MutableHeaders(scope=message)
    if scope["method"] != "OPTIONS":
        answer["Access-Control-Allow-Origin"] = "*"
        return
    answer["Access-Control-Allow-Origin"] = headers.get("origin", "*")
    answer["Access-Control-Allow-Methods"] = _METHODS
    answer["Allow"] = _METHODS
    asked = headers.get("access-control-request-headers")
    if asked is not None:
        answer["Access-Control-Allow-Headers"] = asked
    if "origin" in headers:
        answer["Vary"] = "Origin"


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    if status >= _BROKEN:
        write = _log.error
    elif status >= _FAILED:
        write = _log.info
    else:
        # Every line costs about as much as a fast request.
        write = _log.debug
    write(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        milliseconds=round(seconds * 1000, 1),
        peer=str(peer_of(scope)),
    )

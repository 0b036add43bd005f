"""The WebSocket messages of PyGrid's protocol: one reply per request, in order."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..cycles import hosting
from ..errors import InvalidRequest, NodeError, NotPermitted, TooManyRequests, Unavailable
from ..security.networks import peer_of
from . import replies
from .http import error_response
from .node import Node, client_of, node_of
from .socket_protocol import allow_large_messages
from .sockets import close

_log = structlog.get_logger(__name__)

_PING = "socket-ping"
_CYCLE_REQUEST = "model-centric/cycle-request"
_HOST = "model-centric/host-training"
_WORKER_REPLIES = {
    "model-centric/authenticate": replies.authenticate,
    _CYCLE_REQUEST: replies.request_cycle,
    "model-centric/report": replies.report,
}
_SHOWN_LENGTH = 80


async def _serve(socket: WebSocket) -> None:
    node = node_of(socket)
    try:
        with node.socket_places.slot(client_of(socket.scope)):
            await _limit_messages(node, socket)
            await socket.accept()
            await _converse(node, socket)
    except TooManyRequests as error:
        await socket.send_denial_response(error_response(error))
    except WebSocketDisconnect:
        pass


async def _limit_messages(node: Node, socket: WebSocket) -> None:
    # Only models to be hosted may be that large, so nobody else's message is even received.
    with suppress(NotPermitted, Unavailable):
        await node.access.require_host(socket.headers, None, peer_of(socket.scope))
        allow_large_messages(socket)


async def _converse(node: Node, socket: WebSocket) -> None:
    while not node.sockets.stopping:
        with node.sockets.idle(socket):
            message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        reply = await _reply(node, socket, message.get("text"))
        await socket.send_text(replies.encode(reply).decode())
    await close(socket)


async def _reply(node: Node, socket: WebSocket, text: str | None) -> dict[str, Any]:
    kind: str | None = None
    try:
        request = await _parse(text)
        kind = _kind(request)
        # After the type is known: clients match replies by it.
        node.count_request(socket.scope)
        answer = await _answer(node, socket, kind, request.get("data", {}))
    except NodeError as error:
        _log.info("message refused", type=kind, error=error.text)
        return _error(kind, error.text)
    except Exception:  # a reply is due, and the socket must live on
        _log.exception("message failed", type=kind)
        identifier = structlog.contextvars.get_contextvars().get("request_id")
        return _error(kind, f"internal error (request {identifier})")
    _log.debug("message answered", type=kind)
    return answer if kind == _PING else {"type": kind, "data": answer}


async def _answer(node: Node, socket: WebSocket, kind: str, data: Any) -> dict[str, Any]:
    if kind == _PING:
        return {"alive": "True"}
    if not isinstance(data, dict):
        raise InvalidRequest("'data' must be an object")
    if kind == _HOST:
        return await _host(node, socket, data)
    return await _WORKER_REPLIES[kind](node, data)


async def _parse(text: str | None) -> dict[str, Any]:
    if text is None:
        raise InvalidRequest("binary messages are not supported; send JSON in text messages")
    return await replies.parse(text)


def _kind(request: dict[str, Any]) -> str:
    if "type" not in request:
        raise InvalidRequest("'type' is required")
    kind = request["type"]
    if isinstance(kind, str) and (kind in _WORKER_REPLIES or kind in {_PING, _HOST}):
        return kind
    shown = repr(kind) if isinstance(kind, str) and len(kind) <= _SHOWN_LENGTH else "this"
    raise InvalidRequest(f"unknown 'type': {shown}")


async def _host(node: Node, socket: WebSocket, data: dict[str, Any]) -> dict[str, Any]:
    caller = await node.access.require_host(
        socket.headers, data.get("auth_token"), peer_of(socket.scope)
    )
    request = await asyncio.to_thread(hosting.parse_request, data)
    model_id = await hosting.host(node.database, request, caller.subject)
    _log.info("model hosted", model_id=model_id, by=caller.name)
    return replies.SUCCESS


def _error(kind: str | None, text: str) -> dict[str, Any]:
    if kind is None or kind == _PING:
        return {"error": text}
    data = {"error": text}
    return {"type": kind, "data": {"status": "rejected"} | data if kind == _CYCLE_REQUEST else data}


ROUTES = [WebSocketRoute("/", _serve)]

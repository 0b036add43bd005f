"""The HTTP routes of PyGrid's protocol."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..cycles import downloads, hosting
from ..errors import (
    InvalidRequest,
    InvalidRequestKey,
    NodeError,
    NotFound,
    NotPermitted,
    ProcessNotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from ..security.limits import Holding
from ..security.networks import peer_of
from . import replies
from .node import Node, client_of, node_of
from .replies import Malformed

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Statuses: TypeAlias = Mapping[type[NodeError], int]
Reply: TypeAlias = Callable[[Node, dict[str, Any]], Awaitable[dict[str, Any]]]

JSON = "application/json"
_BLOB = "application/octet-stream"
_NO_STORE = {"Cache-Control": "no-store"}

# Longer than any token or name may be.
_SMALL_BODY = 64 * 1024
_MAX_DIGITS = 10

_STATUSES: Statuses = {
    NodeError: 400,
    InvalidRequestKey: 401,
    NotPermitted: 401,
    TooLarge: 413,
    TooManyRequests: 429,
    Unavailable: 503,
}


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(replies.encode(body), status, media_type=JSON)


def error_response(error: NodeError, statuses: Statuses | None = None) -> Response:
    """An error as clients of PyGrid know it.

    Args:
        error: What happened.
        statuses: Status codes of this route by kind of error, before the usual ones.
    """
    known = _STATUSES if statuses is None else {**_STATUSES, **statuses}
    status = next(known[kind] for kind in type(error).__mro__ if kind in known)
    response = json_response(replies.error_body(error), status)
    if isinstance(error, NotPermitted):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answering(statuses: Statuses | None = None) -> Callable[[Endpoint], Endpoint]:
    """Make an endpoint answer its errors; for the arguments see ``error_response``."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except NodeError as error:
                return error_response(error, statuses)

        return answer

    return decorate


async def read_body(request: Request, limit: int, held: Holding) -> bytes:
    """The body of a request, counted in ``held`` while it arrives.

    Raises:
        TooLarge: It has more than ``limit`` bytes.
        TooManyRequests: It exceeds what the client or all together may make the node keep.
    """
    too_large = TooLarge(f"The body is too large; up to {limit} bytes are taken here.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[: _MAX_DIGITS + 1]) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        held.resize(size)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _posted(reply: Reply, statuses: Statuses, *, large: bool = False) -> Endpoint:
    @answering(statuses)
    async def endpoint(request: Request) -> Response:
        node = node_of(request)
        limit = node.settings.max_body_bytes if large else _SMALL_BODY
        with Holding(node.buffers, client_of(request.scope)) as held:
            body = await read_body(request, limit, held)
            return json_response(await reply(node, await replies.parse(body)))

    return endpoint


@answering()
async def _model(request: Request) -> Response:
    query = request.query_params
    content = await downloads.model(
        node_of(request).database,
        query.get("worker_id"),
        query.get("request_key"),
        _id(query.get("model_id")),
    )
    return _blob(content)


@answering()
async def _plan(request: Request) -> Response:
    query = request.query_params
    content = await downloads.plan(
        node_of(request).database,
        query.get("worker_id"),
        query.get("request_key"),
        _id(query.get("plan_id")),
        query.get("receive_operations_as"),
    )
    return _blob(content)


@answering()
async def _protocol(request: Request) -> Response:
    query = request.query_params
    # PySyft 0.2.9 sends the protocol's id under the name of the plan's.
    protocol_id = query.get("protocol_id", query.get("plan_id"))
    content = await downloads.protocol(
        node_of(request).database,
        query.get("worker_id"),
        query.get("request_key"),
        _id(protocol_id),
    )
    return _blob(content)


@answering({NotFound: 404})
async def _retrieve(request: Request) -> Response:
    node = node_of(request)
    caller = await node.access.require_service(request.headers, peer_of(request.scope))
    query = request.query_params
    if "name" not in query:
        raise InvalidRequest("'name' is required: the name of a hosted model")
    number, content = await downloads.checkpoint(
        node.database,
        query["name"],
        query.get("version"),
        query.get("checkpoint"),
        caller.subject,
    )
    response = _blob(content)
    # What "latest" was.
    response.headers["X-Checkpoint"] = str(number)
    return response


@answering({NotFound: 404})
async def _pause(request: Request) -> Response:
    node = node_of(request)
    caller = await node.access.require_service(request.headers, peer_of(request.scope))
    with Holding(node.buffers, client_of(request.scope)) as held:
        data = await replies.parse(await read_body(request, _SMALL_BODY, held))
    for field in ("name", "version"):
        if not isinstance(data.get(field), str):
            raise InvalidRequest(f"'{field}' is required: the {field} of a hosted model, as text")
    await hosting.pause(node.database, data["name"], data["version"], caller.subject)
    return json_response({"status": "paused"})


@answering()
async def _join(_request: Request) -> Response:
    body = {"error": "req-join was never more than a mock-up: authenticate and request a cycle"}
    return json_response(body, 501)


async def _identity(request: Request) -> Response:
    return json_response({"success": True, "identity": node_of(request).settings.node_id})


async def _status(_request: Request) -> Response:
    return json_response({"success": True, "status": "OpenGrid"})


async def _models(_request: Request) -> Response:
    return json_response({"success": True, "models": []})


def _blob(content: bytes) -> Response:
    return Response(content, headers=_NO_STORE, media_type=_BLOB)


def _id(text: str | None) -> int | None:
    if text is None or len(text) > _MAX_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


# What is wrong with a report is told with 200, as PyGrid's clients expect it.
_REPORT_STATUSES: Statuses = {NodeError: 200, InvalidRequestKey: 200, Malformed: 400}

# In the order of how often they are asked for: the first match is the fastest.
ROUTES = [
    Route("/model-centric/get-plan", _plan, methods=["GET"]),
    Route("/model-centric/get-model", _model, methods=["GET"]),
    Route(
        "/model-centric/authenticate",
        _posted(replies.authenticate, {ProcessNotFound: 401}),
        methods=["POST"],
    ),
    Route("/model-centric/cycle-request", _posted(replies.request_cycle, {}), methods=["POST"]),
    Route(
        "/model-centric/report",
        _posted(replies.report, _REPORT_STATUSES, large=True),
        methods=["POST"],
    ),
    Route("/model-centric/get-protocol", _protocol, methods=["GET"]),
    Route("/model-centric/retrieve-model", _retrieve, methods=["GET"]),
    Route("/model-centric/pause", _pause, methods=["POST"]),
    Route("/model-centric/req-join", _join, methods=["GET"]),
    Route("/data-centric/identity/", _identity, methods=["GET"]),
    Route("/data-centric/status/", _status, methods=["GET"]),
    Route("/data-centric/models/", _models, methods=["GET"]),
]

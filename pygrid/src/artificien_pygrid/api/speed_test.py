"""The speed test: clients time a download and an upload, whatever their content."""

import asyncio
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..errors import InvalidRequest, TooLarge, TooManyRequests
from .http import answering, error_response, json_response
from .node import Node, client_of, node_of

_CHUNK = b"x" * 65536
# What clients send at most, with a form around it.
_UPLOAD_BYTES = 64 * 1024 * 1024 + 65536
# A client that takes longer has measured enough.
_LONGEST_SECONDS = 300


class _Sample(Response):
    """A form with one large field, made while it is sent."""

    def __init__(self, node: Node) -> None:
        boundary = secrets.token_hex(16)
        self._limit = node.speed_tests
        self._size = node.settings.speed_test_bytes
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="sample"\r\n\r\n'.encode()
        )
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        super().__init__(
            headers={
                "Content-Length": str(len(self._head) + self._size + len(self._tail)),
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Cache-Control": "no-store",
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the sample, unless too many are being sent."""
        if scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        try:
            with self._limit.slot(client_of(scope)):
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._send(send)
        except TooManyRequests as error:
            await error_response(error)(scope, receive, send)
        except TimeoutError:
            pass  # the server cuts the connection since the response is not complete

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._head, "more_body": True})
        for start in range(0, self._size, len(_CHUNK)):
            chunk = _CHUNK[: self._size - start]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": self._tail})


@answering()
async def _download(request: Request) -> Response:
    _check(request)
    if "is_ping" in request.query_params:
        return json_response({})
    return _Sample(node_of(request))


@answering()
async def _upload(request: Request) -> Response:
    _check(request)
    size = 0
    with node_of(request).speed_tests.slot(client_of(request.scope)):
        async for chunk in request.stream():
            size += len(chunk)
            if size > _UPLOAD_BYTES:
                raise TooLarge(
                    f"The body is too large; up to {_UPLOAD_BYTES} bytes are taken here."
                )
    return json_response({})


def _check(request: Request) -> None:
    for name in ("worker_id", "random"):
        if name not in request.query_params:
            raise InvalidRequest(f"'{name}' is required")


ROUTES = [
    Route("/model-centric/speed-test", _download, methods=["GET"]),
    Route("/model-centric/speed-test", _upload, methods=["POST"]),
]

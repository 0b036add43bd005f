"""The open WebSockets of a process, so that they can be closed when it stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

GOING_AWAY = 1001


class Sockets:
    """Open sockets; those in the middle of a request finish it before they are closed."""

    def __init__(self) -> None:
        self._idle: set[WebSocket] = set()
        self._closing: asyncio.Future[list[None]] | None = None

    @property
    def stopping(self) -> bool:
        """Whether busy sockets are to be closed after their reply."""
        return self._closing is not None

    @contextmanager
    def idle(self, socket: WebSocket) -> Iterator[None]:
        """While a socket waits for the next request."""
        self._idle.add(socket)
        try:
            yield
        finally:
            self._idle.discard(socket)

    def stop(self) -> None:
        """Begin to close all sockets; once is enough."""
        if self._closing is None:
            self._closing = asyncio.gather(*(close(socket) for socket in self._idle))


async def close(socket: WebSocket) -> None:
    """Say that the node is going away."""
    # Unless its other end was faster.
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(GOING_AWAY)

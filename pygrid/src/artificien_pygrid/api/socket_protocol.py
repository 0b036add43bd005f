"""uvicorn's WebSocket connections, with limits on what each may make the node keep in memory."""

from typing import Any, cast

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request

from ..errors import TooManyRequests
from ..security.limits import Holding
from .node import Node, client_of

_ALLOW = "pygrid.allow_large_messages"
# What a fragment takes besides its content.
_FRAGMENT_BYTES = 64
# For the other end to agree to a close when the node stops.
_CLOSE_SECONDS = 2.0


def allow_large_messages(socket: WebSocket) -> None:
    """Take messages of up to ``max_frame_bytes`` on this connection, not ``max_body_bytes``."""
    socket.scope["extensions"][_ALLOW]()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Counts what has arrived and is not answered yet, per client and in all.

    A message that is larger than its connection may send is refused as soon as its first frame
    announces it, one that exceeds the client's share of memory when it does.
    """

    _held: Holding | None = None
    _unanswered = 0

    def handle_connect(self, event: Request) -> None:
        """Start the application; the connection counts from now on."""
        super().handle_connect(event)
        if not self.handshake_complete:
            self._held = Holding(self._node.buffers, client_of(cast("dict[str, Any]", self.scope)))
            cast("dict[str, Any]", self.scope["extensions"])[_ALLOW] = self._allow_large_messages

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it is too much."""
        super().data_received(data)
        try:
            self._count()
        except TooManyRequests as error:
            if self.transport.is_closing():
                return
            self.conn.fail(CloseCode.TRY_AGAIN_LATER, error.text)
            self.conn.reader.discard()
            self.conn.current_size = None
            self.frames = []
            if self.conn.close_sent is None:
                self.transport.abort()
            else:
                self.handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        """Pass a complete message on."""
        self._unanswered += sum(map(len, self.frames)) + _FRAGMENT_BYTES * len(self.frames)
        super().send_receive_event_to_app()

    async def receive(self) -> Any:
        """The next event; whoever asks for it has answered those before."""
        if self.queue.empty():
            self._unanswered = 0
            self._count()
        return await super().receive()

    async def run_asgi(self) -> None:
        """Run the application; nothing of the connection is left when it ends."""
        try:
            await super().run_asgi()
        finally:
            if self._held is not None:
                self._held.resize(0)
                self._held = None

    def shutdown(self) -> None:
        """Close as going away, after the reply if one is due."""
        if not self.handshake_complete or self.close_sent or self.disconnected:
            super().shutdown()
            return
        self.close_timeout = _CLOSE_SECONDS
        self._node.sockets.stop()

    def _count(self) -> None:
        if self._held is not None:
            fragments = (self.conn.current_size or 0) + _FRAGMENT_BYTES * len(self.frames)
            self._held.resize(self._unanswered + fragments + len(self.conn.reader.buffer))

    def _allow_large_messages(self) -> None:
        self.conn.max_message_size = self._node.settings.max_frame_bytes

    @property
    def _node(self) -> Node:
        return cast("Node", self.config.loaded_app.state.node)

"""A proxy in front of PostgreSQL that holds or cuts connections at a chosen request."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

SOCKET = ".s.PGSQL.5432"

# Messages of PostgreSQL's protocol: those that end a request (Query, Sync), the end of an answer
# (ReadyForQuery), and a client's farewell (Terminate).
_ENDS_OF_REQUESTS = (b"Q", b"S")
_END_OF_ANSWER = b"Z"
_TERMINATE = b"X"
_LENGTH = 4

type Matches = Callable[[bytes], bool]


def anything(_request: bytes) -> bool:
    """Matches every request."""
    return True


def changing(request: bytes) -> bool:
    """Matches requests that may change what others see; prepared ones do not show their SQL."""
    changes = (b"INSERT", b"UPDATE", b"DELETE")
    return any(word in request for word in changes) or not (
        b"SELECT" in request or b"BEGIN" in request
    )


def containing(text: str) -> Matches:
    """Matches requests with this text in their SQL."""
    return lambda request: text.encode() in request


def nth(number: int, matches: Matches) -> Matches:
    """Matches one request (0 is the first) of those that match, all connections together."""
    numbers = count()
    return lambda request: matches(request) and next(numbers) == number


class Trap:
    """What holds one request: before it gets to PostgreSQL, or its answer on the way back."""

    def __init__(self, matches: Matches, *, after: bool) -> None:
        self.matches = matches
        self.after = after
        self.reached = threading.Event()
        self.released = threading.Event()

    def hold(self) -> None:
        """Wait for the gate to release what this trap holds."""
        self.reached.set()
        self.released.wait()


class Gate:
    """The proxy; ``directory`` is where its socket is, for a database URL's ``host``."""

    def __init__(self, behind: Path) -> None:
        # A socket's path may have about 100 bytes only: not below pytest's own directories.
        self.directory = Path(tempfile.mkdtemp(prefix="gate-"))
        self._behind = behind
        self._lock = threading.Lock()
        self._trap: Trap | None = None
        self._held: list[Trap] = []
        self._sockets: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / SOCKET))
        self._listener.listen(64)
        _in_thread(self._accept)

    def url(self, database_url: str) -> str:
        """The URL of a database through the proxy."""
        return database_url.replace(f"host={self._behind}", f"host={self.directory}")

    def trap(self, matches: Matches, *, after: bool = False) -> Trap:
        """Hold the first request from now on that matches (``after``: hold its answer).

        Everything else passes. Replaces an earlier trap that held nothing.
        """
        with self._lock:
            self._trap = Trap(matches, after=after)
            return self._trap

    def cut(self) -> None:
        """Break all connections; what is held is lost. New connections pass."""
        with self._lock:
            self._trap = None
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self.release()

    def release(self) -> None:
        """Let what is held go on."""
        with self._lock:
            held, self._held = self._held, []
        for trap in held:
            trap.released.set()

    def close(self) -> None:
        """Break everything for good."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        shutil.rmtree(self.directory)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._behind / SOCKET))
                with self._lock:
                    self._sockets |= {client, server}
                connection = _Connection(self, client, server)
                _in_thread(connection.forward_requests)
                _in_thread(connection.forward_answers)

    def spring(self, request: bytes) -> Trap | None:
        """The trap, if the request is the one it waits for."""
        with self._lock:
            trap = self._trap
            if trap is None or not trap.matches(request):
                return None
            self._trap = None
            self._held.append(trap)
            return trap

    def forget(self, *closed: socket.socket) -> None:
        """Do not cut connections any more that have ended."""
        with self._lock:
            self._sockets -= set(closed)


class _Connection:
    def __init__(self, gate: Gate, client: socket.socket, server: socket.socket) -> None:
        self._gate = gate
        self._client = client
        self._server = server
        self._answer_trap: Trap | None = None

    def forward_requests(self) -> None:
        with suppress(OSError, EOFError):
            self._server.sendall(_read_sized(self._client))
            request = b""
            while True:
                message = _read_message(self._client)
                request += message
                if message[:1] in _ENDS_OF_REQUESTS:
                    trap = self._gate.spring(request)
                    if trap is not None and trap.after:
                        self._answer_trap = trap
                    elif trap is not None:
                        trap.hold()
                elif message[:1] != _TERMINATE:
                    continue
                self._server.sendall(request)
                request = b""
        self._end()

    def forward_answers(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                answer = _read_message(self._server)
                while self._answer_trap is not None and answer[:1] != _END_OF_ANSWER:
                    self._client.sendall(answer)
                    answer = _read_message(self._server)
                if self._answer_trap is not None:
                    self._answer_trap.hold()
                    self._answer_trap = None
                self._client.sendall(answer)
        self._end()

    def _end(self) -> None:
        self._gate.forget(self._client, self._server)
        for one in (self._client, self._server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def gate_to(behind: Path) -> Iterator[Gate]:
    """A proxy to the server whose socket is in ``behind``."""
    gate = Gate(behind)
    try:
        yield gate
    finally:
        gate.close()


def _read_message(source: socket.socket) -> bytes:
    kind = _read(source, 1)
    return kind + _read_sized(source)


def _read_sized(source: socket.socket) -> bytes:
    length = _read(source, _LENGTH)
    return length + _read(source, int.from_bytes(length) - _LENGTH)


def _read(source: socket.socket, size: int) -> bytes:
    chunks = []
    while size:
        chunk = source.recv(size)
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()

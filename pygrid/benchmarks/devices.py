"""Simulated devices: each goes through the protocol's loop on a connection of its own.

They share two cores with the node and its database, so they do as little as possible: plain
sockets, prepared requests, and no look into blobs beyond their size.
"""

import asyncio
import base64
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from .node import HOST, NAME, VERSION, Node

REQUESTS = ("authenticate", "cycle-request", "get-model", "get-plan", "report")
LOOP = "loop"
_OK = 200
_REPLY_SECONDS = 120
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Refused(Exception):  # noqa: N818 - it names what the node did
    """The node answered otherwise than a device needs it."""


@dataclass
class Load:
    """What a number of devices saw.

    Attributes:
        seconds: From the first request to the last answer.
        times: Of every successful request by its kind, and of whole loops, in seconds.
        errors: How often each error happened.
    """

    seconds: float = 0
    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def loops(self) -> int:
        """Loops that were completed."""
        return len(self.times[LOOP])

    @property
    def rate(self) -> float:
        """Loops per second."""
        return self.loops / self.seconds

    def quantile(self, share: float, kind: str = LOOP) -> float:
        """Milliseconds within which this share of the requests or loops was done."""
        times = sorted(self.times[kind])
        return times[min(int(share * len(times)), len(times) - 1)] * 1000 if times else float("nan")


class Connection(asyncio.Protocol):
    """An HTTP connection with one request at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self._reply: asyncio.Future[tuple[int, bytes]] | None = None
        self._head = bytearray()
        self._body: list[bytes] = []
        self._missing = -1

    async def ask(self, *parts: bytes) -> bytes:
        """Send a request; the body of its answer.

        Raises:
            Refused: Its status is not 200, or the connection broke.
        """
        self._reply = asyncio.get_running_loop().create_future()
        self._head, self._body, self._missing = bytearray(), [], -1
        self._transport.writelines(parts)
        async with asyncio.timeout(_REPLY_SECONDS):
            status, body = await self._reply
        if status != _OK:
            raise Refused(f"{status} {body[:200].decode(errors='replace')}")
        return body

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._missing < 0:
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return
            start = self._head.index(_LENGTH) + len(_LENGTH)
            self._missing = int(self._head[start : self._head.index(b"\r", start)])
            data = bytes(self._head[end + len(_HEAD_END) :])
        self._body.append(data)
        self._missing -= len(data)
        if self._missing == 0 and self._reply is not None and not self._reply.done():
            self._reply.set_result((int(self._head[9:12]), b"".join(self._body)))

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(Refused(f"the connection broke: {error}"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def connect(port: int) -> Connection:
    """A connection to a node of this machine."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, HOST, port)
    return connection


async def drive(node: Node, devices: int, *, seconds: float = 0, loops: int = 0) -> Load:
    """Have devices go through the loop, again and again, all at the same time.

    Args:
        node: The node, whose model they train.
        devices: How many there are.
        seconds: When they begin no further loop; each begins at least one.
        loops: Instead, how many there are in all.
    """
    load = Load()
    diff = base64.b64encode(node.diff)
    connections = [await connect(node.port) for _ in range(devices)]
    begin = time.perf_counter()
    turns = _counted(loops) if loops else _timed(begin + seconds, devices)
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(_device(connection, node, diff, turns, load))
    load.seconds = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return load


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: node\r\n\r\n".encode()


def _post(path: str, length: int) -> bytes:
    return (
        f"POST /model-centric/{path} HTTP/1.1\r\nHost: node\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _counted(loops: int) -> Iterator[None]:
    yield from (None for _ in range(loops))


def _timed(end: float, devices: int) -> Iterator[None]:
    yield from (None for _ in range(devices))
    while time.perf_counter() < end:
        yield None


async def _device(
    connection: Connection, node: Node, diff: bytes, turns: Iterator[None], load: Load
) -> None:
    for _ in turns:
        try:
            await _loop(connection, node, diff, load.times)
        except (Refused, TimeoutError) as error:
            load.errors[str(error) or type(error).__name__] += 1


async def _loop(
    connection: Connection, node: Node, diff: bytes, times: defaultdict[str, list[float]]
) -> None:
    begin = last = time.perf_counter()

    def note(kind: str) -> None:
        nonlocal last
        now = time.perf_counter()
        times[kind].append(now - last)
        last = now

    body = await _send(connection, "authenticate", {"model_name": NAME, "model_version": VERSION})
    worker = body["worker_id"]
    note("authenticate")
    wish = {"worker_id": worker, "model": NAME, "version": VERSION}
    body = await _send(connection, "cycle-request", wish)
    if body["status"] != "accepted":
        raise Refused(f"cycle-request {body}")
    note("cycle-request")
    key, [plan] = body["request_key"], body["plans"].values()
    who = f"worker_id={worker}&request_key={key}"
    blob = await connection.ask(get(f"/model-centric/get-model?{who}&model_id={body['model_id']}"))
    if len(blob) != len(node.model):
        raise Refused(f"get-model: {len(blob)} bytes")
    note("get-model")
    if not await connection.ask(
        get(f"/model-centric/get-plan?{who}&plan_id={plan}&receive_operations_as=list")
    ):
        raise Refused("get-plan: empty")
    note("get-plan")
    start = f'{{"worker_id":"{worker}","request_key":"{key}","diff":"'.encode()
    length = len(start) + len(diff) + 2
    answer = await connection.ask(_post("report", length), start, diff, b'"}')
    if json.loads(answer) != {"status": "success"}:
        raise Refused(f"report {answer[:200]!r}")
    note("report")
    times[LOOP].append(last - begin)


async def _send(connection: Connection, path: str, message: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(message).encode()
    answer: dict[str, Any] = json.loads(await connection.ask(_post(path, len(content)), content))
    return answer

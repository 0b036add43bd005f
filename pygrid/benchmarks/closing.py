"""How long a full cycle takes to close, and what others feel of it."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from artificien_pygrid.aggregation.average import average
from artificien_pygrid.wire.tensors import decode_state, schema_of

from .devices import connect, drive, get
from .node import LARGE, Memory, running, state

_PROBE_SECONDS = 0.002
_POLL_SECONDS = 0.005
_QUIET_SECONDS = 1
_TIMEOUT_SECONDS = 120
_FILLING_DEVICES = 20


@dataclass
class Closing:
    """What was seen of a cycle's end.

    Attributes:
        milliseconds: From the answer to the last report until the closing was committed.
        quiet, stall: The longest answer of ``/healthz`` before and while it closes, in ms.
        median: The usual answer of ``/healthz`` while it closes, in ms.
        memory: The node's before, in MiB.
        growth: And how much it grew, at its peak.
    """

    diffs: int
    milliseconds: float
    quiet: float
    stall: float
    median: float
    memory: float
    growth: float


async def close(database_url: str, diffs: int) -> Closing:
    """Fill a cycle of a 1 MB model with diffs, and watch it close.

    Args:
        database_url: An empty migrated database.
        diffs: With how many the cycle is full.
    """
    with running(database_url, LARGE, rules={"max_diffs": diffs}) as node:
        filling = await drive(node, _FILLING_DEVICES, loops=diffs - 1)
        if filling.errors:
            raise RuntimeError(f"could not fill the cycle: {filling.errors}")
        # The memory of the last reports is given back, and the database has written them.
        await asyncio.sleep(_QUIET_SECONDS)
        async with _probing(node.port) as usual:
            await asyncio.sleep(_QUIET_SECONDS)
        with Memory(node) as memory:
            last = await drive(node, 1, loops=1)
            if last.errors:
                raise RuntimeError(f"the last report failed: {last.errors}")
            begin = time.perf_counter()
            async with _probing(node.port) as latencies:
                await _await_closed(database_url)
            seconds = time.perf_counter() - begin
        return Closing(
            diffs=diffs,
            milliseconds=seconds * 1000,
            quiet=max(usual) * 1000,
            stall=max(latencies) * 1000,
            median=statistics.median(latencies) * 1000,
            memory=memory.before,
            growth=memory.peak - memory.before,
        )


def average_alone(diffs: int) -> float:
    """Milliseconds of the same computation in memory: decode, check, sum, divide."""
    diff = state(LARGE)
    schema = schema_of(decode_state(diff))
    begin = time.perf_counter()
    average((diff for _ in range(diffs)), schema, None, iterative=True)
    return (time.perf_counter() - begin) * 1000


@asynccontextmanager
async def _probing(port: int) -> AsyncIterator[list[float]]:
    """Ask for ``/healthz`` again and again; how long each answer took in seconds."""
    request = get("/healthz")
    latencies: list[float] = []
    stop = asyncio.Event()
    connection = await connect(port)

    async def probe() -> None:
        while not stop.is_set():
            begin = time.perf_counter()
            await connection.ask(request)
            latencies.append(time.perf_counter() - begin)
            await asyncio.sleep(_PROBE_SECONDS)

    task = asyncio.create_task(probe())
    try:
        yield latencies
    finally:
        stop.set()
        await task
        connection.close()


async def _await_closed(database_url: str) -> None:
    async with (
        asyncio.timeout(_TIMEOUT_SECONDS),
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        while True:
            found = await connection.execute("SELECT FROM cycles WHERE status = 'completed'")
            if found.rowcount:
                return
            await asyncio.sleep(_POLL_SECONDS)

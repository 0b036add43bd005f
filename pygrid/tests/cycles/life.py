"""Helpers to play the parts of owners and workers, and to let time pass."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text

from artificien_pygrid.cycles import closing, hosting, reports, workers
from artificien_pygrid.cycles.hosting import HostRequest
from artificien_pygrid.cycles.workers import Accepted, CycleRequest, Rejected
from artificien_pygrid.errors import NodeError
from artificien_pygrid.storage.database import Database
from artificien_pygrid.storage.tables import metadata
from artificien_pygrid.wire.tensors import decode_state, encode_state

GOLDEN = Path(__file__).parent.parent / "golden"
MODEL = (GOLDEN / "cycles/gcl/model.bin").read_bytes()
TRAINING_PLAN = (GOLDEN / "cycles/gcl/training_plan.bin").read_bytes()
_numbers = count(1)


@dataclass
class Model:
    """A hosted model."""

    database: Database
    id: int
    name: str
    version: str = "1.0"

    async def worker(self) -> str:
        """A new worker id."""
        return (await workers.authenticate(self.database, self.id)).worker_id

    async def ask(self, worker_id: str, **speeds: Any) -> Accepted | Rejected:
        """A worker asks for a place."""
        request = CycleRequest(worker_id, self.name, self.version, **speeds)
        return await workers.request_cycle(self.database, request)

    async def join(self) -> tuple[str, str]:
        """A new worker that takes part: its id and request key."""
        worker_id = await self.worker()
        answer = await self.ask(worker_id)
        assert isinstance(answer, Accepted), answer
        return worker_id, answer.request_key

    async def contribute(self, value: float = 1.0) -> None:
        """A new worker joins and reports."""
        worker_id, key = await self.join()
        await reports.report(self.database, worker_id, key, diff(value))

    async def cycle(self) -> Any:
        """The newest cycle's row."""
        return (await self.cycles())[-1]

    async def cycles(self) -> list[Any]:
        """All cycles' rows, oldest first."""
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT * FROM cycles WHERE process_id = :id ORDER BY sequence"),
                {"id": self.id},
            )
            return list(rows)

    async def weights(self) -> dict[int, list[np.ndarray]]:
        """All checkpoints by number."""
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT number, content FROM checkpoints WHERE process_id = :id"),
                {"id": self.id},
            )
            return {row.number: decode_state(row.content) for row in rows}


async def host(
    database: Database,
    *,
    model: bytes = MODEL,
    training_plan: bytes = TRAINING_PLAN,
    averaging_plan: bytes = b"",
    **rules: Any,
) -> Model:
    """Host a model (the golden linear one) under a new name; ``cycle_length`` is 600 if absent."""
    name = f"model-{next(_numbers)}"
    request = HostRequest(
        model=model,
        plans={"training_plan": training_plan},
        client_config={"name": name, "version": "1.0", "lr": 0.05},
        server_config={"cycle_length": 600} | rules,
        averaging_plan=averaging_plan,
    )
    return Model(database, await hosting.host(database, request), name)


async def close_up_to_commit(database: Database, model: Model) -> None:
    """What a process does that dies right before it would have committed a closing."""
    cycle = await model.cycle()
    await mark_closing(database)

    def work() -> None:
        with database.thread_engine.connect() as connection:
            assert closing._close_in_transaction(connection, cycle.id, database.settings)
            connection.rollback()

    await asyncio.to_thread(work)


async def mark_closing(database: Database) -> None:
    """The first step of closing, for all open cycles."""
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE cycles SET status = 'closing' WHERE status = 'open'"))


@asynccontextmanager
async def averaging_elsewhere(database: Database, model: Model) -> AsyncIterator[None]:
    """While another process is at the second step of closing the model's cycle."""
    async with database.engine.begin() as connection:
        await connection.execute(
            text("SELECT FROM cycles WHERE process_id = :id FOR UPDATE"), {"id": model.id}
        )
        yield


def diff(value: float = 1.0) -> bytes:
    """A diff for the golden model whose elements are all the same."""
    return encode_state([np.full_like(tensor, value) for tensor in decode_state(MODEL)])


async def let_pass(database: Database, seconds: float) -> None:
    """Let time pass: everything that the database remembers happened that much earlier."""
    columns = {
        "cycles": ("started_at", "ends_at", "closed_at", "retry_at"),
        "workers": ("created_at", "turned_away_at"),
        "assignments": ("accepted_at", "reported_at"),
    }
    async with database.engine.begin() as connection:
        for table, names in columns.items():
            changes = ", ".join(f"{name} = {name} - :time * interval '1 second'" for name in names)
            statement = f"UPDATE {table} SET {changes}"  # noqa: S608 - of constants
            await connection.execute(text(statement), {"time": seconds})


async def outcomes(calls: Iterable[Any]) -> list[str]:
    """What became of calls made at the same time: ``ok`` or the text of the error."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    texts = []
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, NodeError):
            raise result
        texts.append(result.text if isinstance(result, NodeError) else "ok")
    return texts


async def count_rows(database: Database, table: str) -> int:
    async with database.engine.connect() as connection:
        statement = select(func.count()).select_from(metadata.tables[table])
        return int(await connection.scalar(statement) or 0)

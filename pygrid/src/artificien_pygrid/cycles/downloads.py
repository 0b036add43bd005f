"""What workers and owners fetch: models, plans, protocols, checkpoints."""

import asyncio
import hmac
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import (
    CycleNotFound,
    InvalidRequestKey,
    ModelNotFound,
    NotFound,
    PlanNotFound,
    ProcessNotFound,
    ProtocolNotFound,
    WorkerNotFound,
)
from ..storage.database import Database
from ..wire.plans import Kind, variant
from . import processes

# The newest open cycle's assignment of a worker, for a thing of a process. One round trip; the
# blob itself comes from memory if this process has fetched it before.
_GUARD = """
SELECT workers.id IS NOT NULL, cycles.id IS NOT NULL AND assignments.id IS NOT NULL,
    assignments.request_key, {wanted}
FROM {source}
LEFT JOIN workers ON workers.id = %(worker)s AND workers.process_id = {process}
LEFT JOIN cycles ON cycles.process_id = {process} AND cycles.status = 'open'
LEFT JOIN assignments ON assignments.worker_id = workers.id AND assignments.cycle_id = cycles.id
WHERE {source}.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of thing to fetch: its table, how its id is checked, and the error if missing."""

    table: Literal["checkpoints", "plans", "protocols"]
    guard: str
    missing: type[NotFound]

    @property
    def content(self) -> str:
        return f"SELECT content FROM {self.table} WHERE id = %(id)s"  # noqa: S608 - a constant


_MODEL = _Kind(
    "checkpoints",
    _GUARD.format(
        source="processes",
        process="processes.id",
        wanted="(SELECT id FROM checkpoints WHERE process_id = processes.id "
        "ORDER BY number DESC LIMIT 1)",
    ),
    ModelNotFound,
)
_PLAN = _Kind(
    "plans",
    _GUARD.format(source="plans", process="plans.process_id", wanted="plans.id"),
    PlanNotFound,
)
_PROTOCOL = _Kind(
    "protocols",
    _GUARD.format(source="protocols", process="protocols.process_id", wanted="protocols.id"),
    ProtocolNotFound,
)

_FIND_CHECKPOINT = """
SELECT checkpoints.number, checkpoints.id FROM processes
LEFT JOIN checkpoints ON checkpoints.process_id = processes.id
    AND (%(number)s::integer IS NULL OR checkpoints.number = %(number)s)
WHERE processes.id = (
    SELECT id FROM processes
    WHERE name = %(name)s AND (%(version)s::text IS NULL OR version = %(version)s)
        AND (%(owner)s::text IS NULL OR owner = %(owner)s)
    ORDER BY id DESC LIMIT 1
)
ORDER BY checkpoints.number DESC LIMIT 1
"""

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

LATEST = "latest"
_MAX_DIGITS = 10


async def model(
    database: Database, worker_id: Any, request_key: Any, model_id: int | None
) -> bytes:
    """The newest checkpoint of the model, for a worker of its open cycle.

    Raises:
        ModelNotFound, WorkerNotFound, CycleNotFound, InvalidRequestKey: In this order.
    """
    found = await _guard(database, _MODEL, worker_id, request_key, model_id)
    return await _blob(database, _MODEL, found)


async def plan(
    database: Database, worker_id: Any, request_key: Any, plan_id: int | None, kind: str | None
) -> bytes:
    """A plan in the form ``kind`` (list, torchscript or tfjs), for a worker of the open cycle.

    Anything else than these three stands for ``list``.

    Raises:
        PlanNotFound, WorkerNotFound, CycleNotFound, InvalidRequestKey: In this order.
    """
    found = await _guard(database, _PLAN, worker_id, request_key, plan_id)
    form = Kind(kind) if kind in set(Kind) else Kind.LIST

    async def load() -> bytes:
        hosted = await _read(database, _PLAN, found)
        return await asyncio.to_thread(variant, hosted, form)

    return await database.blobs.get(("plans", found, form), load)


async def protocol(
    database: Database, worker_id: Any, request_key: Any, protocol_id: int | None
) -> bytes:
    """A protocol as it was hosted, for a worker of the open cycle.

    Raises:
        ProtocolNotFound, WorkerNotFound, CycleNotFound, InvalidRequestKey: In this order.
    """
    found = await _guard(database, _PROTOCOL, worker_id, request_key, protocol_id)
    return await _blob(database, _PROTOCOL, found)


async def checkpoint(
    database: Database,
    name: Any,
    version: Any = None,
    checkpoint: str | None = None,
    owner: str | None = None,
) -> tuple[int, bytes]:
    """A checkpoint by its number (1 is the hosted model) or alias (``latest``, the default).

    Args:
        database: Where.
        name: Of the model.
        version: Of the model; its newest if absent.
        checkpoint: Number or alias.
        owner: Whose model it must be, if anybody's.

    Returns:
        Its number and its content.

    Raises:
        ProcessNotFound: No such model, or it is somebody else's.
        ModelNotFound: No such checkpoint.
    """
    alias = LATEST if checkpoint is None else checkpoint
    number = None if alias == LATEST else _number(alias)
    values = {
        "name": processes.stored_text(name),
        "version": None if version is None else processes.stored_text(version),
        "number": number,
        "owner": owner,
    }
    row = await database.fetch(_FIND_CHECKPOINT, values)
    if row is None:
        raise ProcessNotFound
    if row[1] is None:
        raise ModelNotFound
    return row[0], await _blob(database, _MODEL, row[1])


def _number(text: str) -> int:
    """A checkpoint's number; 0, which none has, for anything else."""
    return processes.stored_id(int(text)) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0


async def _guard(
    database: Database, kind: _Kind, worker_id: Any, request_key: Any, wanted_id: int | None
) -> int:
    row: TupleRow | None = None
    values: dict[str, Any] = {"id": processes.stored_id(wanted_id), "worker": None}
    # Not found, but not before the id was looked up: a missing id is the first thing to be told.
    with suppress(WorkerNotFound):
        values["worker"] = processes.worker_uuid(worker_id)
    if values["id"]:
        row = await database.fetch(kind.guard, values)
    if row is None:
        raise kind.missing
    known, takes_part, stored_key, found = row
    if not known:
        raise WorkerNotFound
    if not takes_part:
        raise CycleNotFound
    if not isinstance(request_key, str) or not hmac.compare_digest(
        stored_key.encode(), request_key.encode(errors="replace")
    ):
        raise InvalidRequestKey
    return int(found)


async def _blob(database: Database, kind: _Kind, row_id: int) -> bytes:
    async def load() -> bytes:
        return await _read(database, kind, row_id)

    return await database.blobs.get((kind.table, row_id, ""), load)


async def _read(database: Database, kind: _Kind, row_id: int) -> bytes:
    row = await database.fetch(kind.content, {"id": row_id})
    if row is None:
        raise kind.missing
    return bytes(row[0])

"""How the hosted models are getting on, for people and for monitoring."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Double,
    Select,
    Subquery,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as EngineTimeout

from ..errors import Unavailable
from ..storage.database import Database
from ..storage.tables import checkpoints, cycles, outbox, processes, workers

RECENT_CYCLES = 30


@dataclass(frozen=True, slots=True)
class CycleOverview:
    """One cycle; ``reported`` are the diffs received, ``failure`` why its averaging failed."""

    sequence: int
    status: str
    started_at: datetime
    ends_at: datetime | None
    closed_at: datetime | None
    accepted: int
    reported: int
    extensions: int
    attempts: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """A hosted model.

    Attributes:
        state: ``running``, ``paused`` or ``finished``.
        num_cycles: Cycles until it is finished; ``None`` for endless.
        max_diffs: Diffs that fill a cycle; ``None`` for no limit.
        checkpoint: The number of the latest checkpoint; 1 is the hosted model.
        workers: Worker ids given out for it that have not expired.
        accepted: Places given to workers in all cycles.
        reported: Diffs received in all cycles.
        cycles: The most recent ones, in their order; the last is the current one if not finished.
    """

    id: int
    name: str
    version: str
    state: str
    hosted_at: datetime
    completed_cycles: int
    num_cycles: int | None
    max_diffs: int | None
    checkpoint: int
    workers: int
    accepted: int
    reported: int
    cycles: tuple[CycleOverview, ...]

    @property
    def current(self) -> CycleOverview | None:
        """The cycle that is not over."""
        return next((cycle for cycle in reversed(self.cycles) if cycle.closed_at is None), None)

    @property
    def failure(self) -> str | None:
        """Why the averaging of the current cycle failed last."""
        return None if self.current is None else self.current.failure


@dataclass(frozen=True, slots=True)
class OutboxOverview:
    """Progress messages that the master has not got yet.

    Attributes:
        pending: Their number.
        oldest_seconds: The age of the oldest; 0 if there is none.
        attempts: The most that any of them took so far.
        last_error: Why the oldest that was tried was not delivered.
    """

    pending: int
    oldest_seconds: float
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the status shows."""

    time: datetime
    models: tuple[ModelOverview, ...]
    outbox: OutboxOverview


async def overview(database: Database) -> Overview:
    """Read how all models are getting on, the newest first.

    Raises:
        Unavailable: The database does not answer.
    """
    try:
        async with database.engine.connect() as connection:
            models = (await connection.execute(_models())).all()
            recent = (await connection.execute(_recent_cycles())).all()
            messages = (await connection.execute(_outbox())).one()
    except (DBAPIError, EngineTimeout, OSError) as error:
        raise Unavailable from error
    by_model: dict[int, list[CycleOverview]] = {}
    for process_id, *values in recent:
        by_model.setdefault(process_id, []).append(CycleOverview(*values))
    return Overview(
        time=messages.time,
        models=tuple(
            ModelOverview(**row._asdict(), cycles=tuple(by_model.get(row.id, ()))) for row in models
        ),
        outbox=OutboxOverview(
            messages.pending, messages.oldest_seconds, messages.attempts, messages.last_error
        ),
    )


def _models() -> Select[Any]:
    known = _totals(workers.c.process_id, func.count().label("workers"))
    totals = _totals(
        cycles.c.process_id,
        func.sum(cycles.c.accepted).label("accepted"),
        func.sum(cycles.c.reported).label("reported"),
    )
    latest = (
        select(func.max(checkpoints.c.number))
        .where(checkpoints.c.process_id == processes.c.id)
        .scalar_subquery()
    )
    return (
        select(
            processes.c.id,
            processes.c.name,
            processes.c.version,
            processes.c.state,
            processes.c.created_at.label("hosted_at"),
            processes.c.completed_cycles,
            processes.c.num_cycles,
            processes.c.max_diffs,
            latest.label("checkpoint"),
            func.coalesce(known.c.workers, 0).label("workers"),
            func.coalesce(totals.c.accepted, 0).label("accepted"),
            func.coalesce(totals.c.reported, 0).label("reported"),
        )
        .outerjoin(known, known.c.process_id == processes.c.id)
        .outerjoin(totals, totals.c.process_id == processes.c.id)
        .order_by(processes.c.id.desc())
    )


def _totals(process_id: Column[Any], *columns: ColumnElement[Any]) -> Subquery:
    return select(process_id, *columns).group_by(process_id).subquery()


def _recent_cycles() -> Select[Any]:
    recent = (
        select(cycles)
        .where(cycles.c.process_id == processes.c.id)
        .order_by(cycles.c.sequence.desc())
        .limit(RECENT_CYCLES)
        .lateral()
    )
    return (
        select(
            processes.c.id,
            recent.c.sequence,
            recent.c.status,
            recent.c.started_at,
            recent.c.ends_at,
            recent.c.closed_at,
            recent.c.accepted,
            recent.c.reported,
            recent.c.extensions,
            recent.c.attempts,
            recent.c.failure,
        )
        .join(recent, true())
        .order_by(processes.c.id, recent.c.sequence)
    )


def _outbox() -> Select[Any]:
    oldest_error = (
        select(outbox.c.last_error)
        .where(outbox.c.last_error.is_not(None))
        .order_by(outbox.c.id)
        .limit(1)
        .scalar_subquery()
    )
    age = func.extract("epoch", func.now() - func.min(outbox.c.created_at))
    return select(
        cast(func.now(), DateTime(timezone=True)).label("time"),
        func.count().label("pending"),
        func.coalesce(cast(func.greatest(age, 0), Double), 0.0).label("oldest_seconds"),
        func.coalesce(func.max(outbox.c.attempts), 0).label("attempts"),
        oldest_error.label("last_error"),
    ).select_from(outbox)

"""Closing: full and expired cycles are averaged, and the next ones opened.

A cycle closes in two steps. First it is marked as closing: from then on it takes neither workers
nor reports, so its diffs are settled. Then one transaction averages them, adds the checkpoint,
ends the cycle, opens the next one and announces the progress. Whatever stops a process between or
within the steps, the cycle remains marked and any process goes on with the second one. The
transaction holds the lock of the cycle's row, which keeps other processes from doing the same at
once; no request waits for it, since none wants a row that is marked. The diffs are deleted right
after it: that takes as long as reading them, and nobody need wait for it.
"""

import asyncio
from collections.abc import Generator
from contextlib import closing
from datetime import timedelta
from typing import Any, cast

import psycopg
import structlog
from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..aggregation.average import average, next_checkpoint
from ..errors import Unavailable
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import assignments, cycles, diffs, outbox, processes
from ..wire.tensors import Schema, TensorSpec
from .config import Rules, ServerConfig
from .rules import Progress, Step, is_finished, next_step, percent_complete
from .times import end_after

_log = structlog.get_logger(__name__)

_PROGRESS = (cycles.c.accepted, cycles.c.slots, cycles.c.reported, cycles.c.ends_at)


async def close_due(database: Database) -> int:
    """Average and close every cycle that is due; extend or abandon expired ones.

    Safe to call at any time, in any number of processes. A cycle that another call or process is
    working on is left to it. An average that fails is tried again later, a limited number of
    times, and does not keep others from closing.

    Returns:
        The number of cycles closed by this call.

    Raises:
        Unavailable: The database does not answer.
    """
    await _settle(database)
    due = [found for found in await _find_closing(database) if found not in database.closing]
    closed = await asyncio.gather(*(_close_in_thread(database, found) for found in due))
    return sum(closed)


async def _settle(database: Database) -> None:
    """Mark cycles that are due as closing; extend and abandon those that have too little."""
    maybe_due = or_(
        cycles.c.reported >= processes.c.max_diffs,
        cycles.c.ends_at <= func.now(),
        processes.c.max_diffs.is_(None) & cycles.c.ends_at.is_(None) & (cycles.c.reported > 0),
    )
    async with database.begin() as connection:
        found = await connection.execute(
            select(
                cycles.c.id,
                *_PROGRESS,
                func.coalesce(cycles.c.ends_at <= func.now(), False).label("expired"),
                processes.c.server_config,
            )
            .join(processes)
            .where(cycles.c.status == "open", maybe_due)
        )
        rows = found.all()
    for row in rows:
        rules = Rules.from_config(ServerConfig.model_validate(row.server_config))
        progress = Progress(row.accepted, row.slots, row.reported, row.expired)
        step = next_step(rules, progress, database.settings.expired_cycles)
        if step is not Step.WAIT:
            await _take_step(database, row, step, rules)


async def _take_step(database: Database, row: Row[Any], step: Step, rules: Rules) -> None:
    this = (cycles.c.id == row.id, cycles.c.status == "open")
    # A report or an admission since then may call for another step: leave it to the next look.
    unchanged = [column.is_not_distinct_from(row._mapping[column.name]) for column in _PROGRESS]
    async with database.begin() as connection:
        if step is Step.CLOSE:
            await connection.execute(update(cycles).where(*this).values(status="closing"))
            return
        if step is Step.EXTEND:
            extended = await connection.scalar(
                update(cycles)
                .where(*this, *unchanged)
                .values(ends_at=end_after(rules.cycle_length), extensions=cycles.c.extensions + 1)
                .returning(cycles.c.id)
            )
            if extended is not None:
                await _release_slots(connection, row.id)
            return
        abandoned = (
            await connection.execute(
                update(cycles)
                .where(*this, *unchanged)
                .values(status="abandoned", closed_at=func.now())
                .returning(cycles.c.process_id, cycles.c.sequence)
            )
        ).one_or_none()
        if abandoned is not None:
            await connection.execute(delete(diffs).where(diffs.c.cycle_id == row.id))
            await connection.execute(_next_cycle(abandoned.process_id, abandoned.sequence, rules))
    if abandoned is not None:
        _log.warning("cycle abandoned", cycle=row.id, reported=row.reported)


async def _release_slots(connection: AsyncConnection, cycle_id: int) -> None:
    """Those that did not report in all the cycle's time make room for others."""
    released = await connection.execute(
        update(assignments)
        .where(
            assignments.c.cycle_id == cycle_id,
            assignments.c.reported_at.is_(None),
            assignments.c.holds_slot,
        )
        .values(holds_slot=False)
    )
    await connection.execute(
        update(cycles)
        .where(cycles.c.id == cycle_id)
        .values(slots=cycles.c.slots - released.rowcount)
    )


async def _find_closing(database: Database) -> list[int]:
    async with database.begin() as connection:
        found = await connection.scalars(
            select(cycles.c.id)
            .where(
                cycles.c.status == "closing",
                or_(cycles.c.retry_at.is_(None), cycles.c.retry_at <= func.now()),
            )
            .order_by(cycles.c.id)
        )
        return list(found)


async def _close_in_thread(database: Database, cycle_id: int) -> bool:
    database.closing.add(cycle_id)
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(database.threads, _close, database, cycle_id)
    except OperationalError as error:
        raise Unavailable from error
    finally:
        database.closing.discard(cycle_id)


def _close(database: Database, cycle_id: int) -> bool:
    """Average and close one cycle, unless someone else is at it; whether it was closed."""
    try:
        with database.thread_engine.begin() as connection:
            closed = _close_in_transaction(connection, cycle_id, database.settings)
    except (psycopg.OperationalError, OperationalError) as error:
        # The database's failure, not the average's: the cycle stays marked, the timer goes on.
        _log.warning("closing interrupted", cycle=cycle_id, error=str(error))
        return False
    except Exception as error:  # whatever a plan does must not stop other cycles
        _log.exception("averaging failed", cycle=cycle_id)
        with database.thread_engine.begin() as connection:
            _note_failure(connection, cycle_id, error, database.settings)
        return False
    if closed:
        with database.thread_engine.begin() as connection:
            connection.execute(delete(diffs).where(diffs.c.cycle_id == cycle_id))
    return closed


def _close_in_transaction(connection: Connection, cycle_id: int, settings: Settings) -> bool:
    row = connection.execute(
        select(
            cycles.c.process_id,
            cycles.c.sequence,
            cycles.c.reported,
            processes.c.name,
            processes.c.tensors,
            processes.c.server_config,
            processes.c.averaging_plan,
        )
        .join(processes)
        .where(cycles.c.id == cycle_id, cycles.c.status == "closing")
        .with_for_update(of=cycles, skip_locked=True)
    ).one_or_none()
    if row is None:
        return False
    rules = Rules.from_config(ServerConfig.model_validate(row.server_config))
    schema: Schema = tuple(TensorSpec.from_json(tensor) for tensor in row.tensors)
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with closing(_read_diffs(driver, cycle_id, row.reported)) as contents:
        mean = average(
            contents,
            schema,
            row.averaging_plan,
            iterative=rules.iterative,
            exact=settings.exact_averaging,
        )
    _add_checkpoint(driver, row.process_id, mean)
    connection.execute(
        update(cycles)
        .where(cycles.c.id == cycle_id)
        .values(status="completed", closed_at=func.clock_timestamp(), failure=None, retry_at=None)
    )
    completed = connection.execute(
        update(processes)
        .where(processes.c.id == row.process_id)
        .values(completed_cycles=processes.c.completed_cycles + 1)
        .returning(processes.c.completed_cycles)
    ).scalar_one()
    if is_finished(rules, completed):
        connection.execute(
            update(processes).where(processes.c.id == row.process_id).values(state="finished")
        )
    else:
        connection.execute(_next_cycle(row.process_id, row.sequence, rules))
    percent = percent_complete(rules, completed)
    if percent is not None and settings.progress_url is not None:
        payload = {"percent_complete": percent, "model_id": row.name}
        connection.execute(insert(outbox).values(payload=payload))
    _log.info("cycle completed", cycle=cycle_id, model=row.name, diffs=row.reported)
    return True


def _read_diffs(driver: psycopg.Connection[Any], cycle_id: int, reported: int) -> Generator[bytes]:
    # SQLAlchemy would read bytea in its textual form, at twice the size and a multiple of the time.
    # As a stream, so that memory does not grow with their number, and PostgreSQL reads one while
    # the last is added.
    with driver.cursor(binary=True) as cursor:
        query = "SELECT content FROM diffs WHERE cycle_id = %s ORDER BY position"
        rows = cast("Generator[tuple[bytes]]", cursor.stream(query, (cycle_id,), binary=True))
        with closing(rows):
            for _, (content,) in zip(range(reported), rows, strict=True):
                yield content


def _add_checkpoint(driver: psycopg.Connection[Any], process_id: int, mean: list[Any]) -> None:
    with driver.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT number, content FROM checkpoints WHERE process_id = %s "
            "ORDER BY number DESC LIMIT 1",
            (process_id,),
        )
        [(number, model)] = cursor.fetchall()
        cursor.execute(
            "INSERT INTO checkpoints (process_id, number, content) VALUES (%s, %s, %b)",
            (process_id, number + 1, next_checkpoint(model, mean)),
        )


def _next_cycle(process_id: int, sequence: int, rules: Rules) -> Any:
    return insert(cycles).values(
        process_id=process_id, sequence=sequence + 1, ends_at=end_after(rules.cycle_length)
    )


def _note_failure(
    connection: Connection, cycle_id: int, error: Exception, settings: Settings
) -> None:
    attempts = connection.scalar(
        update(cycles)
        .where(cycles.c.id == cycle_id, cycles.c.status == "closing")
        .values(attempts=cycles.c.attempts + 1, failure=f"{type(error).__name__}: {error}"[:2000])
        .returning(cycles.c.attempts)
    )
    if attempts is None:
        return
    outcome: dict[str, Any] = {"status": "failed"}
    if attempts < settings.aggregation_attempts:
        delay = settings.aggregation_retry_seconds * 2 ** (attempts - 1)
        outcome = {"retry_at": func.now() + timedelta(seconds=delay)}
    connection.execute(update(cycles).where(cycles.c.id == cycle_id).values(outcome))

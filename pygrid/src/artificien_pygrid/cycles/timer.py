"""The timer that looks after cycles while the node runs."""

import asyncio

import structlog

from ..errors import Unavailable
from ..storage.database import Database
from .closing import close_due

_log = structlog.get_logger(__name__)

# A place held for longer than the lease no longer counts; the worker may still report. The cycle
# is locked before its assignments, as a report does it: the other way round they could deadlock.
_RELEASE_SLOTS = """
WITH held AS MATERIALIZED (
    SELECT id FROM cycles WHERE status = 'open' AND slots > 0 FOR UPDATE SKIP LOCKED
), released AS (
    UPDATE assignments SET holds_slot = false
    FROM held
    WHERE held.id = assignments.cycle_id
        AND assignments.holds_slot AND assignments.reported_at IS NULL
        AND assignments.accepted_at <= now() - %(lease)s * interval '1 second'
    RETURNING assignments.cycle_id
)
UPDATE cycles SET slots = slots - released.number
FROM (SELECT cycle_id, count(*) AS number FROM released GROUP BY cycle_id) AS released
WHERE cycles.id = released.cycle_id
"""

# What a process left that died right after it had closed a cycle. Locked rows are another's work.
_REMOVE_DIFFS = """
DELETE FROM diffs WHERE assignment_id IN (
    SELECT assignment_id FROM diffs JOIN cycles ON cycles.id = diffs.cycle_id
    WHERE cycles.status IN ('completed', 'abandoned')
    LIMIT 100 FOR UPDATE OF diffs SKIP LOCKED
)
"""

# A few at a time: removing a long backlog must not keep requests waiting.
_REMOVE_WORKERS = """
DELETE FROM workers WHERE id IN (
    SELECT id FROM workers
    WHERE created_at <= now() - %(age)s * interval '1 second'
        AND NOT EXISTS (
            SELECT FROM assignments JOIN cycles ON cycles.id = assignments.cycle_id
            WHERE assignments.worker_id = workers.id
                AND cycles.status IN ('open', 'closing', 'failed')
        )
    ORDER BY created_at LIMIT 1000
)
"""


async def run(database: Database, stop: asyncio.Event) -> None:
    """Close due cycles and remove expired workers until ``stop`` is set.

    Wakes up every ``Settings.timer_seconds`` and whenever a report of this process fills a cycle.
    Errors are logged; the timer goes on. A closing that has begun is finished before returning.
    """
    working: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        # Not awaited: one cycle that takes long to average must not delay the others.
        task = asyncio.create_task(_look(database))
        working.add(task)
        task.add_done_callback(working.discard)
        await _next_occasion(database, stop)
    await asyncio.gather(*working)


async def tidy(database: Database) -> None:
    """Release places that were held too long; remove diffs of the past and expired workers."""
    settings = database.settings
    if settings.slot_seconds is not None:
        await database.fetch(_RELEASE_SLOTS, {"lease": settings.slot_seconds})
    await database.fetch(_REMOVE_DIFFS, {})
    await database.fetch(_REMOVE_WORKERS, {"age": settings.worker_seconds})


async def _look(database: Database) -> None:
    try:
        await close_due(database)
        await tidy(database)
    except Unavailable as error:
        _log.warning("cycles wait for the database", error=str(error.__cause__).partition("\n")[0])
    except Exception:  # the timer is what repairs things later, whatever happens
        _log.exception("looking after cycles failed")


async def _next_occasion(database: Database, stop: asyncio.Event) -> None:
    events = [asyncio.create_task(event.wait()) for event in (stop, database.due)]
    try:
        await asyncio.wait(
            events, timeout=database.settings.timer_seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for event in events:
            event.cancel()
    database.due.clear()

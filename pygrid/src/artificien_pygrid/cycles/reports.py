"""Reports: a worker's diff becomes part of its cycle, at most once."""

import asyncio
import hmac
from typing import Any

from psycopg.errors import UniqueViolation

from ..errors import InvalidRequestKey, ProcessNotFound, ReportRefused, WorkerNotFound
from ..storage.database import Database
from ..wire.tensors import InvalidBlob, Schema, decode_diff
from . import processes
from .rules import is_endless, is_full

_SITUATION = """
SELECT workers.process_id, assignments.id, assignments.request_key,
    assignments.reported_at IS NOT NULL, cycles.id, cycles.status, cycles.reported
FROM workers
LEFT JOIN assignments ON assignments.worker_id = workers.id
    AND assignments.request_key = %(request_key)s
LEFT JOIN cycles ON cycles.id = assignments.cycle_id
WHERE workers.id = %(worker)s
"""

# The counter's new value is the diff's position: as many are stored as were counted, and the
# last one that fits is known to be the last. A second report of the same worker meets the primary
# key of diffs, which undoes all of the statement.
_STORE = """
WITH cycle AS (
    UPDATE cycles SET reported = reported + 1
    WHERE id = %(cycle)s AND status = 'open'
        AND (%(max_diffs)s::integer IS NULL OR reported < %(max_diffs)s)
    RETURNING id, reported
), marked AS (
    UPDATE assignments SET reported_at = now()
    FROM cycle WHERE assignments.id = %(assignment)s
)
INSERT INTO diffs (assignment_id, cycle_id, position, content)
SELECT %(assignment)s, id, reported, %(diff)b FROM cycle
RETURNING position
"""

# Decoding a larger one would be felt by others on the event loop.
_INLINE_BYTES = 256 * 1024

_REPEATED = "This worker has already reported in this cycle; a report counts once."
_LATE = "The cycle of this request key is over; request the next one."
_FULL = "The cycle already has all the diffs that it takes; request the next one."


async def report(database: Database, worker_id: Any, request_key: Any, diff: bytes) -> None:
    """Store a diff; returns once it is durable.

    Raises:
        WorkerNotFound: The worker id is unknown or expired.
        InvalidRequestKey: The key was not given to this worker.
        ReportRefused: Late or repeated, or the diff is not valid; nothing changed.
    """
    worker = processes.worker_uuid(worker_id)
    key = _request_key(request_key)
    row = await database.fetch(_SITUATION, {"worker": worker, "request_key": key})
    if row is None:
        raise WorkerNotFound
    process_id, assignment, stored_key, repeated, cycle, status, reported = row
    if stored_key is None or not hmac.compare_digest(stored_key, key):
        raise InvalidRequestKey
    try:
        process = await processes.find_by_id(database, process_id)
    except ProcessNotFound:
        raise ReportRefused(_LATE) from None
    _check_open(status=status, repeated=repeated, full=is_full(process.rules, reported))
    await _check_diff(diff, process.schema, database.settings.max_model_bytes)
    values = {
        "assignment": assignment,
        "cycle": cycle,
        "diff": diff,
        "max_diffs": process.rules.max_diffs,
    }
    try:
        row = await database.fetch(_STORE, values)
    except UniqueViolation:
        raise ReportRefused(_REPEATED) from None
    if row is None:
        row = await database.fetch(_SITUATION, {"worker": worker, "request_key": key})
        if row is None:
            raise ReportRefused(_LATE)
        _check_open(status=row[5], repeated=row[3], full=True)
    elif is_full(process.rules, row[0]) or is_endless(process.rules):
        database.due.set()


def _request_key(value: Any) -> str:
    if isinstance(value, str) and value.isascii() and value.isalnum():
        return value
    raise InvalidRequestKey


def _check_open(*, status: str | None, repeated: bool, full: bool) -> None:
    if repeated:
        raise ReportRefused(_REPEATED)
    if status != "open":
        raise ReportRefused(_LATE)
    if full:
        raise ReportRefused(_FULL)


async def _check_diff(diff: bytes, schema: Schema, limit: int) -> None:
    if len(diff) > limit:
        raise ReportRefused(f"The diff has {len(diff)} bytes; this node takes up to {limit}.")
    try:
        if len(diff) <= _INLINE_BYTES:
            decode_diff(diff, schema)
        else:
            await asyncio.to_thread(decode_diff, diff, schema)
    except InvalidBlob as error:
        raise ReportRefused(f"The diff is not valid: {error}") from None

"""Workers: authentication for a model, and admission to its open cycle."""

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from ..errors import InvalidRequest, ProcessNotFound, WorkerNotFound
from ..storage.database import Database
from . import processes
from .processes import Process
from .rules import Progress, Refusal, is_fast_enough, refusal


@dataclass(frozen=True, slots=True)
class AuthenticationRules:
    """What a model asks of the tokens of its workers (all absent: no token is asked for).

    ``process_id`` is the process that the rules belong to: pass it on to ``authenticate`` so that
    the worker is bound to it, and not to another one hosted meanwhile under the same name.
    """

    process_id: int
    secret: str | None
    pub_key: str | None
    endpoint: str | None

    @property
    def required(self) -> bool:
        """Whether workers need a token at all."""
        return any((self.secret, self.pub_key, self.endpoint))


@dataclass(frozen=True, slots=True)
class Authentication:
    """A new worker id."""

    worker_id: str
    requires_speed_test: bool


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """A worker's wish to take part; values as they came in JSON, validated here."""

    worker_id: Any
    model: Any
    version: Any
    ping: Any = None
    download: Any = None
    upload: Any = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The worker takes part in the open cycle."""

    request_key: str
    name: str
    version: str
    plans: dict[str, int]
    protocols: dict[str, int]
    client_config: dict[str, Any]
    model_id: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The worker does not take part (yet).

    ``bare``: answer the status alone (the model is finished or paused). ``error``: answer the
    status and this text. Otherwise answer name, version and, if known, the seconds until the
    cycle ends (never negative).
    """

    name: str | None = None
    version: str | None = None
    seconds_left: float | None = None
    error: str | None = None
    bare: bool = False


_AUTHENTICATION = """
SELECT id, server_config -> 'authentication' FROM processes
WHERE name = %(name)s AND (%(version)s::text IS NULL OR version = %(version)s)
ORDER BY id DESC LIMIT 1
"""

_AUTHENTICATE = """
INSERT INTO workers (id, process_id)
SELECT %(worker)s, id FROM processes WHERE id = %(process)s
RETURNING (SELECT requires_speed_test FROM processes WHERE id = process_id)
"""

# The conditions are those of rules.refusal. The update waits for other admissions to and reports
# of the cycle and then looks at its new counters, so that no place is given away twice.
_ADMIT = """
WITH cycle AS (
    UPDATE cycles SET accepted = accepted + 1, slots = slots + 1
    FROM processes, workers
    WHERE cycles.process_id = %(process)s AND cycles.status = 'open'
        AND processes.id = cycles.process_id AND processes.state = 'running'
        AND workers.id = %(worker)s AND workers.process_id = cycles.process_id
        AND (cycles.ends_at IS NULL OR cycles.ends_at > now())
        AND (%(max_diffs)s::integer IS NULL OR cycles.reported < %(max_diffs)s)
        AND (%(max_workers)s::integer IS NULL
            OR cycles.slots + {ahead} < %(max_workers)s)
        AND NOT EXISTS (
            SELECT FROM assignments JOIN cycles AS past ON past.id = assignments.cycle_id
            WHERE assignments.worker_id = workers.id
                AND past.sequence > cycles.sequence - %(reuse_after)s
        )
    RETURNING cycles.id
){dequeue}
INSERT INTO assignments (worker_id, cycle_id, request_key)
SELECT %(worker)s, id, %(request_key)s FROM cycle
RETURNING id
"""

_AHEAD = """(
    SELECT count(*) FROM workers AS waiting
    WHERE waiting.process_id = cycles.process_id AND waiting.id <> workers.id
        AND waiting.turned_away_at > now() - %(patience)s * interval '1 second'
        AND (workers.turned_away_at IS NULL
            OR workers.turned_away_at <= now() - %(patience)s * interval '1 second'
            OR waiting.turned_away_at < workers.turned_away_at)
)"""

_DEQUEUE = """, dequeued AS (
    UPDATE workers SET turned_away_at = NULL
    WHERE id = %(worker)s AND turned_away_at IS NOT NULL AND EXISTS (SELECT FROM cycle)
)"""

_ADMIT_ANY = _ADMIT.format(ahead="0", dequeue="")
_ADMIT_IN_TURN = _ADMIT.format(ahead=_AHEAD, dequeue=_DEQUEUE)

_LOOK = """
SELECT workers.id IS NOT NULL, processes.state, cycles.id, cycles.sequence, cycles.status,
    cycles.accepted, cycles.slots, cycles.reported, coalesce(cycles.ends_at <= now(), false),
    extract(epoch FROM cycles.ends_at - now())::float,
    (SELECT max(past.sequence) FROM assignments JOIN cycles AS past ON past.id = cycle_id
        WHERE worker_id = workers.id),
    CASE WHEN %(takes_turns)s THEN {ahead} ELSE 0 END
FROM processes
LEFT JOIN workers ON workers.id = %(worker)s AND workers.process_id = processes.id
LEFT JOIN cycles ON cycles.process_id = processes.id
    AND cycles.status IN ('open', 'closing', 'failed')
WHERE processes.id = %(process)s
"""

_SITUATION = _LOOK.format(ahead=_AHEAD)

_QUEUE = """
UPDATE workers SET turned_away_at = now()
WHERE id = %(worker)s AND (turned_away_at IS NULL
    OR turned_away_at <= now() - %(patience)s * interval '1 second')
"""

# How often an admission is tried when what stood in its way was gone on a closer look.
_TRIES = 5


async def authentication_config(
    database: Database, name: Any, version: Any = None
) -> AuthenticationRules:
    """The token rules of a model; of its newest version when ``version`` is ``None``.

    Raises:
        ProcessNotFound: No such model.
    """
    values = {
        "name": processes.stored_text(name),
        "version": None if version is None else processes.stored_text(version),
    }
    # Never from memory: the model may have been deleted and hosted anew with other rules.
    row = await database.fetch(_AUTHENTICATION, values)
    if row is None:
        raise ProcessNotFound
    process_id, rules = row
    rules = rules or {}
    return AuthenticationRules(
        process_id=process_id,
        secret=rules.get("secret"),
        pub_key=rules.get("pub_key"),
        endpoint=rules.get("endpoint"),
    )


async def authenticate(database: Database, process_id: int) -> Authentication:
    """Create a worker id bound to the process whose token rules the worker has passed.

    Raises:
        ProcessNotFound: It was deleted.
    """
    worker = uuid.uuid4()
    try:
        row = await database.fetch(_AUTHENTICATE, {"worker": worker, "process": process_id})
    except ForeignKeyViolation:
        # Deleted at this moment.
        row = None
    if row is None:
        raise ProcessNotFound
    return Authentication(str(worker), requires_speed_test=row[0])


async def request_cycle(database: Database, request: CycleRequest) -> Accepted | Rejected:
    """Admit a worker to the open cycle of its model, or say why not.

    Returns:
        ``Accepted`` once the worker's place is durable.
    """
    try:
        worker = processes.worker_uuid(request.worker_id)
        process = await processes.find(database, request.model, request.version)
        _check_speeds(request, process)
        fast = is_fast_enough(process.rules, request.upload, request.download)
        for _ in range(_TRIES):
            if fast:
                key = await _admit(database, worker, process)
                if key is not None:
                    return Accepted(
                        request_key=key,
                        name=process.name,
                        version=process.version,
                        plans=process.plans,
                        protocols=process.protocols,
                        client_config=process.client_config,
                        model_id=process.id,
                    )
            rejected = await _why_not(database, worker, process, fast)
            if rejected is not None:
                return rejected
    except (ProcessNotFound, WorkerNotFound, InvalidRequest) as error:
        return Rejected(error=error.text)
    return Rejected(process.name, process.version, database.settings.timer_seconds)


def _check_speeds(request: CycleRequest, process: Process) -> None:
    for name in ("ping", "download", "upload"):
        value = getattr(request, name)
        if value is None and process.rules.requires_speed_test:
            raise InvalidRequest(f"'{name}' is required")
        if value is not None and not processes.is_speed(value):
            raise InvalidRequest(f"'{name}' needs to be a positive number")


async def _admit(database: Database, worker: uuid.UUID, process: Process) -> str | None:
    rules = process.rules
    key = secrets.token_hex(32)
    values = {
        "process": process.id,
        "worker": worker,
        "request_key": key,
        "max_diffs": rules.max_diffs,
        "max_workers": rules.max_workers,
        "reuse_after": rules.reuse_after,
    }
    in_turn = rules.takes_turns and rules.max_workers is not None
    if in_turn:
        values["patience"] = _patience(database, process)
    try:
        row = await database.fetch(_ADMIT_IN_TURN if in_turn else _ADMIT_ANY, values)
    except (UniqueViolation, ForeignKeyViolation):
        # The same worker asked twice at the same time, or it expired at this moment.
        return None
    return None if row is None else key


async def _why_not(
    database: Database, worker: uuid.UUID, process: Process, fast: bool
) -> Rejected | None:
    values = {
        "process": process.id,
        "worker": worker,
        "takes_turns": process.rules.takes_turns,
        "patience": _patience(database, process),
    }
    row = await database.fetch(_SITUATION, values)
    if row is None:
        processes.forget(database, process)
        raise ProcessNotFound
    known, state, cycle, sequence, status, accepted, slots, reported, expired, left, last, ahead = (
        row
    )
    if not known:
        raise WorkerNotFound
    if state != "running" or cycle is None or status == "failed":
        return Rejected(bare=True)
    later = Rejected(process.name, process.version, None if left is None else max(left, 0.0))
    soon = Rejected(process.name, process.version, database.settings.timer_seconds)
    if status == "closing":
        reason: Refusal | None = Refusal.CLOSING
    elif not fast:
        return later
    else:
        progress = Progress(accepted, slots, reported, expired)
        reason = refusal(
            process.rules, progress, sequence=sequence, last_sequence=last, ahead=ahead
        )
    if reason is None:
        return None
    if process.rules.takes_turns and fast and reason in {Refusal.CLOSING, Refusal.FULL}:
        await database.fetch(_QUEUE, values)
    return soon if reason is Refusal.CLOSING else later


def _patience(database: Database, process: Process) -> float:
    """How long a worker keeps its place in the queue: it was told to return after the cycle."""
    return database.settings.queue_seconds + (process.rules.cycle_length or 0)

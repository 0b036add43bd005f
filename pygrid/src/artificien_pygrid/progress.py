"""Delivery of progress messages to the master.

Closing a cycle writes a message into the outbox in the same transaction; here it is sent and then
removed. A process that dies in between leaves the message in the outbox, so it is sent again: the
master gets every message at least once, those of one model in their order. A message is claimed by
moving its next attempt to the end of a lease, which keeps other processes from sending it too.
There is no last attempt: a master that was away for days still gets what it has missed.
"""

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from .errors import Unavailable
from .settings import Settings
from .storage.database import Database

_log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_BATCH = 16
# Time to note the outcome after the attempt's own time is up.
_LEASE_MARGIN_SECONDS = 20.0
_ERROR_LENGTH = 500
_MAX_DOUBLINGS = 30

# Only the oldest message of each model may be claimed, which keeps the order.
_CLAIM = """
WITH claimed AS (
    UPDATE outbox
    SET attempts = attempts + 1, next_attempt_at = now() + %(lease)s * interval '1 second'
    WHERE id IN (
        SELECT id FROM outbox
        WHERE next_attempt_at <= now()
            AND id IN (SELECT min(id) FROM outbox GROUP BY payload->>'model_id')
        ORDER BY next_attempt_at, id
        LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, payload, attempts
)
SELECT coalesce(json_agg(json_build_array(id, payload, attempts)), '[]') FROM claimed
"""

_REMOVE = "DELETE FROM outbox WHERE id = %(id)s"

_POSTPONE = """
UPDATE outbox SET last_error = %(error)s,
    next_attempt_at = now() + %(delay)s * interval '1 second'
WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class _Message:
    id: int
    payload: dict[str, Any]
    attempts: int


async def run(database: Database, stop: asyncio.Event) -> None:
    """Deliver messages until ``stop`` is set; returns at once if no URL is configured.

    Errors are logged; the delivery goes on. An attempt that has begun is finished (it takes
    ``Settings.progress_timeout`` seconds at most) before returning.
    """
    settings = database.settings
    if settings.progress_url is None:
        return
    async with client(settings) as http:
        while not stop.is_set():
            delivered = 0
            try:
                delivered = await deliver_due(database, http)
            except Unavailable:
                _log.warning("progress messages wait for the database")
            except Exception:  # nothing may end the delivery while the node runs
                _log.exception("delivering progress messages failed")
            if not delivered:
                await _pause(stop)


def client(settings: Settings) -> httpx.AsyncClient:
    """An HTTP client that carries the shared secret, and therefore follows no redirects."""
    headers = {"User-Agent": "pygrid-node"}
    if settings.progress_secret is not None:
        headers[settings.progress_header] = settings.progress_secret.get_secret_value()
    return httpx.AsyncClient(
        headers=headers, timeout=settings.progress_timeout, follow_redirects=False
    )


async def deliver_due(database: Database, http: httpx.AsyncClient) -> int:
    """Try every message whose time has come, at most one per model.

    Safe in several processes at a time.

    Returns:
        The number of messages delivered.

    Raises:
        Unavailable: The database does not answer; what was sent meanwhile will be sent again.
    """
    messages = await _claim(database)
    results = await asyncio.gather(*(_deliver(database, http, message) for message in messages))
    return sum(results)


def retry_delay(settings: Settings, attempts: int) -> float:
    """Seconds to wait after so many attempts: doubling up to a cap, and less by up to a half.

    The random part keeps messages that failed together from being sent together again.
    """
    doubled: float = settings.progress_retry_seconds * 2 ** min(attempts - 1, _MAX_DOUBLINGS)
    delay = min(doubled, settings.progress_retry_max_seconds)
    return delay * random.uniform(0.5, 1)  # noqa: S311 - not a secret


async def _claim(database: Database) -> list[_Message]:
    lease = database.settings.progress_timeout + _LEASE_MARGIN_SECONDS
    row = await database.fetch(_CLAIM, {"lease": lease, "batch": _BATCH})
    return [_Message(*values) for values in row[0]] if row else []


async def _deliver(database: Database, http: httpx.AsyncClient, message: _Message) -> bool:
    model = message.payload.get("model_id")
    error = await _send(database.settings, http, message)
    if error is None:
        await database.fetch(_REMOVE, {"id": message.id})
        _log.info("progress delivered", model=model, attempts=message.attempts)
        return True
    delay = retry_delay(database.settings, message.attempts)
    await database.fetch(_POSTPONE, {"id": message.id, "error": error, "delay": delay})
    _log.warning("progress not delivered", model=model, error=error, retry_seconds=round(delay, 1))
    return False


async def _send(settings: Settings, http: httpx.AsyncClient, message: _Message) -> str | None:
    """Send a message; ``None`` if the master took it, else what went wrong."""
    content = json.dumps(message.payload).encode()
    try:
        # The client's own time-out is per read: a master that trickles must not hold the message.
        async with (
            asyncio.timeout(settings.progress_timeout),
            http.stream(
                "POST",
                str(settings.progress_url),
                content=content,
                headers={"Content-Type": "application/json"},
            ) as response,
        ):
            # Its body does not matter and may be of any length.
            if response.is_success:
                return None
            return f"the master answered {response.status_code}"
    except (TimeoutError, httpx.TimeoutException):
        return f"the master did not answer within {settings.progress_timeout:g} seconds"
    except (httpx.HTTPError, OSError, ValueError) as error:
        return f"the master was not reached: {str(error) or type(error).__name__}"[:_ERROR_LENGTH]


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_POLL_SECONDS):
            await stop.wait()
    except TimeoutError:
        pass

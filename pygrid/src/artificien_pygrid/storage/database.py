"""Connections to PostgreSQL.

Requests of workers are single statements in autocommit mode on a pool of plain psycopg
connections: one round trip each, prepared after a few uses, blobs in binary form. Everything else
goes through SQLAlchemy. Averaging runs in threads with connections of its own, so that neither
the event loop nor the workers wait for it.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import OperationalError as EngineOperationalError
from sqlalchemy.exc import TimeoutError as EngineTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..errors import Unavailable
from ..settings import Settings
from .cache import Cache
from .migrate import SERIES_QUERY, require_usable
from .urls import libpq_url, sqlalchemy_url

# Generous: a statement that takes longer is stuck, and would keep its connection from others.
_STATEMENT_TIMEOUT = "-c statement_timeout=60s"


class Database:
    """The connections of one process, opened by ``async with``.

    Attributes:
        settings: The node's settings.
        engine: For everything that is not hot; SQLAlchemy, autocommit unless ``begin`` is used.
        due: Set when a report of this process filled a cycle: the timer should look now.
        threads: Where averaging runs.
        thread_engine: The connections for averaging; never used on the event loop.
        closing: The cycles that this process is averaging.
        blobs: Checkpoints and plans by an immutable key.
        processes: Hosted models (``cycles.processes.Process``) by name and version, or id.
    """

    def __init__(self, settings: Settings) -> None:
        url = settings.database_url.get_secret_value()
        # A database that is silent, not merely absent, must not keep the process from stopping.
        patience = {"connect_timeout": max(2, math.ceil(settings.database_timeout))}
        self.settings = settings
        self.due = asyncio.Event()
        self.closing: set[int] = set()
        self.blobs: Cache[tuple[str, int, str], bytes] = Cache(settings.cache_bytes, len)
        self.processes: Cache[Any, Any] = Cache(1024, lambda _: 1)
        self.threads = ThreadPoolExecutor(settings.aggregation_threads, "averaging")
        self.thread_engine: Engine = create_engine(
            sqlalchemy_url(url),
            pool_size=settings.aggregation_threads,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=patience,
        )
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=2,
            max_overflow=4,
            pool_timeout=settings.database_timeout,
            pool_pre_ping=True,
            connect_args={"options": _STATEMENT_TIMEOUT, **patience},
        )
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]] = AsyncConnectionPool(
            libpq_url(url),
            min_size=1,
            max_size=settings.database_connections,
            timeout=settings.database_timeout,
            kwargs={"autocommit": True, "options": _STATEMENT_TIMEOUT, **patience},
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.threads.shutdown)
        self.thread_engine.dispose()
        await self.engine.dispose()
        await self._pool.close()

    async def fetch(self, statement: str, values: Mapping[str, Any]) -> TupleRow | None:
        """Run one statement in a transaction of its own; its first row.

        Args:
            statement: SQL with ``%(name)s`` placeholders, ``%(name)b`` for blobs.
            values: The placeholders' values.

        Raises:
            Unavailable: No connection, or it broke. Whether the statement took effect is unknown.
        """
        try:
            async with self._pool.connection() as connection:
                cursor = connection.cursor(binary=True)
                await cursor.execute(statement, values)
                return await cursor.fetchone() if cursor.description else None
        except OperationalError as error:
            # After a restart of the database every pooled connection is dead: let one request
            # find that out, not each of them.
            await self._pool.check()
            raise Unavailable from error
        except PoolTimeout as error:
            raise Unavailable from error

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A SQLAlchemy connection in a transaction that commits when the context ends.

        Raises:
            Unavailable: No connection, or it broke.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except (EngineOperationalError, EngineTimeout) as error:
            raise Unavailable from error

    async def ping(self) -> None:
        """See whether the database answers and its schema is the one that this code needs.

        Raises:
            Unavailable: It is not, the text says why.
        """
        try:
            async with self.engine.connect() as connection:
                known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
                revision = known and await connection.scalar(
                    text("SELECT version_num FROM alembic_version")
                )
                series = await connection.scalar(text(SERIES_QUERY))
        except (DBAPIError, EngineTimeout, OSError) as error:
            raise Unavailable from error
        require_usable(revision, series)

"""Connections: errors that clients can be told, and recovery."""

import asyncio
import time

import postgres
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from artificien_pygrid.errors import Unavailable
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database

pytestmark = pytest.mark.anyio


async def test_blobs_pass_unchanged(database: Database) -> None:
    blob = bytes(range(256)) * 5000
    row = await database.fetch("SELECT %(blob)b::bytea", {"blob": blob})
    assert row == (blob,)


async def test_statement_without_rows(database: Database) -> None:
    assert await database.fetch("SET application_name = 'x'", {}) is None
    assert await database.fetch("SELECT 1 WHERE false", {}) is None


async def test_lost_connections_are_replaced(database: Database) -> None:
    await database.ping()
    async with database.engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    failures = 0
    async with asyncio.timeout(30):
        while True:
            try:
                assert await database.fetch("SELECT 1", {}) == (1,)
                break
            except Unavailable:
                failures += 1
    assert failures <= database.settings.database_connections
    await database.ping()


async def test_no_server(cluster: postgres.Cluster) -> None:
    settings = Settings(database_url=SecretStr(cluster.url("nosuch")), database_timeout=0.2)
    async with Database(settings) as database:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="cannot reach its database"):
            await database.fetch("SELECT 1", {})
        with pytest.raises(Unavailable, match="cannot reach its database"):
            await database.ping()
        with pytest.raises(Unavailable, match="cannot reach its database"):
            async with database.begin():
                pass
        assert time.monotonic() - started < 10

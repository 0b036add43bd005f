"""The schema's history and the tables in the code tell the same story."""

import asyncio
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import postgres
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import create_engine, inspect, text

from artificien_pygrid.errors import Unavailable
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database
from artificien_pygrid.storage.migrate import SERIES, current_revision, migrate, newest_revision
from artificien_pygrid.storage.tables import metadata
from artificien_pygrid.storage.urls import libpq_url, sqlalchemy_url


def test_migrated_schema_is_that_of_the_tables(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        assert current_revision(connection) == newest_revision()
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        checks = {
            check["name"]
            for table in metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }
        assert checks == {"processes_state_check", "cycles_status_check"}
        compressed = connection.scalars(
            text(
                "SELECT attrelid::regclass::text FROM pg_attribute "
                "WHERE attname = 'content' AND attstorage <> 'e' AND attrelid::regclass::text = "
                "ANY('{plans,protocols,checkpoints,diffs}')"
            )
        ).all()
        assert compressed == []
    engine.dispose()


def test_down_and_up_again(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    migrate(database_url, "base")
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        assert current_revision(connection) is None
    migrate(database_url, newest_revision())
    migrate(database_url)
    with engine.connect() as connection:
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
    engine.dispose()


def test_nodes_that_start_together_migrate_once(cluster: postgres.Cluster) -> None:
    with cluster.database("template0") as url, ThreadPoolExecutor(4) as nodes:
        for done in [nodes.submit(migrate, url) for _ in range(4)]:
            done.result()


async def ping(url: str) -> None:
    async with Database(Settings(database_url=SecretStr(url))) as database:
        await database.ping()


def test_ping_tells_what_is_missing(cluster: postgres.Cluster) -> None:
    with cluster.database() as url:
        asyncio.run(ping(url))
        migrate(url, "base")
        with pytest.raises(Unavailable, match=r"revision none.*pygrid-node migrate"):
            asyncio.run(ping(url))
    with cluster.database("template0") as url, pytest.raises(Unavailable, match="revision none"):
        asyncio.run(ping(url))


def test_a_schema_of_later_code_serves_if_it_only_adds(cluster: postgres.Cluster) -> None:
    with cluster.database() as url:
        later = create_engine(sqlalchemy_url(url))
        with later.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        migrate(url)
        asyncio.run(ping(url))
        with later.begin() as connection:
            assert current_revision(connection) == "later"
            connection.execute(text("COMMENT ON TABLE alembic_version IS '9.9'"))
        later.dispose()
        with pytest.raises(Unavailable, match=r"revision later of version 9\.9"):
            migrate(url)
        with pytest.raises(Unavailable, match=r"install 9\.9"):
            asyncio.run(ping(url))


def test_the_series_is_the_minor_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"].rpartition(".")[0] == SERIES


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_urls(scheme: str) -> None:
    # pragma: allowlist nextline secret
    url = f"{scheme}://user:p%40ss@host:5/name?sslmode=require"
    # pragma: allowlist nextline secret
    assert libpq_url(url) == "postgresql://user:p%40ss@host:5/name?sslmode=require"
    made = sqlalchemy_url(url)
    assert (made.drivername, made.password) == ("postgresql+psycopg", "p@ss")

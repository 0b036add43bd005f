"""Bringing the database's schema up to date, by Alembic."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from .urls import sqlalchemy_url

# Two nodes that start together must not migrate at the same time; any constant will do.
MIGRATION_LOCK = 0x70796772


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade or downgrade the schema to a revision (``head``: the newest, ``base``: none).

    Everything happens in one transaction; a failure leaves the schema as it was.

    Args:
        database_url: ``postgresql://…``.
        revision: An Alembic revision id, ``head`` or ``base``.
    """
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    config = _config()
    with engine.begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        if _is_older(revision, current_revision(connection)):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
    engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this code needs."""
    (head,) = ScriptDirectory.from_config(_config()).get_heads()
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "artificien_pygrid.storage:migrations")
    return config


def _is_older(revision: str, current: str | None) -> bool:
    if revision in {"base", "head"} or current is None:
        return revision == "base"
    script = ScriptDirectory.from_config(_config())
    below = {item.revision for item in script.iterate_revisions(current, "base")}
    return revision != current and revision in below

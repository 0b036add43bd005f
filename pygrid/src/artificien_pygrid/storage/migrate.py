"""Bringing the database's schema up to date, by Alembic."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from ..errors import Unavailable
from .urls import sqlalchemy_url

# The minor version of this code. Within one, migrations only add what older code does without,
# so that a node may go back to the version before, whose schema it then need not go back to.
SERIES = "0.1"
SERIES_QUERY = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"

# Two nodes that start together must not migrate at the same time; any constant will do.
MIGRATION_LOCK = 0x70796772


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade or downgrade the schema to a revision (``head``: the newest, ``base``: none).

    Everything happens in one transaction; a failure leaves the schema as it was. So does a schema
    of later code that this code can work on.

    Args:
        database_url: ``postgresql://…``.
        revision: An Alembic revision id, ``head`` or ``base``.

    Raises:
        Unavailable: The schema is that of later code, and this code cannot work on it.
    """
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    config = _config()
    with engine.begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        current = current_revision(connection)
        if _is_later(current):
            require_usable(current, connection.scalar(text(SERIES_QUERY)))
            return
        if _is_older(revision, current):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
        connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{SERIES}'"))
    engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def require_usable(revision: str | None, series: str | None) -> None:
    """Find this code able to work on a schema: its own, or a later one of its minor version.

    Args:
        revision: The schema's; ``None`` for an empty database.
        series: What ``SERIES_QUERY`` tells.

    Raises:
        Unavailable: It is not able.
    """
    if revision == newest_revision():
        return
    if not _is_later(revision):
        raise Unavailable(
            f"The database's schema is at revision {revision or 'none'}, this node needs "
            f"{newest_revision()}: run `pygrid-node migrate`."
        )
    if series != SERIES:
        raise Unavailable(
            f"The database's schema is at revision {revision} of version {series}, this node is of "
            f"version {SERIES}: install {series}, or restore a backup from before the upgrade."
        )


def newest_revision() -> str:
    """The revision that this code needs."""
    (head,) = ScriptDirectory.from_config(_config()).get_heads()
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "artificien_pygrid.storage:migrations")
    return config


def _is_later(revision: str | None) -> bool:
    script = ScriptDirectory.from_config(_config())
    return revision is not None and revision not in {r.revision for r in script.walk_revisions()}


def _is_older(revision: str, current: str | None) -> bool:
    if revision in {"base", "head"} or current is None:
        return revision == "base"
    script = ScriptDirectory.from_config(_config())
    below = {item.revision for item in script.iterate_revisions(current, "base")}
    return revision != current and revision in below

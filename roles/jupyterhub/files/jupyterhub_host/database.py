"""``jupyterhub-database``: have the hub's database fit the release that is about to start.

The hub brings an older schema up to date by itself. Before that, and whenever another release is
started, the database is copied; a release that does not know the schema of the database gets the
newest copy whose schema it knows, and the database that it cannot use is kept.
"""

import logging
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .config import section

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Where things are.

    Attributes:
        state_dir: The folder of the database.
        release_dir: The folder of the release, or a link to it.
        keep: How many copies are kept.
    """

    state_dir: str
    release_dir: str
    keep: int

    @property
    def database(self) -> Path:
        """The database."""
        return Path(self.state_dir, "jupyterhub.sqlite")

    @property
    def copies(self) -> Path:
        """The folder of its copies."""
        return Path(self.state_dir, "copies")

    @property
    def mark(self) -> Path:
        """The file with the name of the release that started last."""
        return Path(self.state_dir, "release")

    @property
    def release(self) -> str:
        """The name of the release."""
        return Path(self.release_dir).resolve().name


class DatabaseError(Exception):
    """The release can use neither the database nor a copy of it."""


def revision_of(database: Path) -> str:
    """The revision of a database's schema; empty if it has none."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return ""
    return str(found[0]) if found else ""


def copy(settings: Settings, label: str) -> Path:
    """Copy the database, and forget the oldest copies; the new one."""
    settings.copies.mkdir(mode=0o700, exist_ok=True)
    target = settings.copies / f"{_now()}-{label}.sqlite"
    _copy(settings.database, target)
    for old in sorted(settings.copies.glob("*.sqlite"))[: -settings.keep]:
        old.unlink()
    return target


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _copy(database: Path, target: Path) -> None:
    """Copy a database by SQLite itself, which finishes first what a crash interrupted."""
    new = target.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(0o600)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(new)) as copied:
        source.backup(copied)
    new.replace(target)


def prepare(settings: Settings, known: set[str]) -> None:
    """Have the database fit the release.

    Args:
        settings: Where things are.
        known: The revisions of the schema that the release knows.

    Raises:
        DatabaseError: Neither the database nor a copy has one of these.
    """
    release = settings.release
    before = settings.mark.read_text().strip() if settings.mark.exists() else ""
    if settings.database.exists():
        if revision_of(settings.database) not in known | {""}:
            _go_back(settings, known)
        elif before != release:
            _log.info("Copied the database to %s.", copy(settings, before or "unknown"))
    settings.mark.write_text(f"{release}\n")


def _go_back(settings: Settings, known: set[str]) -> None:
    usable = [file for file in settings.copies.glob("*.sqlite") if revision_of(file) in known]
    if not usable:
        raise DatabaseError(
            f"The database has the schema {revision_of(settings.database)}, which the release "
            f"{settings.release} does not know, and {settings.copies} holds no copy that it does. "
            "Go back to the newer release."
        )
    newest = max(usable)
    # Not among the copies, of which the oldest are forgotten.
    aside = settings.database.with_name(f"newer-{_now()}.sqlite")
    _copy(settings.database, aside)
    _copy(newest, settings.database)
    _log.warning("The database is that of %s again; the newer one is %s.", newest.stem, aside)


def known_revisions() -> set[str]:
    """The revisions of the schema that the installed JupyterHub knows."""
    # Only here: the rest needs no JupyterHub.
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from jupyterhub import dbutil  # noqa: PLC0415

    scripts = ScriptDirectory(str(Path(dbutil.ALEMBIC_DIR)))
    return {script.revision for script in scripts.walk_revisions()}


def main() -> None:
    """Prepare the database before the hub starts."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        prepare(Settings(**section("database")), known_revisions())
    except DatabaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

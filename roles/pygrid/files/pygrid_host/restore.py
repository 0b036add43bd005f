"""``pygrid-restore``: a backup in place of the database.

The backup is restored into a new database while the node serves the old one. Only when it is
there as a whole, and this host's node knows its schema, the two change places; if the node does
not start on it they change back.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from io import BufferedRandom
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from host_tools.backups import BackupError, Backups, Manifest

from .backup import backups_of
from .config import Config, load
from .database import DatabaseError, Server, server_of

_READY_SECONDS = 120
_log = logging.getLogger(__name__)


class RestoreError(Exception):
    """A restore that was not done; the database is as it was."""


def fill(config: Config, server: Server, database: str, file: BufferedRandom) -> None:
    """Make a database from a dump, with the schema that the node needs.

    Raises:
        DatabaseError: PostgreSQL refused it.
        RestoreError: The node does not know its schema.
    """
    server.sql(
        "postgres",
        f"CREATE DATABASE {database} OWNER {server.owner} TEMPLATE template0 ENCODING 'UTF8'",
    )
    options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    server.run(
        ["pg_restore", *options, f"--role={server.owner}", f"--dbname={database}"], database, file
    )
    migrated = subprocess.run(  # noqa: S603 - it is the node
        ["runuser", "-u", "pygrid", "--", f"{config.release}/bin/pygrid-node", "migrate"],  # noqa: S607 - root's PATH
        env={"PYGRID_DATABASE_URL": server.url_of(database), "PATH": "/usr/sbin:/usr/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if migrated.returncode:
        raise RestoreError(
            f"The installed node cannot use this backup: {migrated.stderr.strip()} Install the "
            f"release that made it, or a newer one."
        )


def exchange(server: Server, new: str, old: str) -> None:
    """Put a database in the node's place; what was there gets the name ``old``.

    Raises:
        DatabaseError: PostgreSQL refused; nothing changed.
    """
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN "
    server.sql("postgres", f"{ends} ('{server.database}', '{new}')")
    server.sql(
        "postgres",
        f"BEGIN; ALTER DATABASE {server.database} RENAME TO {old}; "
        f"ALTER DATABASE {new} RENAME TO {server.database}; COMMIT",
    )


def restore(config: Config, server: Server, backups: Backups, name: str, *, force: bool) -> None:
    """Replace the database by a backup.

    Raises:
        RestoreError, DatabaseError, BackupError: It was not done.
    """
    manifest = backups.find(name)
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    new, old = f"{server.database}_new_{stamp}", f"{server.database}_old_{stamp}"
    try:
        with (
            tempfile.TemporaryDirectory(dir="/var/tmp") as folder,  # nosec B108 # nobody else's
            Path(folder, "dump").open("w+b") as file,
        ):
            backups.download(manifest, file)
            fill(config, server, new, file)
        _systemctl("stop")
        try:
            kept = _newer_data(server, new, manifest, force=force)
            exchange(server, new, old)
        except BaseException:
            _systemctl("start")
            raise
    finally:
        server.sql("postgres", f"DROP DATABASE IF EXISTS {new}")
    _systemctl("start")
    if not all(map(_is_ready, config.ready_urls)):
        _systemctl("stop")
        exchange(server, old, new)
        _systemctl("start")
        raise RestoreError(
            f"The node did not become ready; see journalctl --unit pygrid. Its database is the old "
            f"one again, the restored one is {new}."
        )
    if kept:
        _log.info("The replaced data is kept in the database %s; dropdb removes it.", old)
    else:
        server.sql("postgres", f"DROP DATABASE {old}")
    _log.info("Restored the backup %s of release %s.", manifest.name, manifest.release)


def main() -> None:
    """Restore a backup, or list them."""
    parser = argparse.ArgumentParser(prog="pygrid-restore", description=main.__doc__)
    parser.add_argument("name", nargs="?", default="latest", help="of the backup (%(default)s)")
    parser.add_argument("--force", action="store_true", help="replace newer data, and keep a copy")
    parser.add_argument("--list", action="store_true", help="only list the backups")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = load()
    backups = backups_of(config)
    try:
        if arguments.list:
            print(*backups.names(), sep="\n")
            return
        restore(config, server_of(config), backups, arguments.name, force=arguments.force)
    except (
        BackupError,
        Boto3Error,
        BotoCoreError,
        ClientError,
        DatabaseError,
        OSError,
        RestoreError,
    ) as error:
        sys.exit(f"pygrid-restore: {error}")


def _newer_data(server: Server, new: str, manifest: Manifest, *, force: bool) -> bool:
    present, restored = server.newest_change(server.database), server.newest_change(new)
    if present <= restored:
        return False
    if not force:
        raise RestoreError(
            f"The database has changes of {present}, the backup {manifest.name} only such until "
            f"{restored or 'before the first model'}. --force replaces it all the same, and keeps "
            f"a copy."
        )
    return True


def _systemctl(verb: str) -> None:
    subprocess.run(["systemctl", verb, "pygrid.service"], check=False)  # noqa: S603, S607


def _is_ready(url: str) -> bool:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - of this host
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    return False


if __name__ == "__main__":
    main()

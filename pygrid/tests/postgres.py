"""A real PostgreSQL for the tests: one cluster per test process, one database per test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from artificien_pygrid.storage.migrate import migrate

TEMPLATE = "migrated"


def find_binaries() -> Path:
    """The directory of ``initdb`` and ``pg_ctl``, from PATH or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if not installed:
        raise RuntimeError("PostgreSQL is not installed: install Debian's package `postgresql`")
    return installed[-1].parent


@dataclass
class Cluster:
    """A running server that listens on a socket in its own directory only."""

    directory: Path

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def url(self, name: str) -> str:
        """How to reach a database of this server."""
        return f"postgresql://postgres@/{name}?host={self.directory}"

    def create_template(self) -> None:
        """A migrated database for the others to copy."""
        self._execute("CREATE DATABASE {}", TEMPLATE)
        migrate(self.url(TEMPLATE))

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """A fresh copy of a database; yields its URL."""
        name = f"test_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        try:
            yield self.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def cluster(**options: str) -> Iterator[Cluster]:
    """A PostgreSQL server for the duration of the context.

    Args:
        options: Server settings; ``fsync`` is off unless given (a machine crash is not tested).
    """
    binaries = find_binaries()
    settings = {"fsync": "off", "max_connections": "200", "shared_buffers": "64MB"} | options
    # A socket's path may have about 100 bytes only: not below pytest's own directories.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _owner()
    try:
        if user is not None:
            shutil.chown(directory, user)
        data = directory / "data"
        _run(
            user,
            [
                binaries / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        )
        arguments = [f"-c {name}={value}" for name, value in settings.items()]
        arguments += ["-c listen_addresses=''", f"-c unix_socket_directories={directory}"]
        log = directory / "log"
        control = [binaries / "pg_ctl", "-D", data, "-w", "-l", log]
        try:
            _run(user, [*control, "-o", " ".join(arguments), "start"])
        except subprocess.CalledProcessError as error:
            raise RuntimeError(log.read_text() if log.exists() else error.stderr) from error
        try:
            yield Cluster(directory)
        finally:
            _run(user, [*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _owner() -> str | None:
    """The user to run the server as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise RuntimeError(
            "as root the tests run PostgreSQL as user `postgres`, which does not exist: "
            "install Debian's package `postgresql` or run the tests as another user"
        ) from None


def _run(user: str | None, command: list[object]) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        # The server inherits these: it must not keep a pipe of the tests open.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    )

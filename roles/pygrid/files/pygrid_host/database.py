"""The database, through PostgreSQL's own programs."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import boto3
from host_tools.secrets import read

from .config import Config

# Of all that the node has answered for: models, reports, and what became of them.
_NEWEST_CHANGE = """
SELECT to_char(max(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM (
    SELECT max(created_at) AS at FROM processes
    UNION ALL SELECT max(created_at) FROM checkpoints
    UNION ALL SELECT max(closed_at) FROM cycles
    UNION ALL SELECT max(reported_at) FROM assignments
) AS changes
"""


class DatabaseError(Exception):
    """A program of PostgreSQL failed; the text is what it said."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server as its administrator sees it.

    Attributes:
        url: Of the node's database.
        local: Whether it runs on this host, where users are known by the operating system.
    """

    url: str
    local: bool

    @property
    def database(self) -> str:
        """Name of the node's database."""
        return unquote(self._parts.path.removeprefix("/"))

    @property
    def owner(self) -> str:
        """Name of the node's user."""
        return unquote(self._parts.username or "")

    def url_of(self, database: str) -> str:
        """The URL of another database of this server."""
        return self._parts._replace(path=f"/{database}").geturl()

    def command(
        self, program: Sequence[str], database: str, *, administrator: bool
    ) -> dict[str, Any]:
        """What ``subprocess`` needs to run a program on a database.

        Args:
            program: Its name and arguments.
            database: The database.
            administrator: As who may create databases; else as their owner.
        """
        known = self._known() | {"dbname": database}
        become: list[str] = []
        if self.local and administrator:
            known["user"] = "postgres"
            become = ["runuser", "-u", "postgres", "--"]
        return {"args": [*become, *program], "env": os.environ | _variables(known), "cwd": "/"}

    def run(self, program: Sequence[str], database: str, stdin: Any = None) -> str:
        """Run a program as the administrator; what it printed.

        Raises:
            DatabaseError: It failed.
        """
        done: subprocess.CompletedProcess[str] = subprocess.run(  # nosec B603 # no shell
            **self.command(program, database, administrator=True),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DatabaseError(f"{program[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def sql(self, database: str, *statements: str) -> str:
        """Run statements as the administrator, each in a transaction of its own.

        Raises:
            DatabaseError: One failed.
        """
        commands = [f"--command={statement}" for statement in statements]
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        return self.run(["psql", *options, *commands], database)

    def newest_change(self, database: str) -> str:
        """When a model or report last came to a database, as sortable text; empty if never.

        Raises:
            DatabaseError: The database cannot be read.
        """
        if not self.sql(database, "SELECT to_regclass('public.assignments')"):
            return ""
        return self.sql(database, _NEWEST_CHANGE)

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    def _known(self) -> dict[str, str]:
        parts = self._parts
        known = {
            "host": parts.hostname,
            "port": parts.port,
            "user": parts.username,
            "password": parts.password,
        }
        given = {key: unquote(str(value)) for key, value in known.items() if value is not None}
        return given | dict(parse_qsl(parts.query))


def server_of(config: Config) -> Server:
    """The server that a host's node uses."""
    if config.database_url:
        return Server(config.database_url, local=True)
    client = boto3.client("secretsmanager", region_name=config.region)
    url = read(client, config.database_url_secret)
    _, _, rest = url.partition("://")
    return Server(f"postgresql://{rest}", local=False)


def _variables(known: dict[str, str]) -> dict[str, str]:
    # Not as arguments, which every user of a machine can see.
    names = {"dbname": "PGDATABASE"}
    return {names.get(key, f"PG{key.upper()}"): value for key, value in known.items()}

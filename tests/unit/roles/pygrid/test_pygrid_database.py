"""How the programs of PostgreSQL are told where a database is."""

import pytest
from pygrid_host.database import Server

LOCAL = Server("postgresql://pygrid@/pygrid?host=/var/run/postgresql", local=True)
REMOTE = Server(
    "postgresql://a%40b:a%2Fword@db:5433/models?sslmode=require",  # pragma: allowlist secret
    local=False,
)


@pytest.mark.parametrize(
    ("server", "database", "owner"), [(LOCAL, "pygrid", "pygrid"), (REMOTE, "models", "a@b")]
)
def test_a_url_names_database_and_owner(server: Server, database: str, owner: str) -> None:
    assert (server.database, server.owner) == (database, owner)


def test_another_database_is_of_the_same_server() -> None:
    assert LOCAL.url_of("new") == "postgresql://pygrid@/new?host=/var/run/postgresql"
    assert REMOTE.url_of("new") == REMOTE.url.replace("/models", "/new")


@pytest.mark.parametrize(
    ("server", "administrator", "args", "told"),
    [
        (LOCAL, False, ["psql"], {"HOST": "/var/run/postgresql", "USER": "pygrid"}),
        (
            LOCAL,
            True,
            ["runuser", "-u", "postgres", "--", "psql"],
            {"HOST": "/var/run/postgresql", "USER": "postgres"},
        ),
        (
            REMOTE,
            True,
            ["psql"],
            {
                "HOST": "db",
                "PORT": "5433",
                "USER": "a@b",
                "PASSWORD": "a/word",  # pragma: allowlist secret
                "SSLMODE": "require",
            },
        ),
    ],
)
def test_a_program_is_told_by_its_environment(
    server: Server, *, administrator: bool, args: list[str], told: dict[str, str]
) -> None:
    command = server.command(["psql"], "new", administrator=administrator)
    assert command["args"] == args
    found = {key: value for key, value in command["env"].items() if key.startswith("PG")}
    assert found == {f"PG{key}": value for key, value in told.items()} | {"PGDATABASE": "new"}

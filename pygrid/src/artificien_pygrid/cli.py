"""The command ``pygrid-node``.

``serve``, ``migrate``, ``list``, ``pause``, ``resume`` and ``delete`` work on the database that the
settings name. ``host``, ``status`` and ``download`` speak to a node by its URL, from anywhere.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from uvicorn import Server
from uvicorn.supervisors import Multiprocess

from . import client, logs
from .api.server import configuration
from .client import CommandError
from .cycles import hosting
from .cycles.overview import overview
from .errors import NodeError
from .settings import Settings, load
from .storage.database import Database
from .storage.migrate import current_revision
from .storage.migrate import migrate as migrate_database
from .storage.urls import sqlalchemy_url

_Result = TypeVar("_Result")

_FAILED = 1
_MISCONFIGURED = 2

app = typer.Typer(
    name="pygrid-node",
    help="A node for federated learning that speaks PyGrid's model-centric protocol.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_Name = Annotated[str, typer.Argument(help="The model's name.")]
_Version = Annotated[str, typer.Argument(help="The model's version.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Url = Annotated[str, typer.Option("--url", envvar="PYGRID_URL", help="The node's URL.")]
_TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File with a bearer token, - for standard input. Else the variable PYGRID_TOKEN.",
    ),
]
# From the environment only: arguments are visible to all users of a machine.
_Token = Annotated[str | None, typer.Option(envvar="PYGRID_TOKEN", hidden=True)]

_DEFAULT_URL = "http://127.0.0.1:5000"


def main() -> None:
    """Run the command; failures are told in one line and by the exit code."""
    # Its warnings repeat what the error says.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    try:
        app()
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_context=False, include_input=False):
            place = "_".join(["PYGRID", *(str(part).upper() for part in error["loc"][:1])])
            where = f"{place}: " if error["loc"] else ""
            _tell(f"{where}{error['msg']}")
        sys.exit(_MISCONFIGURED)
    except NodeError as error:
        _tell(error.text)
    except CommandError as error:
        _tell(str(error))
    except DBAPIError as error:
        _tell(f"The database refused: {str(error.orig).strip().splitlines()[0]}")
    except Exception as error:  # people get no traceback
        _tell(f"Unexpected {type(error).__name__}: {error}")
    sys.exit(_FAILED)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Else PYGRID_HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Else PYGRID_PORT, else 5000.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else PYGRID_PROCESSES, else 1.")
    ] = None,
) -> None:
    """Serve until interrupted."""
    given = {"host": host, "port": port, "processes": workers}
    settings = load().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    logs.configure(settings.log_level)
    config = configuration(settings)
    if settings.processes > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    with suppress(KeyboardInterrupt):
        Server(config).run()


@app.command()
def migrate(
    revision: Annotated[
        str, typer.Option(help="head: the newest; base: remove everything; or a revision.")
    ] = "head",
) -> None:
    """Bring the database's schema up to date."""
    url = load().database_url.get_secret_value()
    migrate_database(url, revision)
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        typer.echo(f"The database is at revision {current_revision(connection) or 'none'}.")


@app.command("host")
def host_model(
    *,
    model: Annotated[Path, typer.Option(help="A serialized State.")],
    training_plan: Annotated[Path, typer.Option(help="A serialized Plan.")],
    config: Annotated[
        Path, typer.Option(help="JSON or .toml file with client_config and server_config.")
    ],
    averaging_plan: Annotated[
        Path | None, typer.Option(help="A serialized Plan; the mean if left out.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="May be repeated.")
    ] = None,
    url: _Url = _DEFAULT_URL,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait.")] = 300,
    token_file: _TokenFile = None,
    token: _Token = None,
) -> None:
    """Host a model on a node."""
    files = {
        "model": client.read_file(model),
        "plans": {"training_plan": client.read_file(training_plan)},
        "averaging_plan": b"" if averaging_plan is None else client.read_file(averaging_plan),
        "protocols": dict(_named_file(value) for value in protocol or []),
    }
    client_config, server_config = client.read_config(config)
    bearer = _token(token_file, token)
    client.host(url, bearer, files, client_config, server_config, timeout=timeout)
    typer.echo(f"Hosted {client_config.get('name')} {client_config.get('version')}.")


@app.command()
def status(
    url: _Url = _DEFAULT_URL,
    as_json: _AsJson = False,
    token_file: _TokenFile = None,
    token: _Token = None,
) -> None:
    """Show how a node is getting on."""
    found = client.status(url, _token(token_file, token))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif "models" in found:
        typer.echo(f"{found['node_id']} runs.")
        _print_models(found["models"])
        _print_outbox(found["outbox"])
    else:
        typer.echo("The node runs.")
        if "error" not in found:
            typer.echo("A status token or an allowed network is needed for more.", err=True)
    if "error" in found:
        raise CommandError(found["error"])


@app.command()
def download(
    *,
    name: _Name,
    output: Annotated[Path, typer.Option(help="The .npz file to write.")],
    version: Annotated[str | None, typer.Option(help="Else the newest.")] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Its number (1 is the hosted model) or latest.")
    ] = "latest",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    url: _Url = _DEFAULT_URL,
    token_file: _TokenFile = None,
    token: _Token = None,
) -> None:
    """Save a checkpoint's tensors as arr_0, arr_1… of an .npz file."""
    if output.exists() and not force:
        raise CommandError(f"{output} exists; --force replaces it")
    tensors = client.download(url, _token(token_file, token), name, version, checkpoint)
    client.save(tensors, output)
    typer.echo(f"Saved {len(tensors)} tensors to {output}.")


@app.command("list")
def list_models(as_json: _AsJson = False) -> None:
    """List the hosted models."""
    models = [asdict(model) for model in _run(overview).models]
    if as_json:
        typer.echo(json.dumps(models, indent=2, default=datetime.isoformat))
    else:
        _print_models(models)


@app.command()
def pause(name: _Name, version: _Version) -> None:
    """Admit no more workers; those admitted may still report."""
    _run(lambda database: hosting.pause(database, name, version))
    typer.echo(f"Paused {name} {version}.")


@app.command()
def resume(name: _Name, version: _Version) -> None:
    """Admit workers again; try again to average a cycle that failed."""
    _run(lambda database: hosting.resume(database, name, version))
    typer.echo(f"Resumed {name} {version}.")


@app.command()
def delete(
    name: _Name,
    version: _Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a model with all its checkpoints, cycles and workers."""
    if not yes:
        typer.confirm(f"Delete {name} {version} with all its checkpoints?", abort=True)
    _run(lambda database: hosting.delete(database, name, version))
    typer.echo(f"Deleted {name} {version}.")


def _run(work: Callable[[Database], Awaitable[_Result]]) -> _Result:
    async def run(settings: Settings) -> _Result:
        async with Database(settings) as database:
            await database.ping()
            return await work(database)

    return asyncio.run(run(load()))


def _token(path: Path | None, value: str | None) -> str | None:
    if path is None:
        return value or None
    content = sys.stdin.read() if str(path) == "-" else client.read_file(path).decode()
    token = content.strip()
    if not (token.isascii() and token.isprintable() and token):
        raise CommandError(f"{path} holds no token: one line of printable ASCII is needed")
    return token


def _named_file(value: str) -> tuple[str, bytes]:
    name, separator, path = value.partition("=")
    if not (name and separator and path):
        raise typer.BadParameter(f"{value!r} is not NAME=FILE", param_hint="--protocol")
    return name, client.read_file(Path(path))


def _print_models(models: list[dict[str, Any]]) -> None:
    if not models:
        typer.echo("No models are hosted.")
        return
    rows = [("NAME", "VERSION", "STATE", "CYCLES", "CHECKPOINT", "WORKERS", "DIFFS", "FAILURE")]
    for model in models:
        of = "" if model["num_cycles"] is None else f"/{model['num_cycles']}"
        current = model["cycles"][-1] if model["cycles"] else {}
        rows.append(
            (
                model["name"],
                model["version"],
                model["state"],
                f"{model['completed_cycles']}{of}",
                str(model["checkpoint"]),
                str(model["workers"]),
                str(model["reported"]),
                current.get("failure") or "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _print_outbox(outbox: dict[str, Any]) -> None:
    if outbox["pending"]:
        age = round(outbox["oldest_seconds"])
        typer.echo(
            f"{outbox['pending']} progress messages not delivered, the oldest for {age} seconds: "
            f"{outbox['last_error'] or 'not tried yet'}"
        )


def _tell(text: str) -> None:
    typer.echo(f"pygrid-node: {text}", err=True)


if __name__ == "__main__":
    main()

"""Hosted models as the other modules of this package see them."""

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..errors import ProcessNotFound, WorkerNotFound
from ..storage.database import Database
from ..wire.tensors import Schema, TensorSpec
from .config import Rules, ServerConfig

_NAME_LENGTH = 255
_UUID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class Process:
    """The parts of a hosted model that never change."""

    id: int
    name: str
    version: str
    rules: Rules
    schema: Schema
    client_config: dict[str, Any]
    plans: dict[str, int]
    protocols: dict[str, int]


_SELECT = """
SELECT id, name, version, client_config, server_config, tensors,
    (SELECT coalesce(json_object_agg(name, id ORDER BY id), '{}') FROM plans
        WHERE process_id = processes.id),
    (SELECT coalesce(json_object_agg(name, id ORDER BY id), '{}') FROM protocols
        WHERE process_id = processes.id)
FROM processes
"""

_BY_ID = f"{_SELECT} WHERE id = %(id)s"
_BY_VERSION = f"{_SELECT} WHERE name = %(name)s AND version = %(version)s"


async def find(database: Database, name: Any, version: Any) -> Process:
    """The process of this name and version; may come from memory though it was deleted.

    Raises:
        ProcessNotFound: No such model.
    """
    name, version = stored_text(name), stored_text(version)

    async def load() -> Process:
        return await _load(database, _BY_VERSION, name=name, version=version)

    found: Process = await database.processes.get((name, version), load)
    return found


async def find_by_id(database: Database, process_id: int) -> Process:
    """The process of this id; may come from memory though it was deleted.

    Raises:
        ProcessNotFound: No such model.
    """

    async def load() -> Process:
        return await _load(database, _BY_ID, id=process_id)

    found: Process = await database.processes.get(process_id, load)
    return found


def forget(database: Database, process: Process) -> None:
    """Read the process anew next time."""
    database.processes.drop((process.name, process.version))
    database.processes.drop(process.id)


def stored_text(value: Any) -> str:
    """A text that could be stored.

    Raises:
        ProcessNotFound: It is none, so nothing has it as its name.
    """
    if not isinstance(value, str) or "\0" in value or len(value) > _NAME_LENGTH:
        raise ProcessNotFound
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ProcessNotFound from None
    return value


def worker_uuid(value: Any) -> UUID:
    """A worker id.

    Raises:
        WorkerNotFound: It is not in the form of one.
    """
    try:
        if isinstance(value, str) and len(value) == _UUID_LENGTH:
            return UUID(value)
    except ValueError:
        pass
    raise WorkerNotFound


def stored_id(value: Any) -> int:
    """A row's id, 0 (which no row has) for what cannot be one."""
    valid = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
    return value if valid else 0


def is_speed(value: Any) -> bool:
    """Whether a value is a finite number of at least 0."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value >= 0
        and (isinstance(value, int) or math.isfinite(value))
    )


async def _load(database: Database, statement: str, **values: Any) -> Process:
    row = await database.fetch(statement, values)
    if row is None:
        raise ProcessNotFound
    process_id, name, version, client_config, server_config, tensors, plans, protocols = row
    return Process(
        id=process_id,
        name=name,
        version=version,
        rules=Rules.from_config(ServerConfig.model_validate(server_config)),
        schema=tuple(TensorSpec.from_json(tensor) for tensor in tensors),
        client_config=client_config,
        plans=plans,
        protocols=protocols,
    )

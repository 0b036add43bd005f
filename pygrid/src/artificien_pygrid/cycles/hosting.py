"""Hosting: a model, its plans and its rules become a process with an open first cycle."""

import asyncio
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from ..aggregation.average import check_averaging_plan
from ..errors import HostingRefused, ProcessExists, ProcessNotFound
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import checkpoints, cycles, plans, processes, protocols
from ..wire.plans import check_plan
from ..wire.tensors import InvalidBlob, Schema, decode_state, schema_of
from .config import Rules, parse_client_config, parse_server_config
from .processes import stored_text
from .times import end_after

_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class HostRequest:
    """What is sent for hosting, blobs decoded from their transport encoding.

    ``averaging_plan``: ``b""`` stands for the built-in mean, ``None`` for a missing field.
    """

    model: bytes
    plans: Mapping[str, bytes]
    client_config: Any
    server_config: Any
    averaging_plan: bytes | None = None
    protocols: Mapping[str, bytes] = field(default_factory=dict)


def parse_request(data: Any) -> HostRequest:
    """The request in the ``data`` of a ``model-centric/host-training`` message.

    Decoding hex takes a while for large models: not for the event loop.

    Raises:
        HostingRefused: A field is missing or no hex; the text names it.
    """
    if not isinstance(data, dict):
        raise HostingRefused("'data' must be an object")
    for name in ("model", "plans", "client_config", "server_config"):
        if name not in data:
            raise HostingRefused(f"'{name}'")
    averaging_plan = data.get("averaging_plan")
    return HostRequest(
        model=_unhex("model", data["model"]),
        plans=_unhex_all("plans", data["plans"]),
        protocols=_unhex_all("protocols", data.get("protocols") or {}),
        averaging_plan=None if averaging_plan is None else _unhex("averaging_plan", averaging_plan),
        client_config=data["client_config"],
        server_config=data["server_config"],
    )


async def host(database: Database, request: HostRequest, owner: str | None = None) -> int:
    """Host a model and open its first cycle.

    Args:
        database: Where.
        request: What.
        owner: The subject of the token that permits it, if one does.

    Returns:
        The model id.

    Raises:
        ProcessExists: The name and version are taken.
        HostingRefused: Something is not valid; the text names the field.
    """
    client_config = parse_client_config(request.client_config)
    server_config = parse_server_config(request.server_config)
    rules = Rules.from_config(server_config)
    schema = await asyncio.to_thread(_check_blobs, request, rules, database.settings)
    try:
        async with database.begin() as connection:
            inserted = await connection.execute(
                insert(processes)
                .values(
                    name=client_config.name,
                    version=client_config.version,
                    client_config=request.client_config,
                    server_config=request.server_config,
                    tensors=[tensor.to_json() for tensor in schema],
                    averaging_plan=request.averaging_plan or None,
                    requires_speed_test=rules.requires_speed_test,
                    cycle_length=rules.cycle_length,
                    num_cycles=rules.num_cycles,
                    max_diffs=rules.max_diffs,
                    owner=owner,
                )
                .returning(processes.c.id)
            )
            process_id: int = inserted.scalar_one()
            for table, blobs in ((plans, request.plans), (protocols, request.protocols)):
                for name, content in blobs.items():
                    await connection.execute(
                        insert(table).values(process_id=process_id, name=name, content=content)
                    )
            await connection.execute(
                insert(checkpoints).values(process_id=process_id, number=1, content=request.model)
            )
            await connection.execute(
                insert(cycles).values(
                    process_id=process_id, sequence=1, ends_at=end_after(rules.cycle_length)
                )
            )
    except IntegrityError:
        raise ProcessExists(
            f"{ProcessExists.default_text} Host {client_config.name} under a version other than "
            f"{client_config.version}, or delete that one first."
        ) from None
    return process_id


async def pause(database: Database, name: Any, version: Any, owner: str | None = None) -> None:
    """Admit no more workers; those already admitted may still report.

    A finished model stays finished.

    Args:
        database: Where.
        name: Of the model.
        version: Of the model.
        owner: Whose model it must be, if anybody's.

    Raises:
        ProcessNotFound: No such model, or it is somebody else's.
    """
    await _set_state(database, name, version, owner, old="running", new="paused")


async def resume(database: Database, name: str, version: str) -> None:
    """Admit workers again, and try once more to close a cycle whose averaging failed.

    Raises:
        ProcessNotFound: No such model.
    """
    await _set_state(database, name, version, old="paused", new="running")
    async with database.begin() as connection:
        await connection.execute(
            update(cycles)
            .where(cycles.c.process_id == _id_of(name, version), cycles.c.status == "failed")
            .values(status="closing", attempts=0, retry_at=None)
        )
    database.due.set()


async def delete(database: Database, name: str, version: str) -> None:
    """Remove a model with all its checkpoints, cycles and workers.

    Raises:
        ProcessNotFound: No such model.
    """
    async with database.begin() as connection:
        found = await connection.scalar(
            sql_delete(processes)
            .where(processes.c.id == _id_of(name, version))
            .returning(processes.c.id)
        )
    if found is None:
        raise ProcessNotFound
    database.processes.drop((name, version))
    database.processes.drop(found)


async def _set_state(
    database: Database,
    name: Any,
    version: Any,
    owner: str | None = None,
    *,
    old: Literal["running", "paused"],
    new: Literal["running", "paused"],
) -> None:
    async with database.begin() as connection:
        found = await connection.scalar(select(_id_of(name, version, owner)))
        if found is None:
            raise ProcessNotFound
        await connection.execute(
            update(processes)
            .where(processes.c.id == found, processes.c.state == old)
            .values(state=new)
        )


def _id_of(name: Any, version: Any, owner: str | None = None) -> Any:
    found = select(processes.c.id).where(
        processes.c.name == stored_text(name), processes.c.version == stored_text(version)
    )
    if owner is not None:
        found = found.where(processes.c.owner == owner)
    return found.scalar_subquery()


def _check_blobs(request: HostRequest, rules: Rules, settings: Settings) -> Schema:
    if request.averaging_plan is None:
        raise HostingRefused("'averaging_plan' is missing; send \"\" for the built-in mean")
    if not request.plans:
        raise HostingRefused("'plans' is empty; workers need a plan, usually 'training_plan'")
    _check_size("model", request.model, settings.max_model_bytes)
    _check_size("averaging_plan", request.averaging_plan, settings.max_plan_bytes)
    for field_name, blobs in (("plans", request.plans), ("protocols", request.protocols)):
        for name, content in blobs.items():
            if not name or len(name) > _NAME_LENGTH or not name.isprintable():
                raise HostingRefused(f"'{field_name}' has a key that is no printable name")
            _check_size(f"{field_name}.{name}", content, settings.max_plan_bytes)
    try:
        tensors = decode_state(request.model)
    except InvalidBlob as error:
        raise HostingRefused(f"'model' is not valid: {error}") from None
    if not all(np.isfinite(tensor).all() for tensor in tensors):
        raise HostingRefused("'model' is not valid: it has values that are not finite")
    schema = schema_of(tensors)
    try:
        for content in request.plans.values():
            check_plan(content)
        check_averaging_plan(request.averaging_plan, schema, rules.iterative, rules.max_diffs)
    except InvalidBlob as error:
        raise HostingRefused(str(error)) from None
    return schema


def _check_size(name: str, content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise HostingRefused(f"'{name}' has {len(content)} bytes; this node takes up to {limit}")


def _unhex_all(name: str, values: Any) -> dict[str, bytes]:
    if not isinstance(values, dict):
        raise HostingRefused(f"'{name}' must be an object with hex strings")
    return {key: _unhex(f"{name}.{key}", value) for key, value in values.items()}


def _unhex(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise HostingRefused(f"'{name}' must be a hex string")
    try:
        return binascii.unhexlify(value)
    except ValueError as error:
        text = str(error) if isinstance(error, binascii.Error) else "Non-hexadecimal digit found"
        raise HostingRefused(f"{text} in '{name}'") from None

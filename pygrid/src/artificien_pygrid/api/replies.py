"""What workers ask for, over HTTP and WebSocket alike, and the shape of the answers."""

import asyncio
import binascii
import json
import math
from datetime import timedelta
from typing import Any

from ..cycles import reports, workers
from ..cycles.workers import Accepted, CycleRequest, Rejected
from ..errors import InvalidRequest, NodeError, ReportRefused
from .node import Node

# Parsing more at a time would be felt by others on the event loop.
_INLINE_BYTES = 256 * 1024

SUCCESS = {"status": "success"}


class Malformed(InvalidRequest):
    """What was sent is no JSON object."""


def encode(value: Any) -> bytes:
    """JSON; what is not ASCII is escaped, also lone surrogates that a client sent."""
    return json.dumps(value, separators=(",", ":")).encode()


def error_body(error: NodeError) -> dict[str, Any]:
    """How errors look, save those of cycle requests over WebSocket."""
    return {"error": error.text}


async def parse(content: bytes | str) -> dict[str, Any]:
    """The JSON object in a body or frame.

    Raises:
        Malformed: It is none.
    """
    if len(content) <= _INLINE_BYTES:
        return _parse(content)
    return await asyncio.to_thread(_parse, content)


async def authenticate(node: Node, data: dict[str, Any]) -> dict[str, Any]:
    """Give a worker an id if it has the token that the model asks for.

    Raises:
        ProcessNotFound, AuthenticationRequired, InvalidToken, TokenRefused: It does not get one.
    """
    rules = await workers.authentication_config(
        node.database, data.get("model_name"), data.get("model_version")
    )
    # An empty token is none to PyGrid's clients.
    await node.worker_tokens.check(rules, data.get("auth_token") or None)
    worker = await workers.authenticate(node.database, rules.process_id)
    return {
        "status": "success",
        "worker_id": worker.worker_id,
        "requires_speed_test": worker.requires_speed_test,
    }


async def request_cycle(node: Node, data: dict[str, Any]) -> dict[str, Any]:
    """Admit a worker to the open cycle, or say why not. KotlinSyft refuses any further keys."""
    answer = await workers.request_cycle(
        node.database,
        CycleRequest(
            worker_id=data.get("worker_id"),
            model=data.get("model"),
            version=data.get("version"),
            ping=data.get("ping"),
            download=data.get("download"),
            upload=data.get("upload"),
        ),
    )
    if isinstance(answer, Rejected):
        return _rejection(answer, as_text=node.settings.timeout_format == "text")
    return _acceptance(answer)


async def report(node: Node, data: dict[str, Any]) -> dict[str, Any]:
    """Take a worker's diff; returns once it is durable.

    Raises:
        ReportRefused, WorkerNotFound, InvalidRequestKey: Nothing changed.
    """
    diff = data.get("diff")
    if not isinstance(diff, str) or not diff:
        raise ReportRefused("'diff' is required: a State in base64")
    if len(diff) <= _INLINE_BYTES:
        content = decode_base64(diff)
    else:
        content = await asyncio.to_thread(decode_base64, diff)
    await reports.report(node.database, data.get("worker_id"), data.get("request_key"), content)
    return SUCCESS


def decode_base64(text: str) -> bytes:
    """The bytes that a text stands for.

    Raises:
        ReportRefused: It is not valid base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    try:
        # Android breaks lines unless told otherwise.
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError as error:
        raise ReportRefused(f"'diff' is not valid base64: {error}") from None


def _acceptance(accepted: Accepted) -> dict[str, Any]:
    return {
        "status": "accepted",
        "request_key": accepted.request_key,
        "version": accepted.version,
        "model": accepted.name,
        "plans": accepted.plans,
        "protocols": accepted.protocols,
        "client_config": accepted.client_config,
        "model_id": accepted.model_id,
    }


def _rejection(rejected: Rejected, *, as_text: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "rejected"}
    if rejected.error is not None:
        return body | {"error": rejected.error}
    if rejected.bare:
        return body
    body |= {"model": rejected.name, "version": rejected.version}
    if rejected.seconds_left is not None:
        # Rounded up: whoever returns after so many seconds does not come too early.
        body["timeout"] = (
            str(timedelta(seconds=rejected.seconds_left))
            if as_text
            else math.ceil(rejected.seconds_left)
        )
    return body


def _parse(content: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except RecursionError:
        raise Malformed("the JSON is nested too deeply") from None
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(value, dict):
        raise Malformed("a JSON object is required")
    return value

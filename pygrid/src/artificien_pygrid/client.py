"""What owners of models, and in their place notebooks, do with a node over the network."""

import base64
import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import numpy as np
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from .wire.tensors import InvalidBlob, decode_state

_HOST = "model-centric/host-training"
_SHOWN_LENGTH = 500
_REFUSED = {401, 403}


class CommandError(Exception):
    """A command that failed; the text is for the person at the terminal."""


def read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read ``client_config`` and ``server_config`` from a JSON or TOML file.

    Raises:
        CommandError: The file cannot be read or lacks one of the two.
    """
    content = read_file(path)
    try:
        parsed = tomllib.loads(content.decode()) if path.suffix == ".toml" else json.loads(content)
    except ValueError as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise CommandError(f"{path} is not valid {kind}: {error}") from None
    for name in ("client_config", "server_config"):
        if not isinstance(parsed, dict) or not isinstance(parsed.get(name), dict):
            raise CommandError(f"{path} must have an object (in TOML: a table) {name}")
    return parsed["client_config"], parsed["server_config"]


def read_file(path: Path) -> bytes:
    """Read a file that must not be empty.

    Raises:
        CommandError: It cannot be read, or it is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    if not content:
        raise CommandError(f"{path} is empty")
    return content


def host(
    url: str,
    token: str | None,
    files: Mapping[str, Any],
    client_config: Mapping[str, Any],
    server_config: Mapping[str, Any],
    *,
    timeout: float,
) -> None:
    """Send a model for hosting.

    Args:
        url: The node's, ``http://`` or ``https://``.
        token: A bearer token, ``None`` where the network permits hosting.
        files: The message's ``model``, ``plans``, ``averaging_plan`` and ``protocols`` as bytes.
        client_config: What devices get, ``name`` and ``version`` among it.
        server_config: The rules of the model's cycles.
        timeout: Seconds to wait for the node's answer.

    Raises:
        CommandError: The node was not reached, or it refused; the text is what it answered.
    """
    configs = {"client_config": dict(client_config), "server_config": dict(server_config)}
    message = {"type": _HOST, "data": _hex(files) | configs}
    answer = _exchange(_websocket_url(url), token, json.dumps(message), timeout)
    # Errors come with or without the envelope.
    data = answer.get("data", answer) if isinstance(answer, dict) else {}
    if not isinstance(data, dict) or data.get("status") != "success":
        reason = data.get("error") if isinstance(data, dict) else None
        raise CommandError(f"The node refused: {reason or answer}"[:_SHOWN_LENGTH])


def contribute(url: str, name: str, version: str, diff: bytes) -> None:
    """Take a place in a model's cycle, as a device does, and report what its training changed.

    Args:
        url: The node's.
        name: The model's, which must ask for no token and no speed test.
        version: The model's.
        diff: A serialized State: the parameters before the training less those after it.

    Raises:
        CommandError: The node was not reached, has no place in the cycle, or refused the diff.
    """
    model = {"model_name": name, "model_version": version}
    worker = _post(url, "authenticate", model)["worker_id"]
    place = _post(url, "cycle-request", {"worker_id": worker, "model": name, "version": version})
    if place.get("status") != "accepted":
        raise CommandError(f"{name} {version} has no place for a device at the moment")
    _post(
        url,
        "report",
        {
            "worker_id": worker,
            "request_key": place["request_key"],
            "diff": base64.b64encode(diff).decode(),
        },
    )


def status(url: str, token: str | None) -> dict[str, Any]:
    """What ``/api/status`` says.

    Raises:
        CommandError: The node was not reached, or answered something else.
    """
    response = _get(url, "/api/status", token)
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or "status" not in found:
        raise CommandError(f"{url} answered {response.status_code} and no status: is it a node?")
    return found


def download(
    url: str, token: str | None, name: str, version: str | None, checkpoint: str
) -> list[np.ndarray]:
    """Get a checkpoint's tensors.

    Raises:
        CommandError: The node was not reached, or it refused; the text is what it answered.
    """
    query = {"name": name, "checkpoint": checkpoint}
    if version is not None:
        query["version"] = version
    response = _get(url, "/model-centric/retrieve-model", token, query)
    if not response.is_success:
        raise CommandError(f"The node refused: {_reason(response)}")
    try:
        return decode_state(response.content)
    except InvalidBlob as error:
        raise CommandError(f"The node's answer is no checkpoint: {error}") from None


def save(tensors: list[np.ndarray], path: Path) -> None:
    """Write tensors as ``arr_0``, ``arr_1``… of an .npz file, all or nothing.

    Raises:
        CommandError: The file cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, *tensors)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _hex(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _hex(item) for name, item in value.items()}
    return value.hex()


def _exchange(url: str, token: str | None, message: str, timeout: float) -> Any:
    try:
        with connect(
            url, additional_headers=_authorization(token), max_size=2**20, close_timeout=1
        ) as socket:
            socket.send(message)
            return json.loads(socket.recv(timeout))
    except InvalidStatus as error:
        code = error.response.status_code
        hint = ": a valid token is needed" if code in _REFUSED else ""
        raise CommandError(f"{url} answered {code}{hint}") from None
    except TimeoutError:
        raise CommandError(f"{url} did not answer in time; it may host the model yet") from None
    # A certificate that is not trusted is a ValueError as well.
    except (OSError, WebSocketException) as error:
        raise CommandError(f"{url} was not reached: {error}") from None
    except ValueError as error:
        raise CommandError(f"{url} answered no JSON: {error}") from None


def _get(url: str, path: str, token: str | None, query: Any = None) -> httpx.Response:
    return _request(url, "GET", path, params=query, headers=_authorization(token))


def _post(url: str, route: str, message: dict[str, str]) -> dict[str, Any]:
    response = _request(url, "POST", f"/model-centric/{route}", json=message)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    # Some refusals come with the status 200.
    if not response.is_success or not isinstance(answer, dict) or "error" in answer:
        raise CommandError(f"The node refused: {_reason(response)}")
    return answer


def _request(url: str, method: str, path: str, **content: Any) -> httpx.Response:
    address = url.rstrip("/") + path
    try:
        return httpx.request(method, address, timeout=60, **content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{url} was not reached: {error or type(error).__name__}") from None


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])[:_SHOWN_LENGTH]
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"


def _authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _websocket_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CommandError(f"{url} was not reached: {error}") from None
    return urlunsplit(parts._replace(scheme={"https": "wss"}.get(parts.scheme, "ws")))

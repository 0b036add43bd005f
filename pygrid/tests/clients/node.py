"""Nodes as processes of their own, and workers and owners who talk to them over the network."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import numpy as np
import psycopg
from websockets.sync.client import connect

import artificien_pygrid
from artificien_pygrid.wire.tensors import decode_state, encode_state

GOLDEN = Path(__file__).parent.parent / "golden"

# Whatever is awaited should take a second or two; the machine may be busy.
PATIENCE = 30.0
_SETTINGS = {
    "HOSTING_NETWORKS": "127.0.0.0/8",
    "RETRIEVAL_NETWORKS": "127.0.0.0/8",
    "TIMER_SECONDS": "0.2",
    "REQUEST_BURST": "100000",
}
_numbers = count(1)
# Nothing is kept open: a node that was killed must not be noticed by the next request.
_CLIENT = httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0))


class TryLaterError(Exception):
    """A node cannot serve a request at the moment, and says so."""


@dataclass(frozen=True)
class Deployed:
    """A node that somebody runs; ``token`` permits to host and to retrieve models."""

    url: str
    token: str

    @property
    def websocket_url(self) -> str:
        """Where WebSockets are."""
        return self.url.replace("http", "ws", 1)

    @property
    def headers(self) -> dict[str, str]:
        """What the owner of a model sends along."""
        return {"Authorization": f"Bearer {self.token}"}


class Node:
    """One server process; ``settings`` are those of the node, in capitals and as text."""

    # Its settings permit this machine whatever an owner does.
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, database_url: str, directory: Path, **settings: str) -> None:
        self.database_url = database_url
        self.log = directory / f"node-{next(_numbers)}.log"
        self._settings = _SETTINGS | settings
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where HTTP is served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def websocket_url(self) -> str:
        """Where WebSockets are."""
        return f"ws://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the process; returns when it serves."""
        settings = self._settings | {
            "DATABASE_URL": self.database_url,
            "PORT": str(self._port),
        }
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("PYGRID_")
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "artificien_pygrid.cli", "serve"],
                env=inherited
                | {f"PYGRID_{name}": value for name, value in settings.items()}
                | {"PYTHONPATH": str(Path(artificien_pygrid.__file__).parents[1])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._serves, f"the node does not start: {self.log.read_text()}")

    def kill(self) -> None:
        """End the process as the kernel does when memory runs out: at once, with no last word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int | None:
        """End the process as a supervisor does; its exit code, ``None`` if it did not run."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE)
        finally:
            self.kill()

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return _CLIENT.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False


@contextmanager
def running(database_url: str, directory: Path, **settings: str) -> Iterator[Node]:
    """A node for the duration of the context."""
    node = Node(database_url, directory, **settings)
    try:
        node.start()
        yield node
    finally:
        node.stop()


@dataclass(frozen=True)
class Model:
    """A hosted model. ``name`` and ``version`` tell it from all others."""

    node: Node | Deployed
    name: str
    parameters: list[np.ndarray]
    version: str = "1.0"

    @classmethod
    def host(
        cls,
        node: Node | Deployed,
        golden: str = "jslinear",
        *,
        averaging_plan: bool = True,
        client_config: dict[str, Any] | None = None,
        **rules: Any,
    ) -> Self:
        """Host one of the golden models under a name of its own.

        Args:
            node: Where.
            golden: Which.
            averaging_plan: Whether with its averaging plan, an iterative one.
            client_config: What workers get besides name and version.
            rules: ``server_config``; ``cycle_length`` is 600 seconds if absent.
        """
        plan, model, training = (
            (GOLDEN / f"blobs/{golden}.{kind}.bin").read_bytes()
            for kind in ("avg_plan", "model", "training_plan")
        )
        name = f"{golden}-{next(_numbers)}-{os.getpid()}"
        data = {
            "model": model.hex(),
            "plans": {"training_plan": training.hex()},
            "protocols": {},
            "averaging_plan": plan.hex() if averaging_plan else "",
            "client_config": {"name": name, "version": "1.0"} | (client_config or {}),
            "server_config": {"cycle_length": 600, "iterative_plan": True} | rules,
        }
        with connect(
            node.websocket_url, open_timeout=PATIENCE, additional_headers=node.headers
        ) as websocket:
            websocket.send(json.dumps({"type": "model-centric/host-training", "data": data}))
            answer = json.loads(websocket.recv(PATIENCE))
        assert answer["data"] == {"status": "success"}, answer
        return cls(node, name, decode_state(model))

    def checkpoint(self, number: int | str = "latest") -> list[np.ndarray] | None:
        """A checkpoint's parameters; ``None`` if there is none of this number."""
        query = {"name": self.name, "version": self.version, "checkpoint": str(number)}
        answer = _CLIENT.get(
            f"{self.node.url}/model-centric/retrieve-model",
            params=query,
            headers=self.node.headers,
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        _check(answer)
        return decode_state(answer.content)

    def wait_for_checkpoint(self, number: int) -> list[np.ndarray]:
        """A checkpoint's parameters, as soon as there are any."""
        return wait_until(
            lambda: self.checkpoint(number), f"{self.name} never gets checkpoint {number}"
        )

    def worker(self, node: Node | Deployed | None = None) -> "Worker":
        """A new worker, authenticated but in no cycle; at another node if given."""
        worker = Worker(self, node or self.node)
        data = {"model_name": self.name, "model_version": self.version}
        worker.id = worker.post("authenticate", data)["worker_id"]
        return worker

    def diff(self, value: float) -> bytes:
        """A diff whose elements are all the same."""
        return encode_state([np.full_like(parameter, value) for parameter in self.parameters])


@dataclass
class Worker:
    """A worker that sends its requests to one node."""

    model: Model
    node: Node | Deployed
    id: str = ""
    request_key: str = ""

    def post(self, route: str, data: dict[str, Any]) -> dict[str, Any]:
        """Send a request.

        Raises:
            TryLaterError: The node is not ready for it.
        """
        answer = _CLIENT.post(f"{self.node.url}/model-centric/{route}", json=data)
        _check(answer)
        body: dict[str, Any] = answer.json()
        return body

    def request_cycle(self) -> dict[str, Any]:
        """Ask for a place in the cycle."""
        data = {"worker_id": self.id, "model": self.model.name, "version": self.model.version}
        answer = self.post("cycle-request", data)
        self.request_key = answer.get("request_key", "")
        return answer

    def join(self) -> Self:
        """Take part in the cycle."""
        answer = self.request_cycle()
        assert answer["status"] == "accepted", answer
        return self

    def report(self, diff: bytes) -> dict[str, Any]:
        """Report a diff."""
        data = {
            "worker_id": self.id,
            "request_key": self.request_key,
            "diff": base64.b64encode(diff).decode(),
        }
        return self.post("report", data)


def mean_applied(parameters: list[np.ndarray], diffs: list[list[np.ndarray]]) -> list[np.ndarray]:
    """What a checkpoint becomes by a cycle with these diffs."""
    means = [np.mean(tensors, axis=0, dtype=np.float64) for tensors in zip(*diffs, strict=True)]
    return [old - mean for old, mean in zip(parameters, means, strict=True)]


def assert_same(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Equal up to the rounding of single precision."""
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def wait_until[Found](look: Callable[[], Found | None], otherwise: str) -> Found:
    """What ``look`` returns as soon as that is something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
    return found


def query(database_url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the database."""
    with psycopg.connect(database_url) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise TryLaterError(answer.text)
    assert answer.is_success, answer.text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

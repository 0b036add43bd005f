"""Runs the application under uvicorn in a thread, and talks to it as clients do."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr
from uvicorn import Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from artificien_pygrid.api.app import create_app
from artificien_pygrid.api.node import Node
from artificien_pygrid.api.server import configuration
from artificien_pygrid.settings import Settings
from artificien_pygrid.wire.tensors import decode_state, encode_state

GOLDEN = Path(__file__).parent.parent / "golden"
MODEL = (GOLDEN / "cycles/gcl/model.bin").read_bytes()
TRAINING_PLAN = (GOLDEN / "cycles/gcl/training_plan.bin").read_bytes()
DEADLINE_SECONDS = 20
_numbers = count(1)


@dataclass
class Running:
    """A node that listens; requests come from an address that may do everything."""

    server: Server
    node: Node
    http: httpx.Client

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def socket(self, **options: Any) -> AbstractContextManager[ClientConnection]:
        """A new WebSocket."""
        socket: AbstractContextManager[ClientConnection] = connect(
            f"ws://127.0.0.1:{self.port}/", max_size=None, **options
        )
        return socket

    def send(self, kind: str, data: Any) -> Any:
        """One message on a socket of its own: the reply's data."""
        with self.socket() as socket:
            reply = ask(socket, {"type": kind, "data": data})
        assert reply["type"] == kind
        return reply["data"]

    def host(self, **rules: Any) -> str:
        """Host a model of version 1.0; its name."""
        name = f"model-{next(_numbers)}"
        assert self.send("model-centric/host-training", hosting(name, **rules)) == {
            "status": "success"
        }
        return name

    def authenticate(self, name: str) -> str:
        """A new worker's id."""
        answer = self.http.post("/model-centric/authenticate", json={"model_name": name})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["worker_id"])

    def request_cycle(self, worker_id: str, name: str, **speeds: Any) -> dict[str, Any]:
        """The answer to a worker that wants to take part."""
        body = {"worker_id": worker_id, "model": name, "version": "1.0"} | speeds
        answer = self.http.post("/model-centric/cycle-request", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def join(self, name: str) -> tuple[str, dict[str, Any]]:
        """A new worker that takes part: its id and the answer to its request."""
        worker_id = self.authenticate(name)
        answer = self.request_cycle(worker_id, name)
        assert answer["status"] == "accepted", answer
        return worker_id, answer

    def report(self, worker_id: str, key: str, diff: bytes) -> Any:
        """The answer to a report."""
        body = {
            "worker_id": worker_id,
            "request_key": key,
            "diff": base64.b64encode(diff).decode(),
        }
        return self.http.post("/model-centric/report", json=body).json()


def ask(socket: ClientConnection, message: Any) -> Any:
    """Send one message, as JSON unless it is a text or bytes, and await its reply."""
    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=DEADLINE_SECONDS))


def close_code(socket: ClientConnection, message: Any) -> int:
    """The code with which the node closes a socket instead of a reply."""
    with pytest.raises(ConnectionClosed) as closed:
        ask(socket, message)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def hosting(name: str, **rules: Any) -> dict[str, Any]:
    """The data of a message that hosts the golden linear model."""
    return {
        "model": MODEL.hex(),
        "plans": {"training_plan": TRAINING_PLAN.hex()},
        "protocols": {},
        "averaging_plan": "",
        "client_config": {"name": name, "version": "1.0", "batch_size": 3, "lr": 0.05},
        "server_config": {"cycle_length": 600, "max_diffs": 2} | rules,
    }


def diff(value: float = 1.0) -> bytes:
    """A diff for the golden model whose elements are all the same."""
    return encode_state([np.full_like(tensor, value) for tensor in decode_state(MODEL)])


@contextmanager
def serving(url: str, **changes: Any) -> Iterator[Running]:
    """A node on a free port of the loopback address, which may host, retrieve and look."""
    permitted = "127.0.0.0/8"
    values: dict[str, Any] = {
        "database_url": SecretStr(url),
        "port": 0,
        "node_id": "testnode",
        "hosting_networks": permitted,
        "retrieval_networks": permitted,
        "status_networks": permitted,
        "token_endpoint_networks": permitted,
        "request_burst": 10**6,
        "shutdown_seconds": 5,
        "timer_seconds": 0.1,
    }
    settings = Settings(**values | changes)
    app = create_app(settings)
    server = Server(configuration(settings, app))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        await_true(lambda: server.started or not thread.is_alive())
        assert server.started, "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS) as http:
            yield Running(server, app.state.node, http)
    finally:
        server.should_exit = True
        thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive(), "the server did not stop"


def await_true(condition: Any) -> None:
    """Wait until a condition holds, but not for ever."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)

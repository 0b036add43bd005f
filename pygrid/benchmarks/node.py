"""A node as it is deployed: server processes of their own, and what they use of the machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Self

import httpx
import numpy as np
from websockets.sync.client import connect

from artificien_pygrid.wire.tensors import encode_state

HOST = "127.0.0.1"
MEBIBYTE = 1024 * 1024
SMALL, LARGE = 8 * 1024, MEBIBYTE
NAME, VERSION = "measured", "1.0"
_GOLDEN = Path(__file__).parent.parent / "tests/golden/cycles/gcl"
_START_SECONDS = 30
_SAMPLE_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


def state(size: int, value: float = 0.5) -> bytes:
    """A State of two float32 parameters with about ``size`` bytes."""
    weights = size // 4 - 64
    return encode_state([np.full((weights,), value, np.float32), np.full(64, value, np.float32)])


@dataclass(frozen=True)
class Node:
    """A running node that has one model.

    Attributes:
        port: Where it listens, on the loopback address.
        pid: Its first process.
        model: The hosted model.
        diff: What its devices report.
    """

    port: int
    pid: int
    model: bytes
    diff: bytes

    def processes(self) -> list[int]:
        """The ids of all its processes."""
        return family(self.pid)

    def memory(self) -> float:
        """Resident memory of all its processes in MiB."""
        pages = sum(int(_stat(pid, "statm")[1]) for pid in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


class Memory:
    """The most memory that a node uses while the context is open.

    Attributes:
        before: In MiB, when it was entered.
        peak: In MiB.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.before = self.peak = node.memory()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, self._node.memory())


@contextmanager
def running(
    database_url: str,
    model_size: int,
    *,
    processes: int = 1,
    rules: dict[str, Any] | None = None,
    **settings: object,
) -> Iterator[Node]:
    """A node for the duration of the context.

    Args:
        database_url: An empty migrated database.
        model_size: Of the model that it hosts, in bytes.
        processes: How many share the port.
        rules: Of the model's cycles; without them a cycle does not end while it is measured.
        settings: The node's, other than the defaults.
    """
    port = _free_port()
    values = {
        "database_url": database_url,
        "port": port,
        "processes": processes,
        "hosting_networks": HOST,
        "retrieval_networks": HOST,
        "status_networks": HOST,
        # All simulated devices have the same address, and a thousand report 1 MB at once: with
        # the defaults most would be told to come back later.
        "buffered_bytes": 4096 * MEBIBYTE,
        "buffered_bytes_per_client": 4096 * MEBIBYTE,
        "database_timeout": 60,
        "requests_per_second": 10**6,
        "request_burst": 10**6,
        "log_level": "warning",
    }
    environment = {
        f"PYGRID_{name.upper()}": str(value) for name, value in (values | settings).items()
    }
    process = subprocess.Popen(  # nosec B603 # no shell, no outside text
        [sys.executable, "-m", "artificien_pygrid.cli", "serve"], env=os.environ | environment
    )
    try:
        url = f"http://{HOST}:{port}"
        _await_ready(url, process)
        model = state(model_size)
        _host(port, model, {"cycle_length": 3600} | (rules or {}))
        yield Node(port, process.pid, model, state(model_size, 1e-6))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *map(int, _stat(pid, f"task/{pid}/children"))]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, with that of its children that have ended."""
    return sum(map(int, _stat(pid, "stat")[13:17])) / _TICKS


def _host(port: int, model: bytes, server_config: dict[str, Any]) -> None:
    message = {
        "model": model.hex(),
        "plans": {"training_plan": (_GOLDEN / "training_plan.bin").read_bytes().hex()},
        "protocols": {},
        "averaging_plan": "",
        "client_config": {"name": NAME, "version": VERSION, "batch_size": 32, "lr": 0.01},
        "server_config": server_config,
    }
    with connect(f"ws://{HOST}:{port}/") as node:
        node.send(json.dumps({"type": "model-centric/host-training", "data": message}))
        answer = json.loads(node.recv())
    if answer["data"] != {"status": "success"}:
        raise RuntimeError(f"the node does not host the model: {answer}")


def _free_port() -> int:
    with socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the node ended with status {process.returncode}")
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the node was not ready within {_START_SECONDS} s")


def _stat(pid: int, name: str) -> list[str]:
    # Names of processes have no spaces here.
    return Path(f"/proc/{pid}/{name}").read_text().split()

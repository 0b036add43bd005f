"""The real command, run as people and supervisors run it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

import artificien_pygrid

SOURCE = Path(artificien_pygrid.__file__).parent.parent
COMMAND = [sys.executable, "-m", "artificien_pygrid.cli"]
_START_SECONDS = 60


@dataclass
class Shell:
    """An environment to run the command in, with nothing else of the node's set."""

    variables: dict[str, str]
    directory: Path

    def environment(self) -> dict[str, str]:
        """The variables of a process."""
        kept = {name: value for name, value in os.environ.items() if name[:7] != "PYGRID_"}
        return kept | {"PYTHONPATH": str(SOURCE)} | self.variables

    def run(
        self, *arguments: object, code: int = 0, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; no traceback, and this exit code."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env=self.environment(),
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            input=typed,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback" not in said
        return done


@dataclass
class Server:
    """A running node."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> int:
        """End it as a supervisor does; its exit code."""
        self.process.terminate()
        return self.process.wait(30)


@contextmanager
def serving(shell: Shell, *arguments: object) -> Iterator[Server]:
    """A node on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = shell.directory / f"node-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(port), *map(str, arguments)],
            env=shell.environment(),
            cwd=shell.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        _await_start(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_start(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            if httpx.get(server.url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        log = server.log.read_text()
        assert server.process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.1)

"""Play owners, devices and apps of a PyGrid node, for its verification; prints JSON.

Run by the interpreter of the node's development environment.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import ssl
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from shutil import copy, copytree, ignore_patterns, rmtree
from typing import Any

import httpx
import numpy as np

PYGRID = Path(__file__).resolve().parents[2] / "pygrid"
sys.path.insert(0, str(PYGRID / "src"))

from artificien_pygrid import client  # noqa: E402 - found only now
from artificien_pygrid.wire.tensors import decode_state  # noqa: E402

GOLDEN = PYGRID / "tests/golden/cycles/gcl"
VERSION = "1.0"
_PATIENCE = 60
_AGAIN = {502, 503, 504}


class Node:
    """A node at a URL.

    Args:
        url: Its URL.
        certificate: The only one that is trusted; ``None`` for a URL without TLS.
        token: What permits to retrieve models and to see the status.
    """

    def __init__(self, url: str, certificate: str | None, token: str) -> None:
        context = ssl.create_default_context(cadata=certificate) if certificate else True
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            verify=context,
            timeout=_PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._token = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send a device's message; tries again while the node restarts."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                response = self._http.post(f"/model-centric/{path}", json=message)
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
            else:
                if response.status_code not in _AGAIN or time.monotonic() > end:
                    answer: dict[str, Any] = response.json()
                    return answer
            time.sleep(0.2)

    def get(self, path: str, **query: Any) -> bytes:
        """A blob or page."""
        answer = self._http.get(path, params=query, headers=self._token).raise_for_status()
        content: bytes = answer.content
        return content

    def checkpoint(self, name: str) -> bytes:
        """The newest checkpoint of a model."""
        query = {"name": name, "version": VERSION, "checkpoint": "latest"}
        return self.get("/model-centric/retrieve-model", **query)

    def model(self, name: str) -> dict[str, Any]:
        """What the status says about a model."""
        models = json.loads(self.get("/api/status"))["models"]
        found: dict[str, Any] = next(model for model in models if model["name"] == name)
        return found


def host(node: Node, name: str, **rules: Any) -> dict[str, Any]:
    """Host the golden model, as its recorded message does, by a WebSocket."""
    recorded = json.loads((GOLDEN / "host_message.json").read_text())["data"]
    client_config = recorded["client_config"] | {"name": name, "version": VERSION}
    files = {
        "model": bytes.fromhex(recorded["model"]),
        "plans": {key: bytes.fromhex(plan) for key, plan in recorded["plans"].items()},
        "averaging_plan": bytes.fromhex(recorded["averaging_plan"]),
    }
    rules = recorded["server_config"] | rules
    client.host(node.url, None, files, client_config, rules, timeout=_PATIENCE)
    return {"hosted": name}


def take_part(node: Node, name: str, diff: bytes) -> str:
    """Go through a device's requests; what became of the report."""
    who = node.post("authenticate", {"model_name": name, "model_version": VERSION})
    worker = who["worker_id"]
    wish = {"worker_id": worker, "model": name, "version": VERSION}
    place = node.post("cycle-request", wish)
    if place["status"] != "accepted":
        return f"cycle-request: {place}"
    report = {
        "worker_id": worker,
        "request_key": place["request_key"],
        "diff": base64.b64encode(diff).decode(),
    }
    answer = node.post("report", report)
    # An answer may have been lost on its way, so that this one is to a repetition.
    if answer == {"status": "success"} or "already reported" in answer.get("error", ""):
        return "success"
    return f"report: {answer}"


def train(node: Node, name: str) -> dict[str, Any]:
    """Report the recorded diffs; the checkpoint must become the recorded one."""
    for number in (1, 2, 3):
        outcome = take_part(node, name, (GOLDEN / f"diff_{number}.bin").read_bytes())
        if outcome != "success":
            raise SystemExit(outcome)
    end = time.monotonic() + _PATIENCE
    while node.model(name)["completed_cycles"] < 1:
        if time.monotonic() > end:
            raise SystemExit("The cycle does not complete.")
        time.sleep(0.2)
    found = decode_state(node.checkpoint(name))
    recorded = decode_state((GOLDEN / "checkpoint_2.bin").read_bytes())
    if not all(np.allclose(one, other) for one, other in zip(found, recorded, strict=True)):
        raise SystemExit(f"The checkpoint is {found}, not {recorded}.")
    return digest(node, name)


def digest(node: Node, name: str) -> dict[str, Any]:
    """What tells one state of a model from another."""
    state = node.model(name)
    return {
        "sha256": hashlib.sha256(node.checkpoint(name)).hexdigest(),
        "completed_cycles": state["completed_cycles"],
        "reported": state["cycles"][-1]["reported"],
    }


def devices(node: Node, name: str, stop: Path) -> dict[str, Any]:
    """Devices that report again and again until a file appears; what they were answered."""
    diff = (GOLDEN / "diff_1.bin").read_bytes()
    outcomes: Counter[str] = Counter()

    def device() -> None:
        while not stop.exists():
            outcomes[take_part(node, name, diff)] += 1
            time.sleep(0.1)

    with ThreadPoolExecutor(4) as threads:
        for running in [threads.submit(device) for _ in range(4)]:
            running.result()
    return dict(outcomes)


def app(address: str, port: int, url: str) -> dict[str, Any]:
    """An app's request to the port of old, and the API that must get it."""
    arrived: dict[str, Any] = {}

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.update(path=self.path, headers=dict(self.headers), body=body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with HTTPServer((address, port), Api) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        headers = {"api_key": "a-key", "X-Real-IP": "203.0.113.9"}  # pragma: allowlist secret
        response = httpx.post(f"{url}/info?a=b", headers=headers, json={"x": 1}, timeout=_PATIENCE)
    return arrived | {"status": response.status_code}


def make_next(source: Path, target: Path) -> dict[str, Any]:
    """Copy the package as its next version, with a migration that adds a column."""
    rmtree(target, ignore_errors=True)
    copytree(source / "src", target / "src", ignore=ignore_patterns("__pycache__"))
    for name in ("README.md", "requirements.txt"):
        copy(source / name, target / name)
    project = (source / "pyproject.toml").read_text()
    version = re.findall(r'^version = "(.+)"', project, re.MULTILINE)[0]
    series, _, patch = version.rpartition(".")
    following = f"{series}.{int(patch) + 1}"
    (target / "pyproject.toml").write_text(project.replace(f'"{version}"', f'"{following}"', 1))
    versions = target / "src/artificien_pygrid/storage/migrations/versions"
    newest = max(versions.glob("[0-9]*.py"))
    revision = re.findall(r'^revision = "(.+)"', newest.read_text(), re.MULTILINE)[0]
    (versions / "9999_next.py").write_text(
        '"""A column more."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "9999"\ndown_revision = "{revision}"\n\n\n'
        'def upgrade() -> None:\n    """Add it."""\n'
        '    op.add_column("cycles", sa.Column("added", sa.Text))\n'
    )
    return {"version": version, "next": following}


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--certificate")
    parser.add_argument("--token", default="")
    parser.add_argument("action", choices=["host", "train", "digest", "devices", "app", "next"])
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    node = Node(given.url, given.certificate, given.token)
    first, *others = given.arguments
    if given.action == "host":
        result = host(node, first, **json.loads(others[0]) if others else {})
    elif given.action == "train":
        result = train(node, first)
    elif given.action == "digest":
        result = digest(node, first)
    elif given.action == "devices":
        result = devices(node, first, Path(others[0]))
    elif given.action == "app":
        result = app(first, int(others[0]), given.url)
    else:
        result = make_next(Path(first), Path(others[0]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""syft.js as a worker: in Node, and in Chromium on a page of another origin than the node's."""

import fcntl
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

SOURCES = Path(__file__).parent / "syftjs"
INSTALLED = Path(__file__).parents[3] / "build/pygrid-syftjs"

# The speed test alone takes up to 30.
_SECONDS = 120


# Lets a worker take part in one cycle, with the options of ``takePart`` in worker.js. The outcome
# has a ``status``: ``reported`` (with ``diff`` in base64 and ``loss``), ``rejected`` (with
# ``timeout``) or ``error``.
type TakePart = Callable[..., dict[str, Any]]


def install() -> Path:
    """The folder with the worker and the packages that it needs, from npm unless they are there."""
    npm = find("npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (SOURCES / "package-lock.json").read_bytes()
        done = INSTALLED / "done"
        if not done.exists() or done.read_bytes() != wanted:
            done.unlink(missing_ok=True)
            shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
            subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=INSTALLED,
                check=True,
                timeout=300,
            )
            done.write_bytes(wanted)
        shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
    return INSTALLED


def find(command: str) -> str:
    """The path of a command."""
    found = shutil.which(command)
    if found is None:
        raise RuntimeError(f"{command} is not installed: install Debian's package `{command}`")
    return found


def take_part_in_node(folder: Path, **options: Any) -> dict[str, Any]:
    """Run a worker in a Node process of its own."""
    done = subprocess.run(
        [shutil.which("node") or find("nodejs"), "node.js"],
        cwd=folder,
        input=json.dumps(options),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """A page in Chromium that has the worker's scripts, from a server of its own."""
    handler = partial(_QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        arguments = ["--disable-background-networking"]
        # Chromium's sandbox does not work for root.
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        try:
            browser = playwright.chromium.launch(
                executable_path=find("chromium"), args=arguments, timeout=_SECONDS * 1000
            )
            try:
                opened = browser.new_page()
                opened.goto(f"http://127.0.0.1:{server.server_port}/page.html")
                yield opened
            finally:
                browser.close()
        finally:
            server.shutdown()
            thread.join()


def take_part_in_page(opened: Page, **options: Any) -> dict[str, Any]:
    """Run a worker in a page."""
    outcome: dict[str, Any] = opened.evaluate(
        """([options, patience]) => Promise.race([
            takePart(options).catch(error => ({status: "error", error: error.message})),
            new Promise(resolve => setTimeout(resolve, patience, {status: "hangs"})),
        ])""",
        [options, _SECONDS * 1000],
    )
    return outcome


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

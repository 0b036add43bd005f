"""A front end as Amplify builds and serves it, by what the deployment told Amplify."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from tests.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployment import Platform

EXAMPLE = ROOT / "examples/frontend"
GENERATED = ("build", "node_modules", "aws-exports.js")


@dataclass(frozen=True)
class Deployed:
    """An app and one of its branches, as the fake of Amplify was told."""

    app: dict[str, Any]
    branch: dict[str, Any]

    @classmethod
    def of(cls, platform: Platform, branch: str) -> Deployed:
        """Ask the fake."""
        client = platform.cloud.client("amplify")
        app_id = platform.outputs["amplify"]["app_id"]
        return cls(
            client.get_app(appId=app_id)["app"],
            client.get_branch(appId=app_id, branchName=branch)["branch"],
        )

    def build(self, folder: Path, **variables: str) -> Path:
        """Build the example front end in `folder` phase by phase, and return what is served.

        Raises:
            subprocess.CalledProcessError: a command of the build specification fails.
        """
        # As after a clone: without what was built on this machine before.
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(*GENERATED))
        frontend = yaml.safe_load(self.app["buildSpec"])["frontend"]
        environment = (
            {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | self.app["environmentVariables"]
            | self.branch["environmentVariables"]
            | variables
        )
        for phase in ("preBuild", "build", "postBuild"):
            for command in frontend["phases"].get(phase, {}).get("commands", []):
                subprocess.run(
                    ["bash", "-c", command],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=300,
                )
        artifacts = frontend["artifacts"]
        assert artifacts["files"] == ["**/*"]
        served: Path = folder / artifacts["baseDirectory"]
        return served

    @contextmanager
    def serve(self, folder: Path) -> Iterator[str]:
        """Serve a folder by the rules and headers of the app, and yield its address."""
        handler = partial(_Handler, self.app, directory=str(folder))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, app: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self._app = app
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        for rule in self._app["customRules"]:
            # A rule between </ and /> is a regular expression.
            pattern = re.fullmatch(r"</(.*)/>", rule["source"])
            assert pattern
            assert rule["status"] == "200"
            if re.search(pattern[1], urlsplit(self.path).path):
                self.path = rule["target"]
                break
        super().do_GET()

    def end_headers(self) -> None:
        for entry in yaml.safe_load(self._app["customHeaders"])["customHeaders"]:
            assert entry["pattern"] == "**"
            for header in entry["headers"]:
                self.send_header(header["key"], header["value"])
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass

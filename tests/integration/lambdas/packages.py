"""Packages of functions, unpacked and run in a process of their own.

The emulator does not show what a package lacks: its functions also see the packages of its own
environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.lambda_package import build_package

from tests.cloud import ROOT

if TYPE_CHECKING:
    from tests.cloud import Cloud

# What Lambda's Python runtimes bring: boto3 and what it needs.
_RUNTIME = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]
_CALL = """
import importlib, json, sys, types
from concurrent.futures import ThreadPoolExecutor
sys.path[:0] = sys.argv[1:3]
handler = importlib.import_module(f"{sys.argv[3]}.handler").lambda_handler
context = types.SimpleNamespace(aws_request_id="request-1")
with ThreadPoolExecutor(int(sys.argv[4])) as threads:
    answers = list(threads.map(lambda event: handler(event, context), json.load(sys.stdin)))
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Function:
    """A function's package in `folder`; each call of it is a new process."""

    name: str
    folder: Path
    environment: dict[str, str]

    def __call__(self, *events: dict[str, Any], at_a_time: int = 1) -> list[Any]:
        """Return the answers to `events`."""
        arguments: list[str | Path] = [self.folder / "function", self.folder / "runtime"]
        arguments += [self.name, str(at_a_time)]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _CALL, *arguments],
            input=json.dumps(events),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        *logs, answers = done.stdout.splitlines()
        # Nobody's e-mail address is logged.
        assert "@" not in "".join(logs)
        parsed: list[Any] = json.loads(answers)
        return parsed


def unpack(name: str, folder: Path, cloud: Cloud, **settings: str) -> Function:
    """Build the package of a function that shares `lambda_common`, and unpack it in `folder`."""
    package = build_package(
        ROOT / "lambdas" / name,
        "python3.13",
        "x86_64",
        folder / "build",
        [ROOT / "lambdas/lambda_common"],
    )
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder / "function")
    runtime = folder / "runtime"
    runtime.mkdir()
    for module in _RUNTIME:
        spec = find_spec(module)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        (runtime / target.name).symlink_to(target)
    return Function(name, folder, cloud.environment | settings)


def post(route: str, body: object, *, caller: str = "", **headers: str) -> dict[str, Any]:
    """Return the event of a POST, as API Gateway's proxy integration sends it."""
    context = {"authorizer": {"claims": {"username": caller}}} if caller else {}
    return {
        "httpMethod": "POST",
        "resource": route,
        "path": route,
        "headers": {"Content-Type": "application/json", **headers},
        "queryStringParameters": None,
        "pathParameters": None,
        "requestContext": context,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def answered(answer: dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    return answer["statusCode"], json.loads(answer["body"])

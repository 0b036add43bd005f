"""The fake of Amplify beside the emulator: where it listens, and whom it lets in."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import amplify
from local_cloud.settings import AMPLIFY_FILE_VARIABLE, AMPLIFY_PORT_VARIABLE
from tests.cloud import free_port

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::000000000000:role/builds"
ARNS = "arn:aws:amplify:eu-west-1:111122223333:apps"


@dataclass
class Emulator:
    """Stands in for the parts of the emulator that decide."""

    answers: dict[str, Any] = field(default_factory=dict)
    """What is said of an action; None, that it is allowed."""
    checks: list[tuple[str, str, str]] = field(default_factory=list)
    pinned: list[Any] = field(default_factory=list)

    @property
    def modules(self) -> tuple[ModuleType, ModuleType, ModuleType]:
        """Return the evaluator, the router and the responses."""
        accounts: list[str] = []

        def pin_signed_request(
            method: str, raw_path: str, query_params: Any, raw_headers: Any, handshake: bool = False
        ) -> None:
            self.pinned.append((method, raw_path, query_params, dict(raw_headers), handshake))

        def pin_signed_body(body: bytes) -> None:
            self.pinned.append(body)

        def enforce(  # noqa: PLR0917 - theirs
            access_key_id: str,
            iam_action: str,
            service: str,
            region: str,
            resource_arn: str = "*",
            service_context: Any = None,
        ) -> Any:
            passed = {"iam:PassedToService": "amplify.amazonaws.com"}
            expected = passed if iam_action == "iam:PassRole" else {}
            assert (access_key_id, region, service_context) == ("key", "eu-west-1", expected)
            self.checks.append((iam_action, service, resource_arn))
            return self.answers.get(iam_action)

        def find_iam_access_key_account(access_key_id: str) -> str:
            return {"key": "111122223333"}[access_key_id]

        def extract_access_key_id(headers: Any, query_params: Any = None) -> str:
            return str({**query_params, **headers}["authorization"])

        def extract_region(headers: Any, query_params: Any = None) -> str:
            return "eu-west-1" if {**query_params, **headers} else ""

        def set_request_account_id(access_key_id: str) -> None:
            accounts.append(access_key_id)

        def get_account_id() -> str:
            return accounts[-1]

        return (
            self._module(pin_signed_request, pin_signed_body, enforce, find_iam_access_key_account),
            self._module(extract_access_key_id, extract_region),
            self._module(set_request_account_id, get_account_id),
        )

    @staticmethod
    def _module(*functions: Any) -> ModuleType:
        module = ModuleType("emulator")
        for function in functions:
            setattr(module, function.__name__, function)
        return module


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """Return the port that the process environment names."""
    found = free_port()
    monkeypatch.setenv("BIND_HOST", "127.0.0.1")
    monkeypatch.setenv(AMPLIFY_PORT_VARIABLE, str(found))
    monkeypatch.setenv(AMPLIFY_FILE_VARIABLE, str(tmp_path / "amplify_fake.json"))
    return found


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send a request and return the answer, or the error's."""
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, data=data, headers={"Authorization": "key"})
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - this process
            content: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            content = {"status": error.code, "code": error.headers["X-Amzn-ErrorType"]}
    return content


def test_a_request_is_checked_by_the_emulator_in_its_own_account(port: int) -> None:
    emulator = Emulator()
    amplify.patch(*emulator.modules)
    app = ask(port, "/apps", {"name": "shop", "iamServiceRoleArn": ROLE})["app"]
    assert app["appArn"] == f"{ARNS}/{app['appId']}"
    assert ask(port, "/apps?maxResults=5")["apps"] == [app]
    assert emulator.checks == [
        ("amplify:CreateApp", "amplify", f"{ARNS}/*"),
        ("iam:PassRole", "iam", ROLE),
        ("amplify:ListApps", "amplify", f"{ARNS}/*"),
    ]
    method, path, query, headers, _ = emulator.pinned[2]
    assert (method, path, query) == ("GET", "/apps", {"maxResults": ["5"]})
    assert headers[b"Authorization"] == b"key"
    assert json.loads(emulator.pinned[1])["name"] == "shop"


@pytest.mark.parametrize("action", ["amplify:CreateApp", "iam:PassRole"])
def test_what_the_emulator_denies_is_refused(port: int, action: str, tmp_path: Path) -> None:
    denied = SimpleNamespace(decision="ImplicitDeny", principal_arn="arn:aws:iam::1:user/u")
    amplify.patch(*Emulator({action: denied}).modules)
    refused = ask(port, "/apps", {"name": "shop", "iamServiceRoleArn": ROLE})
    assert refused == {"status": 403, "code": "AccessDeniedException"}
    assert not list(tmp_path.iterdir())


def test_a_signature_that_the_emulator_does_not_know_is_refused(port: int) -> None:
    unknown = SimpleNamespace(code="UnrecognizedClientException", message="who are you?")
    amplify.patch(*Emulator({"amplify:ListApps": unknown}).modules)
    assert ask(port, "/apps") == {"status": 403, "code": "UnrecognizedClientException"}


def test_a_fault_of_the_fake_is_told(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    amplify.patch(*Emulator().modules)
    monkeypatch.setattr("local_cloud.amplify_fake.apps.list_apps", lambda *_: {"apps": "none"})
    assert ask(port, "/apps") == {"status": 500, "code": "InternalFailureException"}


def test_a_port_in_use_is_an_error(port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(LocalCloudError, match=f"fake Amplify cannot listen on port {port}"),
    ):
        amplify.patch(*Emulator().modules)


def test_a_process_without_its_settings_is_refused(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(AMPLIFY_PORT_VARIABLE)
    with pytest.raises(LocalCloudError, match=AMPLIFY_PORT_VARIABLE):
        amplify.patch(*Emulator().modules)
    assert port


@pytest.mark.parametrize(
    ("position", "name"),
    [
        (0, "pin_signed_request"),
        (0, "pin_signed_body"),
        (0, "enforce"),
        (0, "find_iam_access_key_account"),
        (1, "extract_access_key_id"),
        (1, "extract_region"),
        (2, "set_request_account_id"),
        (2, "get_account_id"),
    ],
)
def test_what_has_moved_is_refused(position: int, name: str) -> None:
    modules = Emulator().modules
    delattr(modules[position], name)
    with pytest.raises(LocalCloudError, match=f"{name}.* has moved"):
        amplify.patch(*modules)

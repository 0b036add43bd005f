"""Requests and answers of the function, its settings, and the node that it pauses models on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from datasets.settings import Settings
from datasets.training_node import PausingNode
from lambda_common.environment import SettingsError
from lambda_common.node import NodeError, NodeSettings

from tests.unit.lambdas.datasets.fakes import ADA, DESCRIBED, DEV, MODEL, STEPS, FakeNode, FakeStore

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = SimpleNamespace(aws_request_id="request-1")
CREATE = {
    "dataset_id": "Steps",
    "model_id": MODEL.model_id,
    "features": ["Age"],
    "labels": ["Steps"],
}
ENVIRONMENT = {
    "USER_TABLE": "users",
    "DATASET_TABLE": "datasets",
    "MODEL_TABLE": "models",
    "NODE_SSM_PATH": "/a/b",
    "NODE_TOKEN_SECRET": "test",
    "INFO_CALLS_PER_MINUTE": "60",
}


class Function:
    """The function with a store and a node in memory."""

    def __init__(self, handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.node = FakeStore(), FakeNode()
        self.handler = handler
        monkeypatch.setattr(handler, "STORE", self.store)
        monkeypatch.setattr(handler, "NODE", self.node)

    def __call__(
        self, route: str, body: object, caller: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        claims = {"claims": {"username": caller}} if caller else {}
        event = {
            "httpMethod": "POST",
            "resource": route,
            "headers": headers,
            "requestContext": {"authorizer": claims},
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        answer = self.handler.lambda_handler(event, CONTEXT)
        assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def function(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(handler, monkeypatch)


def test_create(function: Function) -> None:
    ready = (200, {"status": "ready", "nodeURL": "node.example.com"})
    assert function("/create", CREATE, "Ada") == ready
    assert function("/create", CREATE, "Ada") == ready
    assert function.store.models == {MODEL.model_id: DESCRIBED}


def test_create_while_there_is_no_node(function: Function) -> None:
    function.node.name = None
    status, body = function("/create", CREATE, "Ada")
    assert (status, list(body)) == (200, ["status"])
    assert body["status"].startswith("deploying")


@pytest.mark.parametrize("missing", list(CREATE))
def test_create_names_what_is_missing(function: Function, missing: str) -> None:
    body = {name: value for name, value in CREATE.items() if name != missing}
    assert function("/create", body, "Ada") == (
        400,
        {
            "error": "invalid_request",
            "description": f"{missing} is missing: add it to the request",
        },
    )
    assert function.store.changes == []


def test_purchases(function: Function) -> None:
    assert function("/get_datasets", {"user_id": "ada"}, "Ada") == (
        200,
        {"datasets": ["Steps", "Sleep"]},
    )
    assert function("/get_datasets", {"user_id": "dev"}, "dev") == (
        200,
        {"datasets": "no purchased datasets available"},
    )


def test_key(function: Function) -> None:
    status, body = function("/generate_key", {"user_id": DEV.user_id}, "dev")
    assert status == 200
    assert body == {"api_key": function.store.rows[1].api_key}
    assert function.store.rows[0] == ADA


def test_delete(function: Function) -> None:
    answer = function("/delete", {"dataset_id": "Steps"}, "dev")
    assert answer == (200, {"status": "stopped", "paused": 1})
    function.node.broken = True
    status, body = function("/delete", {"dataset_id": "Steps"}, "dev")
    assert (status, body["error"]) == (502, "node_failed")


@pytest.mark.parametrize("route", ["/create", "/get_datasets", "/generate_key", "/delete"])
def test_nobody_is_signed_in(function: Function, route: str) -> None:
    status, body = function(route, CREATE | {"user_id": "Ada"}, api_key=DEV.api_key)
    assert (status, body["error"]) == (401, "unauthorized")
    assert function.store.changes == []


def test_info(function: Function) -> None:
    function.store.datasets["Steps"] = replace(STEPS, properly_set_up=False)
    answers = [function("/info", {"dataset_id": "Steps"}, api_key=DEV.api_key) for _ in range(2)]
    assert [(status, list(body)) for status, body in answers] == [
        (200, ["success"]),
        (200, ["wait"]),
    ]
    function.store.datasets["Steps"] = replace(STEPS, node_url="node.example.com")
    request = ("/info", {"dataset_id": "Steps"})
    empty = {"models": [], "nodeURL": "node.example.com"}
    assert function(*request, api_key=DEV.api_key) == (200, empty)
    function.store.models = {MODEL.model_id: DESCRIBED}
    model = [MODEL.model_id, "1.0", ["Age"], ["Steps"]]
    assert function(*request, API_KEY=DEV.api_key) == (200, empty | {"models": [model]})


@pytest.mark.parametrize(
    ("body", "api_key"),
    [
        ({"dataset_id": "Steps"}, "guess"),
        ({"dataset_id": "None"}, DEV.api_key),
        ({"dataset_id": 1}, DEV.api_key),
        ("[]", DEV.api_key),
    ],
)
def test_info_refuses_with_one_key(function: Function, body: object, api_key: str) -> None:
    status, answer = function("/info", body, api_key=api_key)
    assert (status, list(answer)) == (400, ["error"])


def test_info_without_a_key(function: Function) -> None:
    status, answer = function("/info", {"dataset_id": "Steps"}, caller="dev")
    assert (status, list(answer)) == (400, ["error"])


def test_settings() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        "users", "datasets", "models", NodeSettings("/a/b", "test"), 60, "INFO"
    )
    for name in ENVIRONMENT:
        with pytest.raises(SettingsError, match=f"^{name} is"):
            Settings.from_environment(ENVIRONMENT | {name: ""})


class AnsweringNode:
    """Answers requests by their statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[object] = []

    @contextmanager
    def request(self, method: str, path: str, *, body: object) -> Iterator[SimpleNamespace]:
        """Yield the next answer."""
        assert (method, path) == ("POST", "/model-centric/pause")
        self.bodies.append(body)
        yield SimpleNamespace(status=self.statuses.pop(0))


def pausing(node: Any) -> PausingNode:
    return PausingNode(node)


def test_models_that_the_node_does_not_have_are_paused_already() -> None:
    node = AnsweringNode(200, 404, 200)
    models = [replace(MODEL, model_id=name) for name in ("a", "b", "c")]
    assert pausing(node).pause(models) == 2
    assert node.bodies == [{"name": name, "version": "1.0"} for name in ("a", "b", "c")]


@pytest.mark.parametrize("status", [302, 400, 401, 500, 503])
def test_a_node_that_does_not_pause(status: int) -> None:
    with pytest.raises(NodeError, match=f"the node answers {status} to a pause"):
        pausing(AnsweringNode(status)).pause([MODEL])

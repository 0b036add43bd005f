"""Requests and answers of the function, and its settings."""

from __future__ import annotations

import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lambda_common.environment import SettingsError
from reports.settings import Settings

from tests.unit.lambdas.reports.fakes import FakeStore

CONTEXT = SimpleNamespace(aws_request_id="request-1")
LOSS = {"model_id": "m", "acc": -1, "loss": 0.25}
KNOWN = {"X_Progress_Secret": "hush"}
PROGRESS = {"model_id": "m", "percent_complete": 100}
ENVIRONMENT = {
    "MODEL_TABLE": "models",
    "RETRIEVAL_QUEUE_URL": "https://queue",
    "PROGRESS_SECRET": "test",
    "LOSSES_PER_MINUTE": "60",
}


class Function:
    """The function with a store in memory, whose node knows the secret `hush`."""

    def __init__(self, handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.handler = FakeStore(), handler
        secret = SimpleNamespace(matches=lambda given: given == "hush")
        monkeypatch.setattr(handler, "STORE", self.store)
        monkeypatch.setattr(handler, "PROGRESS_SECRET", secret)

    def __call__(self, route: str, body: object, **headers: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        event = {
            "httpMethod": "POST",
            "resource": route,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "requestContext": {},
            "body": json.dumps(body),
        }
        answer = self.handler.lambda_handler(event, CONTEXT)
        assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def function(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(handler, monkeypatch)


def test_loss(function: Function) -> None:
    assert function("/model_loss", LOSS) == (200, {"status": "recorded"})
    model = function.store.models["m"]
    assert (model.count, float(model.means.loss), float(model.means.accuracy)) == (1, 0.25, -1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"loss": float("nan")}, "loss"),
        ({"loss": float("inf")}, "loss"),
        ({"loss": 1.1e12}, "loss"),
        ({"loss": "0.25"}, "loss"),
        ({"acc": None}, "acc"),
        ({"acc": True}, "acc"),
        ({"acc": 10**400}, "acc"),
        ({"model_id": ""}, "model_id"),
        ({"model_id": ["m"]}, "model_id"),
    ],
)
def test_a_loss_that_is_none(function: Function, changes: dict[str, Any], field: str) -> None:
    status, body = function("/model_loss", LOSS | changes)
    assert (status, body["error"]) == (400, "invalid_request")
    assert body["description"].startswith(f"{field} is ")
    assert function.store.models["m"].count == 0


@pytest.mark.parametrize("header", ["X_Progress_Secret", "x_progress_secret"])
def test_progress(function: Function, header: str) -> None:
    assert function("/model_progress", PROGRESS, **{header: "hush"}) == (
        200,
        {"status": "recorded"},
    )
    assert function("/model_progress", PROGRESS, **{header: "hush"}) == (
        200,
        {"status": "unchanged"},
    )
    assert function.store.queue == ["m"]


@pytest.mark.parametrize("headers", [{}, {"X_Progress_Secret": "testing"}])
def test_progress_of_a_stranger(function: Function, headers: dict[str, str]) -> None:
    for body in (PROGRESS, {}):
        status, answer = function("/model_progress", body, **headers)
        assert (status, answer["error"]) == (401, "unauthorized")
    assert function.store.models["m"].percent == 0


@pytest.mark.parametrize("percent", [-1, 101, 50.5, "100", True, None])
def test_progress_that_is_none(function: Function, percent: object) -> None:
    body = PROGRESS | {"percent_complete": percent}
    status, answer = function("/model_progress", body, **KNOWN)
    assert status == 400
    assert answer["description"].endswith("send a whole number from 0 to 100")


def test_settings() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        "models", "https://queue", "test", 60, "INFO"
    )
    for name in ENVIRONMENT:
        with pytest.raises(SettingsError, match=f"^{name} is"):
            Settings.from_environment(ENVIRONMENT | {name: ""})

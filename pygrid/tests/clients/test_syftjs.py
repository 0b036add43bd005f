"""syft.js 0.1.4 takes part in cycles, over ws and http, in Node and in Chromium."""

import base64
from typing import Any

import jwt
import numpy as np
import pytest
from clients.javascript import TakePart
from clients.node import Deployed, Model, Node, assert_same, mean_applied

from artificien_pygrid.wire.tensors import decode_state

LEARNING_RATE = 0.1
CONFIG = {"batch_size": 3, "lr": LEARNING_RATE, "max_updates": 1}
LABELS = np.eye(2, dtype=np.float32)[[0, 1, 1]]
TRANSPORTS = pytest.mark.parametrize("transport", ["ws", "http"])


def batch(seed: int) -> np.ndarray:
    """Three examples for the golden models."""
    return np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)


def options(
    model: Model, transport: str = "ws", data: np.ndarray | None = None, token: str | None = None
) -> dict[str, Any]:
    return {
        "url": model.node.websocket_url if transport == "ws" else model.node.url,
        "model": model.name,
        "version": model.version,
        "token": token,
        "data": (batch(0) if data is None else data).tolist(),
        "labels": LABELS.tolist(),
    }


def reported(outcome: dict[str, Any]) -> list[np.ndarray]:
    assert outcome["status"] == "reported", outcome
    return decode_state(base64.b64decode(outcome["diff"]))


def trained_difference(parameters: list[np.ndarray], data: np.ndarray) -> list[np.ndarray]:
    """Original minus trained parameters after one step of gradient descent.

    The golden models are layers with relu between them, and the loss is the mean cross entropy of
    the softmax of the last one.
    """
    weights, biases = parameters[::2], parameters[1::2]
    inputs = [data]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ weight.T + bias, 0))
    logits = inputs[-1] @ weights[-1].T + biases[-1]
    exponentials = np.exp(logits)
    gradient = (exponentials / exponentials.sum(axis=1, keepdims=True) - LABELS) / len(data)
    gradients: list[np.ndarray] = []
    for weight, values in zip(reversed(weights), reversed(inputs), strict=True):
        gradients = [gradient.T @ values, gradient.sum(axis=0), *gradients]
        gradient = gradient @ weight * (values > 0)
    return [LEARNING_RATE * tensor for tensor in gradients]


@TRANSPORTS
@pytest.mark.parametrize("golden", ["jslinear", "jsmlp", "chr"])
def test_workers_train_two_cycles_and_the_checkpoints_are_what_they_learnt(
    node: Node | Deployed, take_part: TakePart, golden: str, transport: str
) -> None:
    model = Model.host(node, golden, client_config=CONFIG, max_diffs=2, num_cycles=2)
    parameters = model.parameters
    for cycle in (1, 2):
        batches = [batch(10 * cycle + worker) for worker in (1, 2)]
        diffs = [reported(take_part(**options(model, transport, data))) for data in batches]
        for diff, data in zip(diffs, batches, strict=True):
            for found, expected in zip(diff, trained_difference(parameters, data), strict=True):
                np.testing.assert_allclose(found, expected, atol=1e-5)
        checkpoint = model.wait_for_checkpoint(cycle + 1)
        assert_same(checkpoint, mean_applied(parameters, diffs))
        parameters = checkpoint
    # The model is finished: there is no time to come back at.
    outcome = take_part(**options(model, transport))
    assert (outcome["status"], outcome.get("timeout")) == ("rejected", None)


@TRANSPORTS
def test_a_worker_without_a_place_is_told_when_to_come_back(
    node: Node | Deployed, take_part: TakePart, transport: str
) -> None:
    model = Model.host(node, client_config=CONFIG, max_workers=1, min_diffs=1)
    model.worker().join()
    outcome = take_part(**options(model, transport))
    assert outcome["status"] == "rejected", outcome
    assert 500 < outcome["timeout"] <= 600


def test_a_worker_measures_its_connection(node: Node | Deployed, take_part: TakePart) -> None:
    model = Model.host(
        node,
        "chrspeed",
        client_config=CONFIG,
        max_diffs=1,
        minimum_upload_speed=0,
        minimum_download_speed=0.001,
    )
    diff = reported(take_part(**options(model)))
    assert_same(model.wait_for_checkpoint(2), mean_applied(model.parameters, [diff]))


@TRANSPORTS
def test_a_worker_needs_the_token_that_its_model_asks_for(
    node: Node | Deployed, take_part: TakePart, transport: str
) -> None:
    # pragma: allowlist nextline secret
    secret = "for this test only, and long enough for its algorithm"  # noqa: S105 - no real one
    model = Model.host(node, client_config=CONFIG, max_diffs=1, authentication={"secret": secret})
    refused = take_part(**options(model, transport))
    assert refused["status"] == "error"
    assert "Authentication is required" in refused["error"]
    forged = jwt.encode({}, "some other secret that is long enough", "HS256")
    assert "is invalid" in take_part(**options(model, transport, token=forged))["error"]
    token = jwt.encode({"sub": "device"}, secret, "HS256")
    reported(take_part(**options(model, transport, token=token)))


@TRANSPORTS
def test_errors_are_short(node: Node | Deployed, take_part: TakePart, transport: str) -> None:
    model = Model.host(node, client_config=CONFIG)
    unknown = options(model, transport) | {"model": "no such model"}
    outcome = take_part(**unknown)
    assert outcome["status"] == "error"
    assert "Not found any process" in outcome["error"]
    assert "Traceback" not in outcome["error"]
    diverging = Model.host(node, client_config=CONFIG | {"lr": 1e38})
    outcome = take_part(**options(diverging, transport, 1e10 * batch(0)))
    assert outcome["status"] == "error"
    assert "NaN or infinity" in outcome["error"]

"""Entry point of the function: the API's routes about datasets, described in the README."""

import os
from collections.abc import Mapping
from typing import Any

from lambda_common.logs import configure_logging
from lambda_common.requests import Request
from lambda_common.responses import ApiError, Response, respond
from lambda_common.routes import answer

from datasets import logic
from datasets.logic import DatasetStore, Model, TrainingNode
from datasets.settings import Settings
from datasets.store import Store, connect_node
from datasets.training_node import PausingNode

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: DatasetStore = Store.connect(SETTINGS)
NODE: TrainingNode = PausingNode(connect_node(SETTINGS))


def lambda_handler(event: Mapping[str, Any], context: Any) -> Response:
    """Answer a request."""
    return answer(event, context, _ROUTES)


def _create(request: Request) -> Response:
    caller, body = request.caller(), request.body()
    wanted = Model(
        model_id=body.text("model_id"),
        version="",
        owner=caller,
        dataset_id=body.text("dataset_id"),
        features=body.texts("features"),
        labels=body.texts("labels"),
    )
    host = logic.start_training(caller, wanted, STORE, NODE)
    if host is None:
        return respond(200, {"status": "deploying: the platform has no node yet"})
    return respond(200, {"status": "ready", "nodeURL": host})


def _get_datasets(request: Request) -> Response:
    user_id = request.body().optional_text("user_id")
    datasets = logic.purchased(request.caller(), user_id, STORE)
    return respond(200, {"datasets": datasets or "no purchased datasets available"})


def _generate_key(request: Request) -> Response:
    user_id = request.body().optional_text("user_id")
    return respond(200, {"api_key": logic.new_key(request.caller(), user_id, STORE)})


def _info(request: Request) -> Response:
    """Answer a phone, which takes any object of other than one key for models to train."""
    try:
        api_key = request.headers.get("api_key", "")
        training = logic.training(api_key, request.body().text("dataset_id"), STORE)
    except ApiError as refusal:
        return respond(refusal.status, {"error": refusal.description})
    if not training.node_url:
        if training.first:
            return respond(200, {"success": "the app is set up; the dataset has no node yet"})
        return respond(200, {"wait": "the dataset has no node yet"})
    models = [
        [model.model_id, model.version, model.features, model.labels] for model in training.models
    ]
    return respond(200, {"models": models, "nodeURL": training.node_url})


def _delete(request: Request) -> Response:
    dataset_id = request.body().text("dataset_id")
    paused = logic.stop_training(request.caller(), dataset_id, STORE, NODE)
    return respond(200, {"status": "stopped", "paused": paused})


_ROUTES = {
    "POST /create": _create,
    "POST /get_datasets": _get_datasets,
    "POST /generate_key": _generate_key,
    "POST /info": _info,
    "POST /delete": _delete,
}

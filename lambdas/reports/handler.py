"""Entry point of the function: the API's routes for reports, described in the README."""

import os
from collections.abc import Mapping
from typing import Any

from lambda_common.logs import configure_logging
from lambda_common.requests import Request
from lambda_common.responses import ApiError, Response, respond
from lambda_common.routes import answer

from reports.logic import COMPLETE, LARGEST, Figures, ModelStore, record_loss, record_progress
from reports.settings import Settings
from reports.store import Store, connect_secret

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: ModelStore = Store.connect(SETTINGS)
PROGRESS_SECRET = connect_secret(SETTINGS)


def lambda_handler(event: Mapping[str, Any], context: Any) -> Response:
    """Answer a request."""
    return answer(event, context, _ROUTES)


def _model_loss(request: Request) -> Response:
    body = request.body()
    report = Figures.of_report(body.number("loss", LARGEST), body.number("acc", LARGEST))
    record_loss(body.text("model_id"), report, STORE, SETTINGS.losses_per_minute)
    return respond(200, {"status": "recorded"})


def _model_progress(request: Request) -> Response:
    if not PROGRESS_SECRET.matches(request.headers.get("x-progress-secret", "")):
        raise ApiError(
            401, "unauthorized", "the node is not known: send its secret as X-Progress-Secret"
        )
    body = request.body()
    percent = body.whole("percent_complete", 0, COMPLETE)
    moved = record_progress(body.text("model_id"), percent, STORE)
    return respond(200, {"status": "recorded" if moved else "unchanged"})


_ROUTES = {"POST /model_loss": _model_loss, "POST /model_progress": _model_progress}

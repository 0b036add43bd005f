"""Entry point of the function: a request to the API, or messages of models that are complete.

Events and answers are described in the README beside this file.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from lambda_common.logs import LOGGER, configure_logging
from lambda_common.requests import Request
from lambda_common.responses import ApiError, Response, respond
from lambda_common.routes import answer

from model_retrieval.logic import (
    CHECKPOINT_NUMBER,
    ModelStore,
    Query,
    Retrieved,
    retrieve,
    retrieve_finished,
)
from model_retrieval.settings import Settings
from model_retrieval.store import Store

type Event = Mapping[str, Any]

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: ModelStore = Store.connect(SETTINGS)

_LAST = "latest"
_NOT_FOUND = 404


def lambda_handler(event: Event, context: Any) -> Response:
    """Handle one invocation. Raises `ValueError` for an event of an unknown form."""
    match event:
        case {"httpMethod": str()}:
            return answer(event, context, {"GET /retrieve": _retrieve})
        case {"Records": [*records]} if all(
            record.get("eventSource") == "aws:sqs" for record in records
        ):
            return _retrieve_batch(records, context.aws_request_id)
    raise ValueError("unknown event: send a request to the API or a batch of an SQS queue")


def _retrieve(request: Request) -> Response:
    caller = request.caller()
    query = Query(
        owner=request.query.text("ownerName"),
        model_id=request.query.text("modelId"),
        version=request.query.text("version"),
        node=request.query.optional_text("nodeURL"),
        checkpoint=_checkpoint(request.query.optional_text("checkpoint")),
    )
    retrieved = _logged(lambda: retrieve(caller, query, STORE))
    return respond(
        200,
        {
            "bucket_url": retrieved.link,
            "size": retrieved.file.size_bytes,
            "sha256": retrieved.file.sha256,
            "checkpoint": retrieved.file.checkpoint,
        },
    )


def _checkpoint(text: str | None) -> int | None:
    if text is None or text == _LAST:
        return None
    if not CHECKPOINT_NUMBER.fullmatch(text):
        raise ApiError(
            400,
            "invalid_request",
            f"checkpoint is {text[:80]!r}: give {_LAST!r} or a number, of which 1 is the first",
        )
    return int(text)


def _retrieve_batch(records: list[Event], request_id: str) -> Response:
    """Return the ids of the messages to deliver again."""
    failures = []
    for record in records:
        fields = {"request_id": request_id, "message_id": record["messageId"]}
        try:
            model_id = _model_id(record["body"])
            fields["model_id"] = model_id
            _retrieve_finished(model_id)
        except Exception:
            # Of whatever kind: it must not keep the other models from their owners.
            LOGGER.exception("message will be delivered again", extra={"fields": fields})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _retrieve_finished(model_id: str) -> None:
    try:
        _logged(lambda: retrieve_finished(model_id, STORE))
    except ApiError as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        # Deleted since the message was sent.
        LOGGER.warning("model is gone", extra={"fields": {"model_id": model_id}})


def _model_id(body: str) -> str:
    match json.loads(body):
        case {"model_id": str(model_id)} if model_id:
            return model_id
    raise ValueError('the message names no model: send {"model_id": "<id>"}')


def _logged(retrieve: Callable[[], Retrieved]) -> Retrieved:
    start = time.monotonic()
    retrieved = retrieve()
    fields = {
        "model_id": retrieved.model_id,
        "outcome": "stored" if retrieved.stored else "kept",
        "checkpoint": retrieved.file.checkpoint,
        "bytes": retrieved.file.size_bytes,
        "seconds": round(time.monotonic() - start, 3),
    }
    LOGGER.info("model retrieved", extra={"fields": fields})
    return retrieved

"""Entry point of the function: a batch of the datasets' stream, or a direct call.

Events and answers are described in the README beside this file.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from lambda_common.logs import LOGGER, configure_logging

from data_upload.logic import Outcome, Result, SampleStore, find_stale, sync_dataset, sync_image
from data_upload.sample_generator.dynamodb_json import plain_item
from data_upload.settings import Settings
from data_upload.store import Store

type Event = Mapping[str, Any]

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: SampleStore = Store.connect(SETTINGS)


def lambda_handler(event: Event, context: Any) -> dict[str, object]:
    """Handle one invocation. Raises `ValueError` for an event of an unknown form."""
    request_id = context.aws_request_id
    match event:
        case {"Records": [*records]} if all("dynamodb" in record for record in records):
            return _sync_batch(records, request_id)
        case {"find_stale": True}:
            return _find_stale(request_id)
        case {"dataset_id": str(dataset_id)} if dataset_id:
            return _sync_one(dataset_id, request_id)
    raise ValueError(
        'unknown event: send a batch of a DynamoDB stream, {"find_stale": true} or'
        ' {"dataset_id": "<id>"}'
    )


def _sync_batch(records: list[Event], request_id: str) -> dict[str, object]:
    """Return the sequence numbers of the records to deliver again."""
    # Of several changes to a dataset the last one says it all.
    last = {record["dynamodb"]["Keys"]["dataset_id"]["S"]: record for record in records}
    failures = []
    for dataset_id, record in last.items():
        try:
            _sync_record(dataset_id, record, request_id)
        except Exception:
            # Of whatever kind: it must not keep the other datasets from their samples.
            LOGGER.exception(
                "dataset will be tried again",
                extra={
                    "fields": {
                        "request_id": request_id,
                        "dataset_id": dataset_id,
                        "outcome": "error",
                    }
                },
            )
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}


def _sync_record(dataset_id: str, record: Event, request_id: str) -> None:
    if record["eventName"] == "REMOVE":
        return
    image = plain_item(record["dynamodb"]["NewImage"])
    _logged(lambda: sync_image(dataset_id, image, STORE, SETTINGS.default_rows), request_id)


def _sync_one(dataset_id: str, request_id: str) -> dict[str, object]:
    result = _logged(lambda: sync_dataset(dataset_id, STORE, SETTINGS.default_rows), request_id)
    answer: dict[str, object] = {"dataset_id": dataset_id, "outcome": result.outcome.value}
    if result.outcome in (Outcome.READY, Outcome.UNCHANGED):
        answer |= {"rows": result.rows, "bytes": result.size_bytes}
    if result.error:
        answer["error"] = str(result.error)
    return answer


def _find_stale(request_id: str) -> dict[str, object]:
    stale, checked = find_stale(STORE, SETTINGS.default_rows)
    LOGGER.info(
        "datasets checked",
        extra={"fields": {"request_id": request_id, "checked": checked, "stale": len(stale)}},
    )
    return {
        "stale": [{"dataset_id": dataset_id, "reason": reason} for dataset_id, reason in stale],
        "checked": checked,
    }


def _logged(sync: Callable[[], Result], request_id: str) -> Result:
    start = time.monotonic()
    result = sync()
    fields = {
        "request_id": request_id,
        "dataset_id": result.dataset_id,
        "outcome": result.outcome.value,
        "rows": result.rows,
        "bytes": result.size_bytes,
        "seconds": round(time.monotonic() - start, 3),
    }
    if result.error:
        # Not the whole message, which quotes the schema.
        fields["invalid_attribute"] = result.error.attribute
    LOGGER.info("dataset handled", extra={"fields": fields})
    return result

"""Events and answers of the function, its settings and its logs."""

import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lambda_common.environment import SettingsError
from lambda_common.logs import configure_logging
from lambda_common.node import NodeError, NodeSettings
from model_retrieval.settings import Settings

from tests.unit.lambdas.model_retrieval.fakes import KEY, MODEL, FakeStore

CONTEXT = SimpleNamespace(aws_request_id="request-1")
QUERY = {"ownerName": "ada", "modelId": MODEL.model_id, "version": "1.0"}


def use(handler: ModuleType, monkeypatch: pytest.MonkeyPatch, store: FakeStore) -> FakeStore:
    monkeypatch.setattr(handler, "STORE", store)
    return store


def ask(
    handler: ModuleType, query: dict[str, str] | None = None, caller: str | None = "ada"
) -> tuple[int, Any]:
    """Return status and JSON of the answer to `GET /retrieve`."""
    context = {"authorizer": {"claims": {"username": caller}}} if caller else {}
    event = {
        "httpMethod": "GET",
        "resource": "/retrieve",
        "queryStringParameters": query,
        "requestContext": context,
    }
    response = handler.lambda_handler(event, CONTEXT)
    assert response["headers"]["Access-Control-Allow-Origin"] == "*"
    assert response["headers"]["Content-Type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


def message(number: int, body: str) -> dict[str, str]:
    return {"eventSource": "aws:sqs", "messageId": f"message-{number}", "body": body}


def test_answer(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(handler, monkeypatch, FakeStore())
    status, body = ask(handler, QUERY)
    file, _ = store.files[KEY]
    assert status == 200
    assert body == {
        "bucket_url": store.models[MODEL.model_id].download_link,
        "size": file.size_bytes,
        "sha256": file.sha256,
        "checkpoint": 3,
    }
    assert ask(handler, QUERY | {"checkpoint": "latest"}) == (200, body)
    assert ask(handler, QUERY | {"checkpoint": "2"})[1]["checkpoint"] == 2


@pytest.mark.parametrize(
    "query",
    [
        None,
        {"ownerName": "ada", "version": "1.0"},
        QUERY | {"modelId": ""},
        QUERY | {"nodeURL": "evil.example.com"},
        *(QUERY | {"checkpoint": text} for text in ("0", "-1", "1.0", "last", "٣", "9" * 10)),
    ],
)
def test_bad_requests(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, query: dict[str, str] | None
) -> None:
    store = use(handler, monkeypatch, FakeStore())
    status, body = ask(handler, query)
    assert (status, body["error"]) == (400, "invalid_request")
    assert store.fetched == 0


def test_refusals_are_json(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(handler, monkeypatch, FakeStore())
    assert ask(handler, QUERY, caller=None)[0] == 401
    assert ask(handler, QUERY, caller="eve")[0] == 403
    assert ask(handler, QUERY | {"version": "2"})[0] == 404
    store.fault = NodeError("the node cannot be reached")
    assert ask(handler, QUERY) == (
        502,
        {"error": "node_failed", "description": "the node cannot be reached"},
    )


def test_faults_tell_nothing(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    use(handler, monkeypatch, FakeStore(fault=ConnectionError("10.0.0.7")))
    status, body = ask(handler, QUERY)
    assert (status, body["error"]) == (500, "internal_error")
    assert "10.0.0.7" not in str(body)


def test_batch(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(handler, monkeypatch, FakeStore())
    good = message(1, json.dumps({"model_id": MODEL.model_id}))
    gone = message(2, '{"model_id": "gone"}')
    bad = [message(3, "no json"), message(4, '{"model_id": 5}'), message(5, "[]")]
    answer = handler.lambda_handler({"Records": [*bad, gone, good]}, CONTEXT)
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in (3, 4, 5)]
    }
    assert KEY in store.files
    again = handler.lambda_handler({"Records": [good]}, CONTEXT)
    assert (again, store.written) == ({"batchItemFailures": []}, 1)


def test_message_is_tried_again_while_the_node_is_away(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = use(handler, monkeypatch, FakeStore(fault=NodeError("the node cannot be reached")))
    event = {"Records": [message(1, json.dumps({"model_id": MODEL.model_id}))]}
    failed = {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert handler.lambda_handler(event, CONTEXT) == failed
    assert store.changes == (0, 0, 0)
    store.fault = None
    assert handler.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    assert store.changes == (1, 1, 1)


@pytest.mark.parametrize(
    "event", [{}, {"Records": "text"}, {"Records": [{"eventSource": "aws:dynamodb"}]}]
)
def test_unknown_event(handler: ModuleType, event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown event: send a request"):
        handler.lambda_handler(event, CONTEXT)


def test_links_are_not_logged(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")
    store = use(handler, monkeypatch, FakeStore())
    _, body = ask(handler, QUERY)
    output = capsys.readouterr().out
    assert body["bucket_url"].rpartition("/")[2] not in output
    assert not any(sha256 in output for sha256 in store.links)
    retrieved, _ = map(json.loads, output.splitlines())
    assert 0 <= retrieved.pop("seconds") < 10
    assert retrieved == {
        "level": "INFO",
        "message": "model retrieved",
        "model_id": MODEL.model_id,
        "outcome": "stored",
        "checkpoint": 3,
        "bytes": body["size"],
    }


def test_settings(environment: dict[str, str]) -> None:
    assert Settings.from_environment(environment) == Settings(
        model_table="model_table",
        downloads_table="downloads",
        models_bucket="models",
        base_url_parameter="/a/b/model_retrieval/base_url",
        max_model_bytes=1000,
        node=NodeSettings("/a/b", "hush"),
        log_level="INFO",
    )
    for name in environment:
        with pytest.raises(SettingsError, match=f"^{name} is not set"):
            Settings.from_environment(environment | {name: ""})

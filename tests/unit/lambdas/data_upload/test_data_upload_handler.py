"""Events and answers of the function, its settings and its logs."""

import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from data_upload.settings import Settings
from lambda_common.environment import SettingsError
from lambda_common.logs import configure_logging

from tests.unit.lambdas.data_upload.fakes import FakeStore, health_item, typed_item

CONTEXT = SimpleNamespace(aws_request_id="request-1")
ENVIRONMENT = {"DATASET_TABLE": "table", "SAMPLE_BUCKET": "bucket", "DEFAULT_ROWS": "500"}


def record(
    item: dict[str, object], number: int, event: str = "INSERT"
) -> dict[str, str | dict[str, Any]]:
    change = {
        "Keys": {"dataset_id": {"S": item["dataset_id"]}},
        "SequenceNumber": str(number),
        "StreamViewType": "NEW_IMAGE",
    }
    if event != "REMOVE":
        change["NewImage"] = typed_item(item)
    return {"eventName": event, "eventSource": "aws:dynamodb", "dynamodb": change}


def named(name: str, **changes: object) -> dict[str, object]:
    return health_item(dataset_id=name, **changes)


def use(handler: ModuleType, monkeypatch: pytest.MonkeyPatch, store: FakeStore) -> FakeStore:
    monkeypatch.setattr(handler, "STORE", store)
    return store


def test_batch(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(handler, monkeypatch, FakeStore(named("a"), named("b"), named("gone")))
    records = [
        record(named("a"), 1),
        record(named("b"), 2, "MODIFY"),
        record(named("gone"), 3, "REMOVE"),
    ]
    answer = handler.lambda_handler({"Records": records}, CONTEXT)
    assert answer == {"batchItemFailures": []}
    assert set(store.objects) == {"a.csv", "b.csv"}


def test_only_failed_records_are_reported(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [named("a"), named("s3 down"), named("bad", attributes=[]), named("dynamodb down")]
    items.append(named("z"))
    store = use(handler, monkeypatch, FakeStore(*items))
    store.broken.add("s3 down")
    read = store.dataset

    def throttled(dataset_id: str) -> object:
        if dataset_id == "dynamodb down":
            raise ConnectionError
        return read(dataset_id)

    monkeypatch.setattr(store, "dataset", throttled)
    records = [record(item, number) for number, item in enumerate(items)]
    answer = handler.lambda_handler({"Records": records}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    assert set(store.objects) == {"a.csv", "z.csv"}
    assert store.items["bad"]["sample_status"] == "failed"

    store.broken.clear()
    monkeypatch.setattr(store, "dataset", read)
    writes = store.writes
    assert handler.lambda_handler({"Records": records[1:]}, CONTEXT) == {"batchItemFailures": []}
    assert set(store.objects) == {"a.csv", "s3 down.csv", "dynamodb down.csv", "z.csv"}
    assert store.writes == writes + 4  # two samples and two statuses


def test_unreadable_record_does_not_stop_the_others(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = use(handler, monkeypatch, FakeStore(named("a"), named("b")))
    unreadable: dict[str, Any] = record(named("a"), 1)
    del unreadable["dynamodb"]["NewImage"]
    answer = handler.lambda_handler({"Records": [unreadable, record(named("b"), 2)]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert set(store.objects) == {"b.csv"}


def test_last_record_of_a_dataset_counts(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = use(handler, monkeypatch, FakeStore(named("a"), named("b")))
    store.broken.add("a")
    stub: dict[str, object] = {"dataset_id": "a", "numPurchases": 1}
    records = [record(stub, 1), record(named("b"), 2), record(named("a"), 3, "MODIFY")]
    records.append(record(named("b"), 4, "REMOVE"))
    answer = handler.lambda_handler({"Records": records}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "3"}]}
    assert not store.objects


def test_own_records_end_the_work(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(handler, monkeypatch, FakeStore(named("a"), named("bad", attributeTypes=[])))
    records = [record(item, number) for number, item in enumerate(list(store.items.values()))]
    rounds = 0
    while records:
        handler.lambda_handler({"Records": records}, CONTEXT)
        records = [record(dict(image), 0, "MODIFY") for image in store.images]
        store.images.clear()
        rounds += 1
    assert rounds == 2
    assert store.writes == 3  # one sample and two statuses


def test_direct_calls(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    use(handler, monkeypatch, FakeStore(named("a"), named("bad", attributes=[])))
    stale = handler.lambda_handler({"find_stale": True}, CONTEXT)
    assert stale == {
        "stale": [
            {"dataset_id": "a", "reason": "status missing"},
            {"dataset_id": "bad", "reason": "status missing"},
        ],
        "checked": 2,
    }
    answer = handler.lambda_handler({"dataset_id": "a"}, CONTEXT)
    assert answer.pop("bytes") > 0
    assert answer == {"dataset_id": "a", "outcome": "ready", "rows": 500}
    assert handler.lambda_handler({"dataset_id": "a"}, CONTEXT)["outcome"] == "unchanged"
    bad = handler.lambda_handler({"dataset_id": "bad"}, CONTEXT)
    assert bad["outcome"] == "failed"
    assert bad["error"].startswith("attributes is empty")
    absent = handler.lambda_handler({"dataset_id": "none"}, CONTEXT)
    assert absent == {"dataset_id": "none", "outcome": "absent"}
    json.dumps([stale, answer, bad, absent])


def test_fault_of_a_direct_call_is_an_error(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(handler, monkeypatch, FakeStore(named("a"))).broken.add("a")
    with pytest.raises(ConnectionError):
        handler.lambda_handler({"dataset_id": "a"}, CONTEXT)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"dataset_id": ""},
        {"dataset_id": 5},
        {"find_stale": False},
        {"find_stale": "yes"},
        {"Records": "text"},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    ],
)
def test_unknown_event(handler: ModuleType, event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown event: send a batch"):
        handler.lambda_handler(event, CONTEXT)


def test_one_line_of_log_per_dataset(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    store = use(
        handler, monkeypatch, FakeStore(named("a"), named("bad", attributes="secret"), named("s"))
    )
    store.broken.add("s")
    records = [record(item, number) for number, item in enumerate(list(store.items.values()))]
    handler.lambda_handler({"Records": records}, CONTEXT)
    output = capsys.readouterr().out
    assert "secret" not in output
    ready, bad, error = map(json.loads, output.splitlines())
    assert 0 <= ready.pop("seconds") < 10
    assert ready == {
        "level": "INFO",
        "message": "dataset handled",
        "request_id": "request-1",
        "dataset_id": "a",
        "outcome": "ready",
        "rows": 500,
        "bytes": len(store.objects["a.csv"][1]),
    }
    assert (bad["outcome"], bad["invalid_attribute"]) == ("failed", "attributes")
    assert (error["outcome"], error["dataset_id"]) == ("error", "s")
    assert error["request_id"] == "request-1"
    assert "S3 is down" in error["exception"]


def test_settings() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings("table", "bucket", 500, "INFO")
    assert Settings.from_environment(ENVIRONMENT | {"LOG_LEVEL": "debug"}).log_level == "DEBUG"


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_missing_setting(name: str) -> None:
    for environment in (
        ENVIRONMENT | {name: ""},
        {k: v for k, v in ENVIRONMENT.items() if k != name},
    ):
        with pytest.raises(SettingsError, match=f"^{name} is not set"):
            Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEFAULT_ROWS", "0"),
        ("DEFAULT_ROWS", "-5"),
        ("DEFAULT_ROWS", "5.5"),
        ("DEFAULT_ROWS", "x"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_unusable_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is '{value}'"):
        Settings.from_environment(ENVIRONMENT | {name: value})

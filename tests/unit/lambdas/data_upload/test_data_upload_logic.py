"""Which datasets get a sample when, and what their items then say."""

from collections.abc import Iterable

import pytest
from data_upload.logic import (
    Item,
    Outcome,
    Sample,
    Status,
    find_stale,
    sample_key,
    sync_dataset,
    sync_image,
)
from data_upload.sample_generator import SchemaError, fingerprint

from tests.unit.lambdas.data_upload.fakes import DEFAULT_ROWS, FakeStore, health_item

ID = "Artificien-Health"
KEY = f"{ID}.csv"
STUB: dict[str, object] = {"dataset_id": ID, "numPurchases": 1}
BAD = health_item(attributeRangeMins=[])


def sync(store: FakeStore, image: Item | None = None) -> Outcome:
    image = store.items[ID] if image is None else image
    return sync_image(ID, image, store, DEFAULT_ROWS).outcome


def test_new_dataset_gets_sample_and_status() -> None:
    store = FakeStore(health_item())
    result = sync_image(ID, health_item(), store, DEFAULT_ROWS)
    sha256, content = store.objects[KEY]
    assert sha256 == fingerprint(health_item(), DEFAULT_ROWS)
    assert (result.outcome, result.rows, result.size_bytes) == ("ready", 500, len(content))
    assert store.items[ID] == health_item(
        sample_status="ready",
        sample_schema_sha256=sha256,
        sample_rows=500,
        sample_bytes=len(content),
    )


def test_own_status_write_does_nothing_more() -> None:
    for item, outcome in ((health_item(), Outcome.READY), (BAD, Outcome.FAILED)):
        store = FakeStore(item)
        assert sync(store) == outcome
        (image,) = store.images
        store.reads = store.writes = 0
        assert sync(store, image) == Outcome.UNCHANGED
        assert (store.reads, store.writes) == (0, 0)


def test_stub_is_ignored_until_the_item_is_complete() -> None:
    store = FakeStore(STUB)
    assert sync(store) == Outcome.IGNORED
    assert (store.reads, store.writes) == (0, 0)
    store.items[ID] = health_item()
    assert sync(store) == Outcome.READY


def test_late_record_of_a_stub_is_ignored() -> None:
    assert sync(FakeStore(health_item()), STUB) == Outcome.IGNORED


def test_purchase_changes_nothing() -> None:
    store = FakeStore(health_item())
    sync(store)
    content = dict(store.objects)
    store.items[ID]["numPurchases"] = 7
    store.reads = store.writes = 0
    assert sync(store) == Outcome.UNCHANGED
    assert (store.reads, store.writes, store.objects) == (0, 0, content)


def test_changed_schema_gives_new_sample() -> None:
    store = FakeStore(health_item())
    sync(store)
    before = store.objects[KEY]
    store.items[ID]["attributeRangeMaxes"] = ["80", "1", "45", "100000"]
    assert sync(store) == Outcome.READY
    assert store.objects[KEY] != before
    assert store.items[ID]["sample_schema_sha256"] == store.objects[KEY][0]


def test_replaced_item_only_gets_its_status_back() -> None:
    store = FakeStore(health_item())
    sync(store)
    with_status = store.items[ID]
    store.items[ID] = health_item()
    store.writes = 0
    assert sync(store) == Outcome.UNCHANGED
    assert store.items[ID] == with_status
    assert store.writes == 1  # of the status


def test_record_delivered_again_writes_nothing() -> None:
    store = FakeStore(health_item())
    sync(store)
    store.writes = 0
    assert sync(store, health_item()) == Outcome.UNCHANGED
    assert store.writes == 0


def test_bad_schema_is_recorded_once() -> None:
    store = FakeStore(BAD)
    assert sync(store) == Outcome.FAILED
    item = store.items[ID]
    assert item["sample_status"] == "failed"
    assert str(item["sample_error"]).startswith("attributeRangeMins has 0 entries for 4")
    assert item["sample_schema_sha256"] == fingerprint(BAD, DEFAULT_ROWS)
    assert not store.objects
    assert sync_dataset(ID, store, DEFAULT_ROWS).outcome == Outcome.FAILED
    assert store.writes == 1


def test_status_follows_a_schema_that_breaks_and_is_mended() -> None:
    store = FakeStore(health_item())
    sync(store)
    store.items[ID]["attributeRangeMins"] = []
    assert sync(store) == Outcome.FAILED
    assert not {"sample_rows", "sample_bytes"} & store.items[ID].keys()
    store.items[ID]["attributeRangeMins"] = ["1", "0", "15", "0"]
    assert sync(store) == Outcome.READY
    assert "sample_error" not in store.items[ID]


def test_late_record_of_an_older_schema_uses_the_current_one() -> None:
    store = FakeStore(health_item(num_devices=3))
    assert sync(store, health_item(num_devices=2)) == Outcome.READY
    assert store.objects[KEY][1].count(b"\r\n") == 4
    content = store.objects[KEY]
    store.writes = 0
    assert sync(store, health_item(num_devices=1)) == Outcome.UNCHANGED
    assert (store.writes, store.objects[KEY]) == (0, content)


def test_deleted_dataset_is_absent() -> None:
    assert sync(FakeStore(), health_item()) == Outcome.ABSENT


class ChangingStore(FakeStore):
    """A store whose item another caller changes and samples while a sample is being written."""

    def write_sample(
        self, key: str, chunks: Iterable[bytes], *, schema_sha256: str, rows: int
    ) -> int:
        """Write, after the other caller has done its work."""
        if not self.objects:
            self.items[ID]["num_devices"] = 9
            self.objects[KEY] = ("", b"")
            self.images.append(dict(self.items[ID]))
            sync_dataset(ID, self, DEFAULT_ROWS)
        return super().write_sample(key, chunks, schema_sha256=schema_sha256, rows=rows)


def test_callers_in_each_others_way_end_with_the_current_schema() -> None:
    store = ChangingStore(health_item(num_devices=3))
    sync_dataset(ID, store, DEFAULT_ROWS)
    assert store.objects[KEY][1].count(b"\r\n") == 4  # overwritten with the older one
    while store.images:
        sync(store, store.images.pop(0))
    assert store.objects[KEY][1].count(b"\r\n") == 10
    assert store.items[ID]["sample_schema_sha256"] == store.objects[KEY][0]
    assert store.items[ID]["sample_rows"] == 9


class CrossingStatusStore(ChangingStore):
    """As before, and the other caller's status is the last to be written."""

    def __init__(self, *items: dict[str, object]) -> None:
        super().__init__(*items)
        self.held: list[Status] = []

    def record_status(self, dataset_id: str, status: Status) -> None:
        """Hold the other caller's status back until this caller's has been written."""
        if status["sample_rows"] == 9 and not self.held:
            self.held.append(status)
            return
        super().record_status(dataset_id, status)
        if status["sample_rows"] == 3:
            super().record_status(dataset_id, self.held[0])


def test_status_of_another_caller_does_not_hide_an_older_sample() -> None:
    store = CrossingStatusStore(health_item(num_devices=3))
    sync_dataset(ID, store, DEFAULT_ROWS)
    assert store.items[ID]["sample_rows"] == 9
    assert store.objects[KEY][1].count(b"\r\n") == 4
    while store.images:
        sync(store, store.images.pop(0))
    assert store.objects[KEY][1].count(b"\r\n") == 10


def test_direct_call_does_not_believe_the_status() -> None:
    store = FakeStore(health_item())
    sync(store)
    store.objects.clear()
    assert sync(store) == Outcome.UNCHANGED
    assert sync_dataset(ID, store, DEFAULT_ROWS).outcome == Outcome.READY
    assert sync_dataset(ID, store, DEFAULT_ROWS).outcome == Outcome.UNCHANGED
    assert sync_dataset("unknown", store, DEFAULT_ROWS).outcome == Outcome.ABSENT
    store.items[ID] = dict(STUB)
    assert sync_dataset(ID, store, DEFAULT_ROWS).outcome == Outcome.IGNORED


def test_fault_leaves_no_status() -> None:
    store = FakeStore(health_item())
    store.broken.add(ID)
    with pytest.raises(ConnectionError):
        sync(store)
    assert store.items[ID] == health_item()


def test_find_stale() -> None:
    names = ["fine", "new", "changed", "lost", "outdated", "bad", "new bad", "stub", "old version"]
    store = FakeStore(*(health_item(dataset_id=name) for name in names))
    store.items["bad"]["attributes"] = []
    for name in names:
        sync_dataset(name, store, DEFAULT_ROWS)
    store.items["new"] = health_item(dataset_id="new")
    store.items["changed"]["num_devices"] = 5
    del store.objects["lost.csv"]
    store.objects["outdated.csv"] = ("0", b"")
    store.items["new bad"] = health_item(dataset_id="new bad", attributes=[])
    store.items["stub"] = STUB | {"dataset_id": "stub"}
    store.items["old version"]["sample_schema_sha256"] = "0"
    store.writes = 0
    stale, checked = find_stale(store, DEFAULT_ROWS)
    assert dict(stale) == {
        "new": "status missing",
        "changed": "schema changed",
        "lost": "sample missing",
        "outdated": "sample outdated",
        "new bad": "status missing",
        "old version": "schema changed",
    }
    assert checked == len(names) - 1
    assert store.writes == 0
    for name, _ in stale:
        sync_dataset(name, store, DEFAULT_ROWS)
    assert find_stale(store, DEFAULT_ROWS) == ([], checked)


def test_other_default_rows_make_samples_stale() -> None:
    store = FakeStore(health_item(), health_item(dataset_id="fixed", num_devices=3))
    for dataset_id in store.items:
        sync_dataset(dataset_id, store, DEFAULT_ROWS)
    assert find_stale(store, 600) == ([(ID, "schema changed")], 2)


@pytest.mark.parametrize(
    "dataset_id",
    ["a", "My App", "a/b", "a/../b", "./a", "..", "a/..", ".hidden", "/a", "é" * 510, "..a/b"],
)
def test_usable_id(dataset_id: str) -> None:
    assert sample_key(dataset_id) == f"{dataset_id}.csv"


@pytest.mark.parametrize(
    "dataset_id", ["../a", "a/../../b", "./../a", "/../a", "a//../../b", "é" * 511, "x" * 1021]
)
def test_id_that_s3_refuses(dataset_id: str) -> None:
    with pytest.raises(SchemaError) as raised:
        sample_key(dataset_id)
    assert raised.value.attribute == "dataset_id"
    store = FakeStore(health_item(dataset_id=dataset_id))
    assert sync_dataset(dataset_id, store, DEFAULT_ROWS).outcome == Outcome.FAILED
    assert store.items[dataset_id]["sample_status"] == "failed"


def test_sample_of_another_maker_is_replaced() -> None:
    store = FakeStore(health_item())
    store.objects[KEY] = ("", b"by hand")
    assert store.sample(KEY) == Sample("", 7)
    assert sync(store) == Outcome.READY

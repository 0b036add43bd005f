"""Keeps each dataset's sample in step with its schema.

A stream record only says that a dataset may have changed. A record whose own image shows the
status of its schema is done with. For any other the item is read anew and the sample made from
that, so a record that is late or delivered again can never put an older sample in place of a newer
one. Two callers may still work on one dataset at a time, one of them with an item that has changed
meanwhile. Whichever writes its status last, each such write is itself recorded in the stream with
the schema of that moment: where they differ the sample is looked at again. Whether it is up to date
is read from the object, whatever the item's status says. A caller that dies between writing the
object and the status leaves no such record; `find_stale` then finds the dataset.

Calls of the store may raise; the caller is to try again, which is always safe.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from data_upload.sample_generator import (
    Schema,
    SchemaError,
    csv_chunks,
    fingerprint,
    parse_schema,
)

# Attributes of the item that tell of its sample; the marketplace reads none of them.
STATUS_ATTRIBUTES = (
    "sample_status",
    "sample_schema_sha256",
    "sample_rows",
    "sample_bytes",
    "sample_error",
)
# What, besides the status, decides whether a sample is up to date.
SCHEMA_ATTRIBUTES = (
    "dataset_id",
    "attributes",
    "attributeTypes",
    "attributeRangeMins",
    "attributeRangeMaxes",
    "attributeDescriptions",
    "num_devices",
)
_READY = "ready"
_FAILED = "failed"
_MAX_KEY_BYTES = 1024

type Item = Mapping[str, object]
type Status = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample in the bucket: the fingerprint of the schema it was made from, and its size."""

    schema_sha256: str
    size_bytes: int


class SampleStore(Protocol):
    """Datasets and their samples."""

    def dataset(self, dataset_id: str) -> Item | None:
        """Return the dataset's item as it is now, None if there is none."""

    def datasets(self) -> Iterator[Item]:
        """Yield all datasets, with the attributes that describe schema and status."""

    def sample(self, key: str) -> Sample | None:
        """Return what is known of the sample, None if there is none."""

    def write_sample(
        self, key: str, chunks: Iterable[bytes], *, schema_sha256: str, rows: int
    ) -> int:
        """Write the sample, all of it or nothing, and return its size in bytes."""

    def record_status(self, dataset_id: str, status: Status) -> None:
        """Make `status` the dataset's only `STATUS_ATTRIBUTES`, unless it has been deleted."""


class Outcome(StrEnum):
    """What became of one dataset."""

    READY = "ready"  # a new sample was written
    UNCHANGED = "unchanged"  # the sample was up to date
    FAILED = "failed"  # no sample can be made of its schema
    IGNORED = "ignored"  # it has no schema yet
    ABSENT = "absent"  # there is no such dataset


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one dataset, with the sample's size or the schema's error if known."""

    dataset_id: str
    outcome: Outcome
    rows: int | None = None
    size_bytes: int | None = None
    error: SchemaError | None = None


def sync_image(dataset_id: str, image: Item, store: SampleStore, default_rows: int) -> Result:
    """Bring the sample in step after a change which left the dataset's item as `image`."""
    if not _has_schema(image):
        return Result(dataset_id, Outcome.IGNORED)
    if _is_settled(image, fingerprint(image, default_rows)):
        return Result(dataset_id, Outcome.UNCHANGED)
    return sync_dataset(dataset_id, store, default_rows)


def sync_dataset(dataset_id: str, store: SampleStore, default_rows: int) -> Result:
    """Bring the sample in step with the dataset's item as it is now."""
    item = store.dataset(dataset_id)
    if item is None:
        return Result(dataset_id, Outcome.ABSENT)
    if not _has_schema(item):
        return Result(dataset_id, Outcome.IGNORED)
    sha256 = fingerprint(item, default_rows)
    try:
        schema = parse_schema(item, default_rows)
        key = sample_key(dataset_id)
    except SchemaError as error:
        _record(
            item,
            {"sample_status": _FAILED, "sample_schema_sha256": sha256, "sample_error": str(error)},
            store,
        )
        return Result(dataset_id, Outcome.FAILED, error=error)
    outcome = Outcome.UNCHANGED
    sample = store.sample(key)
    if sample is None or sample.schema_sha256 != sha256:
        outcome = Outcome.READY
        sample = _write(key, schema, sha256, store)
    _record(
        item,
        {
            "sample_status": _READY,
            "sample_schema_sha256": sha256,
            "sample_rows": schema.rows,
            "sample_bytes": sample.size_bytes,
        },
        store,
    )
    return Result(dataset_id, outcome, schema.rows, sample.size_bytes)


def find_stale(store: SampleStore, default_rows: int) -> tuple[list[tuple[str, str]], int]:
    """Return (id, reason) of each dataset to bring in step, and how many were checked.

    A dataset without a schema is not checked. One with a bad schema counts as in step once its
    failure is recorded.
    """
    stale = []
    checked = 0
    for item in store.datasets():
        if not _has_schema(item):
            continue
        checked += 1
        reason = _stale_reason(item, store, fingerprint(item, default_rows))
        if reason:
            stale.append((str(item["dataset_id"]), reason))
    return stale, checked


def sample_key(dataset_id: str) -> str:
    """Return the key of the dataset's sample in the bucket.

    Raises `SchemaError` where S3 would refuse the key.
    """
    key = f"{dataset_id}.csv"
    if len(key.encode()) > _MAX_KEY_BYTES:
        raise SchemaError(
            "dataset_id",
            f"is {len(dataset_id.encode())} bytes long",
            f"write at most {_MAX_KEY_BYTES - len('.csv')} bytes, so that {_MAX_KEY_BYTES} hold"
            " the name of the sample file",
        )
    depth = 0
    for segment in key.split("/")[:-1]:
        if segment == "..":
            depth -= 1
        elif segment not in ("", "."):
            depth += 1
        if depth < 0:
            raise SchemaError(
                "dataset_id",
                "is a path that leads out of the bucket",
                "write a name without '../' at its start",
            )
    return key


def _has_schema(item: Item) -> bool:
    # The page's counter of purchases may be written first and then makes an item of its own.
    return "attributes" in item


def _is_settled(item: Item, sha256: str) -> bool:
    return (
        item.get("sample_status") in (_READY, _FAILED)
        and item.get("sample_schema_sha256") == sha256
    )


def _stale_reason(item: Item, store: SampleStore, sha256: str) -> str | None:
    if item.get("sample_status") not in (_READY, _FAILED):
        return "status missing"
    if not _is_settled(item, sha256):
        return "schema changed"
    if item["sample_status"] == _FAILED:
        return None
    sample = store.sample(sample_key(str(item["dataset_id"])))
    if sample is None:
        return "sample missing"
    return None if sample.schema_sha256 == sha256 else "sample outdated"


def _write(key: str, schema: Schema, sha256: str, store: SampleStore) -> Sample:
    size = store.write_sample(key, csv_chunks(schema), schema_sha256=sha256, rows=schema.rows)
    return Sample(sha256, size)


def _record(item: Item, status: Status, store: SampleStore) -> None:
    if {name: item[name] for name in STATUS_ATTRIBUTES if name in item} != status:
        store.record_status(str(item["dataset_id"]), status)

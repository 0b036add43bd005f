"""`s3_files` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

BUCKET = "files-of-run"
FIELDS: dict[str, Any] = {"name": "price-lists", "bucket": BUCKET, "prefix": "prices/"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files."""
    made = tmp_path / "prices"
    (made / "old").mkdir(parents=True)
    (made / "spring.price").write_text("1")
    (made / "old" / "winter, or so.html").write_text("2")
    return made


@pytest.fixture(autouse=True)
def _no_bucket(cloud: Cloud) -> Iterator[None]:
    yield
    bucket = cloud.resource("s3").Bucket(BUCKET)
    if bucket.creation_date:
        bucket.objects.all().delete()
        bucket.delete()


@pytest.fixture
def bucket(cloud: Cloud) -> Any:
    """Return a bucket that already holds an object of somebody else."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    made = cloud.resource("s3").Bucket(BUCKET)
    made.put_object(Key="prices/theirs", Body=b"0")
    return made


def contents(bucket: Any) -> dict[str, bytes]:
    """Return the contents of all objects by key."""
    return {found.key: found.get()["Body"].read() for found in bucket.objects.all()}


def test_files_are_written_once_and_deleted_once(
    run_module: ModuleRunner, bucket: Any, folder: Path
) -> None:
    options = {"source": str(folder), "content_types": {".price": "text/x-price"}}
    first = run_module.four_runs("s3_files", **FIELDS, **options)
    assert first["diff"]["before"] == {}
    assert set(first["files"]) == {"prices/spring.price", "prices/old/winter, or so.html"}
    theirs = {"prices/theirs": b"0"}
    written = {"prices/spring.price": b"1", "prices/old/winter, or so.html": b"2"}
    assert contents(bucket) == theirs | written
    assert bucket.Object("prices/spring.price").content_type == "text/x-price"
    assert bucket.Object("prices/old/winter, or so.html").content_type == "text/html"
    run_module.gone_twice("s3_files", **FIELDS)
    assert contents(bucket) == theirs


def test_only_what_differs_is_written_and_only_what_was_written_goes(
    run_module: ModuleRunner, bucket: Any, folder: Path
) -> None:
    run_module("s3_files", **FIELDS, source=str(folder))
    kept = bucket.Object("prices/spring.price").last_modified
    bucket.put_object(Key="prices/summer.html", Body=b"somebody's")
    (folder / "old" / "winter, or so.html").unlink()
    (folder / "summer.html").write_text("3")
    again = run_module.four_runs("s3_files", **FIELDS, source=str(folder))
    assert set(again["diff"]["after"]) == {"prices/summer.html"}
    assert set(again["diff"]["before"]) == {"prices/summer.html", "prices/old/winter, or so.html"}
    assert contents(bucket) == {
        "prices/theirs": b"0",
        "prices/spring.price": b"1",
        "prices/summer.html": b"3",
    }
    assert bucket.Object("prices/spring.price").last_modified == kept


def test_what_somebody_wrote_over_is_mended(
    run_module: ModuleRunner, bucket: Any, folder: Path
) -> None:
    run_module("s3_files", **FIELDS, source=str(folder))
    bucket.put_object(Key="prices/spring.price", Body=b"9")
    run_module.four_runs("s3_files", **FIELDS, source=str(folder))
    assert contents(bucket)["prices/spring.price"] == b"1"


@pytest.mark.usefixtures("cloud")
def test_a_bucket_that_is_missing(run_module: ModuleRunner, folder: Path) -> None:
    checked = run_module("s3_files", check=True, **FIELDS, source=str(folder))
    assert "prices/spring.price" in checked["diff"]["after"]
    failed = run_module("s3_files", fails=True, **FIELDS, source=str(folder))
    assert f"to bucket {BUCKET}: NoSuchBucket" in failed["msg"]
    gone = run_module("s3_files", **FIELDS, state="absent")
    assert gone["changed"] is False

"""The sample generator: a dataset is registered, gets its sample, and both are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smoke.checks import Check, require
from smoke.components.storage import remove_object
from smoke.platform import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

# A function that has not run for a while starts slowly, and reads its stream in turns.
SAMPLE_SECONDS = 90.0
HEADER = "Heart Rate,Steps"


def marked_dataset(mark: str) -> dict[str, Any]:
    """Return a dataset with a schema, which no query of the marketplace finds."""
    texts = {"dataset_id": mark, "app": mark, "placeholder": mark, "category": mark}
    lists = {
        "attributes": HEADER.split(","),
        "attributeTypes": ["N", "N"],
        "attributeRangeMins": ["40", "0"],
        "attributeRangeMaxes": ["180", "20000"],
    }
    return {
        **{name: {"S": value} for name, value in texts.items()},
        **{name: {"L": [{"S": value} for value in values]} for name, values in lists.items()},
        "owner_username": {"S": mark},
        "properlySetUp": {"BOOL": False},
    }


def checks(platform: Platform) -> Iterator[Check]:
    """Return the check of the sample generator."""
    mark = platform.mark
    table = platform.published("dynamodb/tables/dataset_table")
    bucket = platform.published("storage/buckets/sample_data")
    dynamodb, s3 = platform.client("dynamodb"), platform.client("s3")
    key = {"dataset_id": {"S": mark}}

    def status() -> str | None:
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        found: str | None = item.get("sample_status", {}).get("S")
        return found

    def run(stack: ExitStack) -> None:
        stack.callback(remove_object, s3, bucket, f"{mark}.csv")
        stack.callback(dynamodb.delete_item, TableName=table, Key=key)
        dynamodb.put_item(TableName=table, Item=marked_dataset(mark))
        wait_for(lambda: status() is not None, "the sample of a dataset", SAMPLE_SECONDS)
        outcome = status()
        require(outcome == "ready", f"the sample of a dataset is {outcome}")
        content = s3.get_object(Bucket=bucket, Key=f"{mark}.csv")["Body"].read().decode()
        require(content.startswith(HEADER), "the sample does not begin with its columns")

    yield Check(
        "a dataset gets its sample",
        run,
        "read the log and the dead letters of the function data-upload, then make samples.",
        platform.unwritten,
    )

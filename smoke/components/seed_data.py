"""The first items: the dataset that every user owns is there, with its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

DATASET = "Artificien-Health"


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the first items."""
    table = platform.published("dynamodb/tables/dataset_table")
    bucket = platform.published("storage/buckets/sample_data")

    def dataset_exists(_stack: ExitStack) -> None:
        found = platform.client("dynamodb").get_item(
            TableName=table, Key={"dataset_id": {"S": DATASET}}
        )
        require("Item" in found, f"{DATASET} is not in {table}")

    def sample_exists(_stack: ExitStack) -> None:
        platform.client("s3").head_object(Bucket=bucket, Key=f"{DATASET}.csv")

    yield Check(f"{DATASET} exists", dataset_exists, "make deploy TAGS=seed_data.")
    yield Check(f"{DATASET} has a sample", sample_exists, "make samples.")

"""Compare the writing of `dynamodb_seed` with boto3's `Table.batch_writer()`.

Each writes the same new items into fresh tables, turn by turn, so that a change of the machine's
load meets both. Only for an emulator on this machine: run with its URL as the argument or in
`AWS_ENDPOINT_URL`.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import statistics
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ansible.module_utils
import boto3

ansible.module_utils.__path__.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.module_utils.artificien.dynamodb_items import (  # noqa: E402 - by the line above
    apply_items,
    client_config,
    read_items,
    read_schema,
)
from ansible.module_utils.artificien.dynamodb_seeds import (  # noqa: E402 - as above
    by_key,
    counts,
    desired_items,
    plan_items,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "benchmark_of_seeding"
WORKERS = 4  # the default of the module


def demo_like_items(count: int) -> list[dict[str, Any]]:
    """Return items of the size and shape of the platform's models."""
    return [
        {
            "model_id": f"steps-{number}.0-user{number % 50}",
            "active_status": number % 2,
            "version": f"{number}.0",
            "dataset": f"Running Diary {number % 30}",
            "date_submitted": "2024-02-29",
            "owner_name": f"user{number % 50}",
            "percent_complete": number % 100,
            "devices_trained_this_cycle": number % 7,
            "loss_this_cycle": number / 10_000,
            "acc_this_cycle": -1,
            "features": ["Age", "Body Mass Index", "Weekly Step Count"],
            "labels": ["Sex"],
            "node_URL": "node.example.com",
            "download_link": f"https://models.example.com/user{number % 50}/{number}.pkl",
        }
        for number in range(count)
    ]


class Bench:
    """Writes items by either way into a fresh table of an emulator."""

    def __init__(self, endpoint_url: str, items: list[dict[str, Any]]) -> None:
        self.items = items
        account: dict[str, Any] = {
            "endpoint_url": endpoint_url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        self.client: DynamoDBClient = boto3.client(
            "dynamodb", config=client_config(WORKERS), **account
        )
        self.resource = boto3.resource("dynamodb", **account)

    def seed(self) -> None:
        """Write as the module does, from its option to the counts that it returns."""
        seeds = desired_items([{"table": TABLE, "items": self.items, "file": None}])[TABLE]
        schema: Any = read_schema(self.client, TABLE)
        desired = by_key(seeds, schema)
        current = read_items(self.client, TABLE, schema, desired, WORKERS, whole=False)
        plan = plan_items(TABLE, current, desired, overwrite=False)
        if plan.changed:
            counts(apply_items(self.client, plan, WORKERS))

    def batch_writer(self) -> None:
        """Write as boto3 does by itself: the same items, and floats as it wants them."""
        with self.resource.Table(TABLE).batch_writer() as batch:
            for item in self.items:
                batch.put_item(
                    Item={
                        name: Decimal(str(value)) if isinstance(value, float) else value
                        for name, value in item.items()
                    }
                )

    def seconds(self, write: Callable[[], None], *, again: bool = False) -> float:
        """Return how long `write` takes with a new table, or with `again` the second time."""
        self.client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "model_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "model_id", "KeyType": "HASH"}],
        )
        try:
            if again:
                write()
            start = time.perf_counter()
            write()
            taken = time.perf_counter() - start
            pages = self.client.get_paginator("scan").paginate(TableName=TABLE, Select="COUNT")
            written = sum(page["Count"] for page in pages)
        finally:
            self.client.delete_table(TableName=TABLE)
        if written != len(self.items):
            raise SystemExit(f"{written} of {len(self.items)} items were written.")
        return taken


def loopback(endpoint_url: str) -> str:
    """Return `endpoint_url` if it is on this machine, since the benchmark makes tables there."""
    host = urlsplit(endpoint_url).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise argparse.ArgumentTypeError(
            f"{endpoint_url!r} is not on this machine. Name a loopback address, such as "
            "http://127.0.0.1:4566."
        )
    return endpoint_url


def main() -> None:
    """Run the benchmark and print its result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "endpoint_url", nargs="?", type=loopback, default=os.environ.get("AWS_ENDPOINT_URL", "")
    )
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    items = demo_like_items(arguments.items)
    bench = Bench(arguments.endpoint_url, items)
    ours, theirs, again = [], [], []
    for _ in range(arguments.repeats):
        theirs.append(bench.seconds(bench.batch_writer))
        ours.append(bench.seconds(bench.seed))
        again.append(bench.seconds(bench.seed, again=True))
    median_ours, median_theirs = statistics.median(ours), statistics.median(theirs)
    report = {
        "items": len(items),
        "repeats": arguments.repeats,
        "dynamodb_seed_items_per_second": round(len(items) / median_ours),
        "batch_writer_items_per_second": round(len(items) / median_theirs),
        "ratio": round(median_theirs / median_ours, 2),
        "ratio_of_each_repeat": [round(a / b, 2) for a, b in zip(theirs, ours, strict=True)],
        "no_op_seconds": round(statistics.median(again), 3),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

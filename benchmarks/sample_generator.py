"""Measures the sample generator: rows per second on one core, and memory for the largest sample.

Run from the repository's root: `python benchmarks/sample_generator.py [--rows N]`. The plain loop
that it is compared with draws the same six columns row by row with `random` and `csv.writer`.
"""

import argparse
import csv
import io
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambdas"))

from data_upload.sample_generator import csv_chunks, parse_schema

REPEATS = 5
LOOP_ROWS = 200_000  # the loop's speed does not depend on their number
LARGEST_ROWS = 10_000_000
COLUMNS: list[tuple[str, str, str, str]] = [
    ("Age", "N", "18", "90"),
    ("Weekly Step Count", "N", "0", "100000"),
    ("Smoker", "B", "", ""),
    ("City", "S", "", ""),
    ("Email", "S", "", ""),
    ("Body Mass Index", "F", "15", "45"),
]
MORE_COLUMNS = [
    ("Heart Beats", "N", "0", "10000000000"),
    ("Balance", "N", "-5000.5", "5000.5"),
    ("Home Address", "S", "", ""),
    ("Consent", "B", "", ""),
]


def item_of(columns: list[tuple[str, str, str, str]], rows: int) -> dict[str, object]:
    """Return a dataset item of columns (name, type, minimum, maximum)."""
    return {
        "dataset_id": "benchmark",
        "attributes": [name for name, *_ in columns],
        "attributeTypes": [type_ for _, type_, *_ in columns],
        "attributeRangeMins": [minimum for *_, minimum, _ in columns if minimum],
        "attributeRangeMaxes": [maximum for *_, maximum in columns if maximum],
        "num_devices": rows,
    }


def generate(rows: int) -> int:
    """Generate the six columns and return the number of bytes."""
    return sum(map(len, csv_chunks(parse_schema(item_of(COLUMNS, rows), rows))))


def loop(rows: int) -> int:
    """Generate the same six columns row by row and return the number of characters."""
    draw = random.Random(1)  # noqa: S311 - sample data
    cities = [f"City {number}" for number in range(1000)]
    emails = [f"user{number}@example.org" for number in range(1000)]
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([name for name, *_ in COLUMNS])
    for _ in range(rows):
        writer.writerow(
            [
                draw.randint(18, 90),
                draw.randint(0, 100_000),
                draw.randint(0, 1),
                draw.choice(cities),
                draw.choice(emails),
                draw.uniform(15, 45),
            ]
        )
    return output.tell()


def rows_per_second(work: Callable[[int], int], rows: int) -> float:
    """Return the median over the repeats, after one run that fills the caches."""
    work(min(rows, 1000))
    speeds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work(rows)
        speeds.append(rows / (time.perf_counter() - start))
    return statistics.median(speeds)


class Uploads:
    """Takes the calls of an upload, as the S3 client would."""

    size = 0

    def create_multipart_upload(self, **_: object) -> dict[str, str]:
        """Start."""
        return {"UploadId": "upload"}

    def upload_part(self, *, Body: bytes, **_: object) -> dict[str, str]:  # noqa: N803 - the API's
        """Count the part, which is in memory together with the store's buffer."""
        self.size += len(Body)
        return {"ETag": "", "ChecksumCRC32": ""}

    def complete_multipart_upload(self, **_: object) -> None:
        """End."""


def largest_sample() -> None:
    """Write the largest sample to a store without a network; print size, time, peak memory."""
    # Not at the top: what they take belongs to this measurement only.
    import boto3  # noqa: PLC0415 - see above
    from data_upload.store import Store  # noqa: PLC0415 - see above

    # Real clients, for their memory.
    clients = [boto3.client(name, region_name="us-east-1") for name in ("dynamodb", "s3")]
    store = Store(clients[0], Uploads(), table="", bucket="")  # type: ignore[arg-type]
    start = time.perf_counter()
    schema = parse_schema(item_of(COLUMNS + MORE_COLUMNS, LARGEST_ROWS), LARGEST_ROWS)
    size = store.write_sample("key", csv_chunks(schema), schema_sha256="", rows=schema.rows)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{LARGEST_ROWS:,} rows of {len(schema.columns)} columns: {size / 2**20:,.0f} MiB"
        f" in {seconds:.1f} s, peak RSS {peak:.0f} MiB"
    )


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description="Measure the sample generator.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the speed measurement")
    parser.add_argument("--largest", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.largest:
        largest_sample()
        return
    generator = rows_per_second(generate, arguments.rows)
    plain = rows_per_second(loop, min(arguments.rows, LOOP_ROWS))
    print(f"generator:  {generator:12,.0f} rows/s (median of {REPEATS}, {arguments.rows:,} rows)")
    print(f"plain loop: {plain:12,.0f} rows/s")
    print(f"ratio:      {generator / plain:12.1f}")
    # In a process of its own, whose peak is nobody else's.
    subprocess.run([sys.executable, __file__, "--largest"], check=True)  # noqa: S603 - ourselves


if __name__ == "__main__":
    main()

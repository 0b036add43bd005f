"""Seconds from PutItem to a readable sample, and of the first and a no-op run of site.yml.

The platform is deployed to an emulator of its own. Its functions run on this machine, so the
figures say what our code and the emulator take, not what AWS takes.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from botocore.exceptions import ClientError

from examples.register_dataset import form_item
from tests.cloud import Cloud, emulator
from tests.deployment import Platform

REGISTRATIONS = 200
POLL_SECONDS = 0.002


def seconds_to_sample(cloud: Cloud, outputs: dict[str, dict[str, dict[str, str]]]) -> list[float]:
    """Register datasets one after the other; return the seconds until each sample was readable."""
    table = cloud.resource("dynamodb").Table(outputs["dynamodb"]["tables"]["dataset_table"])
    s3, bucket = cloud.client("s3"), outputs["storage"]["buckets"]["sample_data"]
    seconds = []
    for number in range(-1, REGISTRATIONS):  # the first one warms the function up
        item = form_item(f"Measured {number}")
        begin = time.perf_counter()
        table.put_item(Item=item)
        while not readable(s3, bucket, f"{item['dataset_id']}.csv"):
            time.sleep(POLL_SECONDS)
        seconds.append(time.perf_counter() - begin)
    return seconds[1:]


def readable(s3: object, bucket: str, key: str) -> bool:
    """Whether the object is there."""
    try:
        s3.get_object(Bucket=bucket, Key=key)["Body"].read()  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return False
    return True


def main() -> None:
    """Deploy, measure and print."""
    os.environ["ANSIBLE_CALLBACKS_ENABLED"] = "ansible.posix.profile_tasks"
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder)) as cloud:
        platform = Platform.prepared(cloud, Path(folder) / "build")
        for name in ("first", "no-op", "no-op", "no-op"):
            begin = time.perf_counter()
            run = platform.play("site.yml")
            print(f"site.yml, {name}: {time.perf_counter() - begin:.1f} s, {run.changed} changed")
        print(run.text[run.text.rindex("TASKS RECAP") :])
        seconds = seconds_to_sample(cloud, platform.outputs)
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"PutItem to readable sample, {len(seconds)} registrations: "
        f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()

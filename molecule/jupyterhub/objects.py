"""Fill the buckets of a hub, with names that people may think of; prints JSON."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

import boto3

# Whatever becomes of them, no file of that name may be anywhere but in the folder of the bucket.
MARK = "of-molecule"
ORDINARY = [f"plain-{MARK}.csv", f"folder/below-{MARK}.csv", f"spa ce, é-{MARK}.csv"]
ODD = [
    f"/slash-{MARK}.csv",
    f"//slashes-{MARK}.csv",
    f"/srv/data/tutorials/absolute-{MARK}.csv",
    f"../up-{MARK}.csv",
    f"../../../etc/cron.d/far-{MARK}",
    f"folder/../../over-{MARK}.csv",
    f"..\\back-{MARK}.csv",
    f"./here-{MARK}.csv",
    f".hidden-{MARK}.csv",
    f"-rf-{MARK}.csv",
    f"new\nline-{MARK}.csv",
    f"\x1b[31mred-{MARK}.csv",
    f"plain-{MARK}.csv/below-{MARK}.csv",
    f"{'long' * 75}-{MARK}.csv",
    f"{'deep/' * 150}-{MARK}.csv",
    f"$(touch run-{MARK}).csv",
]


def put(client: object, bucket: str, keys: list[str]) -> None:
    """Put an object under each key, which says where it belongs."""
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())  # type: ignore[attr-defined]


def delete(client: object, bucket: str, keys: list[str]) -> None:
    """Delete the objects under some keys."""
    for key in keys:
        client.delete_object(Bucket=bucket, Key=key)  # type: ignore[attr-defined]


def newest(namespace: str, name: str) -> float | None:
    """The value that CloudWatch was told last of a metric of the hub."""
    now = datetime.now(UTC)
    answer = boto3.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": "component", "Value": "jupyterhub"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=1,
        Statistics=["Minimum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return points[-1]["Minimum"] if points else None


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["put", "delete", "metric"])
    parser.add_argument("where", help="bucket, or namespace")
    parser.add_argument("what", help="ordinary, odd, a key, or a metric")
    given = parser.parse_args()
    if given.action == "metric":
        print(json.dumps(newest(given.where, given.what)))
        return
    keys = {"ordinary": ORDINARY, "odd": ODD}.get(given.what, [given.what])
    {"put": put, "delete": delete}[given.action](boto3.client("s3"), given.where, keys)
    print(json.dumps(keys))


if __name__ == "__main__":
    main()

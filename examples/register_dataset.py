"""Register a dataset as the marketplace's form does, and print the first rows of its sample."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pandas as pd

OUTPUTS = Path(__file__).resolve().parent.parent / "build/local/outputs.json"
PATIENCE_SECONDS = 60


def form_item(dataset_id: str) -> dict[str, Any]:
    """Return the 15 attributes that the registration form writes."""
    return {
        "dataset_id": dataset_id,
        "app": "placeholder",
        "placeholder": "placeholder",
        "logo_image_url": "https://example.com/logo.png",
        "category": "Medical/Health",
        "appURL": "https://apps.apple.com/app/id0000000000",
        "attributes": ["Resting Heart Rate", "Sleep, hours"],
        "attributeTypes": ["N", "N"],
        "attributeRangeMins": ["40", "0.5"],
        "attributeRangeMaxes": ["110", "12.5"],
        "attributeDescriptions": ["Beats per minute", "Hours of sleep per night"],
        "numPurchases": 0,
        "owner_username": "ada",
        "properlySetUp": False,
        "hasNode": False,
    }


def main() -> None:
    """Register the dataset that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset_id", help="the name of the app, any text")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS, help="of the deployment")
    arguments = parser.parse_args()
    dataset_id = arguments.dataset_id
    outputs = json.loads(arguments.outputs.read_text())
    aws = outputs["aws"]
    session = boto3.Session(
        aws_access_key_id=aws.get("access_key_id"),
        aws_secret_access_key=aws.get("secret_access_key"),
        region_name=aws["region"],
    )
    endpoint = aws["endpoint_url"] or None
    table = session.resource("dynamodb", endpoint_url=endpoint).Table(
        outputs["dynamodb"]["tables"]["dataset_table"]
    )
    table.put_item(Item=form_item(dataset_id))
    print(f"Registered {dataset_id}; waiting for its sample.")
    deadline = time.monotonic() + PATIENCE_SECONDS
    item: dict[str, Any] = {}
    while "sample_status" not in item:
        if time.monotonic() > deadline:
            sys.exit(f"No sample after {PATIENCE_SECONDS} s; docs/runbook.md tells where to look.")
        time.sleep(0.1)
        item = table.get_item(Key={"dataset_id": dataset_id}, ConsistentRead=True)["Item"]
    if item["sample_status"] == "failed":
        sys.exit(f"There is no sample: {item['sample_error']}")
    bucket, key = outputs["storage"]["buckets"]["sample_data"], f"{dataset_id}.csv"
    body = session.client("s3", endpoint_url=endpoint).get_object(Bucket=bucket, Key=key)["Body"]
    print(f"s3://{bucket}/{key}, {item['sample_rows']} rows:")
    print(pd.read_csv(body).head())


if __name__ == "__main__":
    main()

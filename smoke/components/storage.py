"""The buckets: closed to the world and to plain HTTP; an object is written, read and removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def checks(platform: Platform) -> Iterator[Check]:
    """Return two checks for each bucket."""
    client = platform.client("s3")
    remedy = (
        "make deploy TAGS=storage; if it is as it should be, look at the rights of who runs this."
    )
    for title, bucket in sorted(platform.published("storage/buckets").items()):
        yield Check(f"{title} is closed", _closed(client, bucket), remedy)
        yield Check(
            f"{title} holds objects",
            _holds(client, bucket, platform.mark),
            remedy,
            platform.unwritten,
        )


def _closed(client: Any, bucket: str) -> Callable[[ExitStack], None]:
    def run(_stack: ExitStack) -> None:
        block = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        off = [name for name in BLOCKS if not block.get(name)]
        require(not off, f"{bucket} does not have {', '.join(off)}")
        policy = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        require(
            any(_demands_tls(statement) for statement in policy["Statement"]),
            f"the policy of {bucket} does not demand TLS",
        )

    return run


def _demands_tls(statement: dict[str, Any]) -> bool:
    condition: dict[str, str] = statement.get("Condition", {}).get("Bool", {})
    return statement["Effect"] == "Deny" and condition.get("aws:SecureTransport") == "false"


def _holds(client: Any, bucket: str, key: str) -> Callable[[ExitStack], None]:
    def run(stack: ExitStack) -> None:
        stack.callback(remove_object, client, bucket, key)
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
        content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        require(content == key.encode(), f"an object of {bucket} is not as it was written")

    return run


def remove_object(client: Any, bucket: str, key: str) -> None:
    """Remove all versions of an object, so that nothing of it remains."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
            if version["Key"] == key:
                client.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])

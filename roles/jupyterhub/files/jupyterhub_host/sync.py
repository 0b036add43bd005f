"""``jupyterhub-sync``: mirror a bucket into its folder.

rclone does the work, and says what it cannot copy. It leaves out some objects without a word,
though, since their names are none of files; these are told here.
"""

import argparse
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .config import section

# What the unit's status says when only a part of the objects could be mirrored.
INCOMPLETE = 2
# What would be control characters of a terminal, or path separators elsewhere, becomes a symbol.
_ENCODING = "Slash,Dot,Ctl,Del,BackSlash,InvalidUtf8"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """What is mirrored.

    Attributes:
        region: The AWS region of the buckets.
        folder: Where each has its folder.
        buckets: Their names by those of the folders.
    """

    region: str
    folder: str
    buckets: dict[str, str]


def left_out(keys: Iterable[str]) -> list[str]:
    """The keys that rclone leaves out: nameless at their start, or below another object."""
    known = set(keys)
    return sorted(
        key
        for key in known
        if key.startswith("/")
        or any(key[:place] in known for place, sign in enumerate(key) if sign == "/")
    )


def environment(region: str, endpoint: str) -> dict[str, str]:
    """The remote ``s3`` of rclone, under the role of the host.

    Args:
        region: The AWS region.
        endpoint: The URL of a stand-in for AWS; empty for AWS.
    """
    remote = {"type": "s3", "env_auth": "true", "region": region, "provider": "AWS"}
    if endpoint:
        # Other than AWS it has no host name for each bucket.
        remote |= {"provider": "Minio", "endpoint": endpoint}
    return {f"RCLONE_CONFIG_S3_{key.upper()}": value for key, value in remote.items()}


def command(bucket: str, folder: Path) -> list[str]:
    """What mirrors a bucket: what an error keeps from being copied stops nothing else."""
    options = ["--fast-list", "--use-server-modtime", "--ignore-errors", "--retries=1", "--stats=0"]
    local = [f"--local-encoding={_ENCODING}", str(folder)]
    return ["rclone", "--config=", "sync", *options, f"s3:{bucket}", *local]


def mirror(config: Config, name: str, client: Any, variables: Mapping[str, str]) -> int:
    """Mirror a bucket; the exit status.

    Args:
        config: What is mirrored.
        name: The folder's name.
        client: Of S3.
        variables: The environment.

    Raises:
        BotoCoreError, ClientError: The bucket cannot be read.
    """
    bucket, folder = config.buckets[name], Path(config.folder, name)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    remote = environment(config.region, variables.get("AWS_ENDPOINT_URL", ""))
    done = subprocess.run(  # noqa: S603 - it is rclone
        command(bucket, folder), env={**variables, **remote}, check=False
    )
    odd = left_out(keys)
    for key in odd:
        _log.warning("%r cannot be a file in %s. Give the object another name.", key, folder)
    if not done.returncode and not odd:
        return 0
    return INCOMPLETE if any(folder.iterdir()) else 1


def main() -> None:
    """Mirror a bucket."""
    parser = argparse.ArgumentParser(prog="jupyterhub-sync", description=main.__doc__)
    parser.add_argument("name", help="of its folder")
    name = parser.parse_args().name
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = Config(**section("sync"))
    client = boto3.client("s3", region_name=config.region)
    try:
        status = mirror(config, name, client, os.environ)
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"jupyterhub-sync: {error}")
    sys.exit(status)


if __name__ == "__main__":
    main()

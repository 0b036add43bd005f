"""Files of this machine as objects of S3: what is wanted, what is there, and the calls between."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import aws_call, none_if_missing
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

# Metadata of an object: whose it is, and what its content was when it was written. Whoever writes
# the object otherwise replaces them, too.
_SET = "file-set"
_HASH = "sha256"
_ANY_CONTENT = "application/octet-stream"


def desired_files(
    source: str, prefix: str, name: str, content_types: Mapping[str, str]
) -> dict[str, Model]:
    """Return the wanted objects by their keys: the files of a folder below `prefix`.

    Raises:
        ReconcileError: there is no such folder, it holds a symbolic link, or the prefix would not
            be a folder.
    """
    folder = Path(source)
    check_prefix(prefix)
    if not folder.is_dir():
        raise ReconcileError(f"source is {source}, which is no folder.")
    paths = {path.relative_to(folder): path for path in folder.rglob("*")}
    shown = {
        relative: path
        for relative, path in paths.items()
        if not any(part.startswith(".") for part in relative.parts)
    }
    for path in sorted(shown.values()):
        if path.is_symlink():
            raise ReconcileError(f"{path} is a symbolic link; put the file itself into {source}.")
    # Those of the machine's own configuration would differ from one machine to the next.
    known = mimetypes.MimeTypes()
    return {
        f"{prefix}{relative.as_posix()}": {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "content_type": content_types.get(path.suffix)
            or known.guess_type(path.name)[0]
            or _ANY_CONTENT,
            "file_set": name,
        }
        for relative, path in sorted(shown.items())
        if path.is_file()
    }


def check_prefix(prefix: str) -> None:
    """Check that keys below `prefix` are those of one folder.

    Raises:
        ReconcileError: they are not.
    """
    if prefix and (prefix.startswith("/") or not prefix.endswith("/")):
        raise ReconcileError(
            f"prefix is {prefix!r}; end it with a slash and begin it without one, or leave it "
            "empty for the top of the bucket."
        )


@aws_call("list bucket {0}")
@none_if_missing("NoSuchBucket")
def list_keys(client: S3Client, bucket: str, prefix: str, account: str) -> list[str] | None:
    """List the keys below `prefix` in a bucket of `account`; None if there is no such bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=account
    )
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


@aws_call("read {1} of bucket {0}")
@none_if_missing("404")
def read_file(client: S3Client, bucket: str, key: str, account: str) -> Model | None:
    """Read one object; None if it is gone meanwhile."""
    head = client.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
    metadata = head["Metadata"]
    return {
        "sha256": metadata.get(_HASH, "unknown"),
        "content_type": head.get("ContentType", _ANY_CONTENT),
        "file_set": metadata.get(_SET, ""),
    }


def read_files(client: S3Client, bucket: str, prefix: str, account: str) -> dict[str, Model]:
    """Read all objects below `prefix` by their keys; none where there is no bucket yet."""
    models = {
        key: read_file(client, bucket, key, account)
        for key in list_keys(client, bucket, prefix, account) or []
    }
    return {key: model for key, model in models.items() if model is not None}


def plan_files(
    name: str, current: Mapping[str, Model], desired: Mapping[str, Model], *, purge: bool
) -> list[Plan]:
    """Plan every wanted object, and with `purge` the deletion of those of the set `name` only."""
    plans = [make_plan(key, current.get(key), model) for key, model in desired.items()]
    if purge:
        plans += [
            make_plan(key, model, None)
            for key, model in current.items()
            if key not in desired and model["file_set"] == name
        ]
    return plans


@aws_call("write {1.name} to bucket {0}")
def _write(client: S3Client, bucket: str, plan: Plan, content: bytes, account: str) -> None:
    after = plan.after or {}
    client.put_object(
        Bucket=bucket,
        Key=plan.name,
        Body=content,
        ContentType=after["content_type"],
        Metadata={_SET: after["file_set"], _HASH: after["sha256"]},
        ExpectedBucketOwner=account,
    )


@aws_call("delete {1} from bucket {0}")
def _delete(client: S3Client, bucket: str, key: str, account: str) -> None:
    client.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)


def apply_file(client: S3Client, bucket: str, plan: Plan, path: Path, account: str) -> None:
    """Carry out the plan of one object, whose content is that of the file at `path`.

    Raises:
        ReconcileError: the file is not what was planned any more.
    """
    if plan.after is None:
        _delete(client, bucket, plan.name, account)
        return
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != plan.after["sha256"]:
        raise ReconcileError(f"{path} was changed meanwhile; run this again.")
    _write(client, bucket, plan, content, account)

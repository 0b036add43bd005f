"""`s3_buckets` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

PREFIX = "invoices-of-run"
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
INVOICES: dict[str, Any] = {
    "name": f"{PREFIX}-main",
    "versioning": True,
    "kms_key": "aws_s3",
    "block_public_access": True,
    "object_ownership": "BucketOwnerEnforced",
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:aws:iam::000000000000:root"]},
                "Action": ["s3:PutObject", "s3:GetObject"],
                "Resource": f"arn:aws:s3:::{PREFIX}-main/*",
                "Condition": {"Bool": {"aws:SecureTransport": True}},
            }
        ],
    },
    "lifecycle_rules": [
        {"id": "tidy", "noncurrent_days": 30, "abort_multipart_days": 7},
        {"id": "drafts", "prefix": "drafts/", "expiration_days": 3},
        {"id": "markers", "expired_delete_markers": True},
    ],
    "cors_rules": [{"allowed_origins": ["https://shop.example.com"], "allowed_methods": ["GET"]}],
    "tags": {"owner": "shop"},
}
BARE = {"name": f"{PREFIX}-bare"}


def missing(code: str, call: Any, bucket: str) -> bool:
    """Whether `call` answers the error `code` for `bucket`."""
    try:
        call(Bucket=bucket)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == code)
    return False


def stranger(cloud: Cloud) -> Any:
    """Return a client of another account; to the emulator, twelve digits as key are an account."""
    return boto3.client(
        "s3",
        endpoint_url=cloud.endpoint_url,
        region_name=cloud.region,
        aws_access_key_id="111111111111",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's own root user
    )


@pytest.fixture(autouse=True)
def _no_buckets(cloud: Cloud) -> Iterator[None]:
    def clean() -> None:
        for client in (cloud.client("s3"), stranger(cloud)):
            for bucket in client.list_buckets()["Buckets"]:
                name = bucket["Name"]
                if not name.startswith(PREFIX):
                    continue
                for upload in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
                    client.abort_multipart_upload(
                        Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
                held = client.list_object_versions(Bucket=name)
                for version in [*held.get("Versions", []), *held.get("DeleteMarkers", [])]:
                    client.delete_object(
                        Bucket=name, Key=version["Key"], VersionId=version["VersionId"]
                    )
                client.delete_bucket(Bucket=name)

    clean()
    yield
    clean()


def test_buckets_are_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module.four_runs("s3_buckets", buckets=[INVOICES, BARE])
    client, name = cloud.client("s3"), INVOICES["name"]
    assert client.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    policy = json.loads(client.get_bucket_policy(Bucket=name)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "000000000000"}
    rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert {rule["ID"]: rule["Filter"] for rule in rules} == {
        "drafts": {"Prefix": "drafts/"},
        "markers": {"Prefix": ""},
        "tidy": {"Prefix": ""},
    }
    assert client.get_bucket_cors(Bucket=name)["CORSRules"][0]["AllowedMethods"] == ["GET"]
    assert client.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "owner", "Value": "shop"}]
    run_module.gone_twice("s3_buckets", buckets=[{"name": name}, BARE])


def test_a_bucket_that_lacks_its_settings_is_completed(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    client, name = cloud.client("s3"), INVOICES["name"]
    client.create_bucket(Bucket=name)
    client.delete_public_access_block(Bucket=name)
    client.put_object(Bucket=name, Key="invoice", Body=b"1")
    first = run_module.four_runs("s3_buckets", buckets=[INVOICES])
    assert first["diff"]["before"][name]["block_public_access"] is False
    assert client.get_object(Bucket=name, Key="invoice")["Body"].read() == b"1"
    changed = {
        "name": name,
        "versioning": False,
        "kms_key": KEY,
        "policy": {},
        "lifecycle_rules": [],
        "cors_rules": [],
        "tags": {},
    }
    run_module.four_runs("s3_buckets", buckets=[changed])
    configuration = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    assert configuration["Rules"][0]["BucketKeyEnabled"] is True
    assert client.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert missing("NoSuchBucketPolicy", client.get_bucket_policy, name)
    assert missing("NoSuchLifecycleConfiguration", client.get_bucket_lifecycle_configuration, name)
    assert missing("NoSuchCORSConfiguration", client.get_bucket_cors, name)
    assert missing("NoSuchTagSet", client.get_bucket_tagging, name)
    block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}


def test_a_bucket_with_objects_stays_unless_told_otherwise(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    name = INVOICES["name"]
    run_module("s3_buckets", buckets=[INVOICES, BARE])
    client = cloud.client("s3")
    for body in (b"1", b"2"):
        client.put_object(Bucket=name, Key="invoice", Body=body)
    client.delete_object(Bucket=name, Key="invoice")
    client.create_multipart_upload(Bucket=name, Key="draft")
    both = [{"name": name}, BARE]
    kept = run_module("s3_buckets", state="absent", buckets=both)
    assert kept["kept"] == [name]
    assert missing("404", client.head_bucket, BARE["name"])
    assert len(client.list_object_versions(Bucket=name)["Versions"]) == 2
    run_module.gone_twice("s3_buckets", buckets=both, delete_objects=True)


def test_a_name_that_is_taken_fails_with_the_remedy(cloud: Cloud, run_module: ModuleRunner) -> None:
    stranger(cloud).create_bucket(Bucket=BARE["name"])
    taken = run_module("s3_buckets", check=True, buckets=[BARE], fails=True)
    assert "choose another project or env" in taken["msg"]
    elsewhere = {"name": f"{PREFIX}-elsewhere"}
    cloud.client("s3").create_bucket(
        Bucket=elsewhere["name"],
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    far = run_module("s3_buckets", check=True, buckets=[elsewhere], fails=True)
    assert "lies in eu-west-1, not in us-east-1" in far["msg"]

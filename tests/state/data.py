"""Tables, buckets, parameters and the names of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.state.canonical import Found
from tests.state.services import or_none, pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud

BUCKET_SETTINGS = {
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_logging": "",
    "get_bucket_notification_configuration": "",
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_versioning": "",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
}
"""The operations that read a setting of a bucket, and the error that tells that it has none."""


def tables(cloud: Cloud) -> Iterator[Found]:
    """Yield the tables with their settings and how many items they hold."""
    dynamodb = service(cloud, "dynamodb")
    for name in pages(dynamodb, "list_tables", "TableNames"):
        table = dynamodb.describe_table(TableName=name)["Table"]
        arn = table["TableArn"]
        counted = dynamodb.get_paginator("scan").paginate(TableName=name, Select="COUNT")
        content = table | {
            "backups": or_none(dynamodb.describe_continuous_backups, TableName=name),
            "items": sum(page["Count"] for page in counted),
            "tags": pages(dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn),
            "ttl": or_none(dynamodb.describe_time_to_live, TableName=name),
        }
        ids = (table.get("TableId", ""), table.get("LatestStreamArn", ""))
        yield Found("table", name, content, ids)


def buckets(cloud: Cloud) -> Iterator[Found]:
    """Yield the buckets with their settings, and the objects that are in them."""
    s3 = service(cloud, "s3")
    for name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        content = {
            setting: or_none(getattr(s3, setting), missing, Bucket=name)
            for setting, missing in BUCKET_SETTINGS.items()
        }
        yield Found("bucket", name, content)
        for listed in pages(s3, "list_objects_v2", "Contents", Bucket=name):
            head = s3.head_object(Bucket=name, Key=listed["Key"])
            told = {
                key: head.get(key) for key in ("ContentLength", "ContentType", "ETag", "Metadata")
            }
            yield Found("object", f"{name}/{listed['Key']}", told)


def parameters(cloud: Cloud) -> Iterator[Found]:
    """Yield the parameters with their values."""
    ssm = service(cloud, "ssm")
    described = pages(ssm, "describe_parameters", "Parameters")
    for parameter in described:
        name = parameter["Name"]
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
        content: dict[str, Any] = parameter | {
            "Version": None,
            "tags": tags["TagList"],
            "value": ssm.get_parameter(Name=name)["Parameter"]["Value"],
        }
        yield Found("parameter", name, content)


def secrets(cloud: Cloud) -> Iterator[Found]:
    """Yield the secrets without their values, those that wait for their deletion too."""
    client = service(cloud, "secretsmanager")
    listed = pages(client, "list_secrets", "SecretList", IncludePlannedDeletion=True)
    for secret in listed:
        versions = secret.get("SecretVersionsToStages", {})
        yield Found("secret", secret["Name"], secret, (secret["ARN"], *versions))


READERS = (tables, buckets, parameters, secrets)

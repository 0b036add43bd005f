"""Links in DynamoDB, and URLs of the files in S3."""

from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import boto3
from botocore.config import Config

from downloads.logic import Link

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from downloads.settings import Settings

URL_SECONDS = 60
# Somebody waits for the page: two attempts, a few seconds together.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
)
# What URLs need to open at once in every region, whatever the bucket is encrypted with.
_SIGNING = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


class Store:
    """The `LinkStore` of the deployed function."""

    def __init__(self, dynamodb: "DynamoDBClient", s3: "S3Client", *, table: str, bucket: str):
        self._dynamodb, self._table = dynamodb, table
        self._s3, self._bucket = s3, bucket

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with the clients of this process' credentials and region."""
        return cls(
            boto3.client("dynamodb", config=_CONFIG),
            boto3.client("s3", config=_SIGNING),
            table=settings.downloads_table,
            bucket=settings.models_bucket,
        )

    def link(self, token_sha256: str) -> Link | None:
        """Return the link with the hash of this token, None if there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key={"token_hash": {"S": token_sha256}},
            ConsistentRead=True,
        )
        if "Item" not in answer:
            return None
        item = answer["Item"]
        return Link(item["model_id"]["S"], item["bucket_key"]["S"], "revoked_at" in item)

    def url(self, key: str) -> str:
        """Return a URL at which anybody can get the file for a minute."""
        name = quote(key.rpartition("/")[2], safe="")
        return self._s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f"attachment; filename*=UTF-8''{name}",
            },
            ExpiresIn=URL_SECONDS,
        )

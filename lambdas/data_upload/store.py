"""Datasets in DynamoDB and their samples in S3."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from lambda_common.logs import LOGGER

from data_upload.logic import SCHEMA_ATTRIBUTES, STATUS_ATTRIBUTES, Item, Sample, Status
from data_upload.sample_generator.dynamodb_json import plain_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from data_upload.settings import Settings

PART_BYTES = 8 * 1024 * 1024
CONTENT_TYPE = "text/csv; charset=utf-8"
_HASH_METADATA = "schema-sha256"
_ROWS_METADATA = "rows"

# Bounded, so that a service in trouble costs one delivery seconds rather than its whole time.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class Store:
    """The `SampleStore` of the deployed function."""

    def __init__(self, dynamodb: "DynamoDBClient", s3: "S3Client", *, table: str, bucket: str):
        self._dynamodb, self._table = dynamodb, table
        self._s3, self._bucket = s3, bucket

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with the clients of this process' credentials and region."""
        return cls(
            boto3.client("dynamodb", config=_CONFIG),
            boto3.client("s3", config=_CONFIG),
            table=settings.dataset_table,
            bucket=settings.sample_bucket,
        )

    def dataset(self, dataset_id: str) -> Item | None:
        """Return the dataset's item as it is now, None if there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"dataset_id": {"S": dataset_id}}, ConsistentRead=True
        )
        return plain_item(answer["Item"]) if "Item" in answer else None

    def datasets(self) -> Iterator[Item]:
        """Yield all datasets, with the attributes that describe schema and status."""
        # By placeholders, since some of the names are reserved words.
        names = {f"#{name}": name for name in (*SCHEMA_ATTRIBUTES, *STATUS_ATTRIBUTES)}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression=",".join(names),
            ExpressionAttributeNames=names,
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(plain_item, page["Items"])

    def sample(self, key: str) -> Sample | None:
        """Return what is known of the sample, None if there is none."""
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            # A function that may list the bucket gets 404 for a missing object; 403 is a fault.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004 - HTTP
                return None
            raise
        return Sample(answer["Metadata"].get(_HASH_METADATA, ""), answer["ContentLength"])

    def write_sample(
        self, key: str, chunks: Iterable[bytes], *, schema_sha256: str, rows: int
    ) -> int:
        """Write the sample, all of it or nothing, and return its size in bytes."""
        metadata = {_HASH_METADATA: schema_sha256, _ROWS_METADATA: str(rows)}
        parts = in_parts(chunks)
        first = next(parts)
        if len(first) == PART_BYTES:
            return self._write_in_parts(key, first, parts, metadata)
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=first,
            ContentType=CONTENT_TYPE,
            Metadata=metadata,
        )
        return len(first)

    def record_status(self, dataset_id: str, status: Status) -> None:
        """Make `status` the dataset's only `STATUS_ATTRIBUTES`, unless it has been deleted."""
        written = ", ".join(f"{name} = :{name}" for name in status)
        removed = ", ".join(name for name in STATUS_ATTRIBUTES if name not in status)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"dataset_id": {"S": dataset_id}},
                UpdateExpression=f"SET {written} REMOVE {removed}",
                ConditionExpression="attribute_exists(dataset_id)",
                ExpressionAttributeValues={
                    f":{name}": {"S": value} if isinstance(value, str) else {"N": str(value)}
                    for name, value in status.items()
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            LOGGER.debug("deleted meanwhile", extra={"fields": {"dataset_id": dataset_id}})

    def _write_in_parts(
        self, key: str, first: bytes, others: Iterator[bytes], metadata: dict[str, str]
    ) -> int:
        upload = self._s3.create_multipart_upload(
            Bucket=self._bucket,
            Key=key,
            ContentType=CONTENT_TYPE,
            Metadata=metadata,
            ChecksumAlgorithm="CRC32",
        )["UploadId"]
        try:
            done: list[CompletedPartTypeDef] = []
            size = 0
            part: bytes | None = first
            while part is not None:
                answer = self._s3.upload_part(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload,
                    PartNumber=len(done) + 1,
                    Body=part,
                    ChecksumAlgorithm="CRC32",
                )
                done.append(
                    {
                        "PartNumber": len(done) + 1,
                        "ETag": answer["ETag"],
                        "ChecksumCRC32": answer["ChecksumCRC32"],
                    }
                )
                size += len(part)
                part = next(others, None)
            self._s3.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}
            )
        except BaseException:
            self._abort(key, upload)
            raise
        return size

    def _abort(self, key: str, upload: str) -> None:
        try:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except (BotoCoreError, ClientError):
            # What made the upload fail is the error to report; parts left over are never visible.
            LOGGER.exception("abort failed", extra={"fields": {"upload_id": upload}})


def in_parts(chunks: Iterable[bytes], size: int = PART_BYTES) -> Iterator[bytes]:
    """Yield the bytes of `chunks`, which are some, in parts of `size` and a shorter last one."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)

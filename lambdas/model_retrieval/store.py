"""Models and links in DynamoDB, files in S3, and checkpoints on the node."""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, unquote

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from lambda_common.node import Node, NodeError
from lambda_common.responses import ApiError
from lambda_common.secret import Secret

from model_retrieval.logic import CHECKPOINT_NUMBER, COMPLETE, Checkpoint, File, Link, Model

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

    from model_retrieval.settings import Settings

CONTENT_TYPE = "application/octet-stream"
PART_BYTES = 8 * 1024 * 1024
CHECKPOINT_HEADER = "X-Checkpoint"
_LAST = "latest"
# One part at a time, so that no more than one is held besides the model.
_TRANSFER = TransferConfig(
    multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False
)
# Bounded, so that a service in trouble costs a call seconds rather than its whole time.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class Store:
    """The `ModelStore` of the deployed function."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        ssm: "SSMClient",
        node: Node,
        settings: "Settings",
    ):
        self._dynamodb, self._s3, self._ssm, self._node = dynamodb, s3, ssm, node
        self._settings = settings

    @classmethod
    def connect(cls, settings: "Settings") -> Self:
        """Return the store with the clients of this process' credentials and region."""
        ssm = boto3.client("ssm", config=_CONFIG)
        token = Secret(boto3.client("secretsmanager", config=_CONFIG), settings.node.token_secret)
        return cls(
            boto3.client("dynamodb", config=_CONFIG),
            boto3.client("s3", config=_CONFIG),
            ssm,
            Node(ssm, token, ssm_path=settings.node.ssm_path),
            settings,
        )

    def model(self, model_id: str) -> Model | None:
        """Return the model's row as it is now, None if there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._settings.model_table,
            Key={"model_id": {"S": model_id}},
            ConsistentRead=True,
        )
        if "Item" not in answer:
            return None
        # Notebooks write the rows, so that any attribute may be missing or of another type.
        item = answer["Item"]
        return Model(
            model_id,
            version=_text(item, "version"),
            owner=_text(item, "owner_name"),
            percent_complete=_number(item, "percent_complete"),
            retrieved=_number(item, "active_status") == 0,
            download_link=item.get("download_link", {}).get("S"),
        )

    def node_host(self) -> str | None:
        """Return the bare host name of the platform's node, None while there is none."""
        return self._node.host()

    def checkpoint(self, model: Model, number: int | None) -> Checkpoint:
        """Fetch a checkpoint, the last one for None. Raises `ApiError` if the node has none."""
        query = {
            "name": model.model_id,
            "version": model.version,
            "checkpoint": _LAST if number is None else str(number),
        }
        path = "/model-centric/retrieve-model"
        with self._node.request("GET", path, query=query) as answer:
            if answer.status == 404 and number is not None:  # noqa: PLR2004 - HTTP
                raise ApiError(
                    404, "not_found", f"checkpoint is {number}: give the number of one that exists"
                )
            if answer.status != 200:  # noqa: PLR2004 - HTTP
                raise NodeError(f"the node answered {answer.status} when asked for the model")
            found = answer.headers.get(CHECKPOINT_HEADER, "")
            if not CHECKPOINT_NUMBER.fullmatch(found):
                raise NodeError("the node does not tell the checkpoint's number: deploy it anew")
            state = bytearray()
            for chunk in answer.chunks(self._settings.max_model_bytes):
                state += chunk
        return Checkpoint(int(found), state)

    def file(self, key: str) -> File | None:
        """Return what is known of the object, None if there is none."""
        try:
            answer = self._s3.head_object(Bucket=self._settings.models_bucket, Key=key)
        except ClientError as error:
            # A function that may list the bucket gets 404 for a missing object; 403 is a fault.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004 - HTTP
                return None
            raise
        metadata = answer["Metadata"]
        return File(
            unquote(metadata.get("model-id", "")),
            unquote(metadata.get("version", "")),
            int(metadata.get("checkpoint", "0")),
            metadata.get("requested") == _LAST,
            metadata.get("sha256", ""),
            answer["ContentLength"],
        )

    def write_file(self, key: str, chunks: Iterable[bytes | memoryview], file: File) -> None:
        """Write the object, all of it or nothing."""
        self._s3.upload_fileobj(
            io.BufferedReader(_Stream(chunks)),
            self._settings.models_bucket,
            key,
            ExtraArgs={
                "ContentType": CONTENT_TYPE,
                "Metadata": {
                    # In ASCII, as headers are.
                    "model-id": quote(file.model_id),
                    "version": quote(file.version),
                    "checkpoint": str(file.checkpoint),
                    "requested": _LAST if file.last else str(file.checkpoint),
                    "sha256": file.sha256,
                    "node": self._node.host() or "",
                    "retrieved-at": _now(),
                },
            },
            Config=_TRANSFER,
        )

    def link_prefix(self) -> str | None:
        """Return the URL of links up to their tokens, None while the API has no address."""
        name = self._settings.base_url_parameter
        for parameter in self._ssm.get_parameters(Names=[name])["Parameters"]:
            return f"{parameter['Value'].rstrip('/')}/downloads/"
        return None

    def has_link(self, link: Link) -> bool:
        """Whether there is such a link and nobody has revoked it."""
        answer = self._dynamodb.get_item(
            TableName=self._settings.downloads_table,
            Key={"token_hash": {"S": link.token_sha256}},
            ConsistentRead=True,
        )
        item = answer.get("Item", {})
        return "revoked_at" not in item and _link_item(link).items() <= item.items()

    def publish(self, model: Model, download_link: str, new: Link | None) -> bool:
        """Add the new link and mark the row as retrieved, both or nothing."""
        values: dict[str, AttributeValueTypeDef] = {
            ":link": {"S": download_link},
            ":retrieved": {"N": "0"},
            ":owner": {"S": model.owner},
            ":complete": {"N": str(COMPLETE)},
        }
        if model.download_link is None:
            unchanged = "NOT attribute_type(download_link, :text)"
            values[":text"] = {"S": "S"}
        else:
            unchanged = "download_link = :old_link"
            values[":old_link"] = {"S": model.download_link}
        items: list[TransactWriteItemTypeDef] = [
            {
                "Update": {
                    "TableName": self._settings.model_table,
                    "Key": {"model_id": {"S": model.model_id}},
                    "UpdateExpression": "SET download_link = :link, active_status = :retrieved",
                    "ConditionExpression": "owner_name = :owner AND percent_complete = :complete"
                    f" AND {unchanged}",
                    "ExpressionAttributeValues": values,
                }
            }
        ]
        if new is not None:
            item = _link_item(new) | {"created_at": {"S": _now()}}
            items.append({"Put": {"TableName": self._settings.downloads_table, "Item": item}})
        try:
            self._dynamodb.transact_write_items(TransactItems=items)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = {reason["Code"] for reason in error.response["CancellationReasons"]}
            # Of two at a time one is refused for the conflict alone.
            if reasons <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                return False
            raise
        return True


class _Stream(io.RawIOBase):
    """Chunks as a file to read."""

    def __init__(self, chunks: Iterable[bytes | memoryview]):
        self._chunks: Iterator[bytes | memoryview] = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _link_item(link: Link) -> "dict[str, AttributeValueTypeDef]":
    return {
        "token_hash": {"S": link.token_sha256},
        "model_id": {"S": link.model_id},
        "owner": {"S": link.owner},
        "bucket_key": {"S": link.key},
    }


def _text(item: "dict[str, AttributeValueTypeDef]", name: str) -> str:
    return item.get(name, {}).get("S", "")


def _number(item: "dict[str, AttributeValueTypeDef]", name: str) -> Decimal:
    return Decimal(item.get(name, {}).get("N", "-1"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""The calls that the store makes, and how it takes the services' answers."""

import base64
import zlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from data_upload.logic import SCHEMA_ATTRIBUTES, STATUS_ATTRIBUTES, Sample
from data_upload.settings import Settings
from data_upload.store import PART_BYTES, Store, in_parts

TABLE, BUCKET, KEY = "dataset_table", "samples", "a b.csv"
SHA256 = "f" * 64
OBJECT = {
    "Bucket": BUCKET,
    "Key": KEY,
    "ContentType": "text/csv; charset=utf-8",
    "Metadata": {"schema-sha256": SHA256, "rows": "2"},
}
UPLOAD = {"Bucket": BUCKET, "Key": KEY, "UploadId": "upload"}
MIB = 1024 * 1024


class Stubs:
    """A store on two stubbed clients."""

    def __init__(self) -> None:
        options: dict[str, Any] = {
            "region_name": "us-east-1",
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }
        dynamodb, s3 = boto3.client("dynamodb", **options), boto3.client("s3", **options)
        self.dynamodb, self.s3 = Stubber(dynamodb), Stubber(s3)
        self.store = Store(dynamodb, s3, table=TABLE, bucket=BUCKET)


@pytest.fixture
def stubs() -> Iterator[Stubs]:
    stubs = Stubs()
    with stubs.dynamodb, stubs.s3:
        yield stubs
        stubs.dynamodb.assert_no_pending_responses()
        stubs.s3.assert_no_pending_responses()


def write(stubs: Stubs, chunks: list[bytes] | Iterator[bytes]) -> int:
    return stubs.store.write_sample(KEY, chunks, schema_sha256=SHA256, rows=2)


def expect_upload(stubs: Stubs, *parts: bytes) -> list[dict[str, object]]:
    """Expect the start of an upload and its parts; return how they are to be completed."""
    stubs.s3.add_response(
        "create_multipart_upload", {"UploadId": "upload"}, OBJECT | {"ChecksumAlgorithm": "CRC32"}
    )
    done: list[dict[str, object]] = []
    for number, part in enumerate(parts, 1):
        checksum = base64.b64encode(zlib.crc32(part).to_bytes(4)).decode()
        answer: dict[str, object] = {"ETag": f"etag {number}", "ChecksumCRC32": checksum}
        stubs.s3.add_response(
            "upload_part",
            answer,
            UPLOAD | {"PartNumber": number, "Body": part, "ChecksumAlgorithm": "CRC32"},
        )
        done.append(answer | {"PartNumber": number})
    return done


def test_dataset_is_read_consistently(stubs: Stubs) -> None:
    request = {"TableName": TABLE, "Key": {"dataset_id": {"S": "a"}}, "ConsistentRead": True}
    item = {"dataset_id": {"S": "a"}, "numPurchases": {"N": "3"}}
    stubs.dynamodb.add_response("get_item", {"Item": item}, request)
    stubs.dynamodb.add_response("get_item", {}, request)
    assert stubs.store.dataset("a") == {"dataset_id": "a", "numPurchases": 3}
    assert stubs.store.dataset("a") is None


def test_all_pages_of_datasets(stubs: Stubs) -> None:
    names = {f"#{name}": name for name in (*SCHEMA_ATTRIBUTES, *STATUS_ATTRIBUTES)}
    request = {
        "TableName": TABLE,
        "ProjectionExpression": ",".join(names),
        "ExpressionAttributeNames": names,
        "ConsistentRead": True,
    }
    first, second = {"dataset_id": {"S": "a"}}, {"dataset_id": {"S": "b"}}
    stubs.dynamodb.add_response("scan", {"Items": [first], "LastEvaluatedKey": first}, request)
    stubs.dynamodb.add_response("scan", {"Items": [second]}, request | {"ExclusiveStartKey": first})
    assert [item["dataset_id"] for item in stubs.store.datasets()] == ["a", "b"]


def test_what_is_known_of_a_sample(stubs: Stubs) -> None:
    request = {"Bucket": BUCKET, "Key": KEY}
    answer = {"ContentLength": 9, "Metadata": {"schema-sha256": SHA256, "rows": "2"}}
    stubs.s3.add_response("head_object", answer, request)
    stubs.s3.add_response("head_object", {"ContentLength": 5, "Metadata": {}}, request)
    assert stubs.store.sample(KEY) == Sample(SHA256, 9)
    assert stubs.store.sample(KEY) == Sample("", 5)


def test_missing_sample(stubs: Stubs) -> None:
    stubs.s3.add_client_error("head_object", "404", http_status_code=404)
    assert stubs.store.sample(KEY) is None


@pytest.mark.parametrize("status", [403, 503])
def test_other_answers_are_faults(stubs: Stubs, status: int) -> None:
    stubs.s3.add_client_error("head_object", str(status), http_status_code=status)
    with pytest.raises(ClientError):
        stubs.store.sample(KEY)


def test_small_sample_is_written_at_once(stubs: Stubs) -> None:
    stubs.s3.add_response("put_object", {}, OBJECT | {"Body": b"a\r\n1\r\n"})
    assert write(stubs, [b"a\r\n", b"1\r\n"]) == 6


def test_large_sample_is_written_in_parts(stubs: Stubs) -> None:
    parts = [b"a" * PART_BYTES, b"b" * PART_BYTES, b"c" * 3]
    done = expect_upload(stubs, *parts)
    stubs.s3.add_response(
        "complete_multipart_upload", {}, UPLOAD | {"MultipartUpload": {"Parts": done}}
    )
    content = b"".join(parts)
    chunks = [content[start : start + MIB] for start in range(0, len(content), MIB)]
    assert write(stubs, chunks) == 2 * PART_BYTES + 3


def test_sample_of_just_one_part(stubs: Stubs) -> None:
    done = expect_upload(stubs, b"a" * PART_BYTES)
    stubs.s3.add_response(
        "complete_multipart_upload", {}, UPLOAD | {"MultipartUpload": {"Parts": done}}
    )
    assert write(stubs, [b"a" * PART_BYTES]) == PART_BYTES


def test_upload_is_aborted_when_a_part_fails(stubs: Stubs) -> None:
    expect_upload(stubs, b"a" * PART_BYTES)
    stubs.s3.add_client_error("upload_part", "SlowDown", http_status_code=503)
    stubs.s3.add_response("abort_multipart_upload", {}, UPLOAD)
    with pytest.raises(ClientError, match="SlowDown"):
        write(stubs, [b"a" * PART_BYTES, b"b"])


def test_upload_is_aborted_when_it_cannot_be_completed(stubs: Stubs) -> None:
    expect_upload(stubs, b"a" * PART_BYTES)
    stubs.s3.add_client_error("complete_multipart_upload", "InternalError", http_status_code=500)
    stubs.s3.add_response("abort_multipart_upload", {}, UPLOAD)
    with pytest.raises(ClientError, match="InternalError"):
        write(stubs, [b"a" * PART_BYTES])


def test_upload_is_aborted_when_the_content_fails(stubs: Stubs) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a" * PART_BYTES
        raise MemoryError

    expect_upload(stubs, b"a" * PART_BYTES)
    stubs.s3.add_response("abort_multipart_upload", {}, UPLOAD)
    with pytest.raises(MemoryError):
        write(stubs, chunks())


def test_failure_of_the_abort_does_not_hide_the_cause(stubs: Stubs) -> None:
    expect_upload(stubs)
    stubs.s3.add_client_error("upload_part", "SlowDown", http_status_code=503)
    stubs.s3.add_client_error("abort_multipart_upload", "AccessDenied", http_status_code=403)
    with pytest.raises(ClientError, match="SlowDown"):
        write(stubs, [b"a" * PART_BYTES])


def update(set_: str, remove: str, values: dict[str, dict[str, str]]) -> dict[str, object]:
    return {
        "TableName": TABLE,
        "Key": {"dataset_id": {"S": "a"}},
        "UpdateExpression": f"SET {set_} REMOVE {remove}",
        "ConditionExpression": "attribute_exists(dataset_id)",
        "ExpressionAttributeValues": values,
    }


def test_status_of_a_good_schema(stubs: Stubs) -> None:
    stubs.dynamodb.add_response(
        "update_item",
        {},
        update(
            "sample_status = :sample_status, sample_schema_sha256 = :sample_schema_sha256,"
            " sample_rows = :sample_rows, sample_bytes = :sample_bytes",
            "sample_error",
            {
                ":sample_status": {"S": "ready"},
                ":sample_schema_sha256": {"S": SHA256},
                ":sample_rows": {"N": "2"},
                ":sample_bytes": {"N": "9"},
            },
        ),
    )
    stubs.store.record_status(
        "a",
        {
            "sample_status": "ready",
            "sample_schema_sha256": SHA256,
            "sample_rows": 2,
            "sample_bytes": 9,
        },
    )


def test_status_of_a_bad_schema(stubs: Stubs) -> None:
    stubs.dynamodb.add_response(
        "update_item",
        {},
        update(
            "sample_status = :sample_status, sample_schema_sha256 = :sample_schema_sha256,"
            " sample_error = :sample_error",
            "sample_rows, sample_bytes",
            {
                ":sample_status": {"S": "failed"},
                ":sample_schema_sha256": {"S": SHA256},
                ":sample_error": {"S": "why"},
            },
        ),
    )
    stubs.store.record_status(
        "a",
        {"sample_status": "failed", "sample_schema_sha256": SHA256, "sample_error": "why"},
    )


def test_status_of_a_deleted_dataset_is_dropped(stubs: Stubs) -> None:
    stubs.dynamodb.add_client_error("update_item", "ConditionalCheckFailedException")
    stubs.store.record_status("a", {"sample_status": "ready"})


def test_other_refusals_of_the_status_are_faults(stubs: Stubs) -> None:
    stubs.dynamodb.add_client_error("update_item", "ProvisionedThroughputExceededException")
    with pytest.raises(ClientError):
        stubs.store.record_status("a", {"sample_status": "ready"})


@pytest.mark.parametrize("chunk", [1, 3, 4, 5, 8, 11])
def test_parts(chunk: int) -> None:
    content = b"0123456789a"
    chunks = [content[start : start + chunk] for start in range(0, len(content), chunk)]
    assert list(in_parts(chunks, 4)) == [b"0123", b"4567", b"89a"]


def test_parts_without_rest() -> None:
    assert list(in_parts([b"01234567"], 4)) == [b"0123", b"4567"]


def test_clients_do_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = Store.connect(Settings(TABLE, BUCKET, 500, "INFO"))
    for client in (store._dynamodb, store._s3):
        config = client.meta.config
        assert config.connect_timeout == 3  # type: ignore[attr-defined]
        assert config.read_timeout == 20  # type: ignore[attr-defined]
        assert config.retries["mode"] == "standard"  # type: ignore[attr-defined]

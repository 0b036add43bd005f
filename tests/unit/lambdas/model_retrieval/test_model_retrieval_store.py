"""The calls that the store makes, and how it takes the answers of services and node."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from lambda_common.node import NodeError
from lambda_common.responses import ApiError
from model_retrieval.logic import Checkpoint, File, Link, Model
from model_retrieval.settings import Settings
from model_retrieval.store import PART_BYTES, Store

from tests.unit.lambdas.model_retrieval.fakes import HOST, KEY, MODEL, PREFIX

SHA256 = "f" * 64
LINK = Link("e" * 64, MODEL.model_id, "ada", KEY)
LINK_ITEM = {
    "token_hash": {"S": "e" * 64},
    "model_id": {"S": MODEL.model_id},
    "owner": {"S": "ada"},
    "bucket_key": {"S": KEY},
}
ROW = {
    "model_id": {"S": MODEL.model_id},
    "version": {"S": "1.0"},
    "owner_name": {"S": "ada"},
    "percent_complete": {"N": "100"},
    "active_status": {"N": "1"},
}


class FakeNode:
    """A node that gives one answer and keeps the request."""

    def __init__(self, status: int, headers: Mapping[str, str], *chunks: bytes) -> None:
        self.answer = SimpleNamespace(status=status, headers=headers, chunks=self._limited)
        self._chunks = chunks
        self.max_bytes = 0
        self.asked: tuple[object, ...] = ()

    def host(self) -> str:
        """Return the host."""
        return HOST

    @contextmanager
    def request(self, method: str, path: str, *, query: Mapping[str, str]) -> Iterator[Any]:
        """Yield the answer."""
        self.asked = (method, path, query)
        yield self.answer

    def _limited(self, max_bytes: int) -> Iterator[bytes]:
        self.max_bytes = max_bytes
        yield from self._chunks


class Stubs:
    """A store on three stubbed clients and a node."""

    def __init__(
        self, stubbed: Callable[[str], tuple[Any, Stubber]], settings: Settings, node: Any
    ) -> None:
        dynamodb, self.dynamodb = stubbed("dynamodb")
        s3, self.s3 = stubbed("s3")
        ssm, self.ssm = stubbed("ssm")
        self.store = Store(dynamodb, s3, ssm, node, settings)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode(200, {"X-Checkpoint": "3"}, b"first", b"second")


@pytest.fixture
def stubs(
    stubbed: Callable[[str], tuple[Any, Stubber]], environment: dict[str, str], node: FakeNode
) -> Stubs:
    return Stubs(stubbed, Settings.from_environment(environment), node)


def expect_row(stubs: Stubs, item: Mapping[str, object] | None) -> None:
    stubs.dynamodb.add_response(
        "get_item",
        {} if item is None else {"Item": item},
        {
            "TableName": "model_table",
            "Key": {"model_id": {"S": MODEL.model_id}},
            "ConsistentRead": True,
        },
    )


def test_row_is_read_consistently(stubs: Stubs) -> None:
    expect_row(stubs, ROW)
    assert stubs.store.model(MODEL.model_id) == MODEL
    expect_row(stubs, ROW | {"active_status": {"N": "0"}, "download_link": {"S": "link"}})
    assert stubs.store.model(MODEL.model_id) == Model(
        MODEL.model_id, "1.0", "ada", Decimal(100), retrieved=True, download_link="link"
    )
    expect_row(stubs, None)
    assert stubs.store.model(MODEL.model_id) is None


def test_row_of_any_form(stubs: Stubs) -> None:
    expect_row(
        stubs,
        {
            "model_id": {"S": MODEL.model_id},
            "percent_complete": {"S": "100"},
            "download_link": {"NULL": True},
        },
    )
    assert stubs.store.model(MODEL.model_id) == Model(
        MODEL.model_id, "", "", Decimal(-1), retrieved=False, download_link=None
    )


@pytest.mark.parametrize(("number", "asked"), [(None, "latest"), (2, "2")])
def test_checkpoint(stubs: Stubs, node: FakeNode, number: int | None, asked: str) -> None:
    assert stubs.store.checkpoint(MODEL, number) == Checkpoint(3, bytearray(b"firstsecond"))
    assert node.asked == (
        "GET",
        "/model-centric/retrieve-model",
        {"name": MODEL.model_id, "version": "1.0", "checkpoint": asked},
    )
    assert node.max_bytes == 1000
    assert stubs.store.node_host() == HOST


@pytest.mark.parametrize(
    ("status", "number", "refused"),
    [(404, 7, 404), (404, None, 502), (401, 7, 502), (302, None, 502), (503, None, 502)],
)
def test_node_that_refuses(
    stubs: Stubs, node: FakeNode, status: int, number: int | None, refused: int
) -> None:
    node.answer.status = status
    with pytest.raises(ApiError) as raised:
        stubs.store.checkpoint(MODEL, number)
    assert raised.value.status == refused


@pytest.mark.parametrize("number", [None, "", "latest", "0", "-1", "9" * 10, "٣"])
def test_node_that_does_not_tell_the_number(
    stubs: Stubs, node: FakeNode, number: str | None
) -> None:
    node.answer.headers = {} if number is None else {"X-Checkpoint": number}
    with pytest.raises(NodeError, match="does not tell the checkpoint's number"):
        stubs.store.checkpoint(MODEL, None)


def test_what_is_known_of_a_file(stubs: Stubs) -> None:
    metadata = {"model-id": "Herz%20%C3%A4", "version": "1.0", "checkpoint": "3", "sha256": SHA256}
    request = {"Bucket": "models", "Key": KEY}
    for requested, last in (("latest", True), ("3", False)):
        stubs.s3.add_response(
            "head_object",
            {"ContentLength": 9, "Metadata": metadata | {"requested": requested}},
            request,
        )
        assert stubs.store.file(KEY) == File("Herz ä", "1.0", 3, last, SHA256, 9)
    stubs.s3.add_response("head_object", {"ContentLength": 9, "Metadata": {}}, request)
    assert stubs.store.file(KEY) == File("", "", 0, last=False, sha256="", size_bytes=9)


def test_missing_file(stubs: Stubs) -> None:
    stubs.s3.add_client_error("head_object", "404", http_status_code=404)
    assert stubs.store.file(KEY) is None


@pytest.mark.parametrize("status", [403, 503])
def test_other_answers_are_faults(stubs: Stubs, status: int) -> None:
    stubs.s3.add_client_error("head_object", str(status), http_status_code=status)
    with pytest.raises(ClientError):
        stubs.store.file(KEY)


OBJECT = {
    "Bucket": "models",
    "Key": KEY,
    "ContentType": "application/octet-stream",
    "Metadata": {
        "model-id": "Herz%20%C3%A4",
        "version": "1.0",
        "checkpoint": "3",
        "requested": "latest",
        "sha256": SHA256,
        "node": HOST,
        "retrieved-at": ANY,
    },
    "ChecksumAlgorithm": "CRC32",
}
UPLOAD = {"Bucket": "models", "Key": KEY, "UploadId": "upload"}


def write(stubs: Stubs, *chunks: bytes | memoryview) -> None:
    file = File("Herz ä", "1.0", 3, last=True, sha256=SHA256, size_bytes=0)
    stubs.store.write_file(KEY, iter(chunks), file)


def test_small_file_is_written_at_once(stubs: Stubs) -> None:
    stubs.s3.add_response("put_object", {}, OBJECT | {"Body": ANY})
    write(stubs, b"first", b"", memoryview(b"second"))


def test_upload_is_aborted_when_a_part_fails(stubs: Stubs) -> None:
    stubs.s3.add_response("create_multipart_upload", {"UploadId": "upload"}, OBJECT)
    stubs.s3.add_client_error("upload_part", "AccessDenied", http_status_code=403)
    stubs.s3.add_response("abort_multipart_upload", {}, UPLOAD)
    with pytest.raises(ClientError, match="AccessDenied"):
        write(stubs, b"a" * PART_BYTES, b"b")


def test_address_of_the_api(stubs: Stubs) -> None:
    name = "/a/b/model_retrieval/base_url"
    stubs.ssm.add_response("get_parameters", {"Parameters": []}, {"Names": [name]})
    assert stubs.store.link_prefix() is None
    found = {"Name": name, "Value": "https://api.example.com/prod/"}
    stubs.ssm.add_response("get_parameters", {"Parameters": [found]}, {"Names": [name]})
    assert stubs.store.link_prefix() == PREFIX


@pytest.mark.parametrize(
    ("item", "known"),
    [
        (LINK_ITEM | {"created_at": {"S": "2026-01-01T00:00:00+00:00"}}, True),
        (LINK_ITEM | {"revoked_at": {"S": "2026-01-02T00:00:00+00:00"}}, False),
        (LINK_ITEM | {"bucket_key": {"S": "ada/other.pkl"}}, False),
        (LINK_ITEM | {"owner": {"S": "eve"}}, False),
        (None, False),
    ],
)
def test_link(stubs: Stubs, item: dict[str, object] | None, known: bool) -> None:
    stubs.dynamodb.add_response(
        "get_item",
        {} if item is None else {"Item": item},
        {
            "TableName": "downloads",
            "Key": {"token_hash": {"S": LINK.token_sha256}},
            "ConsistentRead": True,
        },
    )
    assert stubs.store.has_link(LINK) is known


def update(condition: str, **values: dict[str, str]) -> dict[str, object]:
    return {
        "Update": {
            "TableName": "model_table",
            "Key": {"model_id": {"S": MODEL.model_id}},
            "UpdateExpression": "SET download_link = :link, active_status = :retrieved",
            "ConditionExpression": f"owner_name = :owner AND percent_complete = :complete"
            f" AND {condition}",
            "ExpressionAttributeValues": {
                ":link": {"S": "link"},
                ":retrieved": {"N": "0"},
                ":owner": {"S": "ada"},
                ":complete": {"N": "100"},
            }
            | {f":{name}": value for name, value in values.items()},
        }
    }


def test_new_link_is_published_with_the_row(stubs: Stubs) -> None:
    stubs.dynamodb.add_response(
        "transact_write_items",
        {},
        {
            "TransactItems": [
                update("NOT attribute_type(download_link, :text)", text={"S": "S"}),
                {
                    "Put": {
                        "TableName": "downloads",
                        "Item": LINK_ITEM | {"created_at": {"S": ANY}},
                    }
                },
            ]
        },
    )
    assert stubs.store.publish(MODEL, "link", LINK)


def test_known_link_is_published_alone(stubs: Stubs) -> None:
    stubs.dynamodb.add_response(
        "transact_write_items",
        {},
        {"TransactItems": [update("download_link = :old_link", old_link={"S": "old"})]},
    )
    model = Model(MODEL.model_id, "1.0", "ada", Decimal(100), retrieved=True, download_link="old")
    assert stubs.store.publish(model, "link", None)


def cancel(stubs: Stubs, *codes: str) -> None:
    stubs.dynamodb.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def test_row_that_has_changed(stubs: Stubs) -> None:
    for codes in (("ConditionalCheckFailed", "None"), ("TransactionConflict", "None")):
        cancel(stubs, *codes)
        assert not stubs.store.publish(MODEL, "link", LINK)


def test_other_cancellations_are_faults(stubs: Stubs) -> None:
    cancel(stubs, "None", "ThrottlingError")
    with pytest.raises(ClientError):
        stubs.store.publish(MODEL, "link", LINK)


def test_clients_do_not_wait_for_long(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = Store.connect(Settings.from_environment(environment))
    for client in (store._dynamodb, store._s3, store._ssm):
        config = client.meta.config
        assert config.connect_timeout == 3  # type: ignore[attr-defined]
        assert config.read_timeout == 20  # type: ignore[attr-defined]
        assert config.retries["mode"] == "standard"  # type: ignore[attr-defined]

"""The packages of `model_retrieval` and `downloads`: from the node to an array in hand."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import ssl
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.cloud import BIN, ROOT
from tests.integration.lambdas.packages import Function, answered, unpack
from tests.unit.lambdas.lambda_common.node_server import self_signed
from tests.unit.lambdas.model_retrieval.states import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud

GOLDEN = ROOT / "pygrid/tests/golden/cycles/gcm"
NODE_PYTHON = ROOT / "build/pygrid-venv/bin/python"
OLD_NUMPY = ROOT / "tests/integration/lambdas/old_numpy.txt"
MODELS, DOWNLOADS, BUCKET = "models_of_run", "downloads_of_run", "models-of-run"
PATH, TOKEN_NAME = "/run/retrieval", "token-of-run"
TOKEN = "token of the node"  # noqa: S105 - of this run only
BASE_URL = "https://api.example.com/prod"
MODEL_ID = "heart-1.0-ada"
KEY = f"ada/{MODEL_ID}-1.0.pkl"
ROW = {
    "model_id": MODEL_ID,
    "active_status": 1,
    "version": "1.0",
    "dataset": "Artificien-Health",
    "date_submitted": "2026-01-01",
    "owner_name": "ada",
    "percent_complete": 100,
    "devices_trained_this_cycle": 3,
    "loss_this_cycle": 1,
    "acc_this_cycle": -1,
    "features": ["Age"],
    "labels": ["Sex"],
    "node_URL": "127.0.0.1",
}
# The node's own reader of States.
DECODE = """
import sys
import numpy
from artificien_pygrid.wire.tensors import decode_state
numpy.savez(sys.argv[2], *decode_state(open(sys.argv[1], "rb").read()))
"""
LOAD = """
import pickle, sys
import numpy
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
with open(sys.argv[1] + ".npz", "wb") as file:
    numpy.savez(file, *model["parameters"])
print(numpy.__version__)
"""


class Node:
    """A node with the checkpoints of one model; the first is number 1."""

    def __init__(self, folder: Path) -> None:
        self.checkpoints = [(GOLDEN / f"checkpoint_{number}.bin").read_bytes() for number in (1, 2)]
        self.certificate, key = self_signed()
        self.requests: list[dict[str, list[str]]] = []
        (folder / "node.pem").write_text(self.certificate + key)
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                assert url.path == "/model-centric/retrieve-model"
                query = parse_qs(url.query)
                node.requests.append(query)
                assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                (wanted,) = query["checkpoint"]
                number = len(node.checkpoints) if wanted == "latest" else int(wanted)
                found = number <= len(node.checkpoints)
                content = node.checkpoints[number - 1] if found else b"{}"
                self.send_response(200 if found else 404)
                self.send_header("X-Checkpoint", str(number))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "node.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Return a running node."""
    node = Node(tmp_path)
    thread = threading.Thread(target=node.server.serve_forever, args=[0.01])
    thread.start()
    yield node
    node.server.shutdown()
    thread.join()
    node.server.server_close()


@pytest.fixture
def table(cloud: Cloud, node: Node) -> Iterator[Any]:
    """Return the table of models, with one of them; make all that the functions use."""
    dynamodb, s3, ssm = cloud.resource("dynamodb"), cloud.resource("s3"), cloud.client("ssm")
    secrets = cloud.client("secretsmanager")
    tables = [
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for name, key in ((MODELS, "model_id"), (DOWNLOADS, "token_hash"))
    ]
    bucket = s3.create_bucket(Bucket=BUCKET)
    parameters = {
        "pygrid/host": node.host,
        "pygrid/certificate": node.certificate,
        "model_retrieval/base_url": BASE_URL,
    }
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"{PATH}/{name}", Value=value, Type="String")
    secrets.create_secret(Name=TOKEN_NAME, SecretString=TOKEN)
    tables[0].put_item(Item=ROW)
    yield tables[0]
    bucket.objects.delete()
    bucket.delete()
    for each in tables:
        each.delete()
    ssm.delete_parameters(Names=[f"{PATH}/{name}" for name in parameters])
    secrets.delete_secret(SecretId=TOKEN_NAME, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def retrieval(cloud: Cloud, tmp_path: Path, table: Any) -> Function:
    """Return the unpacked function `model_retrieval`."""
    assert table
    return unpack(
        "model_retrieval",
        tmp_path / "retrieval",
        cloud,
        MODEL_TABLE=MODELS,
        DOWNLOADS_TABLE=DOWNLOADS,
        MODELS_BUCKET=BUCKET,
        BASE_URL_PARAMETER=f"{PATH}/model_retrieval/base_url",
        MAX_MODEL_BYTES=str(64 * 1024 * 1024),
        NODE_SSM_PATH=PATH,
        NODE_TOKEN_SECRET=TOKEN_NAME,
    )


@pytest.fixture
def downloads(cloud: Cloud, tmp_path: Path) -> Function:
    """Return the unpacked function `downloads`."""
    return unpack(
        "downloads",
        tmp_path / "downloads",
        cloud,
        DOWNLOADS_TABLE=DOWNLOADS,
        MODELS_BUCKET=BUCKET,
    )


def event(resource: str, caller: str = "", **parameters: dict[str, str]) -> dict[str, Any]:
    """Return a GET request, as API Gateway's proxy integration passes it."""
    context = {"authorizer": {"claims": {"username": caller}}} if caller else {}
    return {"httpMethod": "GET", "resource": resource, "requestContext": context, **parameters}


def request(caller: str = "ada", **query: str) -> dict[str, Any]:
    """Return a request for the model."""
    asked = {"ownerName": caller, "modelId": MODEL_ID, "version": "1.0"} | query
    return event("/retrieve", caller, queryStringParameters=asked)


def follow(link: str) -> dict[str, Any]:
    """Return the request that a browser makes of the link."""
    token = link.removeprefix(f"{BASE_URL}/downloads/")
    return event("/downloads/{token}", pathParameters={"token": token})


def message(model_id: str) -> dict[str, Any]:
    """Return a batch of one message."""
    body = json.dumps({"model_id": model_id})
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": body}]}


def objects(cloud: Cloud) -> list[str]:
    """Return the keys in the bucket."""
    return [entry.key for entry in cloud.resource("s3").Bucket(BUCKET).objects.all()]


def decoded(content: Path) -> list[np.ndarray]:
    """Return the tensors of a State as the node itself reads them."""
    output = content.with_suffix(".npz")
    subprocess.run(
        [NODE_PYTHON, "-c", DECODE, content, output],
        env={"PYTHONPATH": str(ROOT / "pygrid/src")},
        check=True,
    )
    return arrays(output)


def arrays(path: Path) -> list[np.ndarray]:
    """Return the arrays in an .npz file, in their order."""
    with np.load(path) as found:
        return [found[f"arr_{number}"] for number in range(len(found))]


def assert_equal(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for first, second in zip(left, right, strict=True):
        assert (first.dtype, first.shape) == (second.dtype, second.shape)
        assert np.array_equal(first, second)


def test_from_the_node_to_an_array_in_hand(
    cloud: Cloud, table: Any, node: Node, retrieval: Function, downloads: Function
) -> None:
    (queued,) = retrieval(message(MODEL_ID))
    assert queued == {"batchItemFailures": []}
    answers = [answered(answer) for answer in retrieval(request(), request())]
    assert answers[0] == answers[1]
    status, body = answers[0]
    assert status == 200
    assert node.requests == [{"name": [MODEL_ID], "version": ["1.0"], "checkpoint": ["latest"]}]

    link = body["bucket_url"]
    row = table.get_item(Key={"model_id": MODEL_ID})["Item"]
    assert row == ROW | {"active_status": 0, "download_link": link}
    (item,) = cloud.resource("dynamodb").Table(DOWNLOADS).scan()["Items"]
    token = link.removeprefix(f"{BASE_URL}/downloads/")
    assert item.pop("created_at")
    assert item == {
        "token_hash": hashlib.sha256(token.encode()).hexdigest(),
        "model_id": MODEL_ID,
        "owner": "ada",
        "bucket_key": KEY,
    }
    assert objects(cloud) == [KEY]

    redirect, unknown = downloads(follow(link), follow(link[:-1]))
    assert (redirect["statusCode"], unknown["statusCode"]) == (302, 404)
    with urllib.request.urlopen(redirect["headers"]["Location"]) as response:  # noqa: S310 - http
        content = response.read()
        disposition = response.headers["Content-Disposition"]
    assert disposition == f"attachment; filename*=UTF-8''{MODEL_ID}-1.0.pkl"
    assert (len(content), hashlib.sha256(content).hexdigest()) == (body["size"], body["sha256"])
    loaded = pickle.loads(content)  # noqa: S301 - its origin was checked just above
    assert (loaded["model_id"], loaded["version"], loaded["checkpoint"]) == (MODEL_ID, "1.0", 2)
    assert loaded["state"] == (GOLDEN / "checkpoint_2.bin").read_bytes()

    table_of_links = cloud.resource("dynamodb").Table(DOWNLOADS)
    table_of_links.update_item(
        Key={"token_hash": item["token_hash"]},
        UpdateExpression="SET revoked_at = :now",
        ExpressionAttributeValues={":now": "2026-01-02T00:00:00Z"},
    )
    (again,) = retrieval(request())
    assert answered(again)[1]["bucket_url"] != link
    assert downloads(follow(link))[0] == unknown


def test_arrays_are_those_that_the_node_reads(
    cloud: Cloud, node: Node, retrieval: Function, tmp_path: Path
) -> None:
    for number, content in enumerate(node.checkpoints, 1):
        status, _ = answered(retrieval(request(checkpoint=str(number)))[0])
        assert status == 200
        body = cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        (tmp_path / "checkpoint.bin").write_bytes(content)
        read = pickle.loads(body)["parameters"]  # noqa: S301 - written just above
        assert_equal(read, decoded(tmp_path / "checkpoint.bin"))


def test_large_model_arrives_whole(cloud: Cloud, node: Node, retrieval: Function) -> None:
    given = np.random.default_rng(7).normal(size=(3000, 1000)).astype(np.float32)
    node.checkpoints.append(state(given))
    status, body = answered(retrieval(request())[0])
    assert (status, body["checkpoint"]) == (200, 3)
    stored = cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)
    content = stored["Body"].read()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (body["size"], body["sha256"])
    assert stored["Metadata"]["sha256"] == body["sha256"]
    assert np.array_equal(pickle.loads(content)["parameters"][0], given)  # noqa: S301


def test_of_two_at_a_time_one_link_remains(cloud: Cloud, table: Any, retrieval: Function) -> None:
    answers = [answered(answer) for answer in retrieval(*[request()] * 6, at_a_time=6)]
    assert {status for status, _ in answers} <= {200, 409}
    links = {body["bucket_url"] for status, body in answers if status == 200}
    assert links == {table.get_item(Key={"model_id": MODEL_ID})["Item"]["download_link"]}
    assert len(cloud.resource("dynamodb").Table(DOWNLOADS).scan()["Items"]) == 1


@pytest.mark.parametrize("link", ["", None, "https://example.com/old"])
def test_link_of_any_form_in_the_row_is_replaced(
    table: Any, retrieval: Function, link: str | None
) -> None:
    table.put_item(Item=ROW | {"download_link": link})
    status, body = answered(retrieval(request())[0])
    assert status == 200
    row = table.get_item(Key={"model_id": MODEL_ID})["Item"]
    assert row["download_link"] == body["bucket_url"] != link


def test_what_is_refused_changes_nothing(
    cloud: Cloud, table: Any, node: Node, retrieval: Function
) -> None:
    whole = node.checkpoints[1]
    node.checkpoints[1] = whole[:-7]
    statuses = [
        answered(answer)[0]
        for answer in retrieval(
            request(),
            request("eve"),
            request(modelId="unknown"),
            request(nodeURL="127.0.0.1:1"),
            request(checkpoint="9"),
        )
    ]
    assert statuses == [502, 403, 404, 400, 404]
    assert retrieval(message(MODEL_ID)) == [{"batchItemFailures": [{"itemIdentifier": "1"}]}]
    node.checkpoints[1] = whole
    table.put_item(Item=ROW | {"percent_complete": 99})
    assert answered(retrieval(request())[0])[0] == 409
    table.put_item(Item=ROW)
    cloud.client("ssm").put_parameter(
        Name=f"{PATH}/pygrid/host", Value="127.0.0.1:1", Type="String", Overwrite=True
    )
    assert answered(retrieval(request())[0])[0] == 502
    assert table.get_item(Key={"model_id": MODEL_ID})["Item"] == ROW
    assert cloud.resource("dynamodb").Table(DOWNLOADS).scan()["Items"] == []
    assert objects(cloud) == []


def test_old_numpy_opens_the_file(
    cloud: Cloud, node: Node, retrieval: Function, tmp_path: Path
) -> None:
    every_type = [
        np.array([[1.5, -2], [np.inf, 0.1]], np.float32),
        np.array(0.1),
        np.array([1, 65504], np.float16),
        *(np.array([0, 1, 100], dtype) for dtype in ("u1", "i1", "i2", "i4", "i8")),
        np.array([True, False]),
        np.zeros((2, 0), np.float32),
    ]
    node.checkpoints.append(state(*every_type))
    assert answered(retrieval(request())[0])[0] == 200
    path = tmp_path / "model.pkl"
    path.write_bytes(cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    python = tmp_path / "old/bin/python"
    # Fetched where the machine has none of that version, and kept as the project's own is.
    environment = os.environ | {"UV_PYTHON_INSTALL_DIR": str(ROOT / "build/python")}
    commands: list[list[str | Path]] = [
        ["venv", "--quiet", "--no-project", "--python", "3.11", tmp_path / "old"],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", python, OLD_NUMPY],
    ]
    for command in commands:
        subprocess.run([BIN / "uv", *command], env=environment, check=True)
    done = subprocess.run(
        [python, "-W", "error", "-c", LOAD, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1.24.4"
    assert_equal(arrays(tmp_path / "model.pkl.npz"), every_type)


@pytest.mark.parametrize("name", ["retrieval", "downloads"])
def test_package_is_small(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    request.getfixturevalue(name)
    (package,) = (tmp_path / name / "build").rglob("*.zip")
    assert package.stat().st_size < 2 * 1024 * 1024

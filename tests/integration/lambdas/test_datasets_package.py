"""The package of `datasets` from registration to training, with the boto3 of the runtime alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambdas.packages import Function, answered, post, unpack
from tests.unit.lambdas.lambda_common.node_server import node_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.unit.lambdas.lambda_common.node_server import NodeServer

SSM_PATH, TOKEN = "/datasets/of-run", "token-of-datasets"
HOST, CERTIFICATE = f"{SSM_PATH}/pygrid/host", f"{SSM_PATH}/pygrid/certificate"
# Table: its key, and its index with that index's key.
TABLES = {
    "users-of-datasets": ("user_id", "users_username_index", "username"),
    "datasets-of-datasets": ("dataset_id", "owner_username-index", "owner_username"),
    "models-of-datasets": ("model_id", "dataset-index", "dataset"),
}
DATASET, MODEL, KEY = "Step Counter", "Steps-1.0-Ada", "key-of-the-developer"
CREATE = {"dataset_id": DATASET, "model_id": MODEL, "features": ["Age", "Sex"], "labels": ["Steps"]}


@pytest.fixture
def tables(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Return the tables of users, datasets and models, with a row each as clients write them."""
    resource, tables = cloud.resource("dynamodb"), {}
    for name, (key, index, index_key) in TABLES.items():
        tables[name.removesuffix("-of-datasets")] = resource.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": "S"} for attribute in (key, index_key)
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [{"AttributeName": index_key, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    for username, api_key, purchases in (("dev", KEY, []), ("Ada", "hers", [DATASET])):
        tables["users"].put_item(
            Item={
                "user_id": f"{username}@example.com",
                "username": username,
                "api_key": api_key,
                "datasets_purchased": purchases,
            }
        )
    tables["datasets"].put_item(
        Item={
            "dataset_id": DATASET,
            "owner_username": "dev",
            "properlySetUp": False,
            "hasNode": False,
            "numPurchases": 1,
        }
    )
    tables["models"].put_item(
        Item={
            "model_id": MODEL,
            "active_status": 1,
            "version": "1.0",
            "dataset": DATASET,
            "owner_name": "ada",
            "percent_complete": 0,
        }
    )
    yield tables
    for table in tables.values():
        table.delete()


@pytest.fixture
def node(cloud: Cloud, tmp_path: Path) -> Iterator[NodeServer]:
    """Return a node that pauses any model, published but for its host name."""
    ssm, secrets_manager = cloud.client("ssm"), cloud.client("secretsmanager")
    secrets_manager.create_secret(Name=TOKEN, SecretString="hush")
    with node_server(tmp_path) as server:
        server.answer(200, json.dumps({"status": "paused"}).encode())
        ssm.put_parameter(Name=CERTIFICATE, Value=server.certificate, Type="String")
        yield server
    secrets_manager.delete_secret(SecretId=TOKEN, ForceDeleteWithoutRecovery=True)
    ssm.delete_parameters(Names=[HOST, CERTIFICATE])


@pytest.fixture
def function(cloud: Cloud, tables: dict[str, Any], node: NodeServer, tmp_path: Path) -> Function:
    """Return the function."""
    del node
    return unpack(
        "datasets",
        tmp_path,
        cloud,
        USER_TABLE=tables["users"].name,
        DATASET_TABLE=tables["datasets"].name,
        MODEL_TABLE=tables["models"].name,
        NODE_SSM_PATH=SSM_PATH,
        NODE_TOKEN_SECRET=TOKEN,
        INFO_CALLS_PER_MINUTE="20",
        LOG_LEVEL="WARNING",
    )


def info(api_key: str = KEY) -> dict[str, Any]:
    return post("/info", {"dataset_id": DATASET}, api_key=api_key)


def test_a_dataset_from_its_first_phone_to_the_end(
    cloud: Cloud, tables: dict[str, Any], node: NodeServer, function: Function
) -> None:
    create = post("/create", CREATE, caller="Ada")
    answers = function(info("guess"), info(), info(), create)
    assert [answered(answer)[0] for answer in answers] == [400, 200, 200, 200]
    keys = [list(json.loads(answer["body"])) for answer in answers]
    assert keys == [["error"], ["success"], ["wait"], ["status"]]
    assert tables["datasets"].get_item(Key={"dataset_id": DATASET})["Item"]["properlySetUp"] is True

    cloud.client("ssm").put_parameter(Name=HOST, Value=node.host, Type="String")
    ready, trained = function(create, info())
    assert answered(ready) == (200, {"status": "ready", "nodeURL": node.host})
    model = [MODEL, "1.0", ["Age", "Sex"], ["Steps"]]
    assert answered(trained) == (200, {"models": [model], "nodeURL": node.host})

    delete = {"dataset_id": DATASET}
    foreign, stopped, waiting = function(
        post("/delete", delete, caller="Ada"), post("/delete", delete, caller="dev"), info()
    )
    assert foreign["statusCode"] == 403
    assert answered(stopped) == (200, {"status": "stopped", "paused": 1})
    (paused,) = node.requests
    assert (paused.target, paused.authorization) == ("/model-centric/pause", "Bearer hush")
    assert json.loads(paused.body) == {"name": MODEL, "version": "1.0"}
    assert list(json.loads(waiting["body"])) == ["wait"]
    dataset = tables["datasets"].get_item(Key={"dataset_id": DATASET})["Item"]
    assert (dataset["hasNode"], dataset["nodeURL"]) == (False, node.host)
    item = tables["models"].get_item(Key={"model_id": MODEL})["Item"]
    assert (item["features"], item["labels"]) == (["Age", "Sex"], ["Steps"])
    assert (item["node_URL"], item["percent_complete"]) == (node.host, 0)


def test_keys_and_purchases(tables: dict[str, Any], function: Function) -> None:
    own = {"user_id": "Ada@example.com"}
    bought, key, foreign, anonymous = function(
        post("/get_datasets", {"user_id": "ada"}, caller="Ada"),
        post("/generate_key", own, caller="Ada"),
        post("/generate_key", own, caller="dev"),
        post("/generate_key", own),
    )
    assert answered(bought) == (200, {"datasets": [DATASET]})
    row = tables["users"].get_item(Key=own)["Item"]
    assert answered(key) == (200, {"api_key": row["api_key"]})
    assert row["api_key"] not in ("hers", KEY)
    assert (foreign["statusCode"], anonymous["statusCode"]) == (403, 401)
    nothing = function(post("/get_datasets", {}, caller="dev"))[0]
    assert answered(nothing) == (200, {"datasets": "no purchased datasets available"})


def test_a_key_works_so_often_in_a_minute(function: Function) -> None:
    # Calls of more than two minutes, if the first minute ends meanwhile.
    answers = function(*[info()] * 41)
    assert {answer["statusCode"] for answer in answers} == {200, 429}
    assert all(len(json.loads(answer["body"])) == 1 for answer in answers)

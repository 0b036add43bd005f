"""The checks of each component: what they ask for, and what they make of the answers."""

from __future__ import annotations

import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody

from smoke.components.alerts import OF_HUB
from smoke.components.data_upload import marked_dataset
from smoke.components.dynamodb import TABLES, marked_item
from smoke.components.storage import BLOCKS
from tests.unit.smoke.conftest import MARK, OUTPUTS, page

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from smoke.report import Row
    from tests.unit.smoke.conftest import Stage

TOPIC = OUTPUTS["alerts"]["topic"]


def results(rows: dict[str, Row]) -> dict[str, str]:
    """Return what came out of each check."""
    return {check: row.result for check, row in rows.items()}


def groups(stage: Stage, source: str, low: int, high: int) -> None:
    """Make the network answer, with one rule of its security group."""
    ec2 = stage.stub("ec2")
    ec2.add_response("describe_vpcs", {"Vpcs": [{"State": "available"}]}, {"VpcIds": ["vpc-1"]})
    rule = {"FromPort": low, "ToPort": high, "IpRanges": [{"CidrIp": source}]}
    group = {"GroupName": "shop-prod-pygrid", "IpPermissions": [rule]}
    ec2.add_response(
        "describe_security_groups", {"SecurityGroups": [group]}, {"GroupIds": ["sg-1"]}
    )


@pytest.mark.parametrize(
    ("source", "low", "high", "result"),
    [
        ("0.0.0.0/0", 443, 443, "ok"),
        ("192.0.2.0/24", 22, 22, "ok"),
        ("0.0.0.0/0", 22, 22, "failed"),
        ("0.0.0.0/0", 0, 65535, "failed"),
    ],
)
def test_network(stage: Stage, source: str, low: int, high: int, result: str) -> None:
    groups(stage, source, low, high)
    rows = stage.run("network")
    assert results(rows) == {
        "the VPC is available": "ok",
        "only ports of services are open": result,
    }


def add_table(stubber: Stubber, name: str, *, written: bool = True, missing: str = "") -> None:
    """Make a table answer as it does for a check that passes, or lacks the index `missing`."""
    table = TABLES[name]
    key = {table.key: {"S": MARK}}
    stubber.add_response(
        "describe_table", {"Table": {"TableStatus": "ACTIVE"}}, {"TableName": name}
    )
    for index in table.indexes:
        if index == missing:
            stubber.add_client_error("query", "ValidationException", f"no index {index}")
            return
        add_query(stubber, name, index, [])
    if not written:
        stubber.add_response("get_item", {}, {"TableName": name, "Key": key})
        return
    item = marked_item(table, MARK)
    stubber.add_response("put_item", {}, {"TableName": name, "Item": item})
    stubber.add_response(
        "get_item", {"Item": item}, {"TableName": name, "Key": key, "ConsistentRead": True}
    )
    for index in table.indexes:
        add_query(stubber, name, index, [])  # the index follows its table after a while
        add_query(stubber, name, index, [item])
    stubber.add_response("delete_item", {}, {"TableName": name, "Key": key})


def add_query(stubber: Stubber, name: str, index: str, items: list[dict[str, Any]]) -> None:
    """Make an index answer."""
    stubber.add_response(
        "query",
        {"Items": items, "Count": len(items)},
        {
            "TableName": name,
            "IndexName": index,
            "KeyConditionExpression": "#hash = :mark",
            "ExpressionAttributeNames": {"#hash": TABLES[name].indexes[index][0]},
            "ExpressionAttributeValues": {":mark": {"S": MARK}},
        },
    )


@pytest.mark.parametrize("read_only", [False, True])
def test_dynamodb(stage: Stage, read_only: bool) -> None:
    for name in TABLES:
        add_table(stage.stub("dynamodb"), name, written=not read_only)
    assert results(stage.run("dynamodb", read_only=read_only)) == dict.fromkeys(TABLES, "ok")


def test_a_table_without_an_index_is_not_written_to(stage: Stage) -> None:
    for name in TABLES:
        add_table(stage.stub("dynamodb"), name, missing="category-app-index")
    rows = stage.run("dynamodb")
    assert [name for name, row in rows.items() if row.result == "failed"] == ["dataset_table"]
    assert "Query: ValidationException no index category-app" in rows["dataset_table"].remedy


def test_an_item_is_removed_although_no_index_shows_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smoke.components.dynamodb.INDEX_SECONDS", 0)
    stage.outputs = OUTPUTS | {"dynamodb": {"tables": dict.fromkeys(TABLES, "user_table")}}
    stubber, table = stage.stub("dynamodb"), TABLES["user_table"]
    key = {"user_id": {"S": MARK}}
    for name in TABLES:
        if name != "user_table":
            stubber.add_client_error("describe_table", "AccessDeniedException")
            continue
        stubber.add_response(
            "describe_table", {"Table": {"TableStatus": "ACTIVE"}}, {"TableName": name}
        )
        add_query(stubber, name, "users_username_index", [])
        item = marked_item(table, MARK)
        stubber.add_response("put_item", {}, {"TableName": name, "Item": item})
        stubber.add_response(
            "get_item", {"Item": item}, {"TableName": name, "Key": key, "ConsistentRead": True}
        )
        add_query(stubber, name, "users_username_index", [])
        stubber.add_response("delete_item", {}, {"TableName": name, "Key": key})
    assert "did not come about within 0 s" in stage.run("dynamodb")["user_table"].remedy


def add_bucket(stage: Stage, *, blocked: bool, statement: dict[str, Any]) -> None:
    """Make the bucket answer how it is closed."""
    block = dict.fromkeys(BLOCKS, True) | {"BlockPublicPolicy": blocked}
    stubber, bucket = stage.stub("s3"), {"Bucket": "shop-samples"}
    stubber.add_response(
        "get_public_access_block", {"PublicAccessBlockConfiguration": block}, bucket
    )
    if blocked:
        policy = json.dumps({"Statement": [statement]})
        stubber.add_response("get_bucket_policy", {"Policy": policy}, bucket)


TLS_ONLY = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


@pytest.mark.parametrize(
    ("blocked", "statement", "found"),
    [
        (True, TLS_ONLY, ""),
        (False, TLS_ONLY, "shop-samples does not have BlockPublicPolicy"),
        (True, {"Effect": "Allow"}, "the policy of shop-samples does not demand TLS"),
    ],
)
def test_a_bucket_is_closed(
    stage: Stage, blocked: bool, statement: dict[str, Any], found: str
) -> None:
    add_bucket(stage, blocked=blocked, statement=statement)
    rows = stage.run("storage", read_only=True)
    assert rows["sample_data is closed"].remedy.startswith(found)
    assert rows["sample_data is closed"].result == ("failed" if found else "ok")
    assert rows["sample_data holds objects"].result == "skipped"


def add_removal(stubber: Stubber, key: str) -> None:
    """Expect the removal of all versions of an object, and of no other one."""
    bucket = "shop-samples"
    stubber.add_response(
        "list_object_versions",
        {
            "Versions": [{"Key": key, "VersionId": "1"}, {"Key": f"{key}-other", "VersionId": "2"}],
            "DeleteMarkers": [{"Key": key, "VersionId": "3"}],
        },
        {"Bucket": bucket, "Prefix": key},
    )
    for version in ("1", "3"):
        stubber.add_response(
            "delete_object", {}, {"Bucket": bucket, "Key": key, "VersionId": version}
        )


def stream(content: bytes) -> dict[str, StreamingBody]:
    """Return an object as S3 answers with it."""
    return {"Body": StreamingBody(io.BytesIO(content), len(content))}


@pytest.mark.parametrize(("content", "result"), [(MARK.encode(), "ok"), (b"other", "failed")])
def test_a_bucket_holds_objects(stage: Stage, content: bytes, result: str) -> None:
    add_bucket(stage, blocked=True, statement=TLS_ONLY)
    stubber, place = stage.stub("s3"), {"Bucket": "shop-samples", "Key": MARK}
    stubber.add_response("put_object", {}, place | {"Body": MARK.encode()})
    stubber.add_response("get_object", stream(content), place)
    add_removal(stubber, MARK)
    assert stage.run("storage")["sample_data holds objects"].result == result


def add_alarms(stage: Stage, *alarms: tuple[str, str], rings: bool = True) -> None:
    """Make CloudWatch answer with alarms."""
    listed = [
        {
            "MetricName": metric,
            "AlarmActions": [TOPIC] if rings else [],
            "Dimensions": [{"Name": "On", "Value": name}],
        }
        for metric, name in alarms
    ]
    stage.stub("cloudwatch").add_response("describe_alarms", {"MetricAlarms": listed}, {})


@pytest.mark.parametrize("without", ["", "function", "queue", "api", "ringing", "hub"])
def test_alerts(stage: Stage, without: str) -> None:
    tags = [{"Key": "project", "Value": "shop"}, {"Key": "environment", "Value": "prod"}]
    sns = stage.stub("sns")
    sns.add_response("list_tags_for_resource", {"Tags": tags}, {"ResourceArn": TOPIC})
    sns.add_response("get_topic_attributes", {}, {"TopicArn": TOPIC})
    functions = [{"FunctionName": name} for name in ("shop-prod-pay", "mall-prod-pay")]
    stage.stub("lambda").add_response("list_functions", {"Functions": functions}, {})
    urls = [f"https://sqs.example.com/1/shop-prod-pay{tail}" for tail in ("", "-dead-letters")]
    stage.stub("sqs").add_response(
        "list_queues", {"QueueUrls": urls}, {"QueueNamePrefix": "shop-prod-"}
    )
    of_functions = [("Errors", "shop-prod-pay"), ("Throttles", "shop-prod-pay")]
    add_alarms(stage, *of_functions[: 1 if without == "function" else 2])
    letters = ("ApproximateNumberOfMessagesVisible", "shop-prod-pay-dead-letters")
    add_alarms(stage, *([] if without == "queue" else [letters]))
    of_api = [("5XXError", "shop-prod-api"), ("Latency", "shop-prod-api")]
    add_alarms(stage, *of_api[without == "api" :], rings=without != "ringing")
    of_hub = [(metric, "jupyterhub") for metric in OF_HUB]
    add_alarms(stage, *of_hub[without == "hub" :])
    rows = stage.run("alerts")
    failures = {check for check, row in rows.items() if row.result == "failed"}
    assert (
        failures
        == {
            "": set(),
            "function": {"every function has alarms"},
            "queue": {"every queue of dead letters has an alarm"},
            "api": {"the API has alarms"},
            "ringing": {"the API has alarms"},
            "hub": {"JupyterHub has alarms"},
        }[without]
    )
    if without == "function":
        found = "no alarm rings for Throttles of shop-prod-pay"
        assert found in rows["every function has alarms"].remedy


@pytest.mark.parametrize(
    ("flows", "hosted_ui", "failure"),
    [
        (["ALLOW_USER_SRP_AUTH"], page(200), ""),
        (["ALLOW_USER_SRP_AUTH"], page(302, location="https://shop.auth.example.com/login?x"), ""),
        ([], page(200), "its clients exist"),
        (
            ["ALLOW_USER_SRP_AUTH"],
            page(302, location="https://shop.auth.example.com/error?error=redirect_mismatch"),
            "the hosted UI answers",
        ),
    ],
)
def test_cognito(stage: Stage, flows: list[str], hosted_ui: Any, failure: str) -> None:
    pool = {"UserPoolId": OUTPUTS["cognito"]["user_pool_id"]}
    stubber = stage.stub("cognito-idp")
    stubber.add_response("describe_user_pool", {"UserPool": {}}, pool)
    web = {"ExplicitAuthFlows": flows}
    native = {"CallbackURLs": ["shop://callback"]}
    for client in ("1web", "1native", "1web", "1native"):
        answer = {"UserPoolClient": web if client == "1web" else native}
        stubber.add_response("describe_user_pool_client", answer, pool | {"ClientId": client})
    stage.stub("cognito-identity").add_response(
        "describe_identity_pool",
        {
            "IdentityPoolId": OUTPUTS["cognito"]["identity_pool_id"],
            "IdentityPoolName": "shop",
            "AllowUnauthenticatedIdentities": False,
        },
        {"IdentityPoolId": OUTPUTS["cognito"]["identity_pool_id"]},
    )
    keys = "GET https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI/.well-known/jwks"
    stage.pages = {
        keys: page(200, '{"keys": [1]}'),
        "GET https://shop.auth.example.com/oauth2/authorize?client_id=1native": hosted_ui,
    }
    rows = stage.run("cognito")
    failures = [row for row in rows.values() if row.result == "failed"]
    assert [row.check for row in failures] == ([failure] if failure else [])
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("status", "result"), [("ready", "ok"), ("failed", "failed"), (None, "failed")]
)
def test_data_upload(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, status: str | None, result: str
) -> None:
    monkeypatch.setattr("smoke.components.data_upload.SAMPLE_SECONDS", 0 if not status else 90)
    stubber, s3 = stage.stub("dynamodb"), stage.stub("s3")
    key = {"TableName": "dataset_table", "Key": {"dataset_id": {"S": MARK}}}
    stubber.add_response(
        "put_item", {}, {"TableName": "dataset_table", "Item": marked_dataset(MARK)}
    )
    item = {"sample_status": {"S": status}} if status else {}
    for _ in range(2 if status else 1):
        stubber.add_response("get_item", {"Item": item}, key | {"ConsistentRead": True})
    if status == "ready":
        place = {"Bucket": "shop-samples", "Key": f"{MARK}.csv"}
        s3.add_response("get_object", stream(b"Heart Rate,Steps\r\n60,1\r\n"), place)
    stubber.add_response("delete_item", {}, key)
    add_removal(s3, f"{MARK}.csv")
    assert stage.run("data_upload")["a dataset gets its sample"].result == result


def test_seed_data(stage: Stage) -> None:
    stage.stub("dynamodb").add_response(
        "get_item",
        {},
        {"TableName": "dataset_table", "Key": {"dataset_id": {"S": "Artificien-Health"}}},
    )
    stage.stub("s3").add_client_error("head_object", "404", "Not Found")
    rows = stage.run("seed_data")
    assert rows["Artificien-Health exists"].remedy.endswith("make deploy TAGS=seed_data.")
    assert "HeadObject: 404 Not Found" in rows["Artificien-Health has a sample"].remedy


@pytest.mark.parametrize(
    ("path", "answer", "failure"),
    [
        ("", None, None),
        ("GET /test", page(500), "/ and /test answer"),
        ("POST /create", page(200), "routes of people are closed to strangers"),
        (
            "POST /info",
            page(403, '{"message": "Missing Authentication Token"}'),
            "routes of devices and links exist",
        ),
    ],
)
def test_model_retrieval(stage: Stage, path: str, answer: Any, failure: str | None) -> None:
    base = "https://api.example.com"
    stage.pages = {
        f"GET {base}/": page(200),
        f"GET {base}/retrieve": page(401),
        f"GET {base}/downloads": page(404),
        f"POST {base}/": page(401),
    }
    if path:
        method, route = path.split(" ")
        stage.pages[f"{method} {base}{route}"] = answer
    rows = stage.run("model_retrieval")
    assert [check for check, row in rows.items() if row.result == "failed"] == (
        [failure] if failure else []
    )


@pytest.mark.parametrize("tls_only", [False, True])
def test_pygrid(stage: Stage, tls_only: bool) -> None:
    stage.outputs = OUTPUTS | {"pygrid": OUTPUTS["pygrid"] | {"certificate": "PEM"}}
    host = "pygrid.example.com"
    stage.pages = {
        f"GET https://{host}/readyz": page(200),
        f"GET http://{host}:5000/readyz": page(400 if tls_only else 200),
        f"GET http://{host}:5001/test": page(502),
    }
    if tls_only:
        stage.pages[f"GET https://{host}:5000/readyz"] = page(200)
    rows = stage.run("pygrid")
    assert results(rows) == {
        "it is ready": "ok",
        "devices reach it at 5000": "ok",
        "old clients reach the API at 5001": "failed",
    }
    assert ("GET https://pygrid.example.com/readyz", "PEM") in stage.asked


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("https://shop.auth.example.com/oauth2/authorize?client_id=1", "ok"),
        ("https://elsewhere.example.com/", "failed"),
    ],
)
def test_jupyterhub(stage: Stage, location: str, result: str) -> None:
    hub = "https://notebooks.example.com/hub"
    stage.pages = {
        f"GET {hub}/health": page(200),
        f"GET {hub}/oauth_login": page(302, location=location),
    }
    rows = stage.run("jupyterhub")
    assert results(rows) == {"the hub answers": "ok", "people sign in by the hosted UI": result}


@pytest.mark.parametrize(("status", "result"), [(200, "ok"), (401, "ok"), (404, "failed")])
def test_amplify(stage: Stage, status: int, result: str) -> None:
    stage.pages = {"GET https://shop.example.com": page(status)}
    assert stage.run("amplify")["the site answers"].result == result


def test_amplify_is_left_out_where_it_is_none(stage: Stage) -> None:
    stage.outputs = {"aws": OUTPUTS["aws"]}
    assert stage.run("amplify")["the site answers"].result == "skipped"
    emulated = OUTPUTS["aws"] | {"endpoint_url": "http://127.0.0.1:1"}
    stage.outputs = OUTPUTS | {"aws": emulated}
    assert "is a fake" in stage.run("amplify")["the site answers"].remedy


def test_post_deploy(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smoke.components.post_deploy.RECORD_SECONDS", 0)
    addresses = {"pygrid.example.com": "192.0.2.9", "shop.example.com": "192.0.2.1"}

    def resolve(name: str, port: int) -> list[tuple[Any, ...]]:
        if name not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (addresses[name], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    rows = stage.run("post_deploy")
    assert results(rows) == {
        "pygrid.example.com resolves": "failed",
        "notebooks.example.com resolves": "failed",
        "shop.example.com resolves": "ok",
    }
    assert "leads to 192.0.2.9, not to 192.0.2.1" in rows["pygrid.example.com resolves"].remedy
    for site in ("https://x.amplifyapp.com", "https://x.amplify-fake.invalid"):
        stage.outputs = {"pygrid": {"host": "192.0.2.1"}, "amplify": {"url": site}}
        assert results(stage.run("post_deploy")) == {"names resolve": "skipped"}

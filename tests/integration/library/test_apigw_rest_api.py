"""`apigw_rest_api` and `apigw_account` against the emulator."""

from __future__ import annotations

import copy
import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "shop-of-run"
X = "x-amazon-apigateway"
POOL = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_"
LOG_GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/shop-of-run"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:orders-of-run"
ROLE = "arn:aws:iam::000000000000:role/orders-of-run"
HANDLER = """
import json
def handle(event, context):
    order = event["pathParameters"], event["body"]
    return {"statusCode": 200, "body": json.dumps(order)}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
CORS = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}
PROXY = {
    "type": "aws_proxy",
    "httpMethod": "POST",
    "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations",
}
PREFLIGHT = {
    "responses": {"204": {"description": "CORS", "headers": {"Access-Control-Allow-Origin": {}}}},
    f"{X}-integration": {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 204}'},
        "responses": {
            "default": {
                "statusCode": "204",
                "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
            }
        },
    },
}
SHOP: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1", "description": "Sells what is left."},
    "paths": {
        "/": {"get": {"operationId": "root", f"{X}-integration": PROXY}},
        "/orders": {
            "post": {
                "operationId": "order",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                    }
                },
                "parameters": [
                    {"name": "trace", "in": "query", "required": True},
                    {"name": "X-Shop", "in": "header"},
                ],
                f"{X}-integration": PROXY,
            },
            "options": PREFLIGHT,
        },
        "/orders/{order}": {
            "parameters": [{"name": "order", "in": "path", "required": True}],
            "get": {"security": [{"people": ["orders"]}], f"{X}-integration": PROXY},
        },
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["item"],
                "properties": {"item": {"$ref": "#/components/schemas/Item"}},
            },
            "Item": {"type": "string", "maxLength": 9, "nullable": True, "example": "tea"},
        },
        "securitySchemes": {
            "people": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                f"{X}-authtype": "cognito_user_pools",
                f"{X}-authorizer": {"type": "cognito_user_pools", "providerARNs": [f"{POOL}1"]},
            }
        },
    },
    f"{X}-request-validators": {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    },
    f"{X}-request-validator": "all",
    f"{X}-gateway-responses": {"DEFAULT_4XX": {"responseParameters": CORS}},
    f"{X}-binary-media-types": ["image/png"],
}
STAGE: dict[str, Any] = {
    "name": "prod",
    "description": "For everybody",
    "variables": {"colour": "green"},
    "access_log_group": f"{LOG_GROUP}:*",
    "access_log_format": "$context.requestId",
    "log_level": "ERROR",
    "metrics": True,
    "tracing": True,
    "rate_limit": 100,
    "burst_limit": 200,
    "methods": [{"verb": "POST", "path": "/orders", "rate_limit": 0.01, "burst_limit": 3}],
}
OPTIONS: dict[str, Any] = {
    "name": NAME,
    "definition": SHOP,
    "stage": STAGE,
    "tags": {"owner": "shop"},
    "deployments_kept": 2,
}


def apis(cloud: Cloud) -> list[str]:
    """Return the ids of the APIs of these tests."""
    found = cloud.client("apigateway").get_rest_apis(limit=500)["items"]
    return [api["id"] for api in found if api["name"].startswith(NAME)]


@pytest.fixture(autouse=True)
def _nothing_left(cloud: Cloud) -> Iterator[None]:
    functions, iam = cloud.client("lambda"), cloud.client("iam")

    def clean() -> None:
        for api in apis(cloud):
            cloud.client("apigateway").delete_rest_api(restApiId=api)
        if any(f["FunctionArn"] == FUNCTION for f in functions.list_functions()["Functions"]):
            functions.delete_function(FunctionName=FUNCTION)
        if any(role["Arn"] == ROLE for role in iam.list_roles()["Roles"]):
            iam.delete_role(RoleName=ROLE.rsplit("/", 1)[1])

    clean()
    yield
    clean()


def make_function(cloud: Cloud) -> None:
    name = ROLE.rsplit("/", 1)[1]
    cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("orders.py", HANDLER)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="orders.handle",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": code.getvalue()},
    )


def call(cloud: Cloud, api: str, verb: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
    """Call the API and return the status, the headers and the parsed body."""
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{cloud.endpoint_url}/_aws/execute-api/{api}/prod{path}",
        method=verb,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - see above
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read() or b"null")


def stage(cloud: Cloud, api: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("apigateway").get_stage(restApiId=api, stageName="prod")
    return found


def deployments(cloud: Cloud, api: str) -> list[str]:
    found = cloud.client("apigateway").get_deployments(restApiId=api)["items"]
    return [deployment["id"] for deployment in found]


def test_an_api_is_created_once_answers_and_is_deleted_once(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    make_function(cloud)
    checked = run_module("apigw_rest_api", check=True, **OPTIONS)
    assert checked["id"] == ""
    assert apis(cloud) == []
    first = run_module.four_runs("apigw_rest_api", **OPTIONS)
    assert first["diff"]["after"] == checked["diff"]["after"]
    (api,) = apis(cloud)
    assert first["id"] == api
    assert call(cloud, api, "POST", "/orders?trace=1", {"item": "tea"})[0] == 200
    assert call(cloud, api, "POST", "/orders", {"item": "tea"})[0] == 400
    status, headers, _ = call(cloud, api, "POST", "/orders?trace=1", {"item": "much too long"})
    assert (status, headers["Access-Control-Allow-Origin"]) == (400, "*")
    assert call(cloud, api, "POST", "/orders?trace=1", {"item": "tea"})[0] == 429
    assert call(cloud, api, "GET", "/orders/7")[0] == 401
    status, headers, _ = call(cloud, api, "OPTIONS", "/orders")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    run_module.gone_twice("apigw_rest_api", name=NAME)
    assert apis(cloud) == []


def test_the_stage_is_as_described(cloud: Cloud, run_module: ModuleRunner) -> None:
    api = run_module("apigw_rest_api", **OPTIONS)["id"]
    made = stage(cloud, api)
    assert made["accessLogSettings"] == {
        "destinationArn": LOG_GROUP,
        "format": "$context.requestId",
    }
    assert made["tracingEnabled"] is True
    assert made["variables"] == {"colour": "green"}
    settings = made["methodSettings"]
    assert settings["*/*"]["loggingLevel"] == "ERROR"
    assert settings["*/*"]["throttlingBurstLimit"] == 200
    assert settings["/orders/POST"]["throttlingRateLimit"] == 0.01
    assert settings["/orders/POST"]["metricsEnabled"] is True
    deployed = deployments(cloud, api)
    changed = STAGE | {"methods": [], "variables": {}, "access_log_group": "", "tracing": False}
    run_module.four_runs("apigw_rest_api", **OPTIONS | {"stage": changed, "tags": {"team": "web"}})
    made = stage(cloud, api)
    assert (made["methodSettings"].keys(), made["variables"]) == ({"*/*"}, {})
    assert made["tracingEnabled"] is False
    assert "accessLogSettings" not in made
    assert deployments(cloud, api) == deployed
    for resource in (f"/restapis/{api}", f"/restapis/{api}/stages/prod"):
        arn = f"arn:aws:apigateway:us-east-1::{resource}"
        assert cloud.client("apigateway").get_tags(resourceArn=arn)["tags"] == {"team": "web"}


def test_only_what_changes_is_made_anew_and_deployed(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    first = run_module("apigw_rest_api", **OPTIONS)
    api = first["id"]
    before = stage(cloud, api)["deploymentId"]
    shop = copy.deepcopy(SHOP)
    del shop["paths"]["/orders/{order}"]
    shop["paths"]["/orders/{number}/lines"] = {"get": {f"{X}-integration": PROXY}}
    shop["components"]["schemas"]["Item"]["maxLength"] = 99
    shop[f"{X}-request-validators"]["all"]["validateRequestBody"] = False
    shop[f"{X}-gateway-responses"] = {"DEFAULT_5XX": {"responseParameters": CORS}}
    shop["components"]["securitySchemes"] = {}
    changed = OPTIONS | {"definition": shop}
    checked = run_module("apigw_rest_api", check=True, **changed)
    assert stage(cloud, api)["deploymentId"] == before
    assert sorted(checked["diff"]["before"].keys() | checked["diff"]["after"].keys()) == [
        "GET /orders/{number}/lines",
        "GET /orders/{order}",
        next(name for name in first["parts"] if name.startswith("authorizer people-")),
        "model Order",
        "resource /orders/{number}",
        "resource /orders/{number}/lines",
        "resource /orders/{order}",
        "response DEFAULT_4XX",
        "response DEFAULT_5XX",
        "stage prod",
        "validator all",
    ]
    run_module.four_runs("apigw_rest_api", **changed)
    gateway = cloud.client("apigateway")
    assert stage(cloud, api)["deploymentId"] != before
    resources = gateway.get_resources(restApiId=api)["items"]
    assert sorted(resource["path"] for resource in resources) == [
        *("/", "/orders", "/orders/{number}", "/orders/{number}/lines")
    ]
    assert gateway.get_authorizers(restApiId=api)["items"] == []


def test_another_pool_is_another_authorizer(cloud: Cloud, run_module: ModuleRunner) -> None:
    api = run_module("apigw_rest_api", **OPTIONS)["id"]
    shop = copy.deepcopy(SHOP)
    scheme = shop["components"]["securitySchemes"]["people"]
    scheme[f"{X}-authorizer"]["providerARNs"] = [f"{POOL}2"]
    run_module.four_runs("apigw_rest_api", **OPTIONS | {"definition": shop})
    gateway = cloud.client("apigateway")
    (authorizer,) = gateway.get_authorizers(restApiId=api)["items"]
    assert authorizer["providerARNs"] == [f"{POOL}2"]
    resources = gateway.get_resources(restApiId=api, embed=["methods"])["items"]
    guarded = next(item for item in resources if item["path"] == "/orders/{order}")
    method = guarded["resourceMethods"]["GET"]
    assert method["authorizerId"] == authorizer["id"]
    assert method["authorizationScopes"] == ["orders"]


def test_what_others_did_is_put_right_and_deployed_if_it_was(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    api = run_module("apigw_rest_api", **OPTIONS)["id"]
    gateway = cloud.client("apigateway")
    ours = stage(cloud, api)["deploymentId"]
    root = gateway.get_rest_api(restApiId=api)["rootResourceId"]
    gateway.create_resource(restApiId=api, parentId=root, pathPart="theirs")
    result = run_module.four_runs("apigw_rest_api", **OPTIONS)
    assert result["diff"]["before"].keys() == {"resource /theirs"}
    assert stage(cloud, api)["deploymentId"] == ours
    theirs = gateway.create_deployment(restApiId=api, stageName="prod", description="theirs")["id"]
    run_module.four_runs("apigw_rest_api", **OPTIONS)
    now = stage(cloud, api)["deploymentId"]
    assert now not in {ours, theirs}
    assert sorted(deployments(cloud, api)) == sorted([ours, theirs, now])


def test_old_deployments_go_but_not_those_that_another_stage_serves(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    api = run_module("apigw_rest_api", **OPTIONS)["id"]
    served = stage(cloud, api)["deploymentId"]
    cloud.client("apigateway").create_stage(restApiId=api, stageName="old", deploymentId=served)
    for kind in ("image/gif", "image/jpeg", "image/webp"):
        definition = SHOP | {f"{X}-binary-media-types": [kind]}
        run_module("apigw_rest_api", **OPTIONS | {"definition": definition})
    kept = deployments(cloud, api)
    assert len(kept) == 3
    assert {served, stage(cloud, api)["deploymentId"]} <= set(kept)


def test_two_apis_of_one_name_are_an_error(cloud: Cloud, run_module: ModuleRunner) -> None:
    for _ in range(2):
        cloud.client("apigateway").create_rest_api(name=NAME)
    failed = run_module("apigw_rest_api", fails=True, **OPTIONS)
    assert failed["msg"].startswith(f"{NAME}: 2 REST APIs have this name")


def test_the_role_of_the_logs_is_set_once_and_never_anothers(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    gateway = cloud.client("apigateway")
    ours, theirs = f"{ROLE}-ours", f"{ROLE}-theirs"
    run_module.four_runs("apigw_account", log_role=ours)
    assert gateway.get_account()["cloudwatchRoleArn"] == ours
    kept = run_module("apigw_account", log_role=theirs)
    assert (kept["changed"], kept["log_role"]) == (False, ours)
    assert run_module("apigw_account", log_role=theirs, state="absent")["changed"] is False
    run_module.gone_twice("apigw_account", log_role=ours)
    assert not gateway.get_account().get("cloudwatchRoleArn")

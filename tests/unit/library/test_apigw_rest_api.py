"""`apigw_rest_api` and `apigw_account` without AWS: models, plans, and the exact calls."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.apigw_account import (
    apply_account,
    plan_account,
    read_account_role,
)
from ansible.module_utils.artificien.apigw_definition import desired_parts
from ansible.module_utils.artificien.apigw_parts import apply_api, apply_part, plan_parts
from ansible.module_utils.artificien.apigw_read import Ids, find_api, read_api, read_parts
from ansible.module_utils.artificien.apigw_stage import (
    apply_stage,
    content_hash,
    desired_stage,
    plan_stage,
    read_stage,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    type Stubbed = Callable[[str], tuple[Any, Stubber]]

X = "x-amazon-apigateway"
API = "a1b2c3"
POOL = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_1"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/orders/invocations"
PROXY = {"type": "aws_proxy", "httpMethod": "POST", "uri": URI}
PEOPLE = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    f"{X}-authtype": "cognito_user_pools",
    f"{X}-authorizer": {"type": "cognito_user_pools", "providerARNs": [POOL]},
}
ARN = f"arn:aws:apigateway:us-east-1::/restapis/{API}"
HASH = "0123456789abcdef"


def document(operation: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a document with one operation, POST /orders."""
    paths = {"/orders": {"post": {f"{X}-integration": PROXY} | (operation or {})}}
    return {"openapi": "3.0.3", "info": {"title": "Shop"}, "paths": paths} | more


def integration(**fields: Any) -> dict[str, Any]:
    """Return the model of the integration with a function."""
    return {
        "type": "AWS_PROXY",
        "http_method": "POST",
        "uri": URI,
        "credentials": "",
        "passthrough": "WHEN_NO_MATCH",
        "content_handling": "",
        "timeout_milliseconds": 29000,
        "request_parameters": {},
        "request_templates": {},
        "responses": {},
    } | fields


def method(**fields: Any) -> dict[str, Any]:
    """Return the model of a method that anybody may call."""
    return {
        "authorization": "NONE",
        "authorizer": "",
        "scopes": [],
        "api_key_required": False,
        "operation": "",
        "parameters": {},
        "models": {},
        "validator": "",
        "responses": {},
        "integration": integration(),
    } | fields


def test_a_method_is_read_from_its_operation() -> None:
    parts = desired_parts(
        document(
            {
                "operationId": "order",
                "security": [{"people": ["write", "read"]}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
                },
                "parameters": [
                    {"$ref": "#/components/parameters/Page"},
                    {"name": "X-Shop", "in": "header", "required": True},
                    {"name": "session", "in": "cookie"},
                ],
            },
            components={
                "schemas": {"A": {"type": "object"}, "Unused": {}},
                "parameters": {"Page": {"name": "page", "in": "query"}},
                "securitySchemes": {"people": PEOPLE},
            },
            **{
                f"{X}-request-validators": {"all": {"validateRequestBody": True}},
                f"{X}-request-validator": "all",
            },
        )
    )
    (authorizer,) = (name for name in parts if name.startswith("authorizer "))
    assert parts == {
        "validator all": {"body": True, "parameters": False},
        "model A": {
            "content_type": "application/json",
            "schema": {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"},
        },
        authorizer: {
            "type": "COGNITO_USER_POOLS",
            "user_pools": [POOL],
            "identity_source": "method.request.header.Authorization",
        },
        "resource /orders": {},
        "POST /orders": method(
            authorization="COGNITO_USER_POOLS",
            authorizer=authorizer.removeprefix("authorizer "),
            scopes=["read", "write"],
            operation="order",
            parameters={
                "method.request.querystring.page": False,
                "method.request.header.X-Shop": True,
            },
            models={"application/json": "A"},
            validator="all",
        ),
    }


def test_a_mock_has_responses_and_no_method() -> None:
    allow = {"method.response.header.Allow": "'GET'"}
    mock = {
        "type": "mock",
        "httpMethod": "POST",
        "responses": {
            "default": {"statusCode": 204, "responseParameters": allow},
            "5..": {"statusCode": "500", "responseTemplates": {"application/json": "{}"}},
        },
    }
    responses: dict[str, Any] = {"204": {"headers": {"Allow": {}}}, "default": {}}
    parts = desired_parts(document({f"{X}-integration": mock, "responses": responses}))
    assert parts["POST /orders"] == method(
        responses={"204": {"method.response.header.Allow": False}},
        integration=integration(
            type="MOCK",
            http_method="",
            uri="",
            responses={
                "204": {
                    "pattern": "",
                    "parameters": allow,
                    "templates": {},
                    "content_handling": "",
                },
                "500": {
                    "pattern": "5..",
                    "parameters": {},
                    "templates": {"application/json": "{}"},
                    "content_handling": "",
                },
            },
        ),
    )


@pytest.mark.parametrize(
    ("scheme", "required"),
    [
        ({"type": "apiKey", "name": "X-API-Key", "in": "header"}, True),
        ({"type": "apiKey", "name": "api_key", "in": "header"}, False),
    ],
)
def test_other_schemes_than_authorizers_are_the_functions_business(
    scheme: dict[str, Any], required: bool
) -> None:
    described = document(security=[{"key": []}], components={"securitySchemes": {"key": scheme}})
    made = desired_parts(described)["POST /orders"]
    assert (made["authorization"], made["api_key_required"]) == ("NONE", required)
    described["paths"]["/orders"]["post"]["security"] = []
    assert desired_parts(described)["POST /orders"] == method()


def test_every_step_of_a_path_is_a_resource() -> None:
    described = document()
    described["paths"] = {
        "/": {f"{X}-any-method": {f"{X}-integration": PROXY}},
        "/a/{b}/c": {"get": {f"{X}-integration": PROXY}},
    }
    names = ["resource /a", "resource /a/{b}", "resource /a/{b}/c", "ANY /", "GET /a/{b}/c"]
    assert list(desired_parts(described)) == names


def test_a_schema_is_written_out_in_the_words_of_draft_4() -> None:
    schemas = {
        "Order": {
            "type": "object",
            "required": ["example"],
            "properties": {
                "example": {"$ref": "#/components/schemas/Item"},
                "$ref": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
            },
            "example": {"example": "tea"},
        },
        "Item": {"type": "string", "nullable": True, "enum": ["tea", None], "deprecated": True},
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
    parts = desired_parts(document({"requestBody": body}, components={"schemas": schemas}))
    item = {"type": ["string", "null"], "enum": ["tea", None]}
    assert parts["model Order"]["schema"] == {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["example"],
        "properties": {"example": item, "$ref": {"type": "array", "items": item}},
    }
    schemas["Item"] = {"items": {"$ref": "#/components/schemas/Order"}}
    with pytest.raises(ReconcileError, match="#/components/schemas/Order contains itself"):
        desired_parts(document({"requestBody": body}, components={"schemas": schemas}))


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (document(openapi="3.1.0"), "openapi is '3.1.0'; give a document of OpenAPI 3.0"),
        (document(**{f"{X}-policy": {}}), f"definition: {X}-policy is not supported"),
        (document({f"{X}-auth": {}}), f"POST /orders: {X}-auth is not supported"),
        (document(paths={"/a": {"get": {}}}), f"GET /a: {X}-integration is missing"),
        (
            document({f"{X}-integration": PROXY | {"connectionId": "x"}}),
            "POST /orders: connectionId of .* is not supported",
        ),
        (document({f"{X}-request-validator": "all"}), "there is no request validator 'all'"),
        (document({"security": [{"people": []}]}), "there is no security scheme 'people'"),
        (
            document(
                {"security": [{"people": []}, {}]},
                components={"securitySchemes": {"people": PEOPLE}},
            ),
            "security names several ways in",
        ),
        (
            document(components={"securitySchemes": {"a": {f"{X}-authorizer": {"type": "token"}}}}),
            "securitySchemes a: its authorizer is of type 'token'; give cognito_user_pools",
        ),
        (document(_body({"type": "object"})), "POST /orders: the schema of its body has no name"),
        (document(_body({"$ref": "#/components/schemas/B"})), "#/components/schemas/B' names"),
        (document(_body({"$ref": "other.yml#/B"})), "other.yml#/B' names nothing"),
    ],
)
def test_what_is_not_understood_is_refused(described: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=message):
        desired_parts(described)


def test_plans_come_in_an_order_that_aws_accepts() -> None:
    current: dict[str, dict[str, Any]] = {
        "validator old": {},
        "authorizer old": {},
        "model Error": {},
        "model Old": {},
        "resource /a": {},
        "resource /a/{b}": {},
        "GET /a/{b}": method(validator="old"),
        "GET /": method(),
    }
    desired: dict[str, dict[str, Any]] = {
        "validator new": {},
        "authorizer new": {},
        "model New": {},
        "resource /a": {},
        "resource /a/{c}": {},
        "resource /a/{c}/d": {},
        "GET /a/{c}/d": method(validator="new"),
        "response THROTTLED": {},
        "GET /": method(),
    }
    plans = [plan for plan in plan_parts(current, desired) if plan.changed]
    assert [(plan.action, plan.name) for plan in plans] == [
        ("create", "authorizer new"),
        ("create", "model New"),
        ("create", "validator new"),
        ("delete", "GET /a/{b}"),
        ("delete", "resource /a/{b}"),
        ("create", "resource /a/{c}"),
        ("create", "resource /a/{c}/d"),
        ("create", "GET /a/{c}/d"),
        ("create", "response THROTTLED"),
        ("delete", "authorizer old"),
        ("delete", "model Old"),
        ("delete", "validator old"),
    ]


def test_an_api_is_found_on_a_later_page(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    pages = [{"items": [{"id": "1", "name": "shop-old"}], "position": "2"}]
    pages += [{"items": [{"id": API, "name": "shop"}]}]
    for page, request in zip(pages, ({}, {"position": "2"}), strict=True):
        stubber.add_response("get_rest_apis", page, request)
    assert find_api(client, "shop") == {"id": API, "name": "shop"}
    twice = [{"id": "1", "name": "shop"}, {"id": "2", "name": "shop"}]
    stubber.add_response("get_rest_apis", {"items": twice})
    with pytest.raises(ReconcileError, match="shop: 2 REST APIs have this name: 1, 2"):
        find_api(client, "shop")
    stubber.add_client_error("get_rest_apis", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match="find REST API shop: AccessDeniedException: not yours"):
        find_api(client, "shop")


def test_the_whole_api_is_read(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response("get_tags", {"tags": {"a": "1", "aws:x": "theirs"}}, {"resourceArn": ARN})
    found: Any = {"id": API, "name": "shop", "binaryMediaTypes": ["image/png", "image~1gif"]}
    assert read_api(client, found) == {
        "description": "",
        "binary_media_types": ["image/gif", "image/png"],
        "tags": {"a": "1"},
    }


def test_parts_are_read_as_they_are_described(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    api, described = {"restApiId": API}, {"id": "v1", "name": "all"}
    stubber.add_response(
        "get_request_validators",
        {"items": [described | {"validateRequestBody": True, "validateRequestParameters": False}]},
        api,
    )
    stubber.add_response(
        "get_models",
        {"items": [{"name": "A", "contentType": "application/json", "schema": '{"a": 1}'}]},
        api,
    )
    stubber.add_response(
        "get_authorizers",
        {
            "items": [
                {
                    "id": "u1",
                    "name": "people-1",
                    "type": "COGNITO_USER_POOLS",
                    "providerARNs": [POOL],
                    "identitySource": "method.request.header.Authorization",
                }
            ]
        },
        api,
    )
    # As AWS answers: without what says nothing.
    get = {
        "httpMethod": "GET",
        "authorizationType": "COGNITO_USER_POOLS",
        "authorizerId": "u1",
        "authorizationScopes": ["b", "a"],
        "apiKeyRequired": False,
        "requestValidatorId": "gone",
        "methodIntegration": {
            "type": "AWS_PROXY",
            "httpMethod": "POST",
            "uri": URI,
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": "r1",
        },
    }
    # As the emulator answers: a mock with a method, and empty texts.
    options = {
        "httpMethod": "OPTIONS",
        "authorizationType": "NONE",
        "apiKeyRequired": False,
        "methodResponses": {"204": {"statusCode": "204"}},
        "methodIntegration": {
            "type": "MOCK",
            "httpMethod": "POST",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "integrationResponses": {
                "204": {"statusCode": "204", "selectionPattern": "", "responseTemplates": {"a": ""}}
            },
        },
    }
    resources = [
        {"id": "r1", "path": "/", "resourceMethods": {"GET": get}},
        {"id": "r2", "path": "/orders", "resourceMethods": {"OPTIONS": options}},
    ]
    for number, page in enumerate(resources):
        more = {"position": "more"} if number == 0 else {}
        stubber.add_response(
            "get_resources",
            {"items": [page]} | more,
            api | {"embed": ["methods"]} | ({"position": "more"} if number else {}),
        )
    responses = [
        {"responseType": "THROTTLED", "defaultResponse": True},
        {"responseType": "DEFAULT_4XX", "defaultResponse": False, "responseTemplates": {"a": "b"}},
    ]
    stubber.add_response("get_gateway_responses", {"items": responses}, api)
    ids = Ids(API)
    assert read_parts(client, ids) == {
        "validator all": {"body": True, "parameters": False},
        "model A": {"content_type": "application/json", "schema": {"a": 1}},
        "authorizer people-1": {
            "type": "COGNITO_USER_POOLS",
            "user_pools": [POOL],
            "identity_source": "method.request.header.Authorization",
        },
        "GET /": method(
            authorization="COGNITO_USER_POOLS",
            authorizer="people-1",
            scopes=["a", "b"],
            validator="gone",
        ),
        "resource /orders": {},
        "OPTIONS /orders": method(
            responses={"204": {}},
            integration=integration(
                type="MOCK",
                http_method="",
                uri="",
                request_templates={"application/json": '{"statusCode": 204}'},
                responses={
                    "204": {
                        "pattern": "",
                        "parameters": {},
                        "templates": {"a": ""},
                        "content_handling": "",
                    }
                },
            ),
        ),
        "response DEFAULT_4XX": {"status": None, "parameters": {}, "templates": {"a": "b"}},
    }
    assert ids == Ids(API, {"/": "r1", "/orders": "r2"}, {"people-1": "u1"}, {"all": "v1"})


def test_a_new_api_is_noted_with_its_root(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response(
        "create_rest_api",
        {"id": API, "rootResourceId": "r1"},
        {
            "name": "shop",
            "description": "Sells",
            "binaryMediaTypes": [],
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "tags": {"a": "1"},
        },
    )
    ids = Ids()
    after = {"description": "Sells", "binary_media_types": [], "tags": {"a": "1"}}
    apply_api(client, ids, Plan("api shop", None, after), "shop")
    assert ids == Ids(API, {"/": "r1"})


def test_an_api_is_patched_and_tagged(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    patch = [
        {"op": "remove", "path": "/binaryMediaTypes/image~1gif"},
        {"op": "add", "path": "/binaryMediaTypes/image~1png"},
        {"op": "replace", "path": "/description", "value": "Sells"},
    ]
    stubber.add_response("update_rest_api", {}, {"restApiId": API, "patchOperations": patch})
    stubber.add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"b": "2"}})
    before = {"description": "", "binary_media_types": ["image/gif"], "tags": {"a": "1"}}
    after = {"description": "Sells", "binary_media_types": ["image/png"], "tags": {"b": "2"}}
    apply_api(client, Ids(API), Plan("api shop", before, after), "shop")
    stubber.add_response("delete_rest_api", {}, {"restApiId": API})
    apply_api(client, Ids(API), Plan("api shop", after, None), "shop")


VALIDATOR = {"body": True, "parameters": False}
MODEL = {"content_type": "application/json", "schema": {"a": 1}}
AUTHORIZER = {
    "type": "COGNITO_USER_POOLS",
    "user_pools": [POOL],
    "identity_source": "method.request.header.Authorization",
}
RESPONSE = {"status": "429", "parameters": {"a": "b"}, "templates": {}}


@pytest.mark.parametrize(
    ("plan", "call", "request_"),
    [
        (
            Plan("validator all", VALIDATOR, VALIDATOR | {"body": False}),
            "update_request_validator",
            {
                "requestValidatorId": "v1",
                "patchOperations": [
                    {"op": "replace", "path": "/validateRequestBody", "value": "false"},
                    {"op": "replace", "path": "/validateRequestParameters", "value": "false"},
                ],
            },
        ),
        (
            Plan("validator all", VALIDATOR, None),
            "delete_request_validator",
            {"requestValidatorId": "v1"},
        ),
        (
            Plan("model A", None, MODEL),
            "create_model",
            {"name": "A", "contentType": "application/json", "schema": '{"a": 1}'},
        ),
        (
            Plan("model A", MODEL, MODEL | {"schema": {}}),
            "update_model",
            {
                "modelName": "A",
                "patchOperations": [{"op": "replace", "path": "/schema", "value": "{}"}],
            },
        ),
        (Plan("model A", MODEL, None), "delete_model", {"modelName": "A"}),
        (
            Plan("authorizer people", AUTHORIZER | {"user_pools": ["theirs"]}, AUTHORIZER),
            "update_authorizer",
            {
                "authorizerId": "u1",
                "patchOperations": [
                    {
                        "op": "replace",
                        "path": "/identitySource",
                        "value": "method.request.header.Authorization",
                    },
                    {"op": "remove", "path": "/providerARNs", "value": "theirs"},
                    {"op": "add", "path": "/providerARNs", "value": POOL},
                ],
            },
        ),
        (
            Plan("authorizer people", AUTHORIZER, None),
            "delete_authorizer",
            {"authorizerId": "u1"},
        ),
        (Plan("resource /a", {}, None), "delete_resource", {"resourceId": "r2"}),
        (
            Plan("response THROTTLED", None, RESPONSE),
            "put_gateway_response",
            {
                "responseType": "THROTTLED",
                "statusCode": "429",
                "responseParameters": {"a": "b"},
            },
        ),
        (
            Plan("response THROTTLED", RESPONSE, None),
            "delete_gateway_response",
            {"responseType": "THROTTLED"},
        ),
        (
            Plan("GET /a", method(), None),
            "delete_method",
            {"resourceId": "r2", "httpMethod": "GET"},
        ),
    ],
    ids=lambda value: f"{value.action} {value.name}" if isinstance(value, Plan) else "",
)
def test_a_change_is_one_call(
    stubbed: Stubbed, plan: Plan, call: str, request_: dict[str, Any]
) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response(call, {}, {"restApiId": API} | request_)
    ids = Ids(API, {"/": "r1", "/a": "r2"}, {"people": "u1"}, {"all": "v1"})
    apply_part(client, ids, plan)


def test_a_new_method_refers_to_what_was_made_before_it(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    ids, api = Ids(API, {"/": "r1"}), {"restApiId": API}
    stubber.add_response(
        "create_authorizer",
        {"id": "u1"},
        api
        | {
            "name": "people",
            "type": "COGNITO_USER_POOLS",
            "providerARNs": [POOL],
            "identitySource": "method.request.header.Authorization",
        },
    )
    stubber.add_response(
        "create_request_validator",
        {"id": "v1"},
        api | {"name": "all", "validateRequestBody": True, "validateRequestParameters": False},
    )
    for name, parent, identifier in (("a", "r1", "r2"), ("{b}", "r2", "r3")):
        stubber.add_response(
            "create_resource", {"id": identifier}, api | {"parentId": parent, "pathPart": name}
        )
    get = api | {"resourceId": "r3", "httpMethod": "GET"}
    stubber.add_response(
        "put_method",
        {},
        get
        | {
            "authorizationType": "COGNITO_USER_POOLS",
            "apiKeyRequired": False,
            "requestValidatorId": "v1",
            "authorizerId": "u1",
            "authorizationScopes": ["a"],
        },
    )
    stubber.add_response(
        "put_method_response", {}, get | {"statusCode": "204", "responseParameters": {"x": False}}
    )
    stubber.add_response(
        "put_integration",
        {},
        get
        | {
            "type": "MOCK",
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "requestTemplates": {"application/json": "{}"},
        },
    )
    stubber.add_response(
        "put_integration_response",
        {},
        get | {"statusCode": "204", "responseParameters": {"x": "'y'"}, "responseTemplates": {}},
    )
    mock = integration(
        type="MOCK",
        http_method="",
        uri="",
        request_templates={"application/json": "{}"},
        responses={
            "204": {
                "pattern": "",
                "parameters": {"x": "'y'"},
                "templates": {},
                "content_handling": "",
            }
        },
    )
    wanted = method(
        authorization="COGNITO_USER_POOLS",
        authorizer="people",
        scopes=["a"],
        validator="all",
        responses={"204": {"x": False}},
        integration=mock,
    )
    parts: dict[str, dict[str, Any]] = {
        "validator all": VALIDATOR,
        "authorizer people": AUTHORIZER,
        "resource /a": {},
        "resource /a/{b}": {},
        "GET /a/{b}": wanted,
    }
    for plan in plan_parts({}, parts):
        apply_part(client, ids, plan)


def test_a_changed_method_is_made_anew(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    get = {"restApiId": API, "resourceId": "r1", "httpMethod": "GET"}
    stubber.add_response("delete_method", {}, get)
    stubber.add_response(
        "put_method",
        {},
        get | {"authorizationType": "NONE", "apiKeyRequired": True, "operationName": "order"},
    )
    stubber.add_response(
        "put_integration",
        {},
        get
        | {
            "type": "AWS_PROXY",
            "integrationHttpMethod": "POST",
            "uri": URI,
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
        },
    )
    after = method(api_key_required=True, operation="order")
    apply_part(client, Ids(API, {"/": "r1"}), Plan("GET /", method(), after))


def option(**fields: Any) -> dict[str, Any]:
    """Return the `stage` option as Ansible passes it."""
    return {
        "name": "prod",
        "description": None,
        "variables": None,
        "access_log_group": None,
        "access_log_format": None,
        "log_level": None,
        "metrics": None,
        "tracing": None,
        "rate_limit": None,
        "burst_limit": None,
        "methods": None,
    } | fields


def limits(**fields: Any) -> dict[str, Any]:
    """Return the settings of a method as AWS has them by itself."""
    return {
        "log_level": "OFF",
        "metrics": False,
        "rate_limit": 10000.0,
        "burst_limit": 5000,
    } | fields


def stage(**fields: Any) -> dict[str, Any]:
    """Return the model of a stage."""
    return {
        "description": "",
        "variables": {},
        "access_log": {},
        "tracing": False,
        "methods": {},
        "tags": {},
        "content": HASH,
    } | fields


POST = {"verb": "POST", "path": "/orders", "rate_limit": None, "burst_limit": 2}
LOG = {"destination": "arn:aws:logs:us-east-1:1:log-group:shop", "format": "$context.status"}
LIMITED = {"all methods": limits(log_level="INFO"), "POST /orders": limits(burst_limit=1)}


@pytest.mark.parametrize(
    ("present", "wanted", "after"),
    [
        (stage(), option(), stage()),
        (
            stage(methods=LIMITED),
            option(),
            stage(methods={"all methods": limits(log_level="INFO")}),
        ),
        (
            stage(methods=LIMITED),
            option(metrics=True, methods=[POST]),
            stage(
                methods={
                    "all methods": limits(log_level="INFO", metrics=True),
                    "POST /orders": limits(metrics=True, burst_limit=2),
                }
            ),
        ),
        (
            stage(variables={"a": "1"}),
            option(variables={"b": "2"}, tracing=True, description="x"),
            stage(variables={"b": "2"}, tracing=True, description="x"),
        ),
        (
            stage(),
            option(access_log_group=f"{LOG['destination']}:*", access_log_format=LOG["format"]),
            stage(access_log=LOG),
        ),
        (stage(access_log=LOG), option(access_log_group=""), stage()),
    ],
)
def test_only_given_options_of_a_stage_are_planned(
    present: dict[str, Any], wanted: dict[str, Any], after: dict[str, Any]
) -> None:
    desired = desired_stage(wanted, None, HASH)
    plan = plan_stage("prod", present, desired, purge_tags=True)
    assert plan == Plan("stage prod", present, after)


@pytest.mark.parametrize("group", [("shop", "$context.status"), (LOG["destination"], None)])
def test_an_access_log_needs_a_group_and_a_format(group: tuple[str, str | None]) -> None:
    wanted = option(access_log_group=group[0], access_log_format=group[1])
    with pytest.raises(ReconcileError, match=f"access_log_group is '{group[0]}'.*give the ARN"):
        desired_stage(wanted, None, HASH)


def test_the_hash_tells_every_change_of_the_document() -> None:
    shop = document(**{f"{X}-gateway-responses": {"THROTTLED": {"statusCode": 429}}})
    first = content_hash([], desired_parts(shop))
    assert first == content_hash([], desired_parts(copy.deepcopy(shop)))
    assert content_hash(["image/png"], desired_parts(shop)) != first
    shop[f"{X}-gateway-responses"]["THROTTLED"]["statusCode"] = 503
    assert content_hash([], desired_parts(shop)) != first


def add_stage(stubber: Stubber, description: str, settings: dict[str, Any]) -> None:
    """Make the account answer with a stage and its deployment."""
    member = {
        "deploymentId": "d1",
        "methodSettings": settings,
        "accessLogSettings": {
            "destinationArn": f"{LOG['destination']}:*",
            "format": LOG["format"],
        },
    }
    stubber.add_response("get_stage", member, {"restApiId": API, "stageName": "prod"})
    stubber.add_response("get_tags", {"tags": {}}, {"resourceArn": f"{ARN}/stages/prod"})
    stubber.add_response(
        "get_deployment", {"description": description}, {"restApiId": API, "deploymentId": "d1"}
    )


@pytest.mark.parametrize("key", ["orders/lines/POST", "/orders/lines/POST", "~1orders~1lines/POST"])
def test_a_stage_is_read_with_what_it_serves(stubbed: Stubbed, key: str) -> None:
    client, stubber = stubbed("apigateway")
    setting = {
        "loggingLevel": "OFF",
        "metricsEnabled": False,
        "throttlingRateLimit": 10000.0,
        "throttlingBurstLimit": 5000,
        "dataTraceEnabled": False,
    }
    add_stage(stubber, f"content {HASH}", {key: setting, "*/*": setting})
    methods = {"all methods": limits(), "POST /orders/lines": limits()}
    assert read_stage(client, API, "prod") == stage(access_log=LOG, methods=methods)
    add_stage(stubber, "by hand", {})
    assert read_stage(client, API, "prod") == stage(access_log=LOG, content="unknown")
    stubber.add_client_error("get_stage", "NotFoundException")
    assert read_stage(client, API, "prod") is None


def test_a_new_stage_serves_a_new_deployment(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    api = {"restApiId": API}
    stubber.add_response(
        "create_deployment", {"id": "d1"}, api | {"description": f"content {HASH}"}
    )
    stubber.add_response("create_stage", {}, api | {"stageName": "prod", "deploymentId": "d1"})
    patch = [
        {"op": "replace", "path": "/tracingEnabled", "value": "true"},
        {"op": "replace", "path": "/variables/a", "value": "1"},
        {"op": "replace", "path": "/~1orders/POST/logging/loglevel", "value": "ERROR"},
        {"op": "replace", "path": "/~1orders/POST/throttling/burstLimit", "value": "2"},
        {"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"},
    ]
    stubber.add_response("update_stage", {}, api | {"stageName": "prod", "patchOperations": patch})
    stubber.add_response(
        "tag_resource", {}, {"resourceArn": f"{ARN}/stages/prod", "tags": {"a": "1"}}
    )
    stubber.add_response("get_stages", {"item": [{"deploymentId": "d1"}]}, api)
    stubber.add_response("get_deployments", {"items": []}, api)
    wanted = option(tracing=True, variables={"a": "1"}, log_level="ERROR", methods=[POST])
    desired = desired_stage(wanted, {"a": "1"}, HASH)
    plan = plan_stage("prod", None, desired, purge_tags=True)
    apply_stage(client, API, "prod", plan, keep=5)


def test_settings_follow_the_deployment_that_has_their_methods(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    api = {"restApiId": API}
    stubber.add_response("create_deployment", {"id": "d2"}, api | {"description": "content new"})
    patch = [
        {"op": "replace", "path": "/deploymentId", "value": "d2"},
        {"op": "remove", "path": "/accessLogSettings"},
        {"op": "remove", "path": "/variables/a"},
        {"op": "remove", "path": "/~1old/GET"},
        {"op": "replace", "path": "/~1new/GET/throttling/rateLimit", "value": "0.5"},
    ]
    stubber.add_response("update_stage", {}, api | {"stageName": "prod", "patchOperations": patch})
    served = [{"deploymentId": "d2"}, {"deploymentId": "served"}]
    stubber.add_response("get_stages", {"item": served}, api)
    ages = {"d2": 9, "recent": 8, "served": 7, "old": 6, "older": 5}
    described = [
        {"id": name, "createdDate": age, "description": "content x"} for name, age in ages.items()
    ]
    theirs = {"id": "theirs", "createdDate": 1, "description": "by hand"}
    stubber.add_response("get_deployments", {"items": described[2:], "position": "more"}, api)
    stubber.add_response(
        "get_deployments", {"items": [*described[:2], theirs]}, api | {"position": "more"}
    )
    for name in ("old", "older"):
        stubber.add_response("delete_deployment", {}, api | {"deploymentId": name})
    before = stage(access_log=LOG, variables={"a": "1"}, methods={"GET /old": limits()})
    after = stage(content="new", methods={"GET /new": {"rate_limit": 0.5}})
    apply_stage(client, API, "prod", Plan("stage prod", before, after), keep=2)


def test_the_same_content_is_not_deployed_again(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    patch = [{"op": "replace", "path": "/description", "value": "x"}]
    stubber.add_response(
        "update_stage",
        {},
        {"restApiId": API, "stageName": "prod", "patchOperations": patch},
    )
    plan = Plan("stage prod", stage(), stage(description="x"))
    apply_stage(client, API, "prod", plan, keep=1)


ROLE = "arn:aws:iam::111122223333:role/logs"


@pytest.mark.parametrize(
    ("current", "absent", "after"),
    [
        ("", False, ROLE),
        (ROLE, False, ROLE),
        ("theirs", False, "theirs"),
        ("", True, ""),
        (ROLE, True, ""),
        ("theirs", True, "theirs"),
    ],
)
def test_the_role_of_others_stays(current: str, absent: bool, after: str) -> None:
    plan = plan_account(current, ROLE, absent=absent)
    assert (plan.before, plan.after) == ({"log_role": current}, {"log_role": after})


def test_a_new_role_is_waited_for(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("apigateway")
    stubber.add_response("get_account", {})
    assert read_account_role(client) == ""
    refusal = "The role ARN does not have required permissions configured."
    stubber.add_client_error("update_account", "BadRequestException", refusal)
    patch = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": ROLE}]
    stubber.add_response("update_account", {}, {"patchOperations": patch})
    plan = plan_account("", ROLE, absent=False)
    apply_account(client, plan, timeout_seconds=1)
    stubber.add_client_error("update_account", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match=re.escape(f"logs to {ROLE!r}: AccessDeniedException")):
        apply_account(client, plan, timeout_seconds=1)


def test_a_model_is_compared_by_what_it_says(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    ids = Ids(API)
    for operation in ("get_request_validators", "get_models", "get_authorizers", "get_resources"):
        entry = {"name": "A", "contentType": "application/json", "schema": '{"b":2, "a":1}'}
        stubber.add_response(operation, {"items": [entry] if operation == "get_models" else []})
    stubber.add_response("get_gateway_responses", {"items": []})
    read = read_parts(client, ids)
    assert read["model A"]["schema"] == json.loads('{"a": 1, "b": 2}')

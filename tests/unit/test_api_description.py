"""The OpenAPI document of the API, as the role renders it, against the functions behind it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible.module_utils.artificien.apigw_definition import desired_parts

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "roles/model_retrieval/templates/openapi.yml.j2"
FUNCTIONS = ("model_retrieval", "downloads", "datasets", "reports")
VALUES = {
    "model_retrieval_region": "us-east-1",
    "model_retrieval_url_pattern": "https://{api_id}.example.org/prod",
    "__model_retrieval_api": "api",
    "__model_retrieval_function_arn": "arn:aws:lambda:us-east-1:111122223333:function:",
    "__model_retrieval_role_arn": "arn:aws:iam::111122223333:role/",
    "__model_retrieval_pool_arn": "arn:aws:cognito-idp:us-east-1:111122223333:userpool/p",
    "__model_retrieval_name": "model_retrieval",
    "__model_retrieval_downloads": "downloads",
    "__model_retrieval_datasets": "datasets",
    "__model_retrieval_reports": "reports",
}
CORS = {
    "header.Access-Control-Allow-Origin",
    "header.Access-Control-Allow-Headers",
    "header.Access-Control-Allow-Methods",
}
SIGNED_IN = {
    *("GET /retrieve", "POST /create", "POST /get_datasets", "POST /generate_key"),
    "POST /delete",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the document as the role passes it to the module."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no page
    rendered: dict[str, Any] = yaml.safe_load(
        environment.from_string(TEMPLATE.read_text()).render(VALUES)
    )
    return rendered


@pytest.fixture(scope="module")
def methods(document: dict[str, Any]) -> dict[str, Any]:
    """Return the models of the methods by name."""
    parts = desired_parts(document)
    return {name: part for name, part in parts.items() if "integration" in part}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_route_of_a_function_is_a_method_that_calls_it(
    methods: dict[str, Any], function: str
) -> None:
    handler = (ROOT / f"lambdas/{function}/handler.py").read_text()
    routes = set(re.findall(r'"((?:GET|POST) /[^"]*)"', handler))
    calling = {
        name
        for name, method in methods.items()
        if method["integration"]["uri"].endswith(f":function:{function}/invocations")
    }
    assert routes == calling
    assert routes


def test_who_must_be_signed_in_needs_the_scope_of_access_tokens(methods: dict[str, Any]) -> None:
    guarded = {name for name, method in methods.items() if method["authorization"] != "NONE"}
    assert guarded == SIGNED_IN
    for name in guarded:
        assert methods[name]["scopes"] == ["aws.cognito.signin.user.admin"], name


def test_pages_of_every_origin_may_call(document: dict[str, Any], methods: dict[str, Any]) -> None:
    for path in document["paths"]:
        preflight = methods[f"OPTIONS {path}"]["integration"]
        (response,) = preflight["responses"].values()
        assert {name.removeprefix("method.response.") for name in response["parameters"]} == CORS
        assert "Authorization" in " ".join(response["parameters"].values())


def test_what_the_gateway_itself_answers_is_json_that_pages_may_read(
    document: dict[str, Any],
) -> None:
    for kind, response in document["x-amazon-apigateway-gateway-responses"].items():
        (body,) = response["responseTemplates"].values()
        answer = json.loads(body.replace("$context.error.messageString", '"why"'))
        assert answer.keys() == {"error", "description"}, kind
        headers = {name.removeprefix("gatewayresponse.") for name in response["responseParameters"]}
        assert headers == CORS, kind

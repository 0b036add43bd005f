"""REST APIs of API Gateway: what is there, as models."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_definition import INTEGRATION
from ansible.module_utils.artificien.aws import aws_call, own_tags
from ansible.module_utils.artificien.reconcile import Model, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import RestApiTypeDef

# Models that AWS makes with each API.
AWS_MODELS = {"Empty", "Error"}


@dataclass
class Ids:
    """The ids that AWS has given to an API and its parts, by the names that the parts have."""

    api: str = ""
    resources: dict[str, str] = field(default_factory=dict)
    authorizers: dict[str, str] = field(default_factory=dict)
    validators: dict[str, str] = field(default_factory=dict)


def arn(client: APIGatewayClient, api: str, stage: str | None = None) -> str:
    """Return the ARN under which API Gateway keeps the tags of an API, or of its stage."""
    tail = f"/stages/{stage}" if stage else ""
    region = client.meta.region_name
    return f"arn:{client.meta.partition}:apigateway:{region}::/restapis/{api}{tail}"


def read_tags(client: APIGatewayClient, resource: str) -> dict[str, str]:
    """Return the tags of an API or a stage, without those of AWS."""
    return own_tags(client.get_tags(resourceArn=resource)["tags"])


@aws_call("find REST API {0}")
def find_api(client: APIGatewayClient, name: str) -> RestApiTypeDef | None:
    """Return the API called `name`.

    Raises:
        ReconcileError: there are several, since AWS lets APIs share a name.
    """
    pages = client.get_paginator("get_rest_apis").paginate()
    found = [api for page in pages for api in page["items"] if api["name"] == name]
    if len(found) > 1:
        raise ReconcileError(
            f"{name}: {len(found)} REST APIs have this name: "
            f"{', '.join(api['id'] for api in found)}. Delete or rename all but one of them."
        )
    return found[0] if found else None


@aws_call("read REST API {0[name]}")
def read_api(client: APIGatewayClient, api: RestApiTypeDef) -> Model:
    """Read what the module manages of the API as a whole."""
    return {
        "description": api.get("description", ""),
        # One answer has them as they stand in the path of a patch.
        "binary_media_types": sorted(
            kind.replace("~1", "/") for kind in api.get("binaryMediaTypes", [])
        ),
        "tags": read_tags(client, arn(client, api["id"])),
    }


@aws_call("read the parts of REST API {0.api}")
def read_parts(client: APIGatewayClient, ids: Ids) -> dict[str, Model]:
    """Return the models of an API's parts by name, and note their ids."""
    parts: dict[str, Model] = {}
    for validator in _all(client, "get_request_validators", ids.api):
        ids.validators[validator["name"]] = validator["id"]
        parts[f"validator {validator['name']}"] = {
            "body": validator["validateRequestBody"],
            "parameters": validator["validateRequestParameters"],
        }
    for model in _all(client, "get_models", ids.api):
        parts[f"model {model['name']}"] = {
            "content_type": model["contentType"],
            "schema": json.loads(model.get("schema") or "{}"),
        }
    for authorizer in _all(client, "get_authorizers", ids.api):
        ids.authorizers[authorizer["name"]] = authorizer["id"]
        parts[f"authorizer {authorizer['name']}"] = {
            "type": authorizer["type"],
            "user_pools": sorted(authorizer.get("providerARNs", [])),
            "identity_source": authorizer.get("identitySource", ""),
        }
    for resource in _all(client, "get_resources", ids.api, embed=["methods"]):
        ids.resources[resource["path"]] = resource["id"]
        if resource["path"] != "/":
            parts[f"resource {resource['path']}"] = {}
        for verb, method in resource.get("resourceMethods", {}).items():
            parts[f"{verb} {resource['path']}"] = _method(ids, method)
    for response in _all(client, "get_gateway_responses", ids.api):
        if not response["defaultResponse"]:
            parts[f"response {response['responseType']}"] = {
                "status": response.get("statusCode"),
                "parameters": response.get("responseParameters", {}),
                "templates": response.get("responseTemplates", {}),
            }
    return parts


def _all(client: Any, operation: str, api: str, **request: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(restApiId=api, **request):
        yield from page.get("items", [])


def _name(names: dict[str, str], identifier: str | None) -> str:
    """Return the name of what has `identifier`; what is gone keeps the identifier."""
    found = (name for name, known in names.items() if known == identifier)
    return next(found, identifier or "")


def _method(ids: Ids, method: Any) -> Model:
    return {
        "authorization": method["authorizationType"],
        "authorizer": _name(ids.authorizers, method.get("authorizerId")),
        "scopes": sorted(method.get("authorizationScopes", [])),
        "api_key_required": method.get("apiKeyRequired", False),
        "operation": method.get("operationName", ""),
        "parameters": method.get("requestParameters", {}),
        "models": method.get("requestModels", {}),
        "validator": _name(ids.validators, method.get("requestValidatorId")),
        "responses": {
            status: response.get("responseParameters", {})
            for status, response in method.get("methodResponses", {}).items()
        },
        "integration": _integration(method.get("methodIntegration", {})),
    }


def _integration(integration: Any) -> Model:
    model: Model = {
        field_: integration.get(member, unset) for member, (field_, unset) in INTEGRATION.items()
    }
    if model["type"] == "MOCK":
        model["http_method"] = ""
    model["request_templates"] = _templates(model["request_templates"])
    model["responses"] = {
        status: {
            "pattern": response.get("selectionPattern", ""),
            "parameters": response.get("responseParameters", {}),
            "templates": _templates(response.get("responseTemplates", {})),
            "content_handling": response.get("contentHandling", ""),
        }
        for status, response in integration.get("integrationResponses", {}).items()
    }
    return model


def _templates(templates: dict[str, str | None]) -> dict[str, str]:
    """Return `templates` as they were given: AWS answers nothing for an empty one."""
    return {kind: template or "" for kind, template in templates.items()}

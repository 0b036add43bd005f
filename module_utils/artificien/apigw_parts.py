"""REST APIs of API Gateway: plans of their parts, and the calls that carry the plans out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_definition import INTEGRATION
from ansible.module_utils.artificien.apigw_patch import add, exchange, remove, replace, step
from ansible.module_utils.artificien.apigw_read import AWS_MODELS, Ids, arn
from ansible.module_utils.artificien.aws import aws_call, changed_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, make_plan

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

SHARED = ("validator", "model", "authorizer")


def plan_parts(current: dict[str, Model], desired: dict[str, Model]) -> list[Plan]:
    """Plan every part of an API, in the order in which the plans can be carried out.

    What is not described is deleted, but for the models of AWS.
    """
    kept = {f"model {name}" for name in AWS_MODELS}
    names = desired.keys() | (current.keys() - kept)
    plans = [make_plan(name, current.get(name), desired.get(name)) for name in names]
    return sorted(plans, key=_turn)


def _turn(plan: Plan) -> tuple[int, int, str]:
    """Return the turn of a plan: what others use comes before them and goes after them.

    Resources go before others come, since a level of a path has room for one parameter only.
    """
    kind, _, name = plan.name.partition(" ")
    goes, depth = plan.after is None, name.count("/")
    if kind in SHARED:
        return (6 if goes else 0, 0, plan.name)
    if kind == "resource":
        return (2, -depth, name) if goes else (3, depth, name)
    if kind == "response":
        return (5, 0, name)
    return (1 if goes else 4, 0, plan.name)


def apply_part(client: APIGatewayClient, ids: Ids, plan: Plan) -> None:
    """Carry out the plan of one part, and note its id for those that come after."""
    kind, _, name = plan.name.partition(" ")
    if kind == "validator":
        _validator(client, ids, plan, name)
    elif kind == "model":
        _model(client, ids, plan, name)
    elif kind == "authorizer":
        _authorizer(client, ids, plan, name)
    elif kind == "resource":
        _resource(client, ids, plan, name)
    elif kind == "response":
        _gateway_response(client, ids, plan, name)
    else:
        _method(client, ids, plan, kind, name)


def apply_api(client: APIGatewayClient, ids: Ids, plan: Plan, name: str) -> None:
    """Carry out the plan of an API as a whole, and note the ids of a new one."""
    if plan.action == "create":
        _create_api(client, ids, plan, name)
    elif plan.action == "update":
        _update_api(client, ids, plan, name)
    else:
        _delete_api(client, ids, name)


@aws_call("create REST API {2}")
def _create_api(client: APIGatewayClient, ids: Ids, plan: Plan, name: str) -> None:
    after = plan.after or {}
    api = client.create_rest_api(
        name=name,
        description=after["description"],
        binaryMediaTypes=after["binary_media_types"],
        endpointConfiguration={"types": ["REGIONAL"]},
        tags=after.get("tags", {}),
    )
    ids.api = api["id"]
    ids.resources["/"] = api["rootResourceId"]


@aws_call("update REST API {2}")
def _update_api(client: APIGatewayClient, ids: Ids, plan: Plan, _name: str) -> None:
    before, after = plan.before or {}, plan.after or {}
    old, new = set(before["binary_media_types"]), set(after["binary_media_types"])
    # A media type stands in the path itself, not in the value.
    patch = [remove(f"/binaryMediaTypes/{step(kind)}") for kind in sorted(old - new)]
    patch += [add(f"/binaryMediaTypes/{step(kind)}") for kind in sorted(new - old)]
    if plan.changes("description"):
        patch.append(replace("/description", after["description"]))
    if patch:
        client.update_rest_api(restApiId=ids.api, patchOperations=patch)
    tag(client, arn(client, ids.api), plan)


@aws_call("delete REST API {1}")
def _delete_api(client: APIGatewayClient, ids: Ids, _name: str) -> None:
    client.delete_rest_api(restApiId=ids.api)


def tag(client: APIGatewayClient, resource: str, plan: Plan) -> None:
    """Set and remove the tags of an API or a stage."""
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(resourceArn=resource, tagKeys=removed)
    if tags:
        client.tag_resource(resourceArn=resource, tags=tags)


@aws_call("converge request validator {2}")
def _validator(client: APIGatewayClient, ids: Ids, plan: Plan, name: str) -> None:
    if plan.after is None:
        client.delete_request_validator(restApiId=ids.api, requestValidatorId=ids.validators[name])
        return
    members = {
        "validateRequestBody": plan.after["body"],
        "validateRequestParameters": plan.after["parameters"],
    }
    if plan.action == "create":
        made = client.create_request_validator(restApiId=ids.api, name=name, **members)
        ids.validators[name] = made["id"]
        return
    client.update_request_validator(
        restApiId=ids.api,
        requestValidatorId=ids.validators[name],
        patchOperations=[replace(f"/{member}", value) for member, value in members.items()],
    )


@aws_call("converge model {2}")
def _model(client: APIGatewayClient, ids: Ids, plan: Plan, name: str) -> None:
    if plan.after is None:
        client.delete_model(restApiId=ids.api, modelName=name)
        return
    schema = json.dumps(plan.after["schema"], sort_keys=True)
    if plan.action == "create":
        client.create_model(
            restApiId=ids.api, name=name, contentType=plan.after["content_type"], schema=schema
        )
        return
    client.update_model(
        restApiId=ids.api,
        modelName=name,
        patchOperations=[replace("/schema", schema)],
    )


@aws_call("converge authorizer {2}")
def _authorizer(client: APIGatewayClient, ids: Ids, plan: Plan, name: str) -> None:
    if plan.after is None:
        client.delete_authorizer(restApiId=ids.api, authorizerId=ids.authorizers[name])
        return
    after = plan.after
    if plan.action == "create":
        made = client.create_authorizer(
            restApiId=ids.api,
            name=name,
            type=after["type"],
            providerARNs=after["user_pools"],
            identitySource=after["identity_source"],
        )
        ids.authorizers[name] = made["id"]
        return
    # Its name tells its content, so somebody else has changed it.
    pools = (plan.before or {})["user_pools"], after["user_pools"]
    client.update_authorizer(
        restApiId=ids.api,
        authorizerId=ids.authorizers[name],
        patchOperations=[
            replace("/identitySource", after["identity_source"]),
            *exchange("/providerARNs", *pools),
        ],
    )


@aws_call("converge resource {2}")
def _resource(client: APIGatewayClient, ids: Ids, plan: Plan, path: str) -> None:
    if plan.after is None:
        client.delete_resource(restApiId=ids.api, resourceId=ids.resources[path])
        return
    parent, _, step = path.rpartition("/")
    made = client.create_resource(
        restApiId=ids.api, parentId=ids.resources[parent or "/"], pathPart=step
    )
    ids.resources[path] = made["id"]


@aws_call("converge gateway response {2}")
def _gateway_response(client: Any, ids: Ids, plan: Plan, kind: str) -> None:
    if plan.after is None:
        client.delete_gateway_response(restApiId=ids.api, responseType=kind)
        return
    members = {
        "statusCode": plan.after.get("status"),
        "responseParameters": plan.after.get("parameters"),
        "responseTemplates": plan.after.get("templates"),
    }
    client.put_gateway_response(restApiId=ids.api, responseType=kind, **_given(members))


@aws_call("converge method {2} {3}")
def _method(client: Any, ids: Ids, plan: Plan, verb: str, path: str) -> None:
    """Make a method anew if it changes: what is deployed serves on until the next deployment."""
    method = {"restApiId": ids.api, "resourceId": ids.resources[path], "httpMethod": verb}
    if plan.before is not None:
        client.delete_method(**method)
    if plan.after is None:
        return
    after = plan.after
    members = {
        "operationName": after["operation"],
        "requestParameters": after["parameters"],
        "requestModels": after["models"],
        "requestValidatorId": ids.validators.get(after["validator"]),
        "authorizerId": ids.authorizers.get(after["authorizer"]),
        "authorizationScopes": after["scopes"],
    }
    client.put_method(
        **method,
        authorizationType=after["authorization"],
        apiKeyRequired=after["api_key_required"],
        **_given(members),
    )
    for status, parameters in after["responses"].items():
        client.put_method_response(**method, statusCode=status, responseParameters=parameters)
    _put_integration(client, method, after["integration"])


def _put_integration(client: Any, method: dict[str, str], integration: Model) -> None:
    members = {member: integration[field] for member, (field, _) in INTEGRATION.items()}
    members["integrationHttpMethod"] = members.pop("httpMethod")
    client.put_integration(**method, **_given(members))
    for status, response in integration["responses"].items():
        members = {
            "selectionPattern": response["pattern"],
            "responseParameters": response["parameters"],
            "contentHandling": response["content_handling"],
        }
        client.put_integration_response(
            **method,
            statusCode=status,
            # AWS passes the answer through, unless a template says otherwise.
            responseTemplates=response["templates"],
            **_given(members),
        )


def _given(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a request without those that say nothing."""
    return {member: value for member, value in members.items() if value not in ("", None, {}, [])}

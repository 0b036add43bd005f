"""Custom domain names of REST APIs: option words to models, API to models, and the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_parts import tag
from ansible.module_utils.artificien.apigw_patch import replace
from ansible.module_utils.artificien.apigw_read import find_api
from ansible.module_utils.artificien.aws import aws_call, none_if_missing, own_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

# What API Gateway calls the mapping of all paths.
ROOT = "(none)"
TO_COME = "to-come"
# What AWS refuses to change, or changes only over a second certificate.
CREATE_ONLY = ["endpoint_types"]


def desired_domain(client: APIGatewayClient, params: dict[str, Any]) -> Model:
    """Turn the module's options into a model."""
    api = find_api(client, params["api"])
    return {
        "certificate_arn": params["certificate_arn"],
        "endpoint_types": ["REGIONAL"],
        "security_policy": "TLS_1_2",
        "mappings": {ROOT: f"{api['id'] if api else TO_COME}/{params['stage']}"},
        "tags": params["tags"],
    }


@aws_call("read the domain name {0} of API Gateway")
@none_if_missing("NotFoundException")
def read_domain(client: APIGatewayClient, name: str) -> Model:
    """Read everything that the module manages of the domain name, and where DNS shall point."""
    found = client.get_domain_name(domainName=name)
    pages = client.get_paginator("get_base_path_mappings").paginate(domainName=name)
    return {
        "certificate_arn": found.get("regionalCertificateArn") or found.get("certificateArn", ""),
        "endpoint_types": found["endpointConfiguration"]["types"],
        "security_policy": found.get("securityPolicy", ""),
        "mappings": {
            mapping["basePath"]: f"{mapping['restApiId']}/{mapping.get('stage', '')}"
            for page in pages
            for mapping in page.get("items", [])
        },
        "tags": own_tags(found.get("tags", {})),
        "regional_domain_name": found.get("regionalDomainName", ""),
        "regional_hosted_zone_id": found.get("regionalHostedZoneId", ""),
    }


def plan_domain(name: str, current: Model | None, desired: Model | None, *, purge: bool) -> Plan:
    """Plan a domain name; `purge` also removes tags that are not listed."""
    merged = [] if purge else ["tags"]
    return make_plan(name, current, desired, create_only=CREATE_ONLY, merged=merged)


def apply_domain(client: APIGatewayClient, plan: Plan) -> None:
    """Carry out the plan of one domain name.

    Raises:
        ReconcileError: there is no API to lead it to.
    """
    if plan.action == "delete":
        _delete(client, plan.name)
        return
    after = plan.after or {}
    if after["mappings"][ROOT].startswith(f"{TO_COME}/"):
        raise ReconcileError(
            f"{plan.name}: there is no API that this name could lead to. Deploy the API first."
        )
    if plan.action == "create":
        _create(client, plan.name, after)
    else:
        _update(client, plan.name, plan)
        if plan.changes("tags"):
            _tag(client, plan.name, plan)
    if plan.changes("mappings"):
        _map(client, plan.name, (plan.before or {}).get("mappings", {}), after["mappings"])


@aws_call("create the domain name {0} of API Gateway")
def _create(client: APIGatewayClient, name: str, after: Model) -> None:
    client.create_domain_name(
        domainName=name,
        regionalCertificateArn=after["certificate_arn"],
        endpointConfiguration={"types": after["endpoint_types"]},
        securityPolicy=after["security_policy"],
        tags=after.get("tags", {}),
    )


@aws_call("update the domain name {0} of API Gateway")
def _update(client: APIGatewayClient, name: str, plan: Plan) -> None:
    fields = {
        "certificate_arn": "/regionalCertificateArn",
        "security_policy": "/securityPolicy",
    }
    patch = [
        replace(path, (plan.after or {})[field])
        for field, path in fields.items()
        if plan.changes(field)
    ]
    if patch:
        client.update_domain_name(domainName=name, patchOperations=patch)


@aws_call("tag the domain name {0} of API Gateway")
def _tag(client: APIGatewayClient, name: str, plan: Plan) -> None:
    region = client.meta.region_name
    tag(client, f"arn:{client.meta.partition}:apigateway:{region}::/domainnames/{name}", plan)


@aws_call("map the domain name {0} of API Gateway")
def _map(client: APIGatewayClient, name: str, before: Model, after: Model) -> None:
    for path in before:
        if before[path] != after.get(path):
            client.delete_base_path_mapping(domainName=name, basePath=path)
    for path, target in after.items():
        if before.get(path) != target:
            api, stage = target.split("/", 1)
            client.create_base_path_mapping(
                domainName=name, basePath=path, restApiId=api, stage=stage
            )


@aws_call("delete the domain name {0} of API Gateway")
def _delete(client: APIGatewayClient, name: str) -> None:
    client.delete_domain_name(domainName=name)

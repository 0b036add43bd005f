"""Functions with what calls them, and APIs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_read import Ids, read_api, read_parts
from ansible.module_utils.artificien.apigw_stage import CONTENT, content_hash

from tests.state.canonical import Found
from tests.state.services import or_none, pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud


def functions(cloud: Cloud) -> Iterator[Found]:
    """Yield the functions, and who may call them."""
    client = service(cloud, "lambda")
    listed = [each["FunctionName"] for each in pages(client, "list_functions", "Functions")]
    for name in listed:
        function = client.get_function(FunctionName=name)
        content = {
            "configuration": function["Configuration"],
            "concurrency": client.get_function_concurrency(FunctionName=name).get(
                "ReservedConcurrentExecutions"
            ),
            "policy": or_none(client.get_policy, "ResourceNotFoundException", FunctionName=name),
            "tags": function.get("Tags"),
        }
        yield Found("function", name, content)


def mappings(cloud: Cloud) -> Iterator[Found]:
    """Yield what hands functions records and messages."""
    client = service(cloud, "lambda")
    for mapping in pages(client, "list_event_source_mappings", "EventSourceMappings"):
        name = f"{mapping['EventSourceArn']} to {mapping['FunctionArn']}"
        content = mapping | {"LastProcessingResult": None}
        yield Found("mapping", name, content, (mapping["UUID"],))


def apis(cloud: Cloud) -> Iterator[Found]:
    """Yield the APIs with their parts and stages, and whether each stage serves those parts."""
    gateway = service(cloud, "apigateway")
    for api in pages(gateway, "get_rest_apis", "items"):
        yield Found("api", api["name"], api, (api["id"],))
        yield from _parts(gateway, api["id"], api["name"])
        # Its parts have ids in them, and so has what their hash is made of.
        content = content_hash(
            read_api(gateway, api)["binary_media_types"], read_parts(gateway, Ids(api["id"]))
        )
        for stage in gateway.get_stages(restApiId=api["id"])["item"]:
            # Earlier deployments are history: they are kept to go back to, and serve nobody.
            deployed = gateway.get_deployment(
                restApiId=api["id"], deploymentId=stage["deploymentId"]
            )
            served = deployed.get("description") == f"{CONTENT}{content}"
            name = f"{stage['stageName']} of {api['name']}"
            yield Found("stage", name, stage | {"is up to date": served}, (stage["deploymentId"],))


def _parts(gateway: Any, api: str, name: str) -> Iterator[Found]:
    resources = pages(gateway, "get_resources", "items", restApiId=api, embed=["methods"])
    for resource in resources:
        yield Found("resource", f"{resource['path']} of {name}", resource, (resource["id"],))
    for operation, kind, title in (
        ("get_authorizers", "authorizer", "name"),
        ("get_models", "model", "name"),
        ("get_request_validators", "validator", "name"),
        ("get_gateway_responses", "gateway response", "responseType"),
    ):
        for part in pages(gateway, operation, "items", restApiId=api):
            # An authorizer has the hash of the ids of its user pools at the end of its name.
            plain = re.sub("-[0-9a-f]{8}$", "", part[title])
            ids = (part.get("id", ""), part[title] if plain != part[title] else "")
            yield Found(kind, f"{plain} of {name}", part, ids)


def gateway(cloud: Cloud) -> Iterator[Found]:
    """Yield what API Gateway has beside APIs: names, usage plans, keys and the account's role."""
    client = service(cloud, "apigateway")
    account = or_none(client.get_account)
    # No role is told as none, or as an empty one.
    yield Found(
        "api account", "", account | {"cloudwatchRoleArn": account.get("cloudwatchRoleArn", "")}
    )
    for domain in pages(client, "get_domain_names", "items"):
        name = domain["domainName"]
        mapped = pages(client, "get_base_path_mappings", "items", domainName=name)
        ids = (domain.get("regionalDomainName", ""), domain.get("distributionDomainName", ""))
        yield Found("api domain", name, domain | {"mappings": mapped}, ids)
    for plan in pages(client, "get_usage_plans", "items"):
        yield Found("usage plan", plan["name"], plan, (plan["id"],))
    for key in pages(client, "get_api_keys", "items"):
        yield Found("api key", key["name"], key, (key["id"],))


READERS = (functions, mappings, apis, gateway)

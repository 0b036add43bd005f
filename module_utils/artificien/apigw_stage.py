"""The stage of a REST API and the deployments that it serves: models, plans and the calls."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_parts import tag
from ansible.module_utils.artificien.apigw_patch import remove, replace, step
from ansible.module_utils.artificien.apigw_read import arn, read_tags
from ansible.module_utils.artificien.aws import aws_call, none_if_missing
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef as Operation

ALL_METHODS = "all methods"
# How the descriptions of our deployments begin; the hash of what they hold follows.
CONTENT = "content "
NO_LOG: dict[str, str] = {}
LOG_LEVELS = ["OFF", "ERROR", "INFO"]
# Member of the API and step of the path of a patch, by field of a method's settings.
SETTINGS = {
    "log_level": ("loggingLevel", "logging/loglevel"),
    "metrics": ("metricsEnabled", "metrics/enabled"),
    "rate_limit": ("throttlingRateLimit", "throttling/rateLimit"),
    "burst_limit": ("throttlingBurstLimit", "throttling/burstLimit"),
}


def content_hash(kinds: list[str], parts: dict[str, Model]) -> str:
    """Return the hash of all that a document says of what a deployment takes up."""
    content = json.dumps([kinds, parts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def desired_stage(stage: dict[str, Any], tags: dict[str, str] | None, content: str) -> Model:
    """Turn the module's `stage` option into a model that serves `content`.

    Raises:
        ReconcileError: a log group or its format is missing.
    """
    settings = {field: stage[field] for field in SETTINGS}
    methods = {ALL_METHODS: settings}
    for method in stage["methods"] or []:
        # AWS falls back to its own defaults, not to the settings of all methods.
        given = {field: method[field] for field in ("rate_limit", "burst_limit")}
        limits = {field: value for field, value in given.items() if value is not None}
        methods[f"{method['verb']} {method['path']}"] = settings | limits
    return {
        "description": stage["description"],
        "variables": stage["variables"],
        "access_log": _access_log(stage),
        "tracing": stage["tracing"],
        "methods": methods,
        "tags": tags,
        "content": content,
    }


def _access_log(stage: dict[str, Any]) -> dict[str, str] | None:
    group, form = stage["access_log_group"], stage["access_log_format"]
    if group is None:
        return None
    if not group:
        return NO_LOG
    if not group.startswith("arn:") or not form:
        raise ReconcileError(
            f"stage {stage['name']}: access_log_group is {group!r} and access_log_format "
            f"{form!r}; give the ARN of a log group and the format of its lines."
        )
    return {"destination": group.removesuffix(":*"), "format": form}


@aws_call("read stage {1}")
@none_if_missing("NotFoundException")
def read_stage(client: APIGatewayClient, api: str, name: str) -> Model:
    """Read everything that the module manages of a stage."""
    stage: dict[str, Any] = {**client.get_stage(restApiId=api, stageName=name)}
    log = stage.get("accessLogSettings", {})
    return {
        "description": stage.get("description", ""),
        "variables": stage.get("variables", {}),
        "access_log": {
            "destination": log["destinationArn"].removesuffix(":*"),
            "format": log.get("format", ""),
        }
        if log.get("destinationArn")
        else NO_LOG,
        "tracing": stage.get("tracingEnabled", False),
        "methods": {
            _method_name(key): {field: setting[member] for field, (member, _) in SETTINGS.items()}
            for key, setting in stage.get("methodSettings", {}).items()
        },
        "tags": read_tags(client, arn(client, api, name)),
        "content": _content(client, api, stage["deploymentId"]),
    }


def _method_name(key: str) -> str:
    """Return what AWS calls `path/VERB`, in whatever way it writes the path, as `VERB /path`."""
    path, _, verb = key.rpartition("/")
    if path == "*":
        return ALL_METHODS
    return f"{verb} /{path.replace('~1', '/').removeprefix('/')}"


def _content(client: APIGatewayClient, api: str, deployment: str) -> str:
    found = client.get_deployment(restApiId=api, deploymentId=deployment)
    description = found.get("description", "")
    return description.removeprefix(CONTENT) if description.startswith(CONTENT) else "unknown"


def plan_stage(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a stage. Settings of methods that are not listed go back to those of all methods."""
    present = (current or {}).get("methods", {})
    methods = {
        method: present.get(method, {})
        | {field: value for field, value in settings.items() if value is not None}
        for method, settings in desired["methods"].items()
    }
    return make_plan(
        f"stage {name}",
        current,
        desired
        | {"methods": {method: settings for method, settings in methods.items() if settings}},
        merged=[] if purge_tags else ["tags"],
    )


def apply_stage(client: APIGatewayClient, api: str, name: str, plan: Plan, keep: int) -> None:
    """Carry out the plan of a stage; new content is deployed first."""
    deployment = None
    if plan.changes("content"):
        deployment = _deploy(client, api, (plan.after or {})["content"])
    if plan.before is None:
        _create(client, api, name, deployment)
    _update(client, api, name, plan, deployment)
    tag(client, arn(client, api, name), plan)
    if deployment:
        _prune(client, api, keep)


@aws_call("deploy REST API {0}")
def _deploy(client: APIGatewayClient, api: str, content: str) -> str:
    return client.create_deployment(restApiId=api, description=f"{CONTENT}{content}")["id"]


@aws_call("create stage {1}")
def _create(client: Any, api: str, name: str, deployment: str | None) -> None:
    client.create_stage(restApiId=api, stageName=name, deploymentId=deployment)


@aws_call("update stage {1}")
def _update(
    client: APIGatewayClient, api: str, name: str, plan: Plan, deployment: str | None
) -> None:
    # First, since settings are of methods that are deployed.
    patch = [replace("/deploymentId", deployment)] if deployment and plan.before else []
    patch += [*_plain_patch(plan), *_log_patch(plan)]
    patch += [*_variables_patch(plan), *_methods_patch(plan)]
    if patch:
        client.update_stage(restApiId=api, stageName=name, patchOperations=patch)


def _plain_patch(plan: Plan) -> list[Operation]:
    after = plan.after or {}
    members = {"description": "/description", "tracing": "/tracingEnabled"}
    return [replace(path, after[field]) for field, path in members.items() if plan.changes(field)]


def _log_patch(plan: Plan) -> list[Operation]:
    if not plan.changes("access_log"):
        return []
    log = (plan.after or {})["access_log"]
    if not log:
        return [remove("/accessLogSettings")] if plan.before else []
    return [
        replace("/accessLogSettings/destinationArn", log["destination"]),
        replace("/accessLogSettings/format", log["format"]),
    ]


def _variables_patch(plan: Plan) -> list[Operation]:
    before = (plan.before or {}).get("variables", {})
    after = (plan.after or {}).get("variables", {})
    gone = [remove(f"/variables/{name}") for name in sorted(before.keys() - after)]
    return gone + [
        replace(f"/variables/{name}", value)
        for name, value in sorted(after.items())
        if before.get(name) != value
    ]


def _methods_patch(plan: Plan) -> list[Operation]:
    before = (plan.before or {}).get("methods", {})
    after = (plan.after or {}).get("methods", {})
    gone = [remove(_settings_path(method)) for method in sorted(before.keys() - after)]
    return gone + [
        replace(f"{_settings_path(method)}/{SETTINGS[field][1]}", value)
        for method, settings in sorted(after.items())
        for field, value in settings.items()
        if before.get(method, {}).get(field) != value
    ]


def _settings_path(method: str) -> str:
    if method == ALL_METHODS:
        return "/*/*"
    verb, _, path = method.partition(" ")
    return f"/{step(path)}/{verb}"


@aws_call("delete old deployments of REST API {0}")
def _prune(client: APIGatewayClient, api: str, keep: int) -> None:
    """Delete our deployments that no stage serves, but for the newest `keep`."""
    served = {stage["deploymentId"] for stage in client.get_stages(restApiId=api)["item"]}
    ours = [
        deployment
        for page in client.get_paginator("get_deployments").paginate(restApiId=api)
        for deployment in page["items"]
        if deployment.get("description", "").startswith(CONTENT)
    ]
    ours.sort(key=lambda deployment: deployment["createdDate"], reverse=True)
    for deployment in ours[keep:]:
        if deployment["id"] not in served:
            client.delete_deployment(restApiId=api, deploymentId=deployment["id"])

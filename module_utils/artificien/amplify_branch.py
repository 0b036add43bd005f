"""Branches of an Amplify app: option words to models, API to models, and the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.amplify import (
    MISSING,
    check_build_spec,
    desired_basic_auth,
    kept_secret,
    read_basic_auth,
    read_members,
    request_basic_auth,
    request_members,
    tag,
    variables,
)
from ansible.module_utils.artificien.aws import aws_call, none_if_missing, own_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from mypy_boto3_amplify import AmplifyClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

MEMBERS: dict[str, tuple[str, Any]] = {
    "stage": ("stage", ""),
    "description": ("description", ""),
    "display_name": ("displayName", ""),
    "framework": ("framework", ""),
    "build_spec": ("buildSpec", ""),
    "environment": ("environmentVariables", {}),
    "auto_build": ("enableAutoBuild", False),
    "notification": ("enableNotification", False),
    "performance_mode": ("enablePerformanceMode", False),
    "skew_protection": ("enableSkewProtection", False),
    "pull_request_preview": ("enablePullRequestPreview", False),
    "pull_request_environment": ("pullRequestEnvironmentName", ""),
    "compute_role": ("computeRoleArn", ""),
}
# What a build reads, beside the repository.
BUILD_INPUTS = ("environment", "build_spec", "framework")


def check_unique(branches: list[dict[str, Any]]) -> None:
    """Check that no branch is listed twice.

    Raises:
        ReconcileError: one is.
    """
    names = [branch["name"] for branch in branches]
    for name in names:
        if names.count(name) > 1:
            raise ReconcileError(f"branches lists {name} more than once. Leave one of them.")


def desired_branch(branch: dict[str, Any]) -> Model:
    """Turn one entry of the module's `branches` option into a model.

    Raises:
        ReconcileError: Amplify would refuse an option.
    """
    check_build_spec(branch["name"], branch["build_spec"])
    return (
        {field: branch[field] for field in MEMBERS}
        | desired_basic_auth(branch["basic_auth_secret"])
        | {
            "environment": variables(branch["name"], branch["environment"]),
            "cache_ttl_seconds": branch["cache_ttl_seconds"],
            "built": branch["build"] or None,
            "tags": branch["tags"],
        }
    )


@aws_call("read branch {2} of Amplify app {1}")
@none_if_missing(MISSING)
def read_branch(
    client: AmplifyClient,
    secrets: SecretsManagerClient,
    app_id: str,
    name: str,
    credentials: str | None,
) -> Model:
    """Read everything that the module manages of the branch.

    Args:
        client: of Amplify.
        secrets: a client of Secrets Manager.
        app_id: the app's id.
        name: of the branch.
        credentials: name of the secret that the basic authentication is compared with.
    """
    found: Any = client.get_branch(appId=app_id, branchName=name)["branch"]
    return (
        {"arn": found["branchArn"]}
        | read_members(MEMBERS, found)
        | read_basic_auth(secrets, credentials, found)
        | {
            "cache_ttl_seconds": int(found["ttl"] or 0),
            "built": int(found["totalNumberOfJobs"] or 0) > 0,
            "tags": own_tags(found.get("tags", {})),
        }
    )


def plan_branch(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a branch."""
    return make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])


def apply_branch(
    client: AmplifyClient,
    secrets: SecretsManagerClient,
    app_id: str,
    plan: Plan,
    option: dict[str, Any],
) -> None:
    """Carry out one plan.

    Args:
        client: of Amplify.
        secrets: a client of Secrets Manager.
        app_id: the app's id.
        plan: of the branch.
        option: the entry of the module's `branches`, for the name of a secret and for `build`.
    """
    if plan.action == "delete":
        _delete(client, plan.name, app_id)
        return
    request = request_members(MEMBERS, plan) | request_basic_auth(
        secrets, option["basic_auth_secret"], plan
    )
    if plan.changes("cache_ttl_seconds"):
        request["ttl"] = str((plan.after or {})["cache_ttl_seconds"])
    if plan.action == "create":
        tags = (plan.after or {}).get("tags")
        _create(client, plan.name, app_id, request | ({"tags": tags} if tags else {}))
    else:
        if request:
            _update(client, plan.name, app_id, request)
        if plan.changes("tags"):
            _tag(client, plan)
    if option["build"] and any(plan.changes(field) for field in ("built", *BUILD_INPUTS)):
        _build(client, plan.name, app_id)


@aws_call("create Amplify branch {0}")
def _create(client: AmplifyClient, name: str, app_id: str, request: dict[str, Any]) -> None:
    with kept_secret(request):
        client.create_branch(appId=app_id, branchName=name, **request)


@aws_call("update Amplify branch {0}")
def _update(client: AmplifyClient, name: str, app_id: str, request: dict[str, Any]) -> None:
    with kept_secret(request):
        client.update_branch(appId=app_id, branchName=name, **request)


@aws_call("tag Amplify branch {0.name}")
def _tag(client: AmplifyClient, plan: Plan) -> None:
    tag(client, (plan.before or {})["arn"], plan)


@aws_call("start a build of Amplify branch {0}")
def _build(client: AmplifyClient, name: str, app_id: str) -> None:
    client.start_job(appId=app_id, branchName=name, jobType="RELEASE")


@aws_call("delete Amplify branch {0}")
@none_if_missing(MISSING)
def _delete(client: AmplifyClient, name: str, app_id: str) -> None:
    client.delete_branch(appId=app_id, branchName=name)

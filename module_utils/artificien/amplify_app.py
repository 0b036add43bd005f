"""Apps of Amplify: option words to models, API to models, and the calls that change them.

Amplify never tells the token by which it reaches a repository. Which version of the secret it was
given stands in a tag of the app instead, so that another value is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.artificien.amplify import (
    MISSING,
    check_build_spec,
    desired_basic_auth,
    kept_secret,
    needed_secret,
    read_basic_auth,
    read_members,
    request_basic_auth,
    request_members,
    tag,
    variables,
)
from ansible.module_utils.artificien.aws import aws_call, none_if_missing, own_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from ansible.module_utils.artificien.secrets import read_secret_version

if TYPE_CHECKING:
    from mypy_boto3_amplify import AmplifyClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

TOKEN_TAG = "repository-token-version"  # noqa: S105 - a name
# Of a secret that is not there yet, in check mode.
UNKNOWN_VERSION = "unknown"
CODECOMMIT = "git-codecommit."
MEMBERS: dict[str, tuple[str, Any]] = {
    "description": ("description", ""),
    "repository": ("repository", ""),
    "platform": ("platform", ""),
    "service_role": ("iamServiceRoleArn", ""),
    "compute_role": ("computeRoleArn", ""),
    "build_spec": ("buildSpec", ""),
    "environment": ("environmentVariables", {}),
    "custom_rules": ("customRules", []),
    "custom_headers": ("customHeaders", ""),
    "auto_build": ("enableBranchAutoBuild", False),
    "auto_branch_deletion": ("enableBranchAutoDeletion", False),
    "auto_branch_creation": ("enableAutoBranchCreation", False),
    "auto_branch_creation_patterns": ("autoBranchCreationPatterns", []),
}
# Fields that are the one member of a structure.
NESTED = {"build_instance": ("jobConfig", "buildComputeType"), "cache": ("cacheConfig", "type")}


def desired_app(params: dict[str, Any], token_version: str | None) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: Amplify would refuse an option.
    """
    check_build_spec(params["name"], params["build_spec"])
    model = {field: params[field] for field in (*MEMBERS, *NESTED)}
    rules, patterns = params["custom_rules"], params["auto_branch_creation_patterns"]
    return (
        model
        | desired_basic_auth(params["basic_auth_secret"])
        | {
            "environment": variables(params["name"], params["environment"]),
            "custom_rules": None if rules is None else [_rule(rule) for rule in rules],
            "auto_branch_creation_patterns": None if patterns is None else sorted(patterns),
            "token_version": token_version,
            "tags": params["tags"],
        }
    )


def _rule(rule: dict[str, Any]) -> dict[str, str]:
    # The order of rules matters to Amplify; that of their members does not.
    return {name: rule[name] for name in ("source", "target", "status", "condition") if rule[name]}


def wanted_token_version(secrets: SecretsManagerClient, secret: str | None) -> str | None:
    """Return which version of the repository's token Amplify should have; None if no matter."""
    return (read_secret_version(secrets, secret) or UNKNOWN_VERSION) if secret else None


@aws_call("read Amplify app {1}")
@none_if_missing(MISSING)
def read_app(
    client: AmplifyClient, secrets: SecretsManagerClient, app_id: str, credentials: str | None
) -> Model:
    """Read everything that the module manages of the app.

    Args:
        client: of Amplify.
        secrets: a client of Secrets Manager.
        app_id: the app's id.
        credentials: name of the secret that the basic authentication is compared with.
    """
    found: Any = client.get_app(appId=app_id)["app"]
    tags = own_tags(found.get("tags", {}))
    version = tags.pop(TOKEN_TAG, "")
    model = read_members(MEMBERS, found)
    nested = {
        field: found.get(outer, {}).get(inner, "") for field, (outer, inner) in NESTED.items()
    }
    rules = [_rule({"status": "", "condition": ""} | rule) for rule in model["custom_rules"]]
    return (
        {"app_id": app_id, "arn": found["appArn"], "default_domain": found["defaultDomain"]}
        | model
        | nested
        | read_basic_auth(secrets, credentials, found)
        | {
            "custom_rules": rules,
            "auto_branch_creation_patterns": sorted(model["auto_branch_creation_patterns"]),
            "token_version": version,
            "tags": tags,
        }
    )


def plan_app(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan an app.

    Raises:
        ReconcileError: a repository is given, and no token to reach it by.
    """
    plan = make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])
    after = plan.after or {}
    repository = after.get("repository")
    # Amplify reaches CodeCommit under the app's own role.
    needs_token = repository and not _host(repository).startswith(CODECOMMIT)
    if needs_token and plan.changes("repository") and desired["token_version"] is None:
        raise ReconcileError(
            f"{name}: Amplify needs a token to reach {repository}. Put one into Secrets Manager, "
            "and name that secret by token_secret."
        )
    return plan


def _host(repository: str) -> str:
    return urlsplit(repository).hostname or ""


def apply_app(
    client: AmplifyClient,
    secrets: SecretsManagerClient,
    plan: Plan,
    params: dict[str, Any],
) -> Model:
    """Carry out one plan, and return what Amplify decided on the app: its id and its address."""
    before, after = plan.before or {}, plan.after or {}
    if plan.action == "delete":
        _delete(client, plan)
        return before
    request = request_members(MEMBERS, plan) | request_basic_auth(
        secrets, params["basic_auth_secret"], plan
    )
    for field, (outer, inner) in NESTED.items():
        if plan.changes(field):
            request[outer] = {inner: after[field]}
    reconnected = plan.changes("repository") or plan.changes("token_version")
    if params["token_secret"] and after.get("repository") and reconnected:
        token = needed_secret(secrets, params["token_secret"], "a token of the repository")
        member = "accessToken" if _host(after["repository"]) == "github.com" else "oauthToken"
        request |= {"repository": after["repository"], member: token}
    if plan.action == "create":
        tags = _with_version(after)
        return _create(client, plan.name, request | ({"tags": tags} if tags else {}))
    if request:
        _update(client, plan, request)
    _tag(client, plan)
    return before


def _with_version(model: Model) -> dict[str, str]:
    version = model.get("token_version")
    return {**model.get("tags", {}), **({TOKEN_TAG: version} if version else {})}


@aws_call("create Amplify app {0}")
def _create(client: AmplifyClient, name: str, request: dict[str, Any]) -> Model:
    with kept_secret(request):
        app = client.create_app(name=name, **request)["app"]
    return {"app_id": app["appId"], "default_domain": app["defaultDomain"]}


@aws_call("update Amplify app {0.name}")
def _update(client: AmplifyClient, plan: Plan, request: dict[str, Any]) -> None:
    with kept_secret(request):
        client.update_app(appId=(plan.before or {})["app_id"], **request)


@aws_call("tag Amplify app {0.name}")
def _tag(client: AmplifyClient, plan: Plan) -> None:
    before, after = plan.before or {}, plan.after or {}
    tags = Plan(plan.name, {"tags": _with_version(before)}, {"tags": _with_version(after)})
    tag(client, before["arn"], tags)


@aws_call("delete Amplify app {0.name}")
@none_if_missing(MISSING)
def _delete(client: AmplifyClient, plan: Plan) -> None:
    client.delete_app(appId=(plan.before or {})["app_id"])

"""Cognito user pools: the calls that read them and carry a plan out."""

from __future__ import annotations

from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    accepted,
    aws_call,
    changed_tags,
    error_code,
    none_if_missing,
    wait_until,
)
from ansible.module_utils.artificien.cognito import find_pool
from ansible.module_utils.artificien.cognito_pool_words import (
    UPDATED,
    create_request,
    mfa_request,
    to_attribute,
    to_model,
    update_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.artificien.reconcile import Model, Plan
    from botocore.exceptions import ClientError
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

ATTRIBUTES_PER_CALL = 25
BUSY = {"ConcurrentModificationException", "TooManyRequestsException"}
BUSY_SECONDS = 60
# Cognito takes the certificate of a custom domain down before it lets the pool go.
DELETION_SECONDS = 300


@aws_call("read user pool {0}")
@none_if_missing("ResourceNotFoundException")
def read_pool(client: CognitoIdentityProviderClient, name: str) -> Model | None:
    """Read everything that the module manages of the user pool `name`.

    Raises:
        ReconcileError: several pools have the name.
    """
    pool_id = find_pool(client, name)
    if pool_id is None:
        return None
    pool = client.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    return to_model(pool, client.get_user_pool_mfa_config(UserPoolId=pool_id))


@aws_call("look for users in user pool {0}")
def has_users(client: CognitoIdentityProviderClient, pool_id: str) -> bool:
    """Whether the pool holds a user."""
    page = client.list_users(UserPoolId=pool_id, Limit=1)
    # A page may be empty although others follow.
    return bool(page["Users"]) or "PaginationToken" in page


def _passing(error: ClientError) -> bool:
    return error_code(error) in BUSY


def _when_free(change: Callable[[], object], name: str) -> None:
    wait_until(accepted(change, _passing), f"user pool {name} to take a change", BUSY_SECONDS)


@aws_call("create user pool {0}")
def _create(client: CognitoIdentityProviderClient, name: str, after: Model) -> str:
    pool_id = client.create_user_pool(**create_request(name, after))["UserPool"]["Id"]
    # Whoever needs the pool next looks for it by its name.
    wait_until(
        lambda: find_pool(client, name) == pool_id, f"user pool {name} to be listed", BUSY_SECONDS
    )
    return pool_id


@aws_call("update user pool {0}")
def _update(client: CognitoIdentityProviderClient, name: str, plan: Plan, pool_id: str) -> None:
    shape: Any = client.meta.service_model.shape_for("UpdateUserPoolRequest")

    def update() -> None:
        pool = client.describe_user_pool(UserPoolId=pool_id)["UserPool"]
        client.update_user_pool(**update_request(shape.members, pool, plan))

    _when_free(update, name)


@aws_call("add attributes to user pool {0}")
def _add_attributes(
    client: CognitoIdentityProviderClient, name: str, plan: Plan, pool_id: str
) -> None:
    before, after = (plan.before or {})["schema"], (plan.after or {})["schema"]
    for titles in batched(sorted(after.keys() - before.keys()), ATTRIBUTES_PER_CALL, strict=False):
        added: list[Any] = [to_attribute(title, after[title]) for title in titles]
        change = partial(client.add_custom_attributes, UserPoolId=pool_id, CustomAttributes=added)
        _when_free(change, name)


@aws_call("set the MFA of user pool {0}")
def _set_mfa(client: CognitoIdentityProviderClient, name: str, pool_id: str, after: Model) -> None:
    def set_mfa() -> None:
        current = client.get_user_pool_mfa_config(UserPoolId=pool_id)
        client.set_user_pool_mfa_config(UserPoolId=pool_id, **mfa_request(current, after))

    _when_free(set_mfa, name)


@aws_call("tag user pool {0}")
def _tag(client: CognitoIdentityProviderClient, name: str, plan: Plan, arn: str) -> None:
    tags, removed = changed_tags(plan)
    if removed:
        _when_free(lambda: client.untag_resource(ResourceArn=arn, TagKeys=removed), name)
    if tags:
        _when_free(lambda: client.tag_resource(ResourceArn=arn, Tags=tags), name)


@aws_call("delete user pool {0}")
def _delete(client: CognitoIdentityProviderClient, name: str, pool: Model) -> None:
    pool_id = pool["id"]
    for domain in filter(None, [pool["domain"], pool["custom_domain"]]):
        change = partial(client.delete_user_pool_domain, UserPoolId=pool_id, Domain=domain)
        _when_free(change, name)

    def passing(error: ClientError) -> bool:
        message = error.response["Error"].get("Message", "")
        return _passing(error) or "domain configured" in message

    deleted = accepted(lambda: client.delete_user_pool(UserPoolId=pool_id), passing)
    wait_until(deleted, f"user pool {name} to be deleted", DELETION_SECONDS)


def apply_pool(client: CognitoIdentityProviderClient, plan: Plan) -> None:
    """Carry out one plan."""
    name, before, after = plan.name, plan.before, plan.after or {}
    if before is None:
        pool_id = _create(client, name, after)
        if after.get("mfa", "off") != "off":
            _set_mfa(client, name, pool_id, after)
        return
    if plan.action == "delete":
        _delete(client, name, before)
        return
    if plan.changes("schema"):
        _add_attributes(client, name, plan, before["id"])
    if any(plan.changes(field) for field in UPDATED):
        _update(client, name, plan, before["id"])
    if plan.changes("tags"):
        _tag(client, name, plan, before["arn"])
    if plan.changes("mfa") or plan.changes("totp"):
        _set_mfa(client, name, before["id"], after)

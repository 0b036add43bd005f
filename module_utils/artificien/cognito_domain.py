"""The prefix domain of a Cognito user pool: models, and the calls that change them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import AwsError, aws_call, none_if_missing, wait_until
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_ACTIVE = "ACTIVE"
_FAILED = "FAILED"
_RESERVED = ("aws", "amazon", "cognito")


def desired_domain(prefix: str, managed_login_version: int | None) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: AWS would refuse the prefix.
    """
    reserved = [word for word in _RESERVED if word in prefix]
    if reserved:
        raise ReconcileError(
            f"prefix is {prefix!r}, and AWS keeps {reserved[0]!r} to itself; leave that word out."
        )
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", prefix):
        raise ReconcileError(
            f"prefix is {prefix!r}; give 1 to 63 lower-case letters, digits and hyphens, with no "
            "hyphen at the beginning or the end."
        )
    return {
        "prefix": prefix,
        "managed_login_version": managed_login_version,
        "status": _ACTIVE,
    }


@none_if_missing("ResourceNotFoundException")
def _describe(client: CognitoIdentityProviderClient, prefix: str) -> Any:
    return client.describe_user_pool_domain(Domain=prefix)["DomainDescription"]


def _description(client: CognitoIdentityProviderClient, prefix: str) -> Any:
    # For a domain that nobody has, Cognito answers with an empty description.
    return _describe(client, prefix) or {}


@aws_call("read the domain of user pool {0}")
def read_domain(client: CognitoIdentityProviderClient, pool_id: str | None) -> Model | None:
    """Read the prefix domain of the pool `pool_id`; None if it has none, or it is going."""
    if pool_id is None:
        return None
    prefix = client.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain")
    description = _description(client, prefix) if prefix else {}
    if description.get("Status") in (None, "DELETING"):
        return None
    return {
        "prefix": prefix,
        "managed_login_version": description.get("ManagedLoginVersion"),
        "status": description["Status"],
    }


@aws_call("read domain {0}")
def check_owner(client: CognitoIdentityProviderClient, prefix: str, pool_id: str | None) -> None:
    """Refuse a prefix that another pool has.

    Raises:
        ReconcileError: `prefix` is that of another pool than `pool_id`.
    """
    owner = _description(client, prefix).get("UserPoolId", pool_id)
    if owner != pool_id:
        raise ReconcileError(
            f"prefix {prefix!r} belongs to user pool {owner}. A prefix is unique in its region: "
            "choose another one, or delete the domain of that pool first."
        )


@aws_call("create domain {0}, a prefix that only one pool of all accounts in the region can have")
def _create(client: CognitoIdentityProviderClient, prefix: str, pool_id: str, after: Model) -> None:
    request: dict[str, Any] = {"Domain": prefix, "UserPoolId": pool_id}
    if after.get("managed_login_version") is not None:
        request["ManagedLoginVersion"] = after["managed_login_version"]
    client.create_user_pool_domain(**request)


@aws_call("set the managed login version of domain {0} to {2}")
def _set_version(
    client: CognitoIdentityProviderClient, prefix: str, pool_id: str, version: int
) -> None:
    client.update_user_pool_domain(Domain=prefix, UserPoolId=pool_id, ManagedLoginVersion=version)


@aws_call("delete domain {0}")
def _delete(
    client: CognitoIdentityProviderClient, prefix: str, pool_id: str, timeout_seconds: float
) -> None:
    client.delete_user_pool_domain(Domain=prefix, UserPoolId=pool_id)
    wait_until(
        lambda: not _description(client, prefix).get("Status"),
        f"the deletion of domain {prefix}",
        timeout_seconds,
    )


@aws_call("wait for domain {0}")
def _wait(client: CognitoIdentityProviderClient, prefix: str, timeout_seconds: float) -> None:
    def active() -> bool:
        status = _description(client, prefix).get("Status")
        if status == _FAILED:
            raise AwsError(
                f"Cognito failed to set up domain {prefix}; run the playbook again, it replaces it."
            )
        return bool(status == _ACTIVE)

    wait_until(active, f"domain {prefix} to be {_ACTIVE}", timeout_seconds)


def _replace(
    client: CognitoIdentityProviderClient, pool_id: str, plan: Plan, timeout_seconds: float
) -> None:
    before, after = plan.before or {}, plan.after or {}
    _delete(client, before["prefix"], pool_id, timeout_seconds)
    try:
        _create(client, after["prefix"], pool_id, after)
    except AwsError:
        # Only the creation tells whether another account has the prefix, and a pool has room for
        # one: without the old one back, nobody could sign in.
        _create(client, before["prefix"], pool_id, before)
        raise


def apply_domain(
    client: CognitoIdentityProviderClient, pool_id: str, plan: Plan, timeout_seconds: float
) -> None:
    """Carry out one plan, and wait until the domain answers or is gone."""
    before, after = plan.before or {}, plan.after or {}
    if plan.action == "delete":
        _delete(client, before["prefix"], pool_id, timeout_seconds)
        return
    if plan.action == "create":
        _create(client, after["prefix"], pool_id, after)
    elif plan.changes("prefix") or before["status"] == _FAILED:
        _replace(client, pool_id, plan, timeout_seconds)
    elif plan.changes("managed_login_version"):
        _set_version(client, after["prefix"], pool_id, after["managed_login_version"])
    _wait(client, after["prefix"], timeout_seconds)

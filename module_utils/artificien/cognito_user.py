"""Users of a Cognito user pool: models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, none_if_missing
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from ansible.module_utils.artificien.secrets import generate_password, read_secret, store_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CONFIRMED = "CONFIRMED"
_INVITED = "FORCE_CHANGE_PASSWORD"
# An account that nobody can sign in to before its password is set.
_WITHOUT_PASSWORD = {_INVITED, "RESET_REQUIRED", "UNCONFIRMED"}
_GROUP_OPTIONS = ("groups", "in_groups", "not_in_groups")
_OWN_OPTIONS = {"email", "email_verified", "sub"}
_MISSING = "UserNotFoundException"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def desired_user(user: dict[str, Any]) -> Model:
    """Turn one entry of the module's `users` option into a model.

    Raises:
        ReconcileError: `email` is no address, `attributes` holds one that has its own option or
            that Cognito sets, or the options about groups contradict each other.
    """
    attributes = user["attributes"]
    if user["email"] is not None and "@" not in user["email"]:
        raise ReconcileError(
            f"{user['name']}: email is {user['email']!r}; give an e-mail address or leave it out."
        )
    for name in sorted(_OWN_OPTIONS & (attributes or {}).keys()):
        raise ReconcileError(
            f"{user['name']}: attributes has {name!r}; e-mail addresses go into the options email "
            "and email_verified, and Cognito itself sets sub."
        )
    return {
        "email": user["email"],
        "email_verified": None if user["email"] is None else user["email_verified"],
        "attributes": None
        if attributes is None
        else {name: _text(value) for name, value in attributes.items()},
        **_desired_groups(user),
        "enabled": user["enabled"],
        "status": None if user["password_secret"] is None else _CONFIRMED,
    }


def _desired_groups(user: dict[str, Any]) -> Model:
    wanted = {
        option: None if user[option] is None else sorted(set(user[option]))
        for option in _GROUP_OPTIONS
    }
    joined, left = wanted["in_groups"], wanted["not_in_groups"]
    if wanted["groups"] is not None and (joined is not None or left is not None):
        raise ReconcileError(
            f"{user['name']}: groups lists all groups of a user; give either it, or in_groups and "
            "not_in_groups."
        )
    if both := set(joined or []) & set(left or []):
        raise ReconcileError(
            f"{user['name']}: {', '.join(sorted(both))} is in both in_groups and not_in_groups."
        )
    return wanted


def concerns_groups(desired: Model) -> bool:
    """Whether the desired model of a user says anything about groups."""
    return any(desired[option] is not None for option in _GROUP_OPTIONS)


@aws_call("read user {1} of user pool {0}")
@none_if_missing(_MISSING)
def _read(
    client: CognitoIdentityProviderClient, pool_id: str, name: str, *, with_groups: bool
) -> Model:
    user = client.admin_get_user(UserPoolId=pool_id, Username=name)
    # An attribute is removed by setting it to nothing.
    attributes = {
        attribute["Name"]: attribute["Value"]
        for attribute in user["UserAttributes"]
        if attribute.get("Value")
    }
    sub = attributes.pop("sub", None)
    if user["Username"] not in (sub, name) and user["Username"].lower() != name.lower():
        raise ReconcileError(
            f"{name}: this is another way to name the user {user['Username']}; give that name."
        )
    model: Model = {
        "email": attributes.pop("email", None),
        "email_verified": attributes.pop("email_verified", "false") == "true",
        "attributes": attributes,
        "enabled": user["Enabled"],
        "status": user["UserStatus"],
    }
    if with_groups:
        pages = client.get_paginator("admin_list_groups_for_user").paginate(
            UserPoolId=pool_id, Username=name
        )
        model["groups"] = sorted(group["GroupName"] for page in pages for group in page["Groups"])
    return model


def read_user(
    client: CognitoIdentityProviderClient, pool_id: str | None, name: str, *, with_groups: bool
) -> Model | None:
    """Read the user `name`; None if there is none, or the pool `pool_id` is yet to be made."""
    return _read(client, pool_id, name, with_groups=with_groups) if pool_id else None


def plan_user(name: str, current: Model | None, desired: Model) -> Plan:
    """Plan a user; given attributes are added to the present ones, and empty ones removed.

    So are `in_groups` to the present groups, and `not_in_groups` removed.

    Raises:
        ReconcileError: a new user would get neither a password nor an invitation.
    """
    wanted = dict(desired)
    joined, left = wanted.pop("in_groups"), wanted.pop("not_in_groups")
    if joined is not None or left is not None:
        held = (current or {}).get("groups", [])
        wanted["groups"] = sorted({*held, *(joined or [])}.difference(left or []))
    if current is None:
        if desired["status"] is None and desired["email"] is None:
            raise ReconcileError(
                f"{name}: there is no such user. To create it give email, where Cognito sends the "
                "invitation with the first password, or password_secret."
            )
        wanted["status"] = desired["status"] or _INVITED
        wanted["enabled"] = desired["enabled"] is not False
        present = {}
    else:
        if current["status"] not in _WITHOUT_PASSWORD:
            wanted["status"] = None
        present = current["attributes"]
    given = desired["attributes"] or {}
    merged = present | given
    if merged.get("phone_number") not in ("", present.get("phone_number")):
        merged["phone_number_verified"] = given.get("phone_number_verified", "false")
    wanted["attributes"] = {key: value for key, value in merged.items() if value}
    return make_plan(name, current, wanted)


def stored_password(
    client: SecretsManagerClient, secret: str, tags: dict[str, str], description: str
) -> str:
    """Return the password in `secret`, which is made with a random one if it does not exist."""
    password = read_secret(client, secret)
    if password is None:
        password = generate_password(client)
        store_secret(client, secret, password, description, tags)
    return password


def _flat(model: Model) -> dict[str, str]:
    flat = dict(model.get("attributes") or {})
    if model.get("email"):
        flat |= {"email": model["email"], "email_verified": _text(model["email_verified"])}
    return flat


def _changed_attributes(plan: Plan) -> Any:
    before, after = _flat(plan.before or {}), _flat(plan.after or {})
    changed = {name: after.get(name, "") for name in before.keys() | after.keys()}
    changed = {name: value for name, value in changed.items() if before.get(name, "") != value}
    for contact in ("email", "phone_number"):
        if changed.get(contact):
            # Cognito takes it for unverified unless the same call tells otherwise.
            changed[f"{contact}_verified"] = after[f"{contact}_verified"]
    return [{"Name": name, "Value": value} for name, value in sorted(changed.items())]


@aws_call("create user {1.name} in user pool {0}")
def _create(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    request: dict[str, Any] = {"UserPoolId": pool_id, "Username": plan.name}
    if _sets_password(plan):
        request["MessageAction"] = "SUPPRESS"
    else:
        request["DesiredDeliveryMediums"] = ["EMAIL"]
    client.admin_create_user(**request, UserAttributes=_changed_attributes(plan))


@aws_call("set attributes of user {1} of user pool {0}")
def _set_attributes(
    client: CognitoIdentityProviderClient, pool_id: str, name: str, attributes: Any
) -> None:
    client.admin_update_user_attributes(
        UserPoolId=pool_id, Username=name, UserAttributes=attributes
    )


def _sets_password(plan: Plan) -> bool:
    return plan.changes("status") and (plan.after or {})["status"] == _CONFIRMED


@aws_call("set the password of user {1} of user pool {0}")
def _set_password(
    client: CognitoIdentityProviderClient, pool_id: str, name: str, password: str
) -> None:
    client.admin_set_user_password(
        UserPoolId=pool_id, Username=name, Password=password, Permanent=True
    )


@aws_call("add user {1} of user pool {0} to group {2}")
def _add(client: CognitoIdentityProviderClient, pool_id: str, name: str, group: str) -> None:
    client.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)


@aws_call("remove user {1} of user pool {0} from group {2}")
def _remove(client: CognitoIdentityProviderClient, pool_id: str, name: str, group: str) -> None:
    client.admin_remove_user_from_group(UserPoolId=pool_id, Username=name, GroupName=group)


@aws_call("disable user {1} of user pool {0}")
def _disable(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> None:
    # In this order, a run that is cut short between the two does both again.
    client.admin_user_global_sign_out(UserPoolId=pool_id, Username=name)
    client.admin_disable_user(UserPoolId=pool_id, Username=name)


@aws_call("enable user {1} of user pool {0}")
def _enable(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> None:
    client.admin_enable_user(UserPoolId=pool_id, Username=name)


@aws_call("delete user {1} of user pool {0}")
@none_if_missing(_MISSING)
def _delete(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> None:
    client.admin_delete_user(UserPoolId=pool_id, Username=name)


def apply_user(
    client: CognitoIdentityProviderClient,
    pool_id: str,
    plan: Plan,
    password: Callable[[], str],
) -> None:
    """Carry out one plan; `password` is asked for only if it is to be set.

    What takes rights away comes first, and what gives some last: an account that cannot be made
    what it should be, such as one that somebody else registered under the name, joins no group.
    """
    if plan.action == "delete":
        _delete(client, pool_id, plan.name)
        return
    before, after = plan.before or {"enabled": True}, plan.after or {}
    groups_before, groups_after = set(before.get("groups", [])), set(after.get("groups", []))
    secret = password() if _sets_password(plan) else None
    if plan.action == "create":
        _create(client, pool_id, plan)
    if before["enabled"] and not after["enabled"]:
        _disable(client, pool_id, plan.name)
    for group in sorted(groups_before - groups_after):
        _remove(client, pool_id, plan.name, group)
    attributes = _changed_attributes(plan)
    if plan.action == "update" and attributes:
        _set_attributes(client, pool_id, plan.name, attributes)
    if secret is not None:
        _set_password(client, pool_id, plan.name, secret)
    for group in sorted(groups_after - groups_before):
        _add(client, pool_id, plan.name, group)
    if after["enabled"] and not before["enabled"]:
        _enable(client, pool_id, plan.name)


def plan_secrets(client: SecretsManagerClient, users: list[dict[str, Any]]) -> list[Plan]:
    """Plan the deletion of the secrets with the passwords of `users`."""
    names = sorted({user["password_secret"] for user in users if user["password_secret"]})
    return [
        Plan(
            f"password secret {name}",
            None if read_secret(client, name) is None else {"password_secret": name},
            None,
        )
        for name in names
    ]

"""Clients of Cognito user pools: options to models, API to models, calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.artificien.aws import aws_call
from ansible.module_utils.artificien.cognito_client_secret import (
    Stored,
    list_secrets,
    read_stored,
    store_credentials,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from ansible.module_utils.artificien.secrets import (
    delete_secret,
    read_secret_tags,
    set_secret_tags,
)

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import UserPoolClientTypeTypeDef
    from mypy_boto3_secretsmanager import SecretsManagerClient

AUTH_FLOWS = {
    flow: f"ALLOW_{flow.upper()}_AUTH"
    for flow in (
        "admin_user_password",
        "custom",
        "refresh_token",
        "user",
        "user_password",
        "user_srp",
    )
}
# The options that are lists without order, by AWS's name for each.
_LISTS = {
    "callback_urls": "CallbackURLs",
    "identity_providers": "SupportedIdentityProviders",
    "logout_urls": "LogoutURLs",
    "oauth_scopes": "AllowedOAuthScopes",
    "read_attributes": "ReadAttributes",
    "write_attributes": "WriteAttributes",
}
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


class _Lifetime(NamedTuple):
    """How AWS names a token, and what it takes for one whose client tells no unit or no value."""

    token: str
    unit: str
    assumed_unit: str
    default: int


_LIFETIMES = {
    "access_token_validity_minutes": _Lifetime("AccessToken", "minutes", "hours", 1),
    "id_token_validity_minutes": _Lifetime("IdToken", "minutes", "hours", 1),
    "refresh_token_validity_days": _Lifetime("RefreshToken", "days", "days", 30),
}


def desired_client(client: dict[str, Any], secret_tags: dict[str, str] | None) -> Model:
    """Turn one entry of the module's `clients` option into a model."""
    lists = {
        field: None if client[field] is None else sorted(set(client[field]))
        for field in ("auth_flows", "oauth_flows", *_LISTS)
    }
    desired = {field: client[field] for field in (*_LIFETIMES, "default_redirect_url")} | lists
    if lists["oauth_flows"] == []:
        desired |= {"oauth_scopes": [], "callback_urls": [], "logout_urls": []}
        desired["default_redirect_url"] = ""
    return desired | {
        "generate_secret": client["generate_secret"],
        "secret_name": client["secret_name"],
        "secret_stored": client["generate_secret"] or None,
        "secret_tags": secret_tags if client["generate_secret"] else None,
        "token_revocation": client["token_revocation"],
        "prevent_user_existence_errors": client["prevent_user_existence_errors"],
        "auth_session_validity_minutes": client["auth_session_validity_minutes"],
        "refresh_token_rotation": _desired_rotation(client["refresh_token_rotation"]),
    }


def _desired_rotation(rotation: dict[str, Any] | None) -> Model | None:
    if rotation is None or not rotation["enabled"]:
        return rotation and {"enabled": False}
    return dict(rotation)


@aws_call("list the clients of user pool {0}")
def list_clients(client: CognitoIdentityProviderClient, pool_id: str) -> dict[str, list[str]]:
    """Return the ids of the clients of a pool by name, which several of them may share."""
    ids: dict[str, list[str]] = {}
    pages = client.get_paginator("list_user_pool_clients").paginate(
        UserPoolId=pool_id, PaginationConfig={"PageSize": 60}
    )
    for page in pages:
        for found in page["UserPoolClients"]:
            ids.setdefault(found["ClientName"], []).append(found["ClientId"])
    return ids


def client_id(ids: dict[str, list[str]], name: str) -> str | None:
    """Return the id of the client `name`, None if there is none.

    Raises:
        ReconcileError: several clients have the name.
    """
    found = sorted(ids.get(name, []))
    if len(found) > 1:
        raise ReconcileError(
            f"{name}: {len(found)} clients of the user pool have this name ({', '.join(found)}). "
            "Rename or delete all but the one that is meant."
        )
    return found[0] if found else None


def existing_client(client_id: str | None, name: str) -> str:
    """Return `client_id`, for what can only be done to a client.

    Raises:
        ReconcileError: there is no client.
    """
    if client_id is None:
        raise ReconcileError(
            f"There is no Cognito client {name}: create it first (cognito_user_pool_client)."
        )
    return client_id


@aws_call("read Cognito client {1}")
def _describe(
    client: CognitoIdentityProviderClient, pool_id: str, client_id: str
) -> UserPoolClientTypeTypeDef:
    return client.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)[
        "UserPoolClient"
    ]


def read_client(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    pool_id: str,
    client_id: str,
    secret_name: str | None,
) -> Model:
    """Read everything that the module manages of a client, and whether its secret is stored."""
    found = _describe(cognito, pool_id, client_id)
    oauth = found.get("AllowedOAuthFlowsUserPoolClient", False)
    words = {flow: word for word, flow in AUTH_FLOWS.items()}
    described: dict[str, Any] = dict(found)
    model: Model = {field: sorted(described.get(name, [])) for field, name in _LISTS.items()}
    model |= {
        field: _minutes_or_days(described, lifetime) for field, lifetime in _LIFETIMES.items()
    }
    model |= {
        "client_id": client_id,
        "generate_secret": _tells_secret(found),
        # A flow of another kind stands for itself, so that it differs from all that we know.
        "auth_flows": sorted(words.get(flow, flow) for flow in found.get("ExplicitAuthFlows", [])),
        "oauth_flows": sorted(found.get("AllowedOAuthFlows", [])) if oauth else [],
        "default_redirect_url": found.get("DefaultRedirectURI", ""),
        "token_revocation": found.get("EnableTokenRevocation", False),
        "prevent_user_existence_errors": found.get("PreventUserExistenceErrors") == "ENABLED",
        "auth_session_validity_minutes": found.get("AuthSessionValidity", 3),
        "refresh_token_rotation": _rotation(found),
    }
    if secret_name is None:
        return model
    # AWS describes the secret that a client was created with, and none that was added later.
    has_secret = _tells_secret(found) or bool(list_secrets(cognito, pool_id, client_id))
    stored = read_stored(secrets, secret_name)
    return model | {
        "generate_secret": has_secret,
        "secret_name": secret_name,
        "secret_stored": stored is not None and stored.client_id == client_id,
        "secret_tags": read_secret_tags(secrets, secret_name),
    }


def _tells_secret(found: UserPoolClientTypeTypeDef) -> bool:
    return "ClientSecret" in found


def _minutes_or_days(described: dict[str, Any], lifetime: _Lifetime) -> float:
    value, unit = lifetime.default, lifetime.assumed_unit
    if described.get(f"{lifetime.token}Validity"):
        value = described[f"{lifetime.token}Validity"]
        unit = described.get("TokenValidityUnits", {}).get(lifetime.token, unit)
    whole, rest = divmod(value * _SECONDS[unit], _SECONDS[lifetime.unit])
    return whole + rest / _SECONDS[lifetime.unit] if rest else whole


def _rotation(found: UserPoolClientTypeTypeDef) -> Model:
    rotation = found.get("RefreshTokenRotation", {"Feature": "DISABLED"})
    if rotation["Feature"] == "DISABLED":
        return {"enabled": False}
    return {
        "enabled": True,
        "retry_grace_period_seconds": rotation.get("RetryGracePeriodSeconds", 0),
    }


def read_leftover(secrets: SecretsManagerClient, secret_name: str | None) -> Model | None:
    """Read what is left of a client that is gone itself: its stored secret."""
    if secret_name is None or read_stored(secrets, secret_name) is None:
        return None
    return {"secret_name": secret_name, "secret_stored": True}


def plan_client(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan one client; a new one lets the pool's own users sign in unless told otherwise."""
    if current is None and desired["identity_providers"] is None:
        desired = desired | {"identity_providers": ["COGNITO"]}
    merged = [] if purge_tags else ["secret_tags"]
    return make_plan(name, current, desired, create_only=["generate_secret"], merged=merged)


def known_secret(
    client: CognitoIdentityProviderClient, pool_id: str, client_id: str, name: str
) -> tuple[str, str | None]:
    """Return the secret of a client, and the id that Cognito knows it by.

    Raises:
        ReconcileError: AWS does not tell it any more, or not which of two it tells.
    """
    found = _describe(client, pool_id, client_id)
    present = list_secrets(client, pool_id, client_id)
    if not _tells_secret(found) or len(present) > 1:
        raise ReconcileError(
            f"{name}: the secret of the client is not stored, and AWS tells a rotated one only "
            "when it is added. Add and store a new one (cognito_client_secret with state=rotated)."
        )
    return found["ClientSecret"], present[0] if present else None


def _request(found: dict[str, Any], changed: Model) -> dict[str, Any]:
    """Return the fields of a request that makes `changed` of a client that AWS describes so."""
    request: dict[str, Any] = {
        name: changed[field] for field, name in _LISTS.items() if field in changed
    }
    units = dict(found.get("TokenValidityUnits", {}))
    for field, lifetime in _LIFETIMES.items():
        if field in changed:
            request[f"{lifetime.token}Validity"] = changed[field]
            units[lifetime.token] = lifetime.unit
            request["TokenValidityUnits"] = units
    if "auth_flows" in changed:
        request["ExplicitAuthFlows"] = [AUTH_FLOWS[flow] for flow in changed["auth_flows"]]
    if "oauth_flows" in changed:
        request["AllowedOAuthFlows"] = changed["oauth_flows"]
        request["AllowedOAuthFlowsUserPoolClient"] = bool(changed["oauth_flows"])
    if "default_redirect_url" in changed:
        request["DefaultRedirectURI"] = changed["default_redirect_url"]
    if "token_revocation" in changed:
        request["EnableTokenRevocation"] = changed["token_revocation"]
    if "prevent_user_existence_errors" in changed:
        hidden = changed["prevent_user_existence_errors"]
        request["PreventUserExistenceErrors"] = "ENABLED" if hidden else "LEGACY"
    if "auth_session_validity_minutes" in changed:
        request["AuthSessionValidity"] = changed["auth_session_validity_minutes"]
    if "refresh_token_rotation" in changed:
        request["RefreshTokenRotation"] = _rotation_request(changed["refresh_token_rotation"])
    return request


def _rotation_request(rotation: Model) -> dict[str, Any]:
    if not rotation["enabled"]:
        return {"Feature": "DISABLED"}
    return {
        "Feature": "ENABLED",
        "RetryGracePeriodSeconds": rotation["retry_grace_period_seconds"],
    }


def _without_empty_url(request: dict[str, Any]) -> dict[str, Any]:
    # No URL at all is told by leaving the field out: an empty one is refused.
    return {name: value for name, value in request.items() if value != ""}


@aws_call("create Cognito client {1.name}")
def _create(
    client: CognitoIdentityProviderClient, pool_id: str, plan: Plan
) -> UserPoolClientTypeTypeDef:
    after = plan.after or {}
    return client.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName=plan.name,
        GenerateSecret=after.get("generate_secret", False),
        **_without_empty_url(_request({}, after)),
    )["UserPoolClient"]


@aws_call("update Cognito client {1.name}")
def _update(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    after = plan.after or {}
    found: dict[str, Any] = dict(_describe(client, pool_id, after["client_id"]))
    changed = {field: value for field, value in after.items() if plan.changes(field)}
    request = _request(found, changed)
    if not request:
        return
    # AWS resets every field that is left out, so all that can be sent is sent again.
    operation: Any = client.meta.service_model.operation_model("UpdateUserPoolClient")
    kept = {name: found[name] for name in operation.input_shape.members if name in found}
    client.update_user_pool_client(**_without_empty_url(kept | request))


@aws_call("delete Cognito client {1.name}")
def _delete(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    client.delete_user_pool_client(UserPoolId=pool_id, ClientId=(plan.before or {})["client_id"])


def apply_deletion(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    pool_id: str | None,
    plan: Plan,
) -> None:
    """Delete a client and its stored secret, or whatever of the two is left."""
    before = plan.before or {}
    if pool_id is not None and "client_id" in before:
        _delete(cognito, pool_id, plan)
    if before.get("secret_stored"):
        delete_secret(secrets, before["secret_name"])


def apply_client(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    pool_id: str,
    plan: Plan,
) -> str:
    """Create or update a client, see that its secret is stored, and return its id."""
    after = plan.after or {}
    if plan.action == "create":
        created = _create(cognito, pool_id, plan)
        client_id, secret, secret_id = created["ClientId"], created.get("ClientSecret"), None
    else:
        client_id, secret, secret_id = after["client_id"], None, None
        _update(cognito, pool_id, plan)
    if plan.changes("secret_stored"):
        if secret is None:
            secret, secret_id = known_secret(cognito, pool_id, client_id, plan.name)
        stored, tags = Stored(client_id, secret_id), after.get("secret_tags", {})
        store_credentials(secrets, after["secret_name"], stored, secret, tags)
    if plan.changes("secret_tags"):
        set_secret_tags(secrets, after["secret_name"], after["secret_tags"])
    return str(client_id)

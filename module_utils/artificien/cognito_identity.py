"""Cognito identity pools: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    none_if_missing,
    own_tags,
    wait_until,
)
from ansible.module_utils.artificien.cognito import find_pool
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cognito_identity import CognitoIdentityClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

NOT_YET = "to be created: "
NO_ROLE = ""
DEFAULT_TAGS = "defaults of Cognito"
# What UpdateIdentityPool would reset and this module does not manage.
KEPT = (
    "SupportedLoginProviders",
    "DeveloperProviderName",
    "OpenIdConnectProviderARNs",
    "SamlProviderARNs",
)
POOL_FIELDS = ("guests", "classic_flow", "user_pool_clients", "tags")
ROLES = {"authenticated_role": "authenticated", "unauthenticated_role": "unauthenticated"}
LISTED_SECONDS = 60


@aws_call("find identity pool {0}")
def find_identity_pool(client: CognitoIdentityClient, name: str) -> str | None:
    """Return the id of the identity pool `name`, None if there is none.

    Raises:
        ReconcileError: several pools have the name, which Cognito allows.
    """
    pages = client.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 60})
    ids = sorted(
        pool["IdentityPoolId"]
        for page in pages
        for pool in page["IdentityPools"]
        if pool["IdentityPoolName"] == name
    )
    if len(ids) > 1:
        raise ReconcileError(
            f"{name}: {len(ids)} identity pools have this name ({', '.join(ids)}). Rename or "
            "delete all but the one that is meant."
        )
    return ids[0] if ids else None


@aws_call("list the clients of user pool {0}")
def _client_ids(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> list[str]:
    pages = client.get_paginator("list_user_pool_clients").paginate(
        UserPoolId=pool_id, PaginationConfig={"PageSize": 60}
    )
    return [
        found["ClientId"]
        for page in pages
        for found in page["UserPoolClients"]
        if found["ClientName"] == name
    ]


def _resolve(client: CognitoIdentityProviderClient, entry: dict[str, Any]) -> Model:
    pool, name = entry["user_pool"], entry["client"]
    pool_id = find_pool(client, pool)
    ids = _client_ids(client, pool_id, name) if pool_id else []
    if len(ids) > 1:
        raise ReconcileError(
            f"user_pool_clients: {len(ids)} clients of user pool {pool} have the name {name} "
            f"({', '.join(sorted(ids))}). Rename or delete all but the one that is meant."
        )
    return {
        "provider": f"cognito-idp.{client.meta.region_name}.amazonaws.com/{pool_id}"
        if pool_id
        else f"{NOT_YET}user pool {pool}",
        "client_id": ids[0] if ids else f"{NOT_YET}client {name} of user pool {pool}",
        "server_side_token_check": entry["server_side_token_check"],
    }


def desired_identity_pool(client: CognitoIdentityProviderClient, params: dict[str, Any]) -> Model:
    """Turn the module's options into a model.

    What `user_pool_clients` names is looked up; of what does not exist yet, the model says so.

    Raises:
        ReconcileError: a role is not given by its ARN, or a name is ambiguous.
    """
    for field in ROLES:
        if params[field] and ":role/" not in params[field]:
            raise ReconcileError(
                f"{params['name']}: {field} is {params[field]!r}; give the ARN of a role, such as "
                "arn:aws:iam::111122223333:role/shop-user, or an empty text for none."
            )
    clients = params["user_pool_clients"]
    return {
        "guests": params["guests"],
        "classic_flow": params["classic_flow"],
        "user_pool_clients": None
        if clients is None
        else _in_order(_resolve(client, entry) for entry in clients),
        **{field: params[field] for field in ROLES},
        "principal_tags": params["principal_tags"],
        "tags": params["tags"],
    }


def _in_order(clients: Iterable[Model]) -> list[Model]:
    return sorted(clients, key=lambda entry: (entry["provider"], entry["client_id"]))


@aws_call("read identity pool {1}")
def read_identity_pool(client: CognitoIdentityClient, pool_id: str, _name: str) -> Model:
    """Read everything that the module manages of the identity pool."""
    pool = client.describe_identity_pool(IdentityPoolId=pool_id)
    roles = client.get_identity_pool_roles(IdentityPoolId=pool_id).get("Roles", {})
    clients = _in_order(
        {
            "provider": entry["ProviderName"],
            "client_id": entry["ClientId"],
            "server_side_token_check": entry.get("ServerSideTokenCheck", False),
        }
        for entry in pool.get("CognitoIdentityProviders", [])
    )
    return {
        "id": pool_id,
        "guests": pool["AllowUnauthenticatedIdentities"],
        "classic_flow": pool.get("AllowClassicFlow", False),
        "user_pool_clients": clients,
        **{field: roles.get(kind, NO_ROLE) for field, kind in ROLES.items()},
        "principal_tags": {
            provider: _principal_tags(client, pool_id, provider) or {}
            for provider in _providers(clients)
        },
        "tags": own_tags(pool.get("IdentityPoolTags", {})),
    }


@none_if_missing("ResourceNotFoundException")
def _principal_tags(
    client: CognitoIdentityClient, pool_id: str, provider: str
) -> dict[str, str] | str:
    answer = client.get_principal_tag_attribute_map(
        IdentityPoolId=pool_id, IdentityProviderName=provider
    )
    return DEFAULT_TAGS if answer.get("UseDefaults") else answer.get("PrincipalTags", {})


def _providers(clients: Iterable[Model]) -> list[str]:
    return sorted({entry["provider"] for entry in clients})


def plan_identity_pool(
    name: str, current: Model | None, desired: Model, *, purge_tags: bool
) -> Plan:
    """Plan a pool; the principal tags are those of each user pool that it will trust."""
    present = current or {}
    clients = desired["user_pool_clients"]
    if clients is None:
        clients = present.get("user_pool_clients", [])
    wanted, kept = desired["principal_tags"], present.get("principal_tags", {})
    principal_tags = {
        provider: kept.get(provider, {}) if wanted is None else wanted
        for provider in _providers(clients)
    }
    return make_plan(
        name,
        current,
        desired | {"principal_tags": principal_tags},
        merged=[] if purge_tags else ["tags"],
    )


def apply_identity_pool(client: CognitoIdentityClient, account: str, plan: Plan) -> str:
    """Carry out one plan in the account, and return the id of the pool.

    Raises:
        ReconcileError: a user pool or a client of it does not exist.
    """
    before, after = plan.before or {}, plan.after or {}
    if plan.action == "delete":
        _delete(client, before["id"], plan.name)
        return str(before["id"])
    _check_clients(plan.name, after.get("user_pool_clients") or [])
    if plan.action == "create":
        pool_id = _create(client, plan.name, after)
    else:
        pool_id = before["id"]
        if any(plan.changes(field) for field in POOL_FIELDS):
            _update(client, pool_id, plan.name, after)
        if plan.changes("tags"):
            _tag(client, pool_id, account, plan)
    if any(before.get(field, NO_ROLE) != after.get(field, NO_ROLE) for field in ROLES):
        _set_roles(client, pool_id, plan.name, after)
    for provider, tags in after["principal_tags"].items():
        if tags != before.get("principal_tags", {}).get(provider, {}):
            _set_principal_tags(client, pool_id, provider, tags)
    return pool_id


def _check_clients(name: str, clients: Iterable[Model]) -> None:
    for entry in clients:
        for value in (entry["provider"], entry["client_id"]):
            if value.startswith(NOT_YET):
                raise ReconcileError(
                    f"{name}: user_pool_clients names the {value.removeprefix(NOT_YET)}, which "
                    "does not exist. Create it first, or take it out of the list."
                )


@aws_call("create identity pool {0}")
def _create(client: CognitoIdentityClient, name: str, after: Model) -> str:
    pool_id = client.create_identity_pool(**_request(name, after))["IdentityPoolId"]
    # Whoever needs the pool next looks for it by its name, and would make a second one.
    wait_until(
        lambda: find_identity_pool(client, name) == pool_id,
        f"identity pool {name} to be listed",
        LISTED_SECONDS,
    )
    return pool_id


def _request(name: str, after: Model) -> Any:
    return {
        "IdentityPoolName": name,
        "AllowUnauthenticatedIdentities": after.get("guests", False),
        "AllowClassicFlow": after.get("classic_flow", False),
        "CognitoIdentityProviders": [
            {
                "ProviderName": entry["provider"],
                "ClientId": entry["client_id"],
                "ServerSideTokenCheck": entry["server_side_token_check"],
            }
            for entry in after.get("user_pool_clients", [])
        ],
        "IdentityPoolTags": after.get("tags", {}),
    }


@aws_call("update identity pool {1}")
def _update(client: CognitoIdentityClient, pool_id: str, name: str, after: Model) -> None:
    present: dict[str, Any] = {**client.describe_identity_pool(IdentityPoolId=pool_id)}
    kept = {member: present[member] for member in KEPT if present.get(member)}
    client.update_identity_pool(IdentityPoolId=pool_id, **kept, **_request(name, after))


@aws_call("tag identity pool {0}")
def _tag(client: CognitoIdentityClient, pool_id: str, account: str, plan: Plan) -> None:
    # UpdateIdentityPool takes tags too, but AWS does not say that it changes them.
    arn = (
        f"arn:{client.meta.partition}:cognito-identity:{client.meta.region_name}:{account}"
        f":identitypool/{pool_id}"
    )
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(ResourceArn=arn, TagKeys=removed)
    if tags:
        client.tag_resource(ResourceArn=arn, Tags=tags)


@aws_call("set the roles of identity pool {1}")
def _set_roles(client: CognitoIdentityClient, pool_id: str, _name: str, after: Model) -> None:
    present = client.get_identity_pool_roles(IdentityPoolId=pool_id)
    client.set_identity_pool_roles(
        IdentityPoolId=pool_id,
        Roles={kind: after[field] for field, kind in ROLES.items() if after.get(field)},
        # They would be reset too, and this module does not manage them.
        RoleMappings=present.get("RoleMappings", {}),
    )


@aws_call("set the principal tags of {1} in identity pool {0}")
def _set_principal_tags(
    client: CognitoIdentityClient, pool_id: str, provider: str, tags: dict[str, str]
) -> None:
    client.set_principal_tag_attribute_map(
        IdentityPoolId=pool_id,
        IdentityProviderName=provider,
        UseDefaults=False,
        PrincipalTags=tags,
    )


@aws_call("delete identity pool {1}")
def _delete(client: CognitoIdentityClient, pool_id: str, _name: str) -> None:
    client.delete_identity_pool(IdentityPoolId=pool_id)

"""`cognito_identity_pool` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "identity_pool_of_run"
ROLE = "arn:aws:iam::000000000000:role/customer"
POOL: dict[str, Any] = {
    "name": NAME,
    "guests": False,
    "user_pool_clients": [
        {"user_pool": NAME, "client": "web", "server_side_token_check": True},
        {"user_pool": NAME, "client": "native"},
    ],
    "authenticated_role": ROLE,
    "principal_tags": {"username": "sub"},
    "tags": {"owner": "shop"},
}


def pool_ids(cloud: Cloud) -> list[str]:
    """Return the ids of the identity pools of these tests."""
    found = cloud.client("cognito-identity").list_identity_pools(MaxResults=60)["IdentityPools"]
    return [pool["IdentityPoolId"] for pool in found if pool["IdentityPoolName"] == NAME]


@pytest.fixture(autouse=True)
def _no_pools(cloud: Cloud) -> Iterator[None]:
    yield
    for pool_id in pool_ids(cloud):
        cloud.client("cognito-identity").delete_identity_pool(IdentityPoolId=pool_id)
    users = cloud.client("cognito-idp")
    for pool in users.list_user_pools(MaxResults=60)["UserPools"]:
        if pool["Name"] == NAME:
            users.delete_user_pool(UserPoolId=pool["Id"])


@pytest.fixture
def provider(cloud: Cloud) -> str:
    """Return the provider name of a user pool with two clients."""
    users = cloud.client("cognito-idp")
    user_pool: str = users.create_user_pool(PoolName=NAME)["UserPool"]["Id"]
    for name in ("native", "web"):
        users.create_user_pool_client(UserPoolId=user_pool, ClientName=name)
    return f"cognito-idp.us-east-1.amazonaws.com/{user_pool}"


def test_a_pool_is_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, provider: str
) -> None:
    created = run_module.four_runs("cognito_identity_pool", **POOL)["identity_pool"]
    [pool_id] = pool_ids(cloud)
    assert created["id"] == pool_id
    client = cloud.client("cognito-identity")
    pool = client.describe_identity_pool(IdentityPoolId=pool_id)
    assert {entry["ProviderName"] for entry in pool["CognitoIdentityProviders"]} == {provider}
    assert len(pool["CognitoIdentityProviders"]) == 2
    assert client.get_identity_pool_roles(IdentityPoolId=pool_id)["Roles"] == {
        "authenticated": ROLE
    }
    tags = client.get_principal_tag_attribute_map(
        IdentityPoolId=pool_id, IdentityProviderName=provider
    )
    assert tags["PrincipalTags"] == {"username": "sub"}
    run_module.gone_twice("cognito_identity_pool", name=NAME)
    assert pool_ids(cloud) == []


@pytest.mark.usefixtures("provider")
def test_a_pool_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    client = cloud.client("cognito-identity")
    pool_id = client.create_identity_pool(
        IdentityPoolName=NAME,
        AllowUnauthenticatedIdentities=True,
        DeveloperProviderName="shop-server",
        IdentityPoolTags={"old": "1"},
    )["IdentityPoolId"]
    rules = {"accounts.google.com": {"Type": "Token", "AmbiguousRoleResolution": "Deny"}}
    client.set_identity_pool_roles(
        IdentityPoolId=pool_id, Roles={"unauthenticated": ROLE}, RoleMappings=rules
    )
    updated = run_module.four_runs("cognito_identity_pool", **POOL)["identity_pool"]
    assert updated["id"] == pool_id
    assert updated["tags"] == {"owner": "shop"}
    pool = client.describe_identity_pool(IdentityPoolId=pool_id)
    assert pool["AllowUnauthenticatedIdentities"] is False
    assert pool["DeveloperProviderName"] == "shop-server"
    roles = client.get_identity_pool_roles(IdentityPoolId=pool_id)
    assert roles["Roles"] == {"authenticated": ROLE, "unauthenticated": ROLE}
    assert roles["RoleMappings"] == rules


def test_clients_that_do_not_exist_yet_stop_only_a_real_run(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    checked = run_module("cognito_identity_pool", check=True, **POOL)
    assert checked["changed"] is True
    assert checked["identity_pool"]["id"] is None
    failed = run_module("cognito_identity_pool", fails=True, **POOL)
    assert f"the user pool {NAME}, which does not exist. Create it first" in failed["msg"]
    assert pool_ids(cloud) == []

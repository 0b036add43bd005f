"""`cognito_user_pool_client` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

POOL = "clients-of-run"
PLACE = "clients-of-run/wiki"
WEB: dict[str, Any] = {
    "name": "web",
    "auth_flows": ["user_srp", "refresh_token"],
    "oauth_flows": [],
    "token_revocation": True,
    "prevent_user_existence_errors": True,
    "access_token_validity_minutes": 60,
    "id_token_validity_minutes": 30,
    "refresh_token_validity_days": 7,
}
WIKI: dict[str, Any] = {
    "name": "wiki",
    "generate_secret": True,
    "secret_name": PLACE,
    "oauth_flows": ["code"],
    "oauth_scopes": ["openid", "email"],
    "callback_urls": ["https://wiki.example.com/oauth", "http://localhost:8000/oauth"],
    "logout_urls": ["wiki://signed-out"],
    "default_redirect_url": "https://wiki.example.com/oauth",
    "read_attributes": ["email", "name"],
}


@pytest.fixture(autouse=True)
def pool_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of an empty user pool."""
    cognito, secrets = cloud.client("cognito-idp"), cloud.client("secretsmanager")
    created: str = cognito.create_user_pool(PoolName=POOL)["UserPool"]["Id"]
    yield created
    cognito.delete_user_pool(UserPoolId=created)
    for secret in secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        secrets.delete_secret(SecretId=secret["Name"], ForceDeleteWithoutRecovery=True)


def clients(cloud: Cloud, pool_id: str) -> dict[str, dict[str, Any]]:
    """Return what the pool's clients are described as, by name."""
    cognito = cloud.client("cognito-idp")
    found = cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)["UserPoolClients"]
    described = (
        cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client["ClientId"])
        for client in found
    )
    return {
        client["UserPoolClient"]["ClientName"]: client["UserPoolClient"] for client in described
    }


def stored(cloud: Cloud) -> dict[str, str]:
    """Return what Secrets Manager holds for the wiki's client."""
    value = cloud.client("secretsmanager").get_secret_value(SecretId=PLACE)["SecretString"]
    content: dict[str, str] = json.loads(value)
    return content


def test_clients_are_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    cloud.client("cognito-idp").create_user_pool_client(UserPoolId=pool_id, ClientName="theirs")
    options: dict[str, Any] = {
        "user_pool": POOL,
        "clients": [WEB, WIKI],
        "secret_tags": {"owner": "shop"},
    }
    first = run_module.four_runs("cognito_user_pool_client", **options)
    found = clients(cloud, pool_id)
    web, wiki = found["web"], found["wiki"]
    assert "ClientSecret" not in web
    assert web["SupportedIdentityProviders"] == ["COGNITO"]
    assert set(wiki["CallbackURLs"]) == set(WIKI["callback_urls"])
    assert first["clients"]["web"]["client_id"] == web["ClientId"]
    assert first["clients"]["wiki"]["client_id"] == wiki["ClientId"]
    assert stored(cloud) == {"client_id": wiki["ClientId"], "client_secret": wiki["ClientSecret"]}
    assert wiki["ClientSecret"] not in json.dumps(first)
    tags = cloud.client("secretsmanager").describe_secret(SecretId=PLACE)["Tags"]
    assert tags == [{"Key": "owner", "Value": "shop"}]
    run_module.gone_twice("cognito_user_pool_client", **options)
    assert list(clients(cloud, pool_id)) == ["theirs"]
    assert not cloud.client("secretsmanager").list_secrets()["SecretList"]


def test_a_client_is_updated_in_place_and_its_lost_secret_stored_again(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    run_module("cognito_user_pool_client", user_pool=POOL, clients=[WIKI])
    before = clients(cloud, pool_id)["wiki"]
    cloud.client("secretsmanager").delete_secret(SecretId=PLACE)
    changed: dict[str, Any] = {
        "name": "wiki",
        "generate_secret": True,
        "secret_name": PLACE,
        "callback_urls": ["https://wiki.example.com/oauth", "https://two.example.com/oauth"],
        "refresh_token_validity_days": 1,
    }
    checked = run_module("cognito_user_pool_client", check=True, user_pool=POOL, clients=[changed])
    assert checked["diff"]["before"]["wiki"]["secret_stored"] is False
    assert checked["clients"]["wiki"]["secret_stored"] is True
    assert clients(cloud, pool_id)["wiki"] == before
    options: dict[str, Any] = {
        "user_pool": POOL,
        "clients": [changed],
        "secret_tags": {"team": "web"},
    }
    result = run_module.four_runs("cognito_user_pool_client", **options)
    after = clients(cloud, pool_id)["wiki"]
    assert before["ClientSecret"] not in json.dumps(result)
    assert set(after["CallbackURLs"]) == set(changed["callback_urls"])
    kept = set(before) - {"CallbackURLs", "RefreshTokenValidity", "TokenValidityUnits"}
    kept -= {"LastModifiedDate"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    content = stored(cloud)
    assert content["client_secret"] == before["ClientSecret"]
    assert content["client_secret_id"].startswith(before["ClientId"])


def test_what_cannot_be_leaves_everything_as_it_is(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    options: dict[str, Any] = {"user_pool": POOL, "clients": [WEB, WIKI | {"oauth_scopes": []}]}
    failed = run_module("cognito_user_pool_client", fails=True, **options)
    assert "there are no oauth_scopes" in failed["msg"]
    assert clients(cloud, pool_id) == {}
    options = {"user_pool": "not-yet", "clients": [WIKI]}
    checked = run_module("cognito_user_pool_client", check=True, **options)
    assert checked["changed"] is True
    assert checked["clients"]["wiki"]["client_id"] is None
    failed = run_module("cognito_user_pool_client", fails=True, **options)
    assert "There is no user pool not-yet" in failed["msg"]

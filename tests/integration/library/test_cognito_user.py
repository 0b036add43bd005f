"""`cognito_user` against the emulator."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

POOL = "users-of-run"
# Name of the secret that holds a password, and a password.
HOLDER = "users-of-run/ada"
CHOSEN = "Correct-horse-1"
ADA: dict[str, Any] = {
    "name": "ada",
    "email": "ada@example.com",
    "attributes": {"name": "Ada Lovelace"},
    "groups": ["owners", "clerks"],
    "password_secret": HOLDER,
}
FIELDS: dict[str, Any] = {"user_pool": POOL, "secret_tags": {"owner": "shop"}}


@pytest.fixture
def pool_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of a user pool with two groups that lives as long as the test."""
    cognito = cloud.client("cognito-idp")
    made: str = cognito.create_user_pool(PoolName=POOL, AliasAttributes=["email"])["UserPool"]["Id"]
    for group in ("owners", "clerks"):
        cognito.create_group(UserPoolId=made, GroupName=group)
    yield made
    cognito.delete_user_pool(UserPoolId=made)
    with contextlib.suppress(ClientError):
        cloud.client("secretsmanager").delete_secret(
            SecretId=HOLDER, ForceDeleteWithoutRecovery=True
        )


def users(cloud: Cloud, pool_id: str) -> dict[str, Any]:
    """Return the users of the pool by name."""
    found = cloud.client("cognito-idp").list_users(UserPoolId=pool_id)["Users"]
    return {user["Username"]: user for user in found}


def groups(cloud: Cloud, pool_id: str) -> list[str]:
    """Return the groups that the user is in."""
    answer = cloud.client("cognito-idp").admin_list_groups_for_user(
        UserPoolId=pool_id, Username="ada"
    )
    return sorted(group["GroupName"] for group in answer["Groups"])


def password(cloud: Cloud) -> str:
    """Return the password in the secret."""
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=HOLDER)["SecretString"]
    assert isinstance(secret, str)
    return secret


def sign_in(cloud: Cloud, pool_id: str, secret: str) -> Any:
    """Sign in by e-mail address and password, and return the tokens."""
    cognito = cloud.client("cognito-idp")
    client_id = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="test",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    return cognito.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada@example.com", "PASSWORD": secret},
    )["AuthenticationResult"]


def test_users_are_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    first = run_module.four_runs("cognito_user", **FIELDS, users=[ADA])
    assert first["users"]["ada"] == {
        "email": "ada@example.com",
        "email_verified": True,
        "attributes": {"name": "Ada Lovelace"},
        "groups": ["clerks", "owners"],
        "enabled": True,
        "status": "CONFIRMED",
    }
    secret = password(cloud)
    assert secret not in json.dumps(first)
    assert "warnings" not in first
    described = cloud.client("secretsmanager").describe_secret(SecretId=HOLDER)
    assert described["Tags"] == [{"Key": "owner", "Value": "shop"}]
    assert users(cloud, pool_id)["ada"]["UserStatus"] == "CONFIRMED"
    assert groups(cloud, pool_id) == ["clerks", "owners"]
    assert sign_in(cloud, pool_id, secret)["AccessToken"]

    run_module.gone_twice("cognito_user", user_pool=POOL, users=[ADA])
    assert users(cloud, pool_id) == {}
    assert password(cloud) == secret
    run_module.gone_twice("cognito_user", user_pool=POOL, users=[ADA], delete_secrets=True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        password(cloud)


def test_a_user_is_updated_in_what_is_given(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    run_module("cognito_user", **FIELDS, users=[ADA])
    sub = users(cloud, pool_id)["ada"]["Attributes"]
    less = {
        "name": "ada",
        "attributes": {"name": "", "locale": "en"},
        "groups": ["clerks"],
        "enabled": False,
    }
    cognito = cloud.client("cognito-idp")
    tokens = sign_in(cloud, pool_id, password(cloud))
    run_module.four_runs("cognito_user", user_pool=POOL, users=[less])
    user = users(cloud, pool_id)["ada"]
    assert user["Enabled"] is False
    assert groups(cloud, pool_id) == ["clerks"]
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.get_user(AccessToken=tokens["AccessToken"])
    held = {attribute["Name"]: attribute["Value"] for attribute in user["Attributes"]}
    assert {"Name": "sub", "Value": held["sub"]} in sub
    assert (held["email"], held["locale"], held["name"]) == ("ada@example.com", "en", "")

    again = run_module("cognito_user", user_pool=POOL, users=[{"name": "ada", "enabled": True}])
    assert again["users"]["ada"]["enabled"] is True
    assert sign_in(cloud, pool_id, password(cloud))["AccessToken"]


def test_a_user_joins_and_leaves_one_group(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    run_module("cognito_user", **FIELDS, users=[ADA | {"groups": ["clerks"]}])
    joining = {"name": "ada", "in_groups": ["owners"]}
    joined = run_module.four_runs("cognito_user", user_pool=POOL, users=[joining])
    assert joined["diff"]["before"]["ada"]["groups"] == ["clerks"]
    assert groups(cloud, pool_id) == joined["users"]["ada"]["groups"] == ["clerks", "owners"]
    leaving = {"name": "ada", "not_in_groups": ["clerks"]}
    run_module.four_runs("cognito_user", user_pool=POOL, users=[leaving])
    assert groups(cloud, pool_id) == ["owners"]


def test_what_a_run_that_was_cut_short_left_is_finished(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    cognito = cloud.client("cognito-idp")
    cognito.admin_create_user(
        UserPoolId=pool_id,
        Username="ada",
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": "ada@example.com"},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    cloud.client("secretsmanager").create_secret(Name=HOLDER, SecretString=CHOSEN)
    run_module.four_runs("cognito_user", **FIELDS, users=[ADA])
    assert sign_in(cloud, pool_id, CHOSEN)["AccessToken"]


@pytest.mark.usefixtures("pool_id")
def test_what_cognito_would_not_do_is_told(run_module: ModuleRunner) -> None:
    failed = run_module(
        "cognito_user", fails=True, **FIELDS, users=[ADA | {"groups": ["nobodies"]}]
    )
    assert "add user ada of user pool" in failed["msg"]
    assert "to group nobodies: ResourceNotFoundException" in failed["msg"]
    by_alias = {"name": "ada@example.com"}
    failed = run_module("cognito_user", fails=True, user_pool=POOL, users=[by_alias])
    assert "another way to name the user ada" in failed["msg"]


@pytest.mark.usefixtures("cloud")
def test_a_pool_that_is_missing(run_module: ModuleRunner) -> None:
    checked = run_module("cognito_user", check=True, **FIELDS, users=[ADA])
    assert checked["diff"]["after"]["ada"]["status"] == "CONFIRMED"
    failed = run_module("cognito_user", fails=True, **FIELDS, users=[ADA])
    assert f"no user pool {POOL}" in failed["msg"]
    gone = run_module("cognito_user", user_pool=POOL, users=[ADA], state="absent")
    assert gone["changed"] is False

"""The package of `post_confirmation` works with nothing but the boto3 of the runtime."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambdas.packages import Function, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud


TABLE = "users_of_run"


@pytest.fixture
def table(cloud: Cloud) -> Iterator[Any]:
    """Return the table of users."""
    table = cloud.resource("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield table
    table.delete()


@pytest.fixture
def pool(cloud: Cloud) -> Iterator[str]:
    """Return the id of a user pool."""
    cognito = cloud.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="pool-of-run")["UserPool"]["Id"]
    yield pool_id
    cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.fixture
def function(cloud: Cloud, tmp_path: Path) -> Function:
    """Return the function."""
    return unpack("post_confirmation", tmp_path, cloud, USER_TABLE=TABLE)


def test_a_package_alone_gives_accounts_their_rows(
    cloud: Cloud, table: Any, pool: str, function: Function
) -> None:
    cognito = cloud.client("cognito-idp")
    for name in ("ada", "grace"):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")
    cognito.sign_up(
        ClientId=client["UserPoolClient"]["ClientId"],
        Username="eve",
        Password=f"{secrets.token_urlsafe(16)}-aA1",
        UserAttributes=[{"Name": "email", "Value": "eve@example.com"}],
    )
    confirmed = {
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "userPoolId": pool,
        "userName": "ada",
        "request": {"userAttributes": {"sub": "sub-of-ada", "email": "ada@example.com"}},
        "response": {},
    }
    find = {"find_missing": True, "user_pool_id": pool}
    first, again, report = function(confirmed, confirmed, find)
    assert first == again == confirmed
    row = table.get_item(Key={"user_id": "ada@example.com"})["Item"]
    assert len(row.pop("api_key")) == 22
    assert row == {
        "user_id": "ada@example.com",
        "user_account_email": "ada@example.com",
        "username": "ada",
        "has_onboarded": "0",
        "role": "0",
        "datasets_purchased": ["Artificien-Health"],
    }
    missing = report.pop("missing")
    assert [entry["username"] for entry in missing] == ["grace"]
    assert report == {"conflicting": 0, "checked": 2, "more": False}

    other = {"username": "other", "email": "ada@example.com", "sub": "sub-of-other"}
    create = {"create": [*missing, other]}
    created, report = function(create, find)
    assert created == {"created": 1, "existing": 0, "conflicting": 1}
    assert report == {"missing": [], "conflicting": 0, "checked": 2, "more": False}
    assert table.get_item(Key={"user_id": "ada@example.com"})["Item"]["username"] == "ada"

"""`cognito_user_pool` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "shop users"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:welcome"
# Jinja takes what Cognito replaces for a comment.
CODE = "{{ '{####}' }}"
POOL: dict[str, Any] = {
    "name": NAME,
    "username_case_sensitive": False,
    "alias_attributes": ["preferred_username", "email"],
    "schema": [
        {"name": "email", "required": True, "mutable": False},
        {"name": "custom:plan", "type": "string", "max_length": 20},
    ],
    "auto_verified_attributes": ["email"],
    "attributes_require_verification_before_update": ["email"],
    "password_policy": {"minimum_length": 12, "require_symbols": False},
    "mfa": "optional",
    "totp": True,
    "tier": "PLUS",
    "threat_protection": "audit",
    "self_sign_up": True,
    "account_recovery": ["verified_email"],
    "verification_email": {"subject": "Your code", "body": f"Your code is {CODE}"},
    "invitation_email": {"subject": "Come in", "body": f"{{username}}, use {CODE}"},
    "email_sending": "ses",
    "email_source_arn": "arn:aws:ses:us-east-1:000000000000:identity/shop@example.com",
    "email_from": "Shop <shop@example.com>",
    "lambda_triggers": {"post_confirmation": ARN},
    "tags": {"owner": "shop"},
}


def ids(cloud: Cloud) -> list[str]:
    """Return the ids of the pools of these tests."""
    pools = cloud.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    return [pool["Id"] for pool in pools if pool["Name"] == NAME]


def described(cloud: Cloud) -> dict[str, Any]:
    """Return the one pool of these tests."""
    (pool_id,) = ids(cloud)
    pool: dict[str, Any] = cloud.client("cognito-idp").describe_user_pool(UserPoolId=pool_id)
    return dict(pool["UserPool"])


@pytest.fixture(autouse=True)
def _no_pools(cloud: Cloud) -> Iterator[None]:
    def clean() -> None:
        for pool_id in ids(cloud):
            cloud.client("cognito-idp").delete_user_pool(UserPoolId=pool_id)

    clean()
    yield
    clean()


def test_a_pool_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    created = run_module.four_runs("cognito_user_pool", **POOL)["user_pool"]
    pool = described(cloud)
    assert (created["id"], created["arn"]) == (pool["Id"], pool["Arn"])
    assert created["alias_attributes"] == ["email", "preferred_username"]
    assert created["mfa"] == "optional"
    assert created["domain"] is None
    policy = pool["Policies"]["PasswordPolicy"]
    assert (policy["MinimumLength"], policy["RequireNumbers"]) == (12, True)
    assert policy["RequireSymbols"] is False
    schema = {attribute["Name"]: attribute for attribute in pool["SchemaAttributes"]}
    assert (schema["email"]["Required"], schema["email"]["Mutable"]) == (True, False)
    assert schema["custom:plan"]["StringAttributeConstraints"] == {"MaxLength": "20"}
    assert pool["UserPoolAddOns"] == {"AdvancedSecurityMode": "AUDIT"}
    assert pool["LambdaConfig"] == {"PostConfirmation": ARN}
    cloud.client("cognito-idp").create_user_pool_domain(UserPoolId=pool["Id"], Domain="shop")
    run_module.gone_twice("cognito_user_pool", name=NAME)
    assert ids(cloud) == []


def test_an_update_changes_what_is_named_and_keeps_the_rest(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("cognito_user_pool", **POOL)
    before = described(cloud)
    change: dict[str, Any] = {"name": NAME, "password_policy": {"minimum_length": 14}}
    checked = run_module("cognito_user_pool", check=True, **change)
    assert described(cloud) == before
    done = run_module("cognito_user_pool", **change)
    old, new = (checked["diff"][side][NAME] for side in ("before", "after"))
    assert checked["diff"] == done["diff"]
    policy = new.pop("password_policy")
    assert policy == old.pop("password_policy") | {"minimum_length": 14}
    assert old == new
    after = described(cloud)
    assert after["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    for pool in (before, after):
        del pool["LastModifiedDate"], pool["Policies"]
        pool["AdminCreateUserConfig"].pop("UnusedAccountValidityDays", None)
    assert after == before


def test_everything_that_can_change_is_changed_in_place(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("cognito_user_pool", **POOL)
    pool_id = described(cloud)["Id"]
    run_module.four_runs(
        "cognito_user_pool",
        name=NAME,
        schema=[{"name": "custom:level", "type": "number", "min_value": 1}],
        auto_verified_attributes=[],
        attributes_require_verification_before_update=[],
        mfa="off",
        tier="LITE",
        threat_protection="off",
        self_sign_up=False,
        account_recovery=["verified_phone_number", "verified_email"],
        verification_email={"subject": "Another code"},
        email_sending="cognito",
        email_source_arn="",
        email_from="",
        deletion_protection=True,
        lambda_triggers={},
        tags={"team": "web"},
    )
    pool = described(cloud)
    assert pool["Id"] == pool_id
    assert pool["VerificationMessageTemplate"]["EmailMessage"] == "Your code is {####}"
    assert pool["EmailConfiguration"] == {"EmailSendingAccount": "COGNITO_DEFAULT"}
    assert pool["LambdaConfig"] == {}
    assert pool["UserPoolTags"] == {"team": "web"}
    assert {"custom:plan", "custom:level"} <= {one["Name"] for one in pool["SchemaAttributes"]}
    kept = run_module("cognito_user_pool", name=NAME, state="absent", delete_users=True)
    assert (kept["changed"], kept["kept"]) == (False, [NAME])
    failed = run_module(
        "cognito_user_pool", name=NAME, alias_attributes=["phone_number"], fails=True
    )
    assert f"{NAME}: alias_attributes is ['email', 'preferred_username']" in failed["msg"]


def test_a_pool_with_users_is_kept_unless_they_may_go(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    pool_id = run_module("cognito_user_pool", name=NAME)["user_pool"]["id"]
    cloud.client("cognito-idp").admin_create_user(UserPoolId=pool_id, Username="ada")
    kept = run_module("cognito_user_pool", name=NAME, state="absent")
    assert (kept["changed"], kept["kept"]) == (False, [NAME])
    assert ids(cloud) == [pool_id]
    gone = run_module("cognito_user_pool", name=NAME, state="absent", delete_users=True)
    assert (gone["changed"], gone["kept"], ids(cloud)) == (True, [], [])


def test_two_pools_of_one_name_are_left_alone(cloud: Cloud, run_module: ModuleRunner) -> None:
    for _ in range(2):
        cloud.client("cognito-idp").create_user_pool(PoolName=NAME)
    found = sorted(ids(cloud))
    failed = run_module("cognito_user_pool", name=NAME, state="absent", fails=True)
    assert f"2 user pools have this name ({', '.join(found)})" in failed["msg"]
    assert sorted(ids(cloud)) == found

"""`cognito_user_pool_domain` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

POOL = "domain-of-run"
OTHER_POOL = "domain-of-others"
PREFIX = "example-shop"
SHOP: dict[str, Any] = {"user_pool": POOL, "prefix": PREFIX}


def domain(cloud: Cloud, prefix: str) -> Any:
    """Return what Cognito tells of a domain."""
    cognito = cloud.client("cognito-idp")
    return cognito.describe_user_pool_domain(Domain=prefix)["DomainDescription"]


@pytest.fixture
def pools(cloud: Cloud) -> Iterator[dict[str, str]]:
    """Return the ids of two user pools that live as long as the test."""
    cognito = cloud.client("cognito-idp")
    ids = {
        name: cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
        for name in (POOL, OTHER_POOL)
    }
    yield ids
    for pool_id in ids.values():
        prefix = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain")
        if prefix:
            cognito.delete_user_pool_domain(UserPoolId=pool_id, Domain=prefix)
        cognito.delete_user_pool(UserPoolId=pool_id)


def test_a_domain_is_created_once_replaced_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, pools: dict[str, str]
) -> None:
    first = run_module.four_runs("cognito_user_pool_domain", **SHOP)
    assert first["domain"] == {"prefix": PREFIX, "status": "ACTIVE"}
    assert domain(cloud, PREFIX)["UserPoolId"] == pools[POOL]

    new = SHOP | {"prefix": "new-shop", "managed_login_version": 2}
    four = run_module.four_runs("cognito_user_pool_domain", **new)
    wanted = {"prefix": "new-shop", "managed_login_version": 2, "status": "ACTIVE"}
    assert four["domain"] == wanted
    assert four["diff"]["after"] == {POOL: wanted}
    assert domain(cloud, PREFIX) == {}
    assert domain(cloud, "new-shop")["ManagedLoginVersion"] == 2

    run_module.gone_twice("cognito_user_pool_domain", user_pool=POOL)
    assert domain(cloud, "new-shop") == {}


def test_the_prefix_of_another_pool_stays_theirs(
    cloud: Cloud, run_module: ModuleRunner, pools: dict[str, str]
) -> None:
    cognito = cloud.client("cognito-idp")
    cognito.create_user_pool_domain(UserPoolId=pools[OTHER_POOL], Domain=PREFIX)
    failed = run_module("cognito_user_pool_domain", check=True, fails=True, **SHOP)
    assert f"belongs to user pool {pools[OTHER_POOL]}" in failed["msg"]
    run_module("cognito_user_pool_domain", user_pool=POOL, state="absent")
    assert domain(cloud, PREFIX)["UserPoolId"] == pools[OTHER_POOL]


@pytest.mark.usefixtures("cloud")
def test_a_pool_that_is_missing(run_module: ModuleRunner) -> None:
    checked = run_module("cognito_user_pool_domain", check=True, **SHOP)
    assert (checked["changed"], checked["domain"]["prefix"]) == (True, PREFIX)
    failed = run_module("cognito_user_pool_domain", fails=True, **SHOP)
    assert f"no user pool {POOL}" in failed["msg"]
    gone = run_module("cognito_user_pool_domain", user_pool=POOL, state="absent")
    assert gone["changed"] is False
    failed = run_module("cognito_user_pool_domain", fails=True, user_pool=POOL, prefix="my-aws")
    assert "prefix is 'my-aws'" in failed["msg"]
    failed = run_module("cognito_user_pool_domain", fails=True, user_pool=POOL)
    assert "prefix" in failed["msg"]

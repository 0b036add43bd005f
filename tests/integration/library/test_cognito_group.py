"""`cognito_group` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

POOL = "groups-of-run"
OWNERS: dict[str, Any] = {"name": "owners", "description": "May change prices.", "precedence": 1}
CLERKS: dict[str, Any] = {"name": "clerks"}


@pytest.fixture
def pool_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of a user pool that lives as long as the test."""
    cognito = cloud.client("cognito-idp")
    made: str = cognito.create_user_pool(PoolName=POOL)["UserPool"]["Id"]
    yield made
    cognito.delete_user_pool(UserPoolId=made)


def groups(cloud: Cloud, pool_id: str) -> dict[str, Any]:
    """Return the groups of the pool by name."""
    found = cloud.client("cognito-idp").list_groups(UserPoolId=pool_id)["Groups"]
    return {group["GroupName"]: group for group in found}


def test_groups_are_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    cognito = cloud.client("cognito-idp")
    cognito.create_group(UserPoolId=pool_id, GroupName="theirs")
    first = run_module.four_runs("cognito_group", user_pool=POOL, groups=[OWNERS, CLERKS])
    assert first["groups"]["owners"] == {"description": "May change prices.", "precedence": 1}
    assert groups(cloud, pool_id)["owners"]["Precedence"] == 1
    again = run_module("cognito_group", user_pool=POOL, groups=[{"name": "owners"}])
    assert again["changed"] is False
    assert again["groups"]["owners"] == {
        "description": "May change prices.",
        "precedence": 1,
        "role_arn": None,
    }
    changed = OWNERS | {"precedence": 5}
    checked = run_module("cognito_group", check=True, user_pool=POOL, groups=[changed, CLERKS])
    assert checked["changed"] is True
    assert list(checked["diff"]["after"]) == ["owners"]
    assert groups(cloud, pool_id)["owners"]["Precedence"] == 1
    assert run_module("cognito_group", user_pool=POOL, groups=[changed])["changed"] is True
    assert groups(cloud, pool_id)["owners"]["Precedence"] == 5
    run_module.gone_twice("cognito_group", user_pool=POOL, groups=[OWNERS, CLERKS])
    assert list(groups(cloud, pool_id)) == ["theirs"]


@pytest.mark.usefixtures("cloud")
def test_a_pool_that_is_missing(run_module: ModuleRunner) -> None:
    checked = run_module("cognito_group", check=True, user_pool=POOL, groups=[CLERKS])
    assert checked["diff"]["after"] == {"clerks": {}}
    failed = run_module("cognito_group", fails=True, user_pool=POOL, groups=[CLERKS])
    assert f"no user pool {POOL}" in failed["msg"]
    gone = run_module("cognito_group", user_pool=POOL, groups=[CLERKS], state="absent")
    assert gone["changed"] is False

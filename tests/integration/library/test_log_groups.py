"""`log_groups` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "/orders_of_run"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ORDERS: dict[str, Any] = {"name": NAME, "retention_days": 30, "tags": {"owner": "shop"}}


def groups(cloud: Cloud) -> dict[str, Any]:
    """Return the log groups of these tests by name."""
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=NAME)["logGroups"]
    return {group["logGroupName"]: group for group in found}


def tags(cloud: Cloud) -> dict[str, str]:
    """Return the tags of the log group."""
    arn = groups(cloud)[NAME]["logGroupArn"]
    listed: dict[str, str] = cloud.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]
    return listed


@pytest.fixture(autouse=True)
def _no_groups(cloud: Cloud) -> Iterator[None]:
    def clean() -> None:
        for name in groups(cloud):
            cloud.client("logs").delete_log_group(logGroupName=name)

    clean()
    yield
    clean()


def test_groups_are_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    archive = f"{NAME}-archive"
    cloud.client("logs").create_log_group(logGroupName=archive)
    run_module.four_runs("log_groups", groups=[ORDERS | {"kms_key": KEY}])
    group = groups(cloud)[NAME]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (30, KEY)
    assert tags(cloud) == {"owner": "shop"}
    run_module.gone_twice("log_groups", groups=[{"name": NAME}])
    assert list(groups(cloud)) == [archive]


def test_a_group_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module("log_groups", groups=[ORDERS])
    cloud.client("logs").create_log_stream(logGroupName=NAME, logStreamName="kept")
    changed = ORDERS | {"retention_days": 1096, "tags": {"team": "web"}}
    checked = run_module("log_groups", check=True, groups=[changed])
    assert checked["changed"] is True
    assert checked["groups"][NAME]["retention_days"] == 1096
    assert groups(cloud)[NAME]["retentionInDays"] == 30
    assert tags(cloud) == {"owner": "shop"}
    run_module.four_runs("log_groups", groups=[changed])
    assert groups(cloud)[NAME]["retentionInDays"] == 1096
    assert tags(cloud) == {"team": "web"}
    streams = cloud.client("logs").describe_log_streams(logGroupName=NAME)["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == ["kept"]


def test_what_aws_would_refuse_leaves_the_group_as_it_is(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("log_groups", groups=[ORDERS])
    failed = run_module("log_groups", groups=[ORDERS | {"retention_days": 31}], fails=True)
    assert "retention_days" in failed["msg"]
    failed = run_module("log_groups", groups=[ORDERS | {"kms_key": "alias/orders"}], fails=True)
    assert "kms_key is 'alias/orders'" in failed["msg"]
    assert groups(cloud)[NAME]["retentionInDays"] == 30

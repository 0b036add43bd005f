"""site.yml and destroy.yml from an account in which there is nothing, and back to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cloud import emulator
from tests.deployment import COMPONENTS, SOAK, Platform
from tests.policies import DEPLOYER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud

SOME = ("network", "cognito", "pygrid", "jupyterhub")
"""Components that are planned alone; `make soak` plans each of them."""


@pytest.fixture
def empty_account(tmp_path: Path) -> Iterator[Platform]:
    """Return a platform to which nothing is deployed yet."""
    with emulator(tmp_path, hosts=True) as cloud:
        yield Platform.prepared(cloud, tmp_path / "build")


def assert_only_the_deployer_is_left(cloud: Cloud) -> None:
    """Check that no role and no policy is left but those under which all was removed."""
    roles = [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]
    assert roles == [DEPLOYER]
    attached = cloud.client("iam").list_attached_role_policies(RoleName=DEPLOYER)
    policies = cloud.client("iam").list_policies(Scope="Local")["Policies"]
    assert {policy["Arn"] for policy in policies} == {
        policy["PolicyArn"] for policy in attached["AttachedPolicies"]
    }


def test_a_plan_of_an_empty_account_shows_what_would_be_made(empty_account: Platform) -> None:
    run = empty_account.play("site.yml", "--check", "--diff")
    for made in ("dataset_table", "artificien-local-000000000000-sample-data", "Artificien-Health"):
        assert re.search(rf"^\+ .*{made}", run.text, re.MULTILINE)
    assert run.changed >= len(COMPONENTS)
    assert empty_account.cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert empty_account.cloud.client("s3").list_buckets()["Buckets"] == []
    for tag in COMPONENTS if SOAK else SOME:
        assert empty_account.play("site.yml", "--check", "--tags", tag).changed > 0


def test_production_is_planned_from_an_empty_account(
    empty_account: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in empty_account.cloud.environment.items():
        monkeypatch.setenv(name, value)
    values = {
        "network_admin_cidrs": [],
        "ec2_host_image_owner": "000000000000",
        "ec2_host_image_name": "debian-12-local",
        "ec2_host_key_name": "operators",
    }
    common = ("--check", "-e", json.dumps(values))
    missing = empty_account.play("site.yml", *common, inventory="prod", fails=True)
    assert "aws_account_id has no value: it is the 12 digits" in " ".join(missing.text.split())

    account = ("-e", "aws_account_id=111122223333", "-e", "aws_region=us-east-1")
    other = empty_account.play("site.yml", *common, *account, inventory="prod", fails=True)
    assert "is in account 000000000000, but prod is account 111122223333" in " ".join(
        other.text.split()
    )

    account = ("-e", "aws_account_id=000000000000", "-e", "aws_region=eu-west-1")
    region = empty_account.play("site.yml", *common, *account, inventory="prod", fails=True)
    assert "of the shell is us-east-1, but prod is in eu-west-1" in " ".join(region.text.split())

    account = ("-e", "aws_account_id=000000000000", "-e", "aws_region=us-east-1")
    plan = empty_account.play("site.yml", *common, "--diff", *account, inventory="prod")
    assert plan.changed >= len(COMPONENTS)
    assert "deletion_protection: true" in plan.text
    assert "artificien-prod-000000000000-sample-data" in plan.text


def test_what_holds_data_survives_until_told_otherwise(empty_account: Platform) -> None:
    empty_account.play("site.yml", "--skip-tags", "pygrid,jupyterhub,post_deploy")
    cloud = empty_account.cloud
    cloud.client("lambda").delete_function(FunctionName="artificien-local-data-upload")
    cloud.client("dynamodb").delete_table(TableName="app_table")
    run = empty_account.play("destroy.yml", "-e", "confirm=local")
    assert "dataset_table stays" in " ".join(run.text.split())
    kept = set(empty_account.outputs["dynamodb"]["tables"])
    assert kept == {"dataset_table", "model_table", "user_table"}
    assert "dataset_table" in cloud.client("dynamodb").list_tables()["TableNames"]
    assert "enterprise_table" not in cloud.client("dynamodb").list_tables()["TableNames"]
    assert "artificien-local stays" in " ".join(run.text.split())
    assert empty_account.outputs["cognito"]["user_pool_id"]

    empty_account.play("destroy.yml", "-e", "confirm=local", "-e", "delete_data=true")
    again = empty_account.play("destroy.yml", "-e", "confirm=local", "-e", "delete_data=true")
    assert again.changed == 0
    tagged = cloud.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "project", "Values": ["artificien"]}]
    )
    assert tagged["ResourceTagMappingList"] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []
    assert_only_the_deployer_is_left(cloud)
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    pools = cloud.client("cognito-identity").list_identity_pools(MaxResults=10)["IdentityPools"]
    assert pools == []
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []
    assert cloud.client("amplify").list_apps()["apps"] == []
    mine = [{"Name": "tag:project", "Values": ["artificien"]}]
    assert cloud.client("ec2").describe_vpcs(Filters=mine)["Vpcs"] == []
    assert cloud.client("ec2").describe_security_groups(Filters=mine)["SecurityGroups"] == []

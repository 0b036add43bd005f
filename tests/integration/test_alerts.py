"""The alerts in an account that shows its budgets to nobody but its root user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud import Cloud

ALL_BUT_BUDGETS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "NotAction": "budgets:*", "Resource": "*"}],
}


def environment_without_budgets(cloud: Cloud) -> str:
    """Return an extra variable with the credentials of somebody whom budgets are hidden from."""
    iam = cloud.client("iam")
    iam.create_user(UserName="deployer")
    iam.put_user_policy(
        UserName="deployer",
        PolicyName="all-but-budgets",
        PolicyDocument=json.dumps(ALL_BUT_BUDGETS),
    )
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    environment = cloud.environment | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    del environment["AWS_PROFILE"]
    return json.dumps({"aws_environment": environment})


def test_only_a_budget_needs_the_right_to_see_budgets(tmp_path: Path) -> None:
    with emulator(tmp_path) as cloud:
        platform = Platform(cloud, tmp_path / "build")
        deploy = ("site.yml", "--tags", "alerts", "-e", environment_without_budgets(cloud))
        assert "to delete is unknown" in platform.play(*deploy).text
        assert platform.play(*deploy).changed == 0
        refused = platform.play(*deploy, "-e", "alerts_monthly_budget_usd=100", fails=True)
        assert "AccessDenied" in refused.text

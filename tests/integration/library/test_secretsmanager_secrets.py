"""`secretsmanager_secrets` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAMES = ["generated-till-token", "generated-stock-token"]
SECRETS = [{"name": name, "description": "of a test", "tags": {"owner": "shop"}} for name in NAMES]


def value(cloud: Cloud, name: str) -> str:
    """Return the value of a secret."""
    read: str = cloud.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return read


def tags(cloud: Cloud, name: str) -> dict[str, str]:
    """Return the tags of a secret."""
    described = cloud.client("secretsmanager").describe_secret(SecretId=name)
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


@pytest.fixture(autouse=True)
def _no_secrets(cloud: Cloud) -> Iterator[None]:
    yield
    client = cloud.client("secretsmanager")
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def test_secrets_are_generated_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    first = run_module.four_runs("secretsmanager_secrets", secrets=SECRETS)
    values = [value(cloud, name) for name in NAMES]
    assert len(set(values)) == len(NAMES)
    assert all(len(item) >= 43 for item in values)
    assert not any(item in json.dumps(first) for item in values)
    assert [tags(cloud, name) for name in NAMES] == [{"owner": "shop"}] * 2
    run_module.gone_twice("secretsmanager_secrets", secrets=[{"name": name} for name in NAMES])
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_value_that_exists_stays(cloud: Cloud, run_module: ModuleRunner) -> None:
    client = cloud.client("secretsmanager")
    client.create_secret(Name=NAMES[0], SecretString="chosen", Tags=[{"Key": "a", "Value": "1"}])
    option: dict[str, Any] = {"name": NAMES[0], "tags": {"owner": "shop"}}
    run_module.four_runs("secretsmanager_secrets", secrets=[option])
    assert value(cloud, NAMES[0]) == "chosen"
    assert tags(cloud, NAMES[0]) == {"owner": "shop"}

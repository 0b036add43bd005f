"""`cognito_client_secret` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

POOL = "rotation-of-run"
PLACE = "rotation-of-run/wiki"
ROTATION: dict[str, Any] = {"user_pool": POOL, "client": "wiki", "secret_name": PLACE}
WIKI = {"name": "wiki", "generate_secret": True, "secret_name": PLACE}


@pytest.fixture(autouse=True)
def pool_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of an empty user pool."""
    cognito = cloud.client("cognito-idp")
    created: str = cognito.create_user_pool(PoolName=POOL)["UserPool"]["Id"]
    yield created
    cognito.delete_user_pool(UserPoolId=created)
    cloud.client("secretsmanager").delete_secret(SecretId=PLACE, ForceDeleteWithoutRecovery=True)


def stored(cloud: Cloud) -> dict[str, str]:
    """Return what Secrets Manager holds for the client."""
    value = cloud.client("secretsmanager").get_secret_value(SecretId=PLACE)["SecretString"]
    content: dict[str, str] = json.loads(value)
    return content


def secrets(cloud: Cloud, pool_id: str, client_id: str) -> list[str]:
    """Return the ids of the client's secrets."""
    found = cloud.client("cognito-idp").list_user_pool_client_secrets(
        UserPoolId=pool_id, ClientId=client_id
    )["ClientSecrets"]
    return [secret["ClientSecretId"] for secret in found]


def test_a_secret_is_rotated_then_the_former_one_retired(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    clients: dict[str, Any] = {
        "user_pool": POOL,
        "clients": [WIKI],
        "secret_tags": {"owner": "shop"},
    }
    run_module("cognito_user_pool_client", **clients)
    former = stored(cloud)
    client_id = former["client_id"]

    checked = run_module("cognito_client_secret", check=True, state="rotated", **ROTATION)
    assert (checked["changed"], checked["secret_id"]) == (True, None)
    assert len(secrets(cloud, pool_id, client_id)) == 1
    result = run_module("cognito_client_secret", state="rotated", **ROTATION)
    present = stored(cloud)
    assert result["secret_id"] == present["client_secret_id"]
    assert present["client_id"] == client_id
    assert present["client_secret"] != former["client_secret"]
    assert present["client_secret"] not in json.dumps(result)
    assert len(secrets(cloud, pool_id, client_id)) == 2
    failed = run_module("cognito_client_secret", fails=True, state="rotated", **ROTATION)
    assert "retire the other with state=retired" in failed["msg"]

    retired = run_module.four_runs("cognito_client_secret", state="retired", **ROTATION)
    assert retired["secret_id"] == present["client_secret_id"]
    assert secrets(cloud, pool_id, client_id) == [present["client_secret_id"]]
    assert stored(cloud) == present
    assert run_module("cognito_user_pool_client", **clients)["changed"] is False


def test_a_secret_that_a_broken_off_run_did_not_store_is_replaced(
    cloud: Cloud, run_module: ModuleRunner, pool_id: str
) -> None:
    run_module("cognito_user_pool_client", user_pool=POOL, clients=[WIKI])
    client_id = stored(cloud)["client_id"]
    added: dict[str, Any] = cloud.client("cognito-idp").add_user_pool_client_secret(
        UserPoolId=pool_id, ClientId=client_id
    )["ClientSecretDescriptor"]
    failed = run_module("cognito_client_secret", fails=True, state="retired", **ROTATION)
    assert "is not the stored one" in failed["msg"]
    run_module("cognito_client_secret", state="rotated", **ROTATION)
    present = secrets(cloud, pool_id, client_id)
    assert len(present) == 2
    assert added["ClientSecretId"] not in present
    assert stored(cloud)["client_secret_id"] in present

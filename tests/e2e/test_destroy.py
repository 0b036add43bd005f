"""The end of the platform of all other tests: `make destroy`, after much of it was lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.losses import resources
from tests.policies import DEPLOYER

if TYPE_CHECKING:
    from tests.checkout import Checkout
    from tests.deployment import Platform

SEED = 8


def test_destroy_finishes_after_a_third_was_lost_and_leaves_nothing(
    platform: Platform, checkout: Checkout
) -> None:
    cloud = platform.cloud
    mine = [each for each in resources(cloud) if each[1] != DEPLOYER]
    lost = random.Random(SEED).sample(mine, len(mine) // 3)  # noqa: S311 - which ones does not matter
    # A host stays at least, so that one is removed.
    hosts = [each for each in lost if each[0].deletion == "terminate_instances"]
    for kind, identifier in (each for each in lost if each not in hosts[:1]):
        kind.delete(cloud, identifier)
    checkout.run("make", "destroy", "CONFIRM=local", "DELETE_DATA=true")

    assert [each[1] for each in resources(cloud)] == [DEPLOYER], lost
    tagged = cloud.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[
            {"Key": "project", "Values": ["artificien"]},
            {"Key": "environment", "Values": ["local"]},
        ]
    )["ResourceTagMappingList"]
    assert [each for each in tagged if "deployer" not in each["ResourceARN"]] == [], lost
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert set(platform.outputs) == {"aws"}
    assert len(checkout.containers()) == 1  # which keeps the network

"""The role that deploys, beside the roles that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.policies import DEPLOYER, as_list, documents, names_of_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployment import Platform


Pair = tuple[str, str]
"""A service, and the name of a role that it works under."""


def passed(iam: Any) -> Iterator[Pair]:
    """Yield the roles that the deployer may pass, each with the service."""
    for document in documents(iam, DEPLOYER):
        for statement in document["Statement"]:
            if statement["Action"] == "iam:PassRole":
                for role in as_list(statement["Resource"]):
                    service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
                    yield service, role.partition(":role/")[2]


def trusting(iam: Any) -> Iterator[Pair]:
    """Yield the roles of the platform, each with the service that it trusts."""
    for name in names_of_roles(iam):
        document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        for statement in as_list(document["Statement"]):
            principal = statement["Principal"]
            for service in as_list(principal.get("Service") or principal.get("Federated") or []):
                yield service, name


def test_each_role_is_passed_to_the_service_that_it_trusts_and_no_other(
    platform: Platform,
) -> None:
    iam = platform.cloud.client("iam")
    assert set(passed(iam)) == set(trusting(iam))

"""What roles of the platform may do, as IAM tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "artificien-local-"
DEPLOYER = f"{PREFIX}deployer"
"""The role under which the platform is deployed, and what its policies begin with."""


def as_list(value: Any) -> list[Any]:
    """Return what policies write as a list or as its only element."""
    return value if isinstance(value, list) else [value]


def names_of_roles(iam: Any) -> list[str]:
    """Return the names of the roles of the platform, that which deploys it included."""
    pages = iam.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    return [name for name in names if name.startswith(PREFIX)]


def documents(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Yield the policies of a role."""
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

"""What the Cognito modules share: finding a user pool by the name that people know it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import aws_call
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


@aws_call("find user pool {0}")
def find_pool(client: CognitoIdentityProviderClient, name: str) -> str | None:
    """Return the id of the user pool `name`, None if there is none.

    Raises:
        ReconcileError: several pools have the name, which Cognito allows.
    """
    pages = client.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60})
    ids = sorted(pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == name)
    if len(ids) > 1:
        raise ReconcileError(
            f"{name}: {len(ids)} user pools have this name ({', '.join(ids)}). Rename or delete "
            "all but the one that is meant."
        )
    return ids[0] if ids else None


def existing_pool(pool_id: str | None, name: str) -> str:
    """Return `pool_id`, for what can only be made inside of a pool.

    Raises:
        ReconcileError: there is no pool.
    """
    if pool_id is None:
        raise ReconcileError(f"There is no user pool {name}: create it first (cognito_user_pool).")
    return pool_id

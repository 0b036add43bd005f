"""Groups of a Cognito user pool: models, and the calls that change them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, none_if_missing
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


def desired_group(group: dict[str, Any]) -> Model:
    """Turn one entry of the module's `groups` option into a model.

    Raises:
        ReconcileError: AWS would refuse the precedence or the role.
    """
    name, precedence, role_arn = group["name"], group["precedence"], group["role_arn"]
    if precedence is not None and not 0 <= precedence < 2**31:
        raise ReconcileError(f"{name}: precedence is {precedence}; give 0 to {2**31 - 1}.")
    if role_arn is not None and not re.match(r"arn:[^:]+:iam::\d+:role/.", role_arn):
        raise ReconcileError(
            f"{name}: role_arn is {role_arn!r}; give the ARN of an IAM role, such as "
            "arn:aws:iam::111122223333:role/shop-owner, or leave the option out."
        )
    return {"description": group["description"], "precedence": precedence, "role_arn": role_arn}


@aws_call("read group {1} of user pool {0}")
@none_if_missing("ResourceNotFoundException")
def _read(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> Model:
    group = client.get_group(UserPoolId=pool_id, GroupName=name)["Group"]
    return {
        "description": group.get("Description", ""),
        "precedence": group.get("Precedence"),
        "role_arn": group.get("RoleArn") or None,
    }


def read_group(
    client: CognitoIdentityProviderClient, pool_id: str | None, name: str
) -> Model | None:
    """Read the group `name`; None if there is none, or the pool `pool_id` is yet to be made."""
    return _read(client, pool_id, name) if pool_id else None


def _request(pool_id: str, plan: Plan) -> dict[str, Any]:
    after = plan.after or {}
    fields = {
        "Description": after.get("description"),
        "Precedence": after.get("precedence"),
        "RoleArn": after.get("role_arn"),
    }
    given = {field: value for field, value in fields.items() if value is not None}
    return {"UserPoolId": pool_id, "GroupName": plan.name, **given}


@aws_call("create group {1.name} in user pool {0}")
def _create(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    client.create_group(**_request(pool_id, plan))


@aws_call("update group {1.name} of user pool {0}")
def _update(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    client.update_group(**_request(pool_id, plan))


@aws_call("delete group {1} of user pool {0}")
@none_if_missing("ResourceNotFoundException")
def _delete(client: CognitoIdentityProviderClient, pool_id: str, name: str) -> None:
    client.delete_group(UserPoolId=pool_id, GroupName=name)


def apply_group(client: CognitoIdentityProviderClient, pool_id: str, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, pool_id, plan.name)
    elif plan.action == "create":
        _create(client, pool_id, plan)
    else:
        _update(client, pool_id, plan)

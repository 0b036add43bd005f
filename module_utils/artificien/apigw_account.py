"""What API Gateway keeps for the whole account in a region: the role that writes its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.apigw_patch import replace
from ansible.module_utils.artificien.aws import accepted, aws_call, error_code, wait_until
from ansible.module_utils.artificien.reconcile import Model, Plan

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_apigateway import APIGatewayClient

NAME = "API Gateway account"


@aws_call("read the account's settings of API Gateway")
def read_account_role(client: APIGatewayClient) -> str:
    """Return the ARN of the role that writes the logs of the region's APIs; empty if none does."""
    return client.get_account().get("cloudwatchRoleArn") or ""


def plan_account(current: str, role: str, *, absent: bool) -> Plan:
    """Plan the account's role. Another role than `role` serves other APIs too, and stays."""
    wanted = "" if absent and current == role else current or ("" if absent else role)
    before: Model = {"log_role": current}
    return Plan(NAME, before, {"log_role": wanted})


def apply_account(client: APIGatewayClient, plan: Plan, timeout_seconds: float) -> None:
    """Carry out the plan, as soon as IAM has told API Gateway of a new role."""
    _set_role(client, (plan.after or {})["log_role"], timeout_seconds)


@aws_call("set the role of API Gateway's logs to {0!r}")
def _set_role(client: APIGatewayClient, role: str, timeout_seconds: float) -> None:
    wait_until(
        accepted(
            lambda: client.update_account(patchOperations=[replace("/cloudwatchRoleArn", role)]),
            _role_is_not_ready,
        ),
        f"API Gateway to be allowed role {role} (its trust policy must name "
        "apigateway.amazonaws.com, its policies must allow to write logs)",
        timeout_seconds,
        interval_seconds=5,
    )


def _role_is_not_ready(error: ClientError) -> bool:
    return error_code(error) == "BadRequestException" and "role ARN" in str(error)

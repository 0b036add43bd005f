"""Checks of roles and policies."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from tests.e2e.checks.policies import actions, statements
from tests.policies import as_list

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check

# What lets its bearer have rights that they do not have: those of others, of new ones or of what
# they start.
ESCALATION = (
    "iam:*",
    "sts:Assume*",
    "lambda:AddPermission",
    "lambda:Create*",
    "lambda:Update*",
    "ec2:RunInstances",
    "ec2:ModifyInstanceAttribute",
    "ec2-instance-connect:*",
    "ssm:SendCommand",
    "ssm:StartSession",
    "cloudformation:*",
    "codebuild:*",
    "codestar:*",
    "datapipeline:*",
    "ecs:*",
    "glue:*",
    "sagemaker:*",
    "bedrock*:*",
)

OF_USERS = (
    "iam_policy_attached_only_to_group_or_roles",
    "iam_rotate_access_key_90_days",
    "iam_user_access_not_stale_to_bedrock",
    "iam_user_access_not_stale_to_sagemaker",
    "iam_user_accesskey_unused",
    "iam_user_administrator_access_policy",
    "iam_user_console_access_unused",
    "iam_user_hardware_mfa_enabled",
    "iam_user_mfa_enabled_console_access",
    "iam_user_no_setup_initial_access_key",
    "iam_user_two_active_access_key",
    "iam_user_with_temporary_credentials",
)
OF_GROUPS = ("iam_administrator_access_with_mfa", "iam_group_administrator_access_policy")


def granted(account: Account, *patterns: str) -> dict[str, bool]:
    """Return which policies grant nothing that a pattern covers, and no wildcard that covers it."""
    return {
        name: not any(
            fnmatchcase(action.lower(), pattern.lower())
            or fnmatchcase(pattern.lower(), action.lower())
            for action in actions(document)
            for pattern in patterns
        )
        for name, document in account.policies.items()
    }


def attached(account: Account, *names: str) -> dict[str, bool]:
    """Return which roles have none of those policies of AWS."""
    arns = {f"arn:aws:iam::aws:policy/{name}" for name in names}
    return {role: not arns & {*policies} for role, policies in account.role_policies.items()}


def test_iam_aws_attached_policy_no_administrative_privileges(
    account: Account, check: Check
) -> None:
    check(attached(account, "AdministratorAccess", "PowerUserAccess", "IAMFullAccess"))


def test_iam_role_administratoraccess_policy(account: Account, check: Check) -> None:
    check(attached(account, "AdministratorAccess"))


def test_iam_role_cross_account_readonlyaccess_policy(account: Account, check: Check) -> None:
    check(attached(account, "ReadOnlyAccess"))


def test_iam_policy_cloudshell_admin_not_attached(account: Account, check: Check) -> None:
    check(attached(account, "AWSCloudShellFullAccess"))


def test_aws_solutions_iam4(account: Account, check: Check) -> None:
    """No role has a policy of AWS, which grants more than one thing needs."""
    roles = account.role_policies.items()
    check({name: not any(":aws:policy/" in arn for arn in arns) for name, arns in roles})


def test_iam_customer_attached_policy_no_administrative_privileges(
    account: Account, check: Check
) -> None:
    check({name: "*" not in actions(document) for name, document in account.policies.items()})


def test_iam_customer_unattached_policy_no_administrative_privileges(
    account: Account, check: Check
) -> None:
    """There is no policy that no role has."""
    used = {arn.rsplit("/", 1)[-1] for arns in account.role_policies.values() for arn in arns}
    check({name: any(arn.endswith(f"-{name}") for arn in used) for name in account.policies})


def inline(account: Account) -> dict[str, bool]:
    """Return which roles have no policy of their own inside, which nobody finds by its name."""
    return {
        name: not account.answer("iam", "list_role_policies", RoleName=role["RoleName"])[
            "PolicyNames"
        ]
        for name, role in account.roles.items()
    }


def test_iam_inline_policy_allows_privilege_escalation(account: Account, check: Check) -> None:
    check(inline(account))


def test_iam_inline_policy_no_administrative_privileges(account: Account, check: Check) -> None:
    check(inline(account))


def test_iam_inline_policy_no_full_access_to_cloudtrail(account: Account, check: Check) -> None:
    check(inline(account))


def test_iam_inline_policy_no_full_access_to_kms(account: Account, check: Check) -> None:
    check(inline(account))


def test_iam_inline_policy_no_wildcard_marketplace_subscribe(
    account: Account, check: Check
) -> None:
    check(inline(account))


def test_iam_no_custom_policy_permissive_role_assumption(account: Account, check: Check) -> None:
    check(granted(account, "sts:Assume*"))


def test_iam_policy_allows_privilege_escalation(account: Account, check: Check) -> None:
    check(granted(account, *ESCALATION))


def test_iam_policy_no_full_access_to_cloudtrail(account: Account, check: Check) -> None:
    check(granted(account, "cloudtrail:*"))


def test_iam_policy_no_full_access_to_kms(account: Account, check: Check) -> None:
    check({n: not {"kms:*", "*"} & {*actions(policy)} for n, policy in account.policies.items()})


def test_iam_policy_no_wildcard_marketplace_subscribe(account: Account, check: Check) -> None:
    check(granted(account, "aws-marketplace:*"))


def test_iam_policy_no_agentcore_workload_access_token_wildcard(
    account: Account, check: Check
) -> None:
    check(granted(account, "bedrock-agentcore:*"))


def test_iam_policy_passrole_to_bedrock_agentcore_restricted(
    account: Account, check: Check
) -> None:
    check(granted(account, "iam:PassRole"))


def test_aws_solutions_iam5(account: Account, check: Check) -> None:
    """Actions are named, and on what; wildcards within one bucket, table, log or secret may be."""
    check(
        {
            f"{name}:{statement['Sid']}": not any("*" in each for each in as_list(actions_of))
            and "*" not in as_list(statement["Resource"])
            for name, document in account.policies.items()
            for statement in statements(document)
            if (actions_of := statement["Action"])
        }
    )


def test_metrics_are_put_into_the_own_namespace_only(account: Account) -> None:
    """AWS knows no resource of PutMetricData, which is why it is a finding above."""
    (statement,) = [
        statement
        for document in account.policies.values()
        for statement in statements(document)
        if statement["Action"] == "cloudwatch:PutMetricData"
    ]
    namespace = {"cloudwatch:namespace": "artificien/local"}
    assert statement["Condition"] == {"StringEquals": namespace}


def trusting_services(account: Account) -> dict[str, bool]:
    """Return which roles that services take are taken for this account only."""
    return {
        name: statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
        == account.number
        for name, role in account.roles.items()
        for statement in statements(role["AssumeRolePolicyDocument"])
        if "Service" in statement["Principal"]
    }


def test_iam_role_cross_service_confused_deputy_prevention(account: Account, check: Check) -> None:
    check(trusting_services(account))


def test_iam_role_service_trust_restricts_source_to_account(account: Account, check: Check) -> None:
    check(trusting_services(account))


def test_roles_of_people_are_those_of_one_identity_pool(account: Account) -> None:
    pools = {pool["IdentityPoolId"] for pool in account.identity_pools.values()}
    trusted = [
        statement
        for role in account.roles.values()
        for statement in statements(role["AssumeRolePolicyDocument"])
        if "Federated" in statement["Principal"]
    ]
    assert trusted
    for statement in trusted:
        assert statement["Principal"] == {"Federated": "cognito-identity.amazonaws.com"}
        audience = statement["Condition"]["StringEquals"]["cognito-identity.amazonaws.com:aud"]
        assert audience in pools
        assert (
            "cognito-identity.amazonaws.com:amr"
            in (statement["Condition"]["ForAnyValue:StringLike"])
        )


@pytest.mark.parametrize("_check", OF_USERS)
def test_there_are_no_users_and_so_no_keys_that_live_long(
    account: Account, check: Check, _check: str
) -> None:
    check({"users": not account.pages("iam", "list_users", "Users")})


@pytest.mark.parametrize("_check", OF_GROUPS)
def test_there_are_no_groups(account: Account, check: Check, _check: str) -> None:
    check({"groups": not account.pages("iam", "list_groups", "Groups")})

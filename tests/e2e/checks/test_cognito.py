"""Checks of user pools, their clients and identity pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def test_cognito_identity_pool_guest_access_disabled(account: Account, check: Check) -> None:
    """AwsSolutions-COG7."""
    check({n: not p["AllowUnauthenticatedIdentities"] for n, p in account.identity_pools.items()})


def test_cognito_user_pool_account_recovery_sms_not_preferred(
    account: Account, check: Check
) -> None:
    results = {}
    for name, pool in account.user_pools.items():
        ways = pool.get("AccountRecoverySetting", {}).get("RecoveryMechanisms", [])
        first = min(ways, key=lambda way: way["Priority"], default={"Name": "legacy"})
        results[name] = first["Name"] in ("verified_email", "admin_only")
    check(results)


def threat_protection(account: Account) -> dict[str, bool]:
    """Return which pools act on risky sign-ins."""
    return {
        name: pool.get("UserPoolAddOns", {}).get("AdvancedSecurityMode") == "ENFORCED"
        for name, pool in account.user_pools.items()
    }


def test_cognito_user_pool_advanced_security_enabled(account: Account, check: Check) -> None:
    check(threat_protection(account))


def test_cognito_user_pool_blocks_compromised_credentials_sign_in_attempts(
    account: Account, check: Check
) -> None:
    check(threat_protection(account))


def test_cognito_user_pool_blocks_potential_malicious_sign_in_attempts(
    account: Account, check: Check
) -> None:
    check(threat_protection(account))


def test_aws_solutions_cog8(account: Account, check: Check) -> None:
    """The pool has the feature plan that acts on risky sign-ins."""
    check({name: pool["UserPoolTier"] == "PLUS" for name, pool in account.user_pools.items()})


def test_cognito_user_pool_client_prevent_user_existence_errors(
    account: Account, check: Check
) -> None:
    clients = account.user_pool_clients.items()
    check({n: client["PreventUserExistenceErrors"] == "ENABLED" for n, client in clients})


def test_cognito_user_pool_client_token_revocation_enabled(account: Account, check: Check) -> None:
    clients = account.user_pool_clients.items()
    check({name: client["EnableTokenRevocation"] for name, client in clients})


def test_cognito_user_pool_deletion_protection_enabled(account: Account, check: Check) -> None:
    pools = account.user_pools.items()
    check({name: pool["DeletionProtection"] == "ACTIVE" for name, pool in pools})


def test_cognito_user_pool_mfa_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-COG2."""
    check({name: pool["MfaConfiguration"] == "ON" for name, pool in account.user_pools.items()})


def password_policy(account: Account, rule: str) -> dict[str, int]:
    """Return what the password policy of each pool says in one of its rules."""
    return {
        name: pool["Policies"]["PasswordPolicy"][rule] for name, pool in account.user_pools.items()
    }


def test_cognito_user_pool_password_policy_lowercase(account: Account, check: Check) -> None:
    check({n: bool(rule) for n, rule in password_policy(account, "RequireLowercase").items()})


def test_cognito_user_pool_password_policy_minimum_length_14(
    account: Account, check: Check
) -> None:
    """AwsSolutions-COG1 asks for 8."""
    lengths = password_policy(account, "MinimumLength")
    assert min(lengths.values()) >= 12
    check({name: length >= 14 for name, length in lengths.items()})


def test_cognito_user_pool_password_policy_number(account: Account, check: Check) -> None:
    check({n: bool(rule) for n, rule in password_policy(account, "RequireNumbers").items()})


def test_cognito_user_pool_password_policy_symbol(account: Account, check: Check) -> None:
    check({n: bool(rule) for n, rule in password_policy(account, "RequireSymbols").items()})


def test_cognito_user_pool_password_policy_uppercase(account: Account, check: Check) -> None:
    check({n: bool(rule) for n, rule in password_policy(account, "RequireUppercase").items()})


def test_cognito_user_pool_self_registration_disabled(account: Account, check: Check) -> None:
    pools = account.user_pools.items()
    check({n: pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] for n, pool in pools})


def test_cognito_user_pool_temporary_password_expiration(account: Account, check: Check) -> None:
    days = password_policy(account, "TemporaryPasswordValidityDays")
    check({name: number <= 7 for name, number in days.items()})


def test_cognito_user_pool_waf_acl_attached(account: Account, check: Check) -> None:
    acls = account.answer("wafv2", "list_web_acls", Scope="REGIONAL")["WebACLs"]
    protected = {
        arn
        for acl in acls
        for arn in account.answer(
            "wafv2",
            "list_resources_for_web_acl",
            WebACLArn=acl["ARN"],
            ResourceType="COGNITO_USER_POOL",
        )["ResourceArns"]
    }
    check({name: pool["Arn"] in protected for name, pool in account.user_pools.items()})

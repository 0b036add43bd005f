"""Checks of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.checks.policies import is_public

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def resource_policies(account: Account) -> dict[str, Any]:
    """Return the policy of each secret itself, if it has one."""
    return {
        name: account.answer(
            "secretsmanager",
            "get_resource_policy",
            "ResourceNotFoundException",
            SecretId=secret["ARN"],
        ).get("ResourcePolicy")
        for name, secret in account.secrets.items()
    }


def test_secretsmanager_automatic_rotation_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-SMG4."""
    secrets = account.secrets.items()
    check({name: bool(secret.get("RotationEnabled")) for name, secret in secrets})


def test_secretsmanager_has_restrictive_resource_policy(account: Account, check: Check) -> None:
    policies = resource_policies(account).items()
    check({name: bool(policy) and not is_public(policy) for name, policy in policies})


def test_secretsmanager_not_publicly_accessible(account: Account, check: Check) -> None:
    policies = resource_policies(account).items()
    check({name: not is_public(policy) for name, policy in policies})

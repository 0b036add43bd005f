"""Checks of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def test_dynamodb_table_autoscaling_enabled(account: Account, check: Check) -> None:
    tables = account.tables.items()
    check({n: t["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST" for n, t in tables})


def test_dynamodb_table_cross_account_access(account: Account, check: Check) -> None:
    results = {}
    for name, table in account.tables.items():
        answer = account.answer(
            "dynamodb",
            "get_resource_policy",
            "PolicyNotFoundException",
            ResourceArn=table["TableArn"],
        )
        results[name] = not answer
    check(results)


def test_dynamodb_table_deletion_protection_enabled(account: Account, check: Check) -> None:
    check({n: t.get("DeletionProtectionEnabled", False) for n, t in account.tables.items()})


def test_dynamodb_table_protected_by_backup_plan(account: Account, check: Check) -> None:
    resources = account.pages("backup", "list_protected_resources", "Results")
    protected = {resource["ResourceArn"] for resource in resources}
    check({name: table["TableArn"] in protected for name, table in account.tables.items()})


def test_dynamodb_tables_kms_cmk_encryption_enabled(account: Account, check: Check) -> None:
    tables = account.tables.items()
    check({name: table.get("SSEDescription", {}).get("SSEType") == "KMS" for name, table in tables})


def test_dynamodb_tables_pitr_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-DDB3."""
    results = {}
    for name, table in account.tables.items():
        answer = account.answer(
            "dynamodb", "describe_continuous_backups", TableName=table["TableName"]
        )
        recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        results[name] = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    check(results)

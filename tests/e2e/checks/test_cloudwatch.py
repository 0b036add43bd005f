"""Checks of alarms and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.checks.policies import is_public
from tests.e2e.checks.secret_texts import secrets_in

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def test_cloudwatch_alarm_actions_alarm_state_configured(account: Account, check: Check) -> None:
    topics = [topic["TopicArn"] for topic in account.topics.values()]
    alarms = account.alarms.items()
    check({name: alarm["AlarmActions"] == topics for name, alarm in alarms})


def test_cloudwatch_alarm_actions_enabled(account: Account, check: Check) -> None:
    check({name: alarm["ActionsEnabled"] for name, alarm in account.alarms.items()})


def test_everything_that_can_fail_has_an_alarm(account: Account) -> None:
    functions = [
        f"{function}-{metric}"
        for function in account.functions
        for metric in ("errors", "throttles")
    ]
    dead_letters = [queue for queue in account.queues if queue.endswith("-dead-letters")]
    assert set(account.alarms) == {
        *functions,
        *dead_letters,
        "api-latency",
        "api-server-errors",
        "data-upload-iterator-age",
        "jupyterhub-backups",
        "jupyterhub-largest-home",
        "jupyterhub-probe",
        "jupyterhub-sample-data",
        "jupyterhub-tutorials",
    }
    assert len(account.functions) == 6
    assert len(dead_letters) == 2


def test_cloudwatch_cross_account_sharing_disabled(account: Account, check: Check) -> None:
    check({"account": "CloudWatch-CrossAccountSharingRole" not in account.roles})


def test_cloudwatch_log_group_kms_encryption_enabled(account: Account, check: Check) -> None:
    check({name: bool(group.get("kmsKeyId")) for name, group in account.log_groups.items()})


def test_cloudwatch_log_group_no_secrets_in_logs(account: Account, check: Check) -> None:
    results = {}
    for name, group in account.log_groups.items():
        events = account.pages(
            "logs", "filter_log_events", "events", logGroupName=group["logGroupName"]
        )
        results[name] = not secrets_in("\n".join(event["message"] for event in events))
    check(results)


def test_cloudwatch_log_group_not_publicly_accessible(account: Account, check: Check) -> None:
    policies = account.pages("logs", "describe_resource_policies", "resourcePolicies")
    public = any(is_public(policy["policyDocument"]) for policy in policies)
    check(dict.fromkeys(account.log_groups, not public))


def test_cloudwatch_log_group_retention_policy_specific_days_enabled(
    account: Account, check: Check
) -> None:
    groups = account.log_groups.items()
    check({name: group.get("retentionInDays", 3650) >= 365 for name, group in groups})


def test_logs_are_kept_for_thirty_days_and_no_more(account: Account) -> None:
    groups = account.log_groups.items()
    assert {n: g.get("retentionInDays") for n, g in groups} == dict.fromkeys(account.log_groups, 30)
    assert {f"/aws/lambda/{function}" for function in account.functions} <= set(account.log_groups)

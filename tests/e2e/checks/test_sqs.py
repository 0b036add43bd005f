"""Checks of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.checks.policies import demands_tls, is_public

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check

FOURTEEN_DAYS = "1209600"


def test_sqs_queues_not_publicly_accessible(account: Account, check: Check) -> None:
    check({name: not is_public(queue.get("Policy")) for name, queue in account.queues.items()})


def test_sqs_queues_server_side_encryption_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-SQS2."""
    queues = account.queues.items()
    check({name: queue.get("KmsMasterKeyId") == "alias/aws/sqs" for name, queue in queues})


def test_aws_solutions_sqs3(account: Account, check: Check) -> None:
    """Each queue has dead letters, or is for them."""
    queues = account.queues.items()
    check({n: "RedrivePolicy" in queue or n.endswith("-dead-letters") for n, queue in queues})


def test_aws_solutions_sqs4(account: Account, check: Check) -> None:
    """What is not sent over TLS is refused."""
    check({name: demands_tls(queue.get("Policy")) for name, queue in account.queues.items()})


def test_messages_wait_for_as_long_as_sqs_keeps_any(account: Account) -> None:
    kept = {queue["MessageRetentionPeriod"] for queue in account.queues.values()}
    assert kept == {FOURTEEN_DAYS}

"""Checks of topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.checks.account import short
from tests.e2e.checks.policies import demands_tls, is_public

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def test_sns_subscription_not_using_http_endpoints(account: Account, check: Check) -> None:
    """Of each topic, since the local environment sends alarms to nobody."""
    plain = {
        short(subscription["TopicArn"])
        for subscription in account.pages("sns", "list_subscriptions", "Subscriptions")
        if subscription["Protocol"] == "http"
    }
    check({name: name not in plain for name in account.topics})


def test_sns_topics_kms_encryption_at_rest_enabled(account: Account, check: Check) -> None:
    check({name: bool(topic.get("KmsMasterKeyId")) for name, topic in account.topics.items()})


def test_sns_topics_not_publicly_accessible(account: Account, check: Check) -> None:
    check({name: not is_public(topic["Policy"]) for name, topic in account.topics.items()})


def test_aws_solutions_sns3(account: Account, check: Check) -> None:
    """What is not published over TLS is refused."""
    check({name: demands_tls(topic["Policy"]) for name, topic in account.topics.items()})

"""`sns_topics` against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "topic_of_run"
ARN = f"arn:aws:sns:us-east-1:000000000000:{NAME}"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC: dict[str, Any] = {
    "name": NAME,
    "display_name": "Shop",
    "kms_key": KEY,
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "SNS:Publish",
                "Resource": ARN,
                "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
            }
        ],
    },
    "subscriptions": [
        {"protocol": "email", "endpoint": "ops@example.com"},
        {"protocol": "http", "endpoint": "http://127.0.0.1:9/alerts"},
    ],
    "tags": {"owner": "shop"},
}


def topic(cloud: Cloud) -> dict[str, str]:
    """Return the attributes of the topic."""
    attributes: dict[str, str] = cloud.client("sns").get_topic_attributes(TopicArn=ARN)[
        "Attributes"
    ]
    return attributes


def endpoints(cloud: Cloud) -> set[str]:
    """Return who gets the topic's messages."""
    found = cloud.client("sns").list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"]
    return {subscription["Endpoint"] for subscription in found}


@pytest.fixture(autouse=True)
def _no_topic(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.client("sns").delete_topic(TopicArn=ARN)


def test_a_topic_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    created = run_module.four_runs("sns_topics", topics=[TOPIC])
    assert created["topics"][NAME]["arn"] == ARN
    assert created["topics"][NAME]["subscriptions"]["email:ops@example.com"] == "pending"
    attributes = topic(cloud)
    assert json.loads(attributes["Policy"])["Statement"][0]["Action"] == "SNS:Publish"
    assert (attributes["DisplayName"], attributes["KmsMasterKeyId"]) == ("Shop", KEY)
    assert len(endpoints(cloud)) == 2
    run_module.gone_twice("sns_topics", topics=[{"name": NAME}])
    arns = [found["TopicArn"] for found in cloud.client("sns").list_topics()["Topics"]]
    assert ARN not in arns


def test_a_topic_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module("sns_topics", topics=[TOPIC])
    changed = {
        "name": NAME,
        "kms_key": "none",
        "subscriptions": [{"protocol": "email", "endpoint": "web@example.com"}],
        "tags": {"team": "web"},
    }
    checked = run_module("sns_topics", check=True, topics=[changed])
    assert checked["topics"][NAME]["kms_key"] == "none"
    assert topic(cloud)["KmsMasterKeyId"] == KEY
    run_module.four_runs("sns_topics", topics=[changed])
    assert topic(cloud)["KmsMasterKeyId"] == ""
    assert topic(cloud)["DisplayName"] == "Shop"
    assert "web@example.com" in endpoints(cloud)
    assert "ops@example.com" not in endpoints(cloud)
    tags = cloud.client("sns").list_tags_for_resource(ResourceArn=ARN)["Tags"]
    assert tags == [{"Key": "team", "Value": "web"}]
    failed = run_module(
        "sns_topics", fails=True, topics=[{"name": NAME, "kms_key": "alias/aws/sns"}]
    )
    assert "kms_key is 'alias/aws/sns'; give none or the ARN" in failed["msg"]

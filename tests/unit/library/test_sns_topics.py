"""`sns_topics` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from ansible.module_utils.artificien.sns import apply_topic, desired_topic, read_topic

from library.sns_topics import plan_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "alerts"
ACCOUNT = "111122223333"
ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:{NAME}"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "SNS:Publish",
    "Resource": ARN,
}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `topics` as Ansible passes it."""
    unset = dict.fromkeys(("display_name", "policy", "kms_key", "subscriptions", "tags"))
    return {"name": NAME} | unset | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return a topic's model with `fields` changed."""
    return {
        "arn": ARN,
        "display_name": "",
        "kms_key": "none",
        "policy": POLICY,
        "subscriptions": {"email:old@example.com": "confirmed", "email:new@example.com": "pending"},
        "tags": {"a": "1"},
    } | fields


def subscription(endpoint: str, arn: str) -> dict[str, str]:
    """Return a subscription by mail as AWS answers."""
    return {"Protocol": "email", "Endpoint": endpoint, "SubscriptionArn": arn}


def add_subscriptions(stubber: Stubber) -> None:
    """Make the account answer with the subscriptions of `model()`, on two pages."""
    stubber.add_response(
        "list_subscriptions_by_topic",
        {
            "Subscriptions": [
                subscription("gone@example.com", "Deleted"),
                subscription("new@example.com", "PendingConfirmation"),
            ],
            "NextToken": "more",
        },
        {"TopicArn": ARN},
    )
    stubber.add_response(
        "list_subscriptions_by_topic",
        {"Subscriptions": [subscription("old@example.com", f"{ARN}:1")]},
        {"TopicArn": ARN, "NextToken": "more"},
    )


def add_topic(stubber: Stubber, **attributes: str) -> None:
    """Make the account answer with one topic."""
    # The service may write one value as a list.
    policy = json.dumps(POLICY | {"Statement": [STATEMENT | {"Action": ["SNS:Publish"]}]})
    stubber.add_response(
        "get_topic_attributes",
        {"Attributes": {"TopicArn": ARN, "Policy": policy, "DisplayName": ""} | attributes},
        {"TopicArn": ARN},
    )
    add_subscriptions(stubber)
    tags = [{"Key": "a", "Value": "1"}, {"Key": "aws:cloudformation:stack-name", "Value": "x"}]
    stubber.add_response("list_tags_for_resource", {"Tags": tags}, {"ResourceArn": ARN})


def mails(*endpoints: str) -> list[dict[str, str]]:
    """Return subscriptions by mail as options."""
    return [{"protocol": "email", "endpoint": endpoint} for endpoint in endpoints]


@pytest.mark.parametrize(
    ("wanted", "purge_tags", "after"),
    [
        (option(), True, model()),
        (option(display_name="Shop"), True, model(display_name="Shop")),
        (option(policy=POLICY), True, model()),
        (option(kms_key=KEY), True, model(kms_key=KEY)),
        (option(tags={"b": "2"}), True, model(tags={"b": "2"})),
        (option(tags={"b": "2"}), False, model(tags={"a": "1", "b": "2"})),
        (option(subscriptions=mails("new@example.com", "old@example.com")), True, model()),
        # One that was never confirmed cannot be ended.
        (
            option(subscriptions=mails()),
            True,
            model(subscriptions={"email:new@example.com": "pending"}),
        ),
        (
            option(subscriptions=mails("old@example.com", "gone@example.com")),
            True,
            model(subscriptions=model()["subscriptions"] | {"email:gone@example.com": "pending"}),
        ),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Stubbed, wanted: dict[str, Any], purge_tags: bool, after: dict[str, Any]
) -> None:
    client, stubber = stubbed("sns")
    add_topic(stubber)
    params = {"topics": [wanted], "purge_tags": purge_tags, "state": "present"}
    assert plan_topics(client, ACCOUNT, params) == [Plan(NAME, model(), after)]


def test_read_tells_missing_from_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    add_topic(stubber, KmsMasterKeyId=KEY)
    assert read_topic(client, ARN) == model(kms_key=KEY)
    stubber.add_client_error("get_topic_attributes", "NotFound")
    assert read_topic(client, ARN) is None
    stubber.add_client_error("get_topic_attributes", "AuthorizationError", "not yours")
    with pytest.raises(AwsError, match=f"read SNS topic {ARN}: AuthorizationError: not yours"):
        read_topic(client, ARN)


def test_the_key_of_sns_itself_is_refused() -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: kms_key is 'alias/aws/sns'; give none or"):
        desired_topic(option(kms_key="alias/aws/sns"), ARN)


def test_a_new_topic_is_closed_before_anybody_subscribes(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    stubber.add_response(
        "create_topic",
        {"TopicArn": ARN},
        {
            "Name": NAME,
            "Attributes": {"Policy": json.dumps(POLICY), "KmsMasterKeyId": KEY},
            "Tags": [{"Key": "a", "Value": "1"}],
        },
    )
    stubber.add_response(
        "subscribe",
        {},
        {"TopicArn": ARN, "Protocol": "https", "Endpoint": "https://example.com/alerts"},
    )
    subscriptions = {"https:https://example.com/alerts": "pending"}
    after = model(kms_key=KEY, subscriptions=subscriptions)
    apply_topic(client, Plan(NAME, None, after))


def test_a_new_topic_needs_no_more_than_a_name(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    stubber.add_response(
        "create_topic", {"TopicArn": ARN}, {"Name": NAME, "Attributes": {}, "Tags": []}
    )
    apply_topic(client, Plan(NAME, None, {"arn": ARN, "kms_key": "none"}))


@pytest.mark.parametrize(
    ("after", "name", "value"),
    [
        (model(display_name="Shop"), "DisplayName", "Shop"),
        (model(kms_key="none"), "KmsMasterKeyId", ""),
        (model(policy={"Statement": []}, kms_key=KEY), "Policy", '{"Statement": []}'),
    ],
)
def test_a_change_is_one_call(
    stubbed: Stubbed, after: dict[str, Any], name: str, value: str
) -> None:
    client, stubber = stubbed("sns")
    stubber.add_response(
        "set_topic_attributes",
        {},
        {"TopicArn": ARN, "AttributeName": name, "AttributeValue": value},
    )
    before = model(kms_key=KEY if name != "DisplayName" else "none")
    apply_topic(client, Plan(NAME, before, after))


def test_only_confirmed_subscriptions_are_ended(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    endpoint = {"TopicArn": ARN, "Protocol": "email", "Endpoint": "ops@example.com"}
    stubber.add_response("subscribe", {}, endpoint)
    add_subscriptions(stubber)
    stubber.add_response("unsubscribe", {}, {"SubscriptionArn": f"{ARN}:1"})
    subscriptions = {"email:new@example.com": "pending", "email:ops@example.com": "pending"}
    apply_topic(client, Plan(NAME, model(), model(subscriptions=subscriptions)))


def test_tags_are_set_and_removed_one_by_one(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    stubber.add_response("untag_resource", {}, {"ResourceArn": ARN, "TagKeys": ["a"]})
    stubber.add_response(
        "tag_resource", {}, {"ResourceArn": ARN, "Tags": [{"Key": "b", "Value": "2"}]}
    )
    apply_topic(client, Plan(NAME, model(), model(tags={"b": "2"})))


def test_a_topic_is_deleted_with_its_subscriptions(stubbed: Stubbed) -> None:
    client, stubber = stubbed("sns")
    stubber.add_response("delete_topic", {}, {"TopicArn": ARN})
    apply_topic(client, Plan(NAME, model(), None))

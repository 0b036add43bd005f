"""SNS topics: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    check_kms_key,
    from_tag_list,
    none_if_missing,
    to_tag_list,
)
from ansible.module_utils.artificien.policies import canonical_policy
from ansible.module_utils.artificien.reconcile import Model, Plan, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import SubscriptionTypeDef

NO_KEY = "none"
PENDING, CONFIRMED = "pending", "confirmed"
# What stands in place of a subscription's ARN before it is confirmed and after it has ended.
NOT_CONFIRMED, ENDED = "PendingConfirmation", "Deleted"
# Fields by attribute of the API.
FIELDS = {"DisplayName": "display_name", "KmsMasterKeyId": "kms_key", "Policy": "policy"}


def topic_arn(client: SNSClient, account: str, name: str) -> str:
    """Return the ARN that the topic `name` has, or will have."""
    return f"arn:{client.meta.partition}:sns:{client.meta.region_name}:{account}:{name}"


def desired_topic(topic: dict[str, Any], arn: str) -> Model:
    """Turn one entry of the module's `topics` option into a model.

    Raises:
        ReconcileError: `kms_key` is in another form than the one that AWS answers with.
    """
    check_kms_key(topic["name"], topic["kms_key"], NO_KEY)
    policy, subscriptions = topic["policy"], topic["subscriptions"]
    return {
        "arn": arn,
        "display_name": topic["display_name"],
        "kms_key": topic["kms_key"],
        "policy": None if policy is None else canonical_policy(policy),
        "subscriptions": None
        if subscriptions is None
        else {f"{entry['protocol']}:{entry['endpoint']}": PENDING for entry in subscriptions},
        "tags": topic["tags"],
    }


@aws_call("read SNS topic {0}")
@none_if_missing("NotFound", "NotFoundException")
def read_topic(client: SNSClient, arn: str) -> Model:
    """Read everything that the module manages of the topic."""
    attributes = client.get_topic_attributes(TopicArn=arn)["Attributes"]
    return {
        "arn": arn,
        "display_name": attributes.get("DisplayName", ""),
        "kms_key": attributes.get("KmsMasterKeyId") or NO_KEY,
        "policy": canonical_policy(json.loads(attributes.get("Policy") or "{}")),
        "subscriptions": {
            title: PENDING if found["SubscriptionArn"] == NOT_CONFIRMED else CONFIRMED
            for title, found in _subscriptions(client, arn)
        },
        "tags": from_tag_list(client.list_tags_for_resource(ResourceArn=arn)["Tags"]),
    }


def _subscriptions(client: SNSClient, arn: str) -> Iterator[tuple[str, SubscriptionTypeDef]]:
    for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn):
        for found in page["Subscriptions"]:
            if found["SubscriptionArn"] != ENDED:
                yield f"{found['Protocol']}:{found['Endpoint']}", found


def plan_topic(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a topic.

    AWS cannot take away a subscription that was never confirmed; it ends by itself.
    """
    wanted, present = desired["subscriptions"], (current or {}).get("subscriptions", {})
    if wanted is not None:
        pending = {title: state for title, state in present.items() if state == PENDING}
        kept = {title: present.get(title, state) for title, state in wanted.items()}
        desired = desired | {"subscriptions": pending | kept}
    return make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])


def apply_topic(client: SNSClient, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, (plan.before or {})["arn"])
        return
    after = plan.after or {}
    if plan.action == "create":
        _create(client, plan.name, after)
    else:
        for field, value in _attributes(after).items():
            if plan.changes(FIELDS[field]):
                _set(client, after["arn"], field, value)
        if plan.changes("tags"):
            _tag(client, after["arn"], plan)
    if plan.changes("subscriptions"):
        _subscribe(client, after["arn"], plan)


def _attributes(after: Model) -> dict[str, str]:
    attributes = {name: after[field] for name, field in FIELDS.items() if field in after}
    if "Policy" in attributes:
        attributes["Policy"] = json.dumps(attributes["Policy"])
    if attributes.get("KmsMasterKeyId") == NO_KEY:
        attributes["KmsMasterKeyId"] = ""
    return attributes


@aws_call("create SNS topic {0}")
def _create(client: SNSClient, name: str, after: Model) -> None:
    attributes = {key: value for key, value in _attributes(after).items() if value}
    client.create_topic(Name=name, Attributes=attributes, Tags=to_tag_list(after.get("tags", {})))


@aws_call("set {1} of SNS topic {0}")
def _set(client: SNSClient, arn: str, name: str, value: str) -> None:
    client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)


@aws_call("tag SNS topic {0}")
def _tag(client: SNSClient, arn: str, plan: Plan) -> None:
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(ResourceArn=arn, TagKeys=removed)
    if tags:
        client.tag_resource(ResourceArn=arn, Tags=to_tag_list(tags))


@aws_call("set the subscriptions of SNS topic {0}")
def _subscribe(client: SNSClient, arn: str, plan: Plan) -> None:
    present = (plan.before or {}).get("subscriptions", {})
    wanted = (plan.after or {})["subscriptions"]
    for title in sorted(wanted.keys() - present.keys()):
        protocol, endpoint = title.split(":", 1)
        client.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    unwanted = present.keys() - wanted.keys()
    if unwanted:
        for title, found in list(_subscriptions(client, arn)):
            if title in unwanted:
                client.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


@aws_call("delete SNS topic {0}")
def _delete(client: SNSClient, arn: str) -> None:
    client.delete_topic(TopicArn=arn)

"""Queues, topics, logs, alarms and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.state.canonical import Found
from tests.state.services import or_none, pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud


def queues(cloud: Cloud) -> Iterator[Found]:
    """Yield the queues."""
    sqs = service(cloud, "sqs")
    for url in pages(sqs, "list_queues", "QueueUrls"):
        content = {
            "attributes": sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
                "Attributes"
            ],
            "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags"),
        }
        yield Found("queue", url.rpartition("/")[2], content)


def topics(cloud: Cloud) -> Iterator[Found]:
    """Yield the topics, and who listens to them."""
    sns = service(cloud, "sns")
    for arn in [topic["TopicArn"] for topic in pages(sns, "list_topics", "Topics")]:
        content = {
            "attributes": sns.get_topic_attributes(TopicArn=arn)["Attributes"],
            "tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
        }
        yield Found("topic", arn, content)
    for subscription in pages(sns, "list_subscriptions", "Subscriptions"):
        name = f"{subscription['Endpoint']} of {subscription['TopicArn']}"
        yield Found("subscription", name, subscription, (subscription["SubscriptionArn"],))


def log_groups(cloud: Cloud) -> Iterator[Found]:
    """Yield the log groups."""
    logs = service(cloud, "logs")
    for group in pages(logs, "describe_log_groups", "logGroups"):
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        yield Found("log group", group["logGroupName"], group | {"tags": tags})


def alarms(cloud: Cloud) -> Iterator[Found]:
    """Yield the alarms, but not whether they ring."""
    cloudwatch = service(cloud, "cloudwatch")
    for alarm in pages(cloudwatch, "describe_alarms", "MetricAlarms"):
        tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        settings = {key: value for key, value in alarm.items() if not key.startswith("State")}
        yield Found("alarm", alarm["AlarmName"], settings | {"tags": tags})


def budgets(cloud: Cloud) -> Iterator[Found]:
    """Yield the budgets, and whom they warn."""
    client = service(cloud, "budgets")
    account = service(cloud, "sts").get_caller_identity()["Account"]
    for budget in pages(client, "describe_budgets", "Budgets", AccountId=account):
        name = budget["BudgetName"]
        of_it = {"AccountId": account, "BudgetName": name}
        notifications = pages(client, "describe_notifications_for_budget", "Notifications", **of_it)
        content = {
            "budget": budget | {"CalculatedSpend": None},
            "notifications": [
                notification
                | {
                    "subscribers": or_none(
                        client.describe_subscribers_for_notification,
                        Notification=notification,
                        **of_it,
                    )
                }
                for notification in notifications
            ],
        }
        yield Found("budget", name, content)


READERS = (queues, topics, log_groups, alarms, budgets)

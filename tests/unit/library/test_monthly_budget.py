"""`monthly_budget` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.budgets import (
    Budget,
    apply_budget,
    desired_budget,
    plan_budget,
    read_budget,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.monthly_budget import plan_monthly_budget

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "shop"
ACCOUNT = "111122223333"
WHERE = Budget(ACCOUNT, NAME, "aws")
ARN = f"arn:aws:budgets::{ACCOUNT}:budget/{NAME}"
KEY = {"AccountId": ACCOUNT, "BudgetName": NAME}
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
BUDGET = {
    "BudgetName": NAME,
    "BudgetLimit": {"Amount": "200.00", "Unit": "USD"},
    "TimeUnit": "MONTHLY",
    "BudgetType": "COST",
}
ACTUAL = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}
FORECASTED = ACTUAL | {"NotificationType": "FORECASTED", "Threshold": 100.0}
MAIL = {"SubscriptionType": "EMAIL", "Address": "ops@example.com"}
PUBLISH = {"SubscriptionType": "SNS", "Address": TOPIC}


def notification(**fields: Any) -> dict[str, Any]:
    """Return one notification's model with `fields` changed."""
    return {
        "type": "ACTUAL",
        "comparison": "GREATER_THAN",
        "threshold": 80.0,
        "threshold_type": "PERCENTAGE",
        "emails": ["ops@example.com"],
        "topics": [TOPIC],
    } | fields


AT_80 = {"ACTUAL GREATER_THAN 80 PERCENTAGE": notification()}
AT_100 = {
    "FORECASTED GREATER_THAN 100 PERCENTAGE": notification(
        type="FORECASTED", threshold=100.0, topics=[]
    )
}


def model(**fields: Any) -> dict[str, Any]:
    """Return a budget's model with `fields` changed."""
    return {"limit": "200.00 USD", "notifications": AT_80, "tags": {"a": "1"}} | fields


def params(**fields: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them."""
    unset = dict.fromkeys(("limit_usd", "notifications", "tags"))
    return {"name": NAME, "purge_tags": True, "state": "present"} | unset | fields


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `notifications` as Ansible passes it."""
    entry = {"type": "ACTUAL", "threshold_percent": 80.0}
    return entry | {"emails": ["ops@example.com"], "topic": TOPIC} | fields


def add_budget(stubber: Stubber, **fields: Any) -> None:
    """Make the account answer with one budget and its notification."""
    answer = BUDGET | {"BudgetLimit": {"Amount": "200.0", "Unit": "USD"}} | fields
    stubber.add_response(
        "describe_budget", {"Budget": answer}, KEY | {"ShowFilterExpression": True}
    )
    tags = [{"Key": "a", "Value": "1"}]
    stubber.add_response("list_tags_for_resource", {"ResourceTags": tags}, {"ResourceARN": ARN})
    stubber.add_response(
        "describe_notifications_for_budget",
        {"Notifications": [ACTUAL | {"NotificationState": "ALARM"}]},
        KEY,
    )
    stubber.add_response(
        "describe_subscribers_for_notification",
        {"Subscribers": [PUBLISH], "NextToken": "more"},
        KEY | {"Notification": ACTUAL},
    )
    stubber.add_response(
        "describe_subscribers_for_notification",
        {"Subscribers": [MAIL]},
        KEY | {"Notification": ACTUAL, "NextToken": "more"},
    )


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (params(), model()),
        (params(limit_usd=200.001, notifications=[option()]), model()),
        (params(limit_usd=50.5), model(limit="50.50 USD")),
        (params(notifications=[]), model(notifications={})),
        (
            params(notifications=[option(type="FORECASTED", threshold_percent=100.0, topic=None)]),
            model(notifications=AT_100),
        ),
        (params(tags={"b": "2"}), model(tags={"b": "2"})),
        (params(tags={"b": "2"}, purge_tags=False), model(tags={"a": "1", "b": "2"})),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Stubbed, wanted: dict[str, Any], after: dict[str, Any]
) -> None:
    client, stubber = stubbed("budgets")
    add_budget(stubber)
    assert plan_monthly_budget(client, WHERE, wanted) == [Plan(NAME, model(), after)]


def test_read_tells_missing_from_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_client_error("describe_budget", "NotFoundException")
    assert read_budget(client, WHERE) is None
    stubber.add_client_error("describe_budget", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match="read budget shop: AccessDeniedException: not yours"):
        read_budget(client, WHERE)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"TimeUnit": "DAILY"}, "DAILY COST"),
        ({"BudgetType": "USAGE"}, "MONTHLY USAGE"),
        ({"PlannedBudgetLimits": {"1": BUDGET["BudgetLimit"]}}, "planned"),
        ({"AutoAdjustData": {"AutoAdjustType": "FORECAST"}}, "self-adjusting"),
    ],
)
def test_a_budget_of_another_kind_is_refused(
    stubbed: Stubbed, fields: dict[str, Any], kind: str
) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_response("describe_budget", {"Budget": BUDGET | fields})
    with pytest.raises(ReconcileError, match=f"{NAME}: a {kind} budget has this name"):
        read_budget(client, WHERE)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit_usd": 0.0}, "limit_usd is 0; give an amount above 0"),
        ({"limit_usd": 0.004}, "limit_usd is 0.004"),
        (
            {"notifications": [option(emails=[], topic=None)]},
            "ACTUAL GREATER_THAN 80 PERCENTAGE tells nobody",
        ),
        (
            {"notifications": [option(emails=[f"{n}@example.com" for n in range(11)])]},
            "has 11 emails; give at most 10",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: .*{message}"):
        desired_budget(params(**fields))


def test_a_new_budget_needs_a_limit() -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: limit_usd must be given"):
        plan_budget(NAME, None, desired_budget(params()), purge_tags=True)


def test_a_new_budget_is_made_by_one_call(stubbed: Stubbed) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_response(
        "create_budget",
        {},
        {
            "AccountId": ACCOUNT,
            "Budget": BUDGET,
            "NotificationsWithSubscribers": [
                {"Notification": ACTUAL, "Subscribers": [MAIL, PUBLISH]},
                {"Notification": FORECASTED, "Subscribers": [MAIL]},
            ],
            "ResourceTags": [{"Key": "a", "Value": "1"}],
        },
    )
    apply_budget(client, WHERE, Plan(NAME, None, model(notifications=AT_80 | AT_100)))


@pytest.mark.parametrize(
    "kept",
    [
        {"CostFilters": {"Service": ["Amazon S3"]}, "CostTypes": {"IncludeCredit": False}},
        {
            "FilterExpression": {"Dimensions": {"Key": "REGION", "Values": ["us-east-1"]}},
            "Metrics": ["UnblendedCost"],
        },
    ],
)
def test_a_new_limit_keeps_what_the_budget_counts(stubbed: Stubbed, kept: dict[str, Any]) -> None:
    client, stubber = stubbed("budgets")
    answered = {"CostTypes": {"IncludeCredit": True}} | kept
    stubber.add_response(
        "describe_budget", {"Budget": BUDGET | answered}, KEY | {"ShowFilterExpression": True}
    )
    limit = {"BudgetLimit": {"Amount": "50.50", "Unit": "USD"}}
    stubber.add_response(
        "update_budget", {}, {"AccountId": ACCOUNT, "NewBudget": BUDGET | limit | kept}
    )
    apply_budget(client, WHERE, Plan(NAME, model(), model(limit="50.50 USD")))


def test_only_changed_notifications_are_replaced(stubbed: Stubbed) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_response("delete_notification", {}, KEY | {"Notification": ACTUAL})
    stubber.add_response(
        "create_notification", {}, KEY | {"Notification": ACTUAL, "Subscribers": [PUBLISH]}
    )
    before = model(notifications=AT_80 | AT_100)
    after = {"ACTUAL GREATER_THAN 80 PERCENTAGE": notification(emails=[])} | AT_100
    apply_budget(client, WHERE, Plan(NAME, before, model(notifications=after)))


def test_tags_are_set_and_removed_one_by_one(stubbed: Stubbed) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_response("untag_resource", {}, {"ResourceARN": ARN, "ResourceTagKeys": ["a"]})
    stubber.add_response(
        "tag_resource", {}, {"ResourceARN": ARN, "ResourceTags": [{"Key": "b", "Value": "2"}]}
    )
    apply_budget(client, WHERE, Plan(NAME, model(), model(tags={"b": "2"})))


def test_a_budget_is_deleted_with_its_notifications(stubbed: Stubbed) -> None:
    client, stubber = stubbed("budgets")
    stubber.add_response("delete_budget", {}, KEY)
    apply_budget(client, WHERE, Plan(NAME, model(), None))

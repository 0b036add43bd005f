"""Monthly cost budgets: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    from_tag_list,
    none_if_missing,
    to_tag_list,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from mypy_boto3_budgets import BudgetsClient
    from mypy_boto3_budgets.type_defs import BudgetOutputTypeDef as BudgetTypeDef

MOST_EMAILS = 10
# What UpdateBudget would reset and this module does not manage. It takes one of the two pairs.
KEPT = ("TimePeriod", "BillingViewArn")
SELECTIONS = (("FilterExpression", "Metrics"), ("CostFilters", "CostTypes"))


@dataclass(frozen=True)
class Budget:
    """Where a budget is."""

    account: str
    name: str
    partition: str

    @property
    def key(self) -> Any:
        """Return what every call about the budget names."""
        return {"AccountId": self.account, "BudgetName": self.name}

    @property
    def arn(self) -> str:
        """Return the budget's ARN, which names no region."""
        return f"arn:{self.partition}:budgets::{self.account}:budget/{self.name}"

    def __str__(self) -> str:
        return self.name


def desired_budget(params: dict[str, Any]) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: AWS would refuse the limit or a notification.
    """
    name, limit, notifications = params["name"], params["limit_usd"], params["notifications"]
    if limit is not None and round(limit, 2) <= 0:
        raise ReconcileError(f"{name}: limit_usd is {limit:g}; give an amount above 0.")
    return {
        "limit": None if limit is None else f"{limit:.2f} USD",
        "notifications": None
        if notifications is None
        else dict(sorted(_desired_notification(name, entry) for entry in notifications)),
        "tags": params["tags"],
    }


def _desired_notification(name: str, entry: dict[str, Any]) -> tuple[str, Model]:
    notification = {
        "type": entry["type"],
        "comparison": "GREATER_THAN",
        "threshold": entry["threshold_percent"],
        "threshold_type": "PERCENTAGE",
        "emails": sorted(set(entry["emails"])),
        "topics": [entry["topic"]] if entry["topic"] else [],
    }
    title = _title(notification)
    if not notification["emails"] and not notification["topics"]:
        raise ReconcileError(f"{name}: {title} tells nobody; give it emails or a topic.")
    if len(notification["emails"]) > MOST_EMAILS:
        raise ReconcileError(
            f"{name}: {title} has {len(notification['emails'])} emails; give at most "
            f"{MOST_EMAILS}, or subscribe them to a topic."
        )
    return title, notification


def _title(notification: Model) -> str:
    return "{type} {comparison} {threshold:g} {threshold_type}".format(**notification)


@aws_call("read budget {0}")
def read_budget(client: BudgetsClient, where: Budget) -> Model | None:
    """Read everything that the module manages of the budget.

    Raises:
        ReconcileError: the budget is not one of a fixed sum of money a month.
    """
    budget = _describe(client, where)
    if budget is None:
        return None
    _check_kind(where.name, budget)
    limit = budget.get("BudgetLimit", {"Amount": "0", "Unit": "USD"})
    tags = client.list_tags_for_resource(ResourceARN=where.arn).get("ResourceTags", [])
    return {
        "limit": f"{float(limit['Amount']):.2f} {limit['Unit']}",
        "notifications": _read_notifications(client, where),
        "tags": from_tag_list(tags),
    }


@none_if_missing("NotFoundException")
def _describe(client: BudgetsClient, where: Budget) -> BudgetTypeDef:
    return client.describe_budget(**where.key, ShowFilterExpression=True)["Budget"]


def _check_kind(name: str, budget: BudgetTypeDef) -> None:
    kind = f"{budget['TimeUnit']} {budget['BudgetType']}"
    if budget.get("PlannedBudgetLimits"):
        kind = "planned"
    elif budget.get("AutoAdjustData"):
        kind = "self-adjusting"
    if kind != "MONTHLY COST":
        raise ReconcileError(
            f"{name}: a {kind} budget has this name, and this module only knows a fixed cost a "
            "month. Choose another name, or delete that budget yourself."
        )


def _read_notifications(client: BudgetsClient, where: Budget) -> dict[str, Model]:
    pages = client.get_paginator("describe_notifications_for_budget").paginate(**where.key)
    notifications = {}
    for page in pages:
        for found in page["Notifications"]:
            notification: Model = {
                "type": found["NotificationType"],
                "comparison": found["ComparisonOperator"],
                "threshold": found["Threshold"],
                "threshold_type": found.get("ThresholdType", "PERCENTAGE"),
            }
            notification |= _read_subscribers(client, where, _notification(notification))
            notifications[_title(notification)] = notification
    return dict(sorted(notifications.items()))


def _read_subscribers(client: BudgetsClient, where: Budget, notification: Any) -> Model:
    pages = client.get_paginator("describe_subscribers_for_notification").paginate(
        **where.key, Notification=notification
    )
    subscribers = [subscriber for page in pages for subscriber in page["Subscribers"]]

    def addresses(kind: str) -> list[str]:
        return sorted(item["Address"] for item in subscribers if item["SubscriptionType"] == kind)

    return {"emails": addresses("EMAIL"), "topics": addresses("SNS")}


def plan_budget(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a budget.

    Raises:
        ReconcileError: a new budget would have no limit.
    """
    if current is None and desired["limit"] is None:
        raise ReconcileError(f"{name}: limit_usd must be given for a new budget.")
    return make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])


def apply_budget(client: BudgetsClient, where: Budget, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, where)
        return
    after = plan.after or {}
    if plan.action == "create":
        _create(client, where, after)
        return
    if plan.changes("limit"):
        _set_limit(client, where, after["limit"])
    present, wanted = (plan.before or {})["notifications"], after["notifications"]
    for title in sorted(present.keys() | wanted.keys()):
        if present.get(title) == wanted.get(title):
            continue
        # A budget that stands above the threshold then tells the new recipients at once.
        if title in present:
            _delete_notification(client, where, present[title])
        if title in wanted:
            _create_notification(client, where, wanted[title])
    if plan.changes("tags"):
        _tag(client, where, plan)


def _budget(name: str, limit: str) -> Any:
    amount, unit = limit.split()
    return {
        "BudgetName": name,
        "BudgetLimit": {"Amount": amount, "Unit": unit},
        "TimeUnit": "MONTHLY",
        "BudgetType": "COST",
    }


def _notification(notification: Model) -> Any:
    return {
        "NotificationType": notification["type"],
        "ComparisonOperator": notification["comparison"],
        "Threshold": notification["threshold"],
        "ThresholdType": notification["threshold_type"],
    }


def _subscribers(notification: Model) -> Any:
    return [
        *({"SubscriptionType": "EMAIL", "Address": email} for email in notification["emails"]),
        *({"SubscriptionType": "SNS", "Address": topic} for topic in notification["topics"]),
    ]


@aws_call("create budget {0}")
def _create(client: BudgetsClient, where: Budget, after: Model) -> None:
    client.create_budget(
        AccountId=where.account,
        Budget=_budget(where.name, after["limit"]),
        NotificationsWithSubscribers=[
            {"Notification": _notification(entry), "Subscribers": _subscribers(entry)}
            for entry in after.get("notifications", {}).values()
        ],
        ResourceTags=to_tag_list(after.get("tags", {})),
    )


@aws_call("set the limit of budget {0} to {1}")
def _set_limit(client: BudgetsClient, where: Budget, limit: str) -> None:
    budget = _describe(client, where)
    if budget is None:
        raise ReconcileError(f"{where}: the budget was deleted meanwhile; run the playbook again.")
    present: dict[str, Any] = {**budget}
    selection = next((pair for pair in SELECTIONS if pair[0] in present), SELECTIONS[-1])
    kept = {member: present[member] for member in (*KEPT, *selection) if member in present}
    client.update_budget(AccountId=where.account, NewBudget=kept | _budget(where.name, limit))


@aws_call("create a notification of budget {0}")
def _create_notification(client: BudgetsClient, where: Budget, notification: Model) -> None:
    client.create_notification(
        **where.key,
        Notification=_notification(notification),
        Subscribers=_subscribers(notification),
    )


@aws_call("delete a notification of budget {0}")
def _delete_notification(client: BudgetsClient, where: Budget, notification: Model) -> None:
    client.delete_notification(**where.key, Notification=_notification(notification))


@aws_call("tag budget {0}")
def _tag(client: BudgetsClient, where: Budget, plan: Plan) -> None:
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(ResourceARN=where.arn, ResourceTagKeys=removed)
    if tags:
        client.tag_resource(ResourceARN=where.arn, ResourceTags=to_tag_list(tags))


@aws_call("delete budget {0}")
def _delete(client: BudgetsClient, where: Budget) -> None:
    client.delete_budget(**where.key)

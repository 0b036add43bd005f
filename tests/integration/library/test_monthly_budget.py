"""`monthly_budget` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "budget-of-run"
ACCOUNT = "000000000000"
KEY = {"AccountId": ACCOUNT, "BudgetName": NAME}
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
BUDGET: dict[str, Any] = {
    "name": NAME,
    "limit_usd": 200,
    "notifications": [
        {
            "type": "ACTUAL",
            "threshold_percent": 80,
            "emails": ["ops@example.com"],
            "topic": TOPIC,
        },
        {"type": "FORECASTED", "threshold_percent": 100, "topic": TOPIC},
    ],
    "tags": {"owner": "shop"},
}


def names(cloud: Cloud) -> list[str]:
    """Return the names of the budgets."""
    found = cloud.client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
    return [budget["BudgetName"] for budget in found]


@pytest.fixture(autouse=True)
def _no_budget(cloud: Cloud) -> Iterator[None]:
    yield
    if NAME in names(cloud):
        cloud.client("budgets").delete_budget(**KEY)


def test_a_budget_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    created = run_module.four_runs("monthly_budget", **BUDGET)
    assert created["budget"]["limit"] == "200.00 USD"
    budgets = cloud.client("budgets")
    budget = budgets.describe_budget(**KEY)["Budget"]
    assert (budget["TimeUnit"], budget["BudgetType"]) == ("MONTHLY", "COST")
    found = budgets.describe_notifications_for_budget(**KEY)["Notifications"]
    assert {(item["NotificationType"], item["Threshold"]) for item in found} == {
        ("ACTUAL", 80.0),
        ("FORECASTED", 100.0),
    }
    run_module.gone_twice("monthly_budget", name=NAME)
    assert NAME not in names(cloud)


def test_a_budget_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    budgets = cloud.client("budgets")
    filters = {"Service": ["Amazon Simple Storage Service"]}
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": NAME,
            "BudgetLimit": {"Amount": "50", "Unit": "USD"},
            "CostFilters": filters,
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        },
        NotificationsWithSubscribers=[
            {
                "Notification": {
                    "NotificationType": "ACTUAL",
                    "ComparisonOperator": "GREATER_THAN",
                    "Threshold": 80,
                },
                "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "old@example.com"}],
            }
        ],
        ResourceTags=[{"Key": "old", "Value": "1"}],
    )
    updated = run_module.four_runs("monthly_budget", **BUDGET)
    assert updated["budget"]["tags"] == {"owner": "shop"}
    budget = budgets.describe_budget(**KEY)["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 200
    assert budget["CostFilters"] == filters
    actual = "ACTUAL GREATER_THAN 80 PERCENTAGE"
    kept = run_module("monthly_budget", check=True, name=NAME, limit_usd=10)
    assert kept["budget"]["notifications"][actual]["emails"] == ["ops@example.com"]
    assert float(budgets.describe_budget(**KEY)["Budget"]["BudgetLimit"]["Amount"]) == 200

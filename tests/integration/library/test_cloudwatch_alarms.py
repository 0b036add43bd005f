"""`cloudwatch_alarms` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "errors-of-run"
TOPIC = "arn:aws:sns:us-east-1:000000000000:alerts"
ERRORS: dict[str, Any] = {
    "name": NAME,
    "description": "Orders fail.",
    "namespace": "AWS/Lambda",
    "metric": "Errors",
    "dimensions": {"FunctionName": "orders", "Resource": "orders:live"},
    "statistic": "Sum",
    "period_seconds": 300,
    "evaluation_periods": 3,
    "datapoints_to_alarm": 2,
    "threshold": 1,
    "comparison": "GreaterThanOrEqualToThreshold",
    "treat_missing_data": "notBreaching",
    "alarm_actions": [TOPIC],
    "insufficient_data_actions": [TOPIC],
    "tags": {"owner": "shop"},
}
SLOW = {key: value for key, value in ERRORS.items() if key != "statistic"} | {
    "name": f"{NAME}-slow",
    "metric": "Duration",
    "extended_statistic": "p99",
    "unit": "Milliseconds",
    "actions_enabled": False,
}


def alarms(cloud: Cloud) -> dict[str, Any]:
    """Return the alarms of these tests by name."""
    found = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


@pytest.fixture(autouse=True)
def _no_alarms(cloud: Cloud) -> Iterator[None]:
    yield
    names = [*alarms(cloud), f"{NAME}-both"]
    cloud.client("cloudwatch").delete_alarms(AlarmNames=names)


def test_alarms_are_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module.four_runs("cloudwatch_alarms", alarms=[ERRORS, SLOW])
    alarm = alarms(cloud)[NAME]
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 300, 1.0)
    assert alarm["AlarmActions"] == alarm["InsufficientDataActions"] == [TOPIC]
    assert alarms(cloud)[SLOW["name"]]["ExtendedStatistic"] == "p99"
    run_module.gone_twice("cloudwatch_alarms", alarms=[{"name": NAME}, {"name": SLOW["name"]}])
    assert alarms(cloud) == {}


def test_an_alarm_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module("cloudwatch_alarms", alarms=[ERRORS])
    client = cloud.client("cloudwatch")
    client.set_alarm_state(AlarmName=NAME, StateValue="ALARM", StateReason="kept")
    changed = {"name": NAME, "threshold": 5, "dimensions": {"FunctionName": "orders"}}
    changed["tags"] = {"team": "web"}
    checked = run_module("cloudwatch_alarms", check=True, alarms=[changed])
    assert checked["alarms"][NAME]["threshold"] == 5
    assert alarms(cloud)[NAME]["Threshold"] == 1
    run_module.four_runs("cloudwatch_alarms", alarms=[changed])
    alarm = alarms(cloud)[NAME]
    assert (alarm["Threshold"], alarm["Statistic"]) == (5, "Sum")
    assert alarm["AlarmDescription"] == "Orders fail."
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "orders"}]
    tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "web"}]


def test_what_cannot_be_leaves_everything_as_it_is(cloud: Cloud, run_module: ModuleRunner) -> None:
    failed = run_module("cloudwatch_alarms", fails=True, alarms=[ERRORS, {"name": f"{NAME}-new"}])
    assert f"{NAME}-new: namespace, metric, statistic" in failed["msg"]
    assert alarms(cloud) == {}
    cloud.client("cloudwatch").put_composite_alarm(AlarmName=f"{NAME}-both", AlarmRule="TRUE")
    both = ERRORS | {"name": f"{NAME}-both"}
    failed = run_module("cloudwatch_alarms", fails=True, alarms=[both])
    assert "a composite alarm has this name" in failed["msg"]

"""`cloudwatch_alarms` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from ansible.module_utils.artificien.alarms import (
    ANY_UNIT,
    UNITS,
    apply_alarm,
    desired_alarm,
    plan_alarm,
    read_alarms,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.cloudwatch_alarms import ALARM, plan_alarms

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "order-errors"
ARN = f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:{NAME}"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"
TYPES = ["MetricAlarm", "CompositeAlarm"]


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `alarms` as Ansible passes it."""
    return dict.fromkeys(ALARM) | {"name": NAME} | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return an alarm's model with `fields` changed."""
    return {
        "arn": ARN,
        "description": "",
        "namespace": "AWS/Lambda",
        "metric": "Errors",
        "dimensions": {"FunctionName": "orders"},
        "statistic": "Sum",
        "period_seconds": 300,
        "evaluation_periods": 3,
        "datapoints_to_alarm": None,
        "threshold": 1.0,
        "comparison": "GreaterThanThreshold",
        "treat_missing_data": "missing",
        "unit": ANY_UNIT,
        "alarm_actions": [TOPIC],
        "ok_actions": [],
        "insufficient_data_actions": [],
        "actions_enabled": True,
        "tags": {"a": "1"},
        "other": {},
    } | fields


def request(**fields: Any) -> dict[str, Any]:
    """Return what PutMetricAlarm must get for `model()`, with `fields` changed."""
    return {
        "AlarmName": NAME,
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "orders"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 3,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [TOPIC],
        "OKActions": [],
        "InsufficientDataActions": [],
    } | fields


def description(**fields: Any) -> dict[str, Any]:
    """Return the alarm as DescribeAlarms answers."""
    return {
        **request(),
        "AlarmArn": ARN,
        "ActionsEnabled": True,
        "TreatMissingData": "missing",
    } | fields


def add_alarm(stubber: Stubber, **fields: Any) -> None:
    """Make the account answer with one alarm."""
    stubber.add_response(
        "describe_alarms",
        {"MetricAlarms": [description(**fields)], "CompositeAlarms": []},
        {"AlarmNames": [NAME], "AlarmTypes": TYPES},
    )
    tags = [{"Key": "a", "Value": "1"}, {"Key": "aws:cloudformation:stack-name", "Value": "x"}]
    stubber.add_response("list_tags_for_resource", {"Tags": tags}, {"ResourceARN": ARN})


@pytest.mark.parametrize(
    ("wanted", "purge_tags", "after"),
    [
        (option(), True, model()),
        (option(threshold=2.5), True, model(threshold=2.5)),
        (option(dimensions={}), True, model(dimensions={})),
        (option(extended_statistic="p99"), True, model(statistic="p99")),
        (option(ok_actions=["b", "a", "b"]), True, model(ok_actions=["a", "b"])),
        (option(alarm_actions=[]), True, model(alarm_actions=[])),
        (option(tags={"b": "2"}), True, model(tags={"b": "2"})),
        (option(tags={"b": "2"}), False, model(tags={"a": "1", "b": "2"})),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Stubbed, wanted: dict[str, Any], purge_tags: bool, after: dict[str, Any]
) -> None:
    client, stubber = stubbed("cloudwatch")
    add_alarm(stubber)
    params = {"alarms": [wanted], "purge_tags": purge_tags, "state": "present"}
    assert plan_alarms(client, params) == [Plan(NAME, model(), after)]


def test_read_returns_everything_that_an_update_must_send_again(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    add_alarm(
        stubber,
        Statistic="Average",
        ExtendedStatistic="p99",
        Unit="Milliseconds",
        ActionsEnabled=False,
        DatapointsToAlarm=2,
        TreatMissingData="notBreaching",
        AlarmDescription="slow",
        EvaluateLowSampleCountPercentile="ignore",
    )
    assert read_alarms(client, [NAME]) == {
        NAME: model(
            statistic="p99",
            unit="Milliseconds",
            actions_enabled=False,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",
            description="slow",
            other={"EvaluateLowSampleCountPercentile": "ignore"},
        )
    }


def test_many_alarms_are_read_page_by_page_and_never_all_of_the_account(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    names = [f"alarm-{number}" for number in range(101)]
    first = {"AlarmNames": names[:100], "AlarmTypes": TYPES}
    stubber.add_response("describe_alarms", {"NextToken": "more"}, first)
    stubber.add_response("describe_alarms", {}, first | {"NextToken": "more"})
    stubber.add_response("describe_alarms", {}, {"AlarmNames": names[100:], "AlarmTypes": TYPES})
    assert read_alarms(client, names) == {}
    assert read_alarms(client, []) == {}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"CompositeAlarms": [{"AlarmName": NAME}]}, "a composite alarm"),
        (
            {"MetricAlarms": [{"AlarmName": NAME, "AlarmArn": ARN, "Metrics": [{"Id": "m1"}]}]},
            "an alarm on an expression",
        ),
    ],
)
def test_an_alarm_of_another_kind_is_refused(
    stubbed: Stubbed, answer: dict[str, Any], kind: str
) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response("describe_alarms", answer)
    with pytest.raises(ReconcileError, match=f"{NAME}: {kind} has this name"):
        read_alarms(client, [NAME])


def test_read_tells_who_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_client_error("describe_alarms", "AccessDenied", "not yours")
    with pytest.raises(AwsError, match="read the CloudWatch alarms: AccessDenied: not yours"):
        read_alarms(client, [NAME])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"period_seconds": 45}, "period_seconds is 45; give 10, 20, 30 or a multiple of 60"),
        ({"period_seconds": 0}, "period_seconds is 0"),
        ({"extended_statistic": "p99"}, "either statistic or extended_statistic"),
    ],
)
def test_what_aws_would_refuse_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: .*{message}"):
        desired_alarm(option(statistic="Sum", **fields))


def test_a_new_alarm_needs_what_every_alarm_has() -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: statistic, threshold must be given"):
        plan_alarm(NAME, None, model(statistic=None, threshold=None), purge_tags=True)


@pytest.mark.parametrize("datapoints", [0, 4])
def test_an_alarm_that_could_never_go_off_is_refused(datapoints: int) -> None:
    desired = desired_alarm(option(datapoints_to_alarm=datapoints))
    with pytest.raises(ReconcileError, match=f"datapoints_to_alarm is {datapoints}; give 1 to 3"):
        plan_alarm(NAME, model(), desired, purge_tags=True)


def test_a_new_alarm_is_tagged_from_the_start(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    tags = [{"Key": "a", "Value": "1"}]
    stubber.add_response("put_metric_alarm", {}, request(Tags=tags))
    after = {key: value for key, value in model().items() if key not in {"arn", "other"}}
    apply_alarm(client, Plan(NAME, None, after))


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        (model(), model(threshold=5.0), request(Threshold=5.0)),
        (model(unit="Count"), model(), request()),
        (
            model(datapoints_to_alarm=2, description="old", unit="Count"),
            model(datapoints_to_alarm=2, description="new", unit="Count", actions_enabled=False),
            request(
                DatapointsToAlarm=2, AlarmDescription="new", Unit="Count", ActionsEnabled=False
            ),
        ),
        (
            model(other={"EvaluateLowSampleCountPercentile": "ignore"}, statistic="p99"),
            model(other={"EvaluateLowSampleCountPercentile": "ignore"}),
            request(),
        ),
    ],
)
def test_an_update_sends_the_whole_alarm(
    stubbed: Stubbed, before: dict[str, Any], after: dict[str, Any], sent: dict[str, Any]
) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response("put_metric_alarm", {}, sent)
    apply_alarm(client, Plan(NAME, before, after))


def test_an_update_keeps_what_is_not_managed(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    other = {"EvaluateLowSampleCountPercentile": "ignore"}
    sent = request(Period=60, ExtendedStatistic="p99", **other)
    del sent["Statistic"]
    stubber.add_response("put_metric_alarm", {}, sent)
    before = model(statistic="p99", other=other)
    apply_alarm(client, Plan(NAME, before, before | {"period_seconds": 60}))


def test_tags_alone_leave_the_alarm_as_it_is(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response("untag_resource", {}, {"ResourceARN": ARN, "TagKeys": ["a"]})
    stubber.add_response(
        "tag_resource", {}, {"ResourceARN": ARN, "Tags": [{"Key": "b", "Value": "2"}]}
    )
    apply_alarm(client, Plan(NAME, model(), model(tags={"b": "2"})))


def test_an_alarm_is_deleted_by_its_name(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response("delete_alarms", {}, {"AlarmNames": [NAME]})
    apply_alarm(client, Plan(NAME, model(), None))


def test_every_unit_of_the_api_can_be_chosen() -> None:
    api = boto3.client("cloudwatch", region_name="us-east-1").meta.service_model
    units: Any = api.shape_for("StandardUnit")
    assert set(UNITS) == {ANY_UNIT, *units.enum}

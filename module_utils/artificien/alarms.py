"""CloudWatch metric alarms: option words to models, API to models, and the calls."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    from_tag_list,
    to_tag_list,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

ANY_UNIT = "any"
STATISTICS = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
COMPARISONS = [
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
MISSING_DATA = ["missing", "notBreaching", "breaching", "ignore"]
_SIZES = [
    *("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"),
    *("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"),
]
UNITS = [
    ANY_UNIT,
    *("None", "Count", "Count/Second", "Percent", "Seconds", "Milliseconds", "Microseconds"),
    *_SIZES,
    *(f"{size}/Second" for size in _SIZES),
]
# Member of the API by field, and what AWS means where it leaves the member out.
MEMBERS: dict[str, tuple[str, Any]] = {
    "description": ("AlarmDescription", ""),
    "namespace": ("Namespace", None),
    "metric": ("MetricName", None),
    "period_seconds": ("Period", None),
    "evaluation_periods": ("EvaluationPeriods", None),
    "datapoints_to_alarm": ("DatapointsToAlarm", None),
    "threshold": ("Threshold", None),
    "comparison": ("ComparisonOperator", None),
    "treat_missing_data": ("TreatMissingData", "missing"),
    "unit": ("Unit", ANY_UNIT),
    "actions_enabled": ("ActionsEnabled", True),
}
ACTIONS = {
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
    "insufficient_data_actions": "InsufficientDataActions",
}
# What PutMetricAlarm would reset and this module does not manage.
KEPT = (
    "EvaluateLowSampleCountPercentile",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "ActionConfiguration",
)
REQUIRED = (
    *("namespace", "metric", "statistic", "period_seconds"),
    *("evaluation_periods", "threshold", "comparison"),
)
# What DescribeAlarms takes at once.
MOST_NAMES = 100


def desired_alarm(alarm: dict[str, Any]) -> Model:
    """Turn one entry of the module's `alarms` option into a model.

    Raises:
        ReconcileError: AWS would refuse the period, or there are two statistics.
    """
    name, period = alarm["name"], alarm["period_seconds"]
    if alarm["statistic"] and alarm["extended_statistic"]:
        raise ReconcileError(f"{name}: give either statistic or extended_statistic, not both.")
    if period is not None and (period < 1 or (period % 60 and period not in (10, 20, 30))):
        raise ReconcileError(
            f"{name}: period_seconds is {period}; give 10, 20, 30 or a multiple of 60."
        )
    return {
        **{field: alarm[field] for field in MEMBERS},
        **{field: None if alarm[field] is None else sorted(set(alarm[field])) for field in ACTIONS},
        "dimensions": alarm["dimensions"],
        "statistic": alarm["statistic"] or alarm["extended_statistic"],
        "tags": alarm["tags"],
    }


def read_alarms(client: CloudWatchClient, names: Sequence[str]) -> dict[str, Model]:
    """Read everything that the module manages of those of the alarms that exist, by name.

    Raises:
        ReconcileError: one of them is not the alarm of a single metric.
    """
    found = [
        alarm
        for some in batched(names, MOST_NAMES, strict=False)
        for alarm in _describe(client, some)
    ]
    return {alarm["AlarmName"]: _model(client, alarm["AlarmName"], alarm) for alarm in found}


@aws_call("read the CloudWatch alarms")
def _describe(client: CloudWatchClient, names: Sequence[str]) -> list[MetricAlarmTypeDef]:
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms: list[MetricAlarmTypeDef] = []
    for page in pages:
        for alarm in page.get("CompositeAlarms", []):
            raise _other_kind(alarm["AlarmName"], "a composite alarm")
        alarms.extend(page.get("MetricAlarms", []))
    return alarms


def _other_kind(name: str, kind: str) -> ReconcileError:
    return ReconcileError(
        f"{name}: {kind} has this name, and this module only knows alarms of one metric. Choose "
        "another name, or delete that alarm yourself."
    )


@aws_call("read CloudWatch alarm {0}")
def _model(client: CloudWatchClient, name: str, alarm: MetricAlarmTypeDef) -> Model:
    if not alarm.get("MetricName"):
        raise _other_kind(name, "an alarm on an expression")
    members: dict[str, Any] = {**alarm}
    tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    return {
        **{field: members.get(member, unset) for field, (member, unset) in MEMBERS.items()},
        **{field: sorted(members.get(member, [])) for field, member in ACTIONS.items()},
        "dimensions": {item["Name"]: item["Value"] for item in alarm.get("Dimensions", [])},
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "tags": from_tag_list(tags),
        "arn": alarm["AlarmArn"],
        "other": {member: members[member] for member in KEPT if member in members},
    }


def plan_alarm(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan an alarm.

    Raises:
        ReconcileError: the alarm would lack something that each needs, or could never go off.
    """
    plan = make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])
    after = plan.after or {}
    missing = [field for field in REQUIRED if after.get(field) is None]
    if missing:
        raise ReconcileError(
            f"{name}: {', '.join(missing)} must be given for a new alarm"
            f"{', statistic or extended_statistic' if 'statistic' in missing else ''}."
        )
    datapoints = after.get("datapoints_to_alarm")
    if datapoints is not None and not 1 <= datapoints <= after["evaluation_periods"]:
        raise ReconcileError(
            f"{name}: datapoints_to_alarm is {datapoints}; give 1 to "
            f"{after['evaluation_periods']}, the number of evaluation_periods."
        )
    return plan


def apply_alarm(client: CloudWatchClient, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, plan.name)
        return
    after = plan.after or {}
    if plan.action == "create":
        _put(client, plan.name, after, Tags=to_tag_list(after.get("tags", {})))
        return
    if any(plan.changes(field) for field in after.keys() - {"tags"}):
        _put(client, plan.name, after)
    if plan.changes("tags"):
        _tag(client, plan.name, plan)


@aws_call("set CloudWatch alarm {0}")
def _put(client: CloudWatchClient, name: str, after: Model, **more: Any) -> None:
    request: dict[str, Any] = {**after.get("other", {}), **more, "AlarmName": name}
    for field, (member, unset) in MEMBERS.items():
        if after.get(field, unset) != unset:
            request[member] = after[field]
    for field, member in ACTIONS.items():
        request[member] = after.get(field, [])
    request["Dimensions"] = [
        {"Name": key, "Value": value} for key, value in sorted(after.get("dimensions", {}).items())
    ]
    if after["statistic"] in STATISTICS:
        request["Statistic"] = after["statistic"]
        request.pop("EvaluateLowSampleCountPercentile", None)
    else:
        request["ExtendedStatistic"] = after["statistic"]
    client.put_metric_alarm(**request)


@aws_call("tag CloudWatch alarm {0}")
def _tag(client: CloudWatchClient, _name: str, plan: Plan) -> None:
    tags, removed = changed_tags(plan)
    arn = (plan.before or {})["arn"]
    if removed:
        client.untag_resource(ResourceARN=arn, TagKeys=removed)
    if tags:
        client.tag_resource(ResourceARN=arn, Tags=to_tag_list(tags))


@aws_call("delete CloudWatch alarm {0}")
def _delete(client: CloudWatchClient, name: str) -> None:
    client.delete_alarms(AlarmNames=[name])

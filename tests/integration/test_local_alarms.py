"""Alarms of the local cloud are described with everything that was put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cloud import Cloud

ALARM: dict[str, Any] = {
    "AlarmName": "errors",
    "AlarmDescription": "A function fails",
    "ActionsEnabled": False,
    "OKActions": ["arn:aws:sns:us-east-1:000000000000:good"],
    "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:bad"],
    "InsufficientDataActions": ["arn:aws:sns:us-east-1:000000000000:unknown"],
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Statistic": "Sum",
    "Dimensions": [{"Name": "FunctionName", "Value": "upload"}],
    "Period": 300,
    "Unit": "Count",
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 1.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def test_alarms_are_described_in_full(cloud: Cloud) -> None:
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "Env", "Value": "test"}])
    (described,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert described.items() >= ALARM.items()
    tags = cloudwatch.list_tags_for_resource(ResourceARN=described["AlarmArn"])["Tags"]
    assert tags == [{"Key": "Env", "Value": "test"}]

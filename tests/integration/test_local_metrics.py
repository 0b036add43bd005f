"""Metrics of the local cloud: who may put them where, and what is told of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.cloud import Cloud

NAMESPACE = "artificien/test"


@pytest.fixture(scope="module")
def host(cloud: Cloud) -> Any:
    """Return CloudWatch as somebody reaches it who may put metrics into one namespace."""
    iam = cloud.client("iam")
    iam.create_user(UserName="host")
    grant = {
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    }
    iam.put_user_policy(
        UserName="host",
        PolicyName="metrics",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )
    key = iam.create_access_key(UserName="host")["AccessKey"]
    return boto3.client(
        "cloudwatch",
        region_name=cloud.region,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def _datum(value: float) -> dict[str, Any]:
    component = {"Name": "component", "Value": "jupyterhub"}
    return {"MetricName": "ProbeSucceeded", "Dimensions": [component], "Value": value}


def test_a_host_puts_metrics_into_its_namespace_only(host: Any) -> None:
    host.put_metric_data(Namespace=NAMESPACE, MetricData=[_datum(1)])
    for namespace in ("artificien/other", f"{NAMESPACE}/deeper"):
        with pytest.raises(ClientError, match="AccessDenied"):
            host.put_metric_data(Namespace=namespace, MetricData=[_datum(1)])
    with pytest.raises(ClientError, match="AccessDenied"):
        host.list_metrics()


def test_large_requests_are_known_by_their_namespace_too(host: Any) -> None:
    # From 10 KiB on they are compressed.
    many = [_datum(1) | {"Unit": "None", "StorageResolution": 60} for _ in range(200)]
    host.put_metric_data(Namespace=NAMESPACE, MetricData=many)
    with pytest.raises(ClientError, match="AccessDenied"):
        host.put_metric_data(Namespace="artificien/other", MetricData=many)


def test_metrics_are_told(host: Any, cloud: Cloud) -> None:
    for value in (0, 1):
        host.put_metric_data(
            Namespace=NAMESPACE, MetricData=[_datum(value) | {"MetricName": "SyncSucceeded"}]
        )
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=10)}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": "SyncSucceeded",
        "Dimensions": [{"Name": "component", "Value": "jupyterhub"}],
    }
    cloudwatch = cloud.client("cloudwatch")
    points = cloudwatch.get_metric_statistics(
        **metric, **window, Period=3600, Statistics=["Minimum", "Maximum", "SampleCount"]
    )["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == 2
    assert min(point["Minimum"] for point in points) == 0
    assert max(point["Maximum"] for point in points) == 1
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    assert sum(result["Values"]) == 1

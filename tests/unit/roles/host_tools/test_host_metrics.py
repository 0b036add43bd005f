"""What node-exporter and CloudWatch are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from host_tools.metrics import Metrics, Sample

VALUES = {"ProbeSucceeded": 1, "LargestHomeBytes": 2.5}
TEXT = """\
# TYPE jupyterhub_probe_succeeded gauge
jupyterhub_probe_succeeded 1
# TYPE jupyterhub_largest_home_bytes gauge
jupyterhub_largest_home_bytes 2.5
"""


@pytest.fixture
def cloudwatch(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> Stubber:
    client, stubber = stubbed("cloudwatch")
    monkeypatch.setattr(boto3, "client", lambda _, region_name: client if region_name else None)
    return stubber


def told(folder: Path) -> str:
    """Return what node-exporter reads of the only group."""
    (file,) = folder.iterdir()
    assert file.name == "jupyterhub_probe.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    return file.read_text()


def test_both_are_told(cloudwatch: Stubber, tmp_path: Path) -> None:
    dimensions = [{"Name": "component", "Value": "jupyterhub"}]
    cloudwatch.add_response(
        "put_metric_data",
        {},
        {
            "Namespace": "artificien/prod",
            "MetricData": [
                {"MetricName": "ProbeSucceeded", "Dimensions": dimensions, "Value": 1},
                {"MetricName": "LargestHomeBytes", "Dimensions": dimensions, "Value": 2.5},
            ],
        },
    )
    Metrics("jupyterhub", str(tmp_path), "artificien/prod", "us-east-1").publish("probe", VALUES)
    assert told(tmp_path) == TEXT


def test_node_exporter_is_told_although_cloudwatch_refuses(
    cloudwatch: Stubber, tmp_path: Path
) -> None:
    cloudwatch.add_client_error("put_metric_data", "AccessDenied")
    metrics = Metrics("jupyterhub", str(tmp_path), "artificien/prod", "us-east-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        metrics.publish("probe", VALUES)
    assert told(tmp_path) == TEXT


def test_without_a_namespace_only_node_exporter_is_told(tmp_path: Path) -> None:
    Metrics("jupyterhub", str(tmp_path), "", "").publish("probe", VALUES)
    assert told(tmp_path) == TEXT


def test_without_a_folder_only_cloudwatch_is_told(
    cloudwatch: Stubber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cloudwatch.add_response("put_metric_data", {})
    Metrics("jupyterhub", "", "artificien/prod", "us-east-1").publish("probe", VALUES)
    assert list(tmp_path.iterdir()) == []


def test_samples_of_a_metric_stand_together(tmp_path: Path) -> None:
    Metrics("jupyterhub", str(tmp_path), "", "").write(
        "probe",
        [
            Sample("home_bytes", 1, {"user": "ada"}),
            Sample("homes", 2),
            Sample("home_bytes", 3, {"user": 'o"b\\c\nd'}),
        ],
    )
    assert told(tmp_path).splitlines() == [
        "# TYPE jupyterhub_home_bytes gauge",
        'jupyterhub_home_bytes{user="ada"} 1',
        'jupyterhub_home_bytes{user="o\\"b\\\\c\\nd"} 3',
        "# TYPE jupyterhub_homes gauge",
        "jupyterhub_homes 2",
    ]


def test_a_group_is_replaced_as_a_whole(tmp_path: Path) -> None:
    metrics = Metrics("jupyterhub", str(tmp_path), "", "")
    metrics.publish("probe", VALUES)
    with (tmp_path / "jupyterhub_probe.prom").open() as being_read:
        metrics.publish("probe", {"ProbeSucceeded": 0})
        assert being_read.read() == TEXT
    assert told(tmp_path).splitlines()[-1] == "jupyterhub_probe_succeeded 0"
    assert "largest_home_bytes" not in told(tmp_path)

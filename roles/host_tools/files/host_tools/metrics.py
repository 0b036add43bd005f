"""Metrics of a component, for node-exporter and for CloudWatch."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3


@dataclass(frozen=True)
class Sample:
    """A value for node-exporter.

    Attributes:
        name: Name of the metric without the component's, such as ``home_bytes``.
        value: The value.
        labels: What tells it from other values of the metric.
    """

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metrics:
    """Where the metrics of a component go.

    Attributes:
        component: The component; names of node-exporter begin with it.
        folder: Where node-exporter looks for files; empty for none.
        namespace: The namespace in CloudWatch; empty for none.
        region: Its AWS region.
    """

    component: str
    folder: str
    namespace: str
    region: str

    def publish(self, group: str, values: Mapping[str, float]) -> None:
        """Tell both what is known of a group.

        Args:
            group: The name of what is always told together, such as ``backup``.
            values: By their names in CloudWatch, such as ``BackupSucceeded``. node-exporter has
                that one as ``<component>_backup_succeeded``.

        Raises:
            BotoCoreError, ClientError: CloudWatch was not told.
        """
        self.write(group, [Sample(_snake_case(name), value) for name, value in values.items()])
        if self.namespace:
            boto3.client("cloudwatch", region_name=self.region).put_metric_data(
                Namespace=self.namespace,
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": "component", "Value": self.component}],
                        "Value": value,
                    }
                    for name, value in values.items()
                ],
            )

    def write(self, group: str, samples: Iterable[Sample]) -> None:
        """Tell node-exporter alone; what it was told of the group before is forgotten."""
        if not self.folder:
            return
        lines: dict[str, list[str]] = {}
        for sample in samples:
            name = f"{self.component}_{sample.name}"
            labels = ",".join(f'{key}="{_escaped(text)}"' for key, text in sample.labels.items())
            lines.setdefault(name, [f"# TYPE {name} gauge"]).append(
                f"{name}{{{labels}}} {sample.value}" if labels else f"{name} {sample.value}"
            )
        new = Path(self.folder, f".{self.component}_{group}.new")
        new.write_text("".join(f"{line}\n" for metric in lines.values() for line in metric))
        new.chmod(0o644)
        os.replace(new, Path(self.folder, f"{self.component}_{group}.prom"))  # noqa: PTH105


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

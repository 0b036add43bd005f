"""``jupyterhub-report``: tell how a unit of systemd ended, which calls this after its command.

So a command that was killed, or took too long, is told as one that failed, too.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from host_tools.metrics import Metrics

from .config import section


def metrics() -> Metrics:
    """Where the metrics of this host go."""
    return Metrics(component="jupyterhub", **section("report"))


def values(group: str, environment: Mapping[str, str]) -> dict[str, float]:
    """What there is to tell.

    Args:
        group: What the unit does, such as ``backup``, for the metric ``BackupSucceeded``.
        environment: That of a command that systemd runs after a unit's own.
    """
    name = "".join(word.capitalize() for word in group.split("_"))
    told = {f"{name}Succeeded": float(environment["SERVICE_RESULT"] == "success")}
    folder = environment.get("RUNTIME_DIRECTORY")
    measured = Path(folder, "values.json") if folder else None
    if measured and measured.exists():
        told |= json.loads(measured.read_text())
    return told


def main() -> None:
    """Tell node-exporter and CloudWatch how a unit ended."""
    parser = argparse.ArgumentParser(prog="jupyterhub-report", description=main.__doc__)
    parser.add_argument("group", help="what the unit does")
    group = parser.parse_args().group
    try:
        metrics().publish(group, values(group, os.environ))
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"jupyterhub-report: {error}")


if __name__ == "__main__":
    main()

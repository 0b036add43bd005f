"""The platform that `make up` has deployed, for what is measured on it."""

from __future__ import annotations

import argparse
from pathlib import Path

from local_cloud.settings import DEFAULT_PORT
from tests.cloud import ROOT, Cloud
from tests.deployment import Platform


def platform_of_arguments(description: str | None) -> Platform:
    """Return the platform that the command line names; that of `make up` if it names none."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="of the deployment")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the local cloud")
    parser.add_argument("--subnet", default="10.213.47.0/24", help="of its hosts")
    given = parser.parse_args()
    return Platform(Cloud(given.port, subnet=given.subnet), given.build)

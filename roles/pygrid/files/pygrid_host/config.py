"""What the commands know about their host."""

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """The settings of a host.

    Attributes:
        region: The AWS region of the secrets and backups.
        secrets: Names in Secrets Manager by the files that the node reads.
        secrets_dir: Where these files belong.
        release: The folder of the installed node.
        database_url: The database's on this host; empty where a secret holds another's.
        bucket: The bucket of the backups.
        prefix: What the names of all backups begin with.
        metrics_dir: Where node-exporter looks for metrics; empty for none.
        ready_urls: Where each worker says whether it is ready.
    """

    region: str
    secrets: dict[str, str]
    secrets_dir: str
    release: str
    database_url: str
    bucket: str
    prefix: str
    metrics_dir: str
    ready_urls: list[str]


def load() -> Config:
    """The settings of this host."""
    return Config(**json.loads(Path(os.environ["PYGRID_HOST_CONFIG"]).read_text()))

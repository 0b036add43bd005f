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
        release: The folder of the installed node.
        database_url: The database's on this host; empty where a secret holds another's.
        database_url_secret: Name of that secret.
        bucket: The bucket of the backups.
        prefix: What the names of all backups begin with.
        metrics_dir: Where node-exporter looks for metrics; empty for none.
        ready_urls: Where each worker says whether it is ready.
    """

    region: str
    release: str
    database_url: str
    database_url_secret: str
    bucket: str
    prefix: str
    metrics_dir: str
    ready_urls: list[str]


def load() -> Config:
    """The settings of this host."""
    return Config(**json.loads(Path(os.environ["PYGRID_HOST_CONFIG"]).read_text()))

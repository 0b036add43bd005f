"""``pygrid-backup``: the database into the bucket of the backups."""

import logging
import sys
import time
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from host_tools.backups import BackupError, Backups, Manifest
from host_tools.metrics import Metrics

from .config import Config, load
from .database import DatabaseError, server_of

# Blobs hardly shrink; a higher level costs the node processor time for nothing.
_DUMP = ["pg_dump", "--format=custom", "--compress=1", "--lock-wait-timeout=60s"]
_log = logging.getLogger(__name__)


def backups_of(config: Config) -> Backups:
    """The backups of a host."""
    client = boto3.client("s3", region_name=config.region)
    return Backups(client, config.bucket, config.prefix, "dump")


def back_up(config: Config) -> Manifest:
    """Make a backup.

    Raises:
        BackupError: The dump failed, or did not arrive as a whole.
    """
    server = server_of(config)
    command = server.command(_DUMP, server.database, administrator=False)
    return backups_of(config).make(command, Path(config.release).resolve().name)


def main() -> None:
    """Make a backup and tell node-exporter."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = load()
    try:
        manifest = back_up(config)
    except (BackupError, Boto3Error, BotoCoreError, ClientError, DatabaseError, OSError) as error:
        sys.exit(f"pygrid-backup: {error}")
    Metrics("pygrid", config.metrics_dir, namespace="", region="").publish(
        "backup",
        {
            "BackupLastSuccessTimestampSeconds": int(time.time()),
            "BackupLastSizeBytes": manifest.size,
        },
    )
    _log.info("Backup %s: %s bytes in %s.", manifest.name, manifest.size, config.bucket)


if __name__ == "__main__":
    main()

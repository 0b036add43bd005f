"""``pygrid-backup``: the database into the bucket of the backups.

A backup is a dump and, written after it, a manifest: what has no manifest is no backup.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from .config import Config, load
from .database import DatabaseError, Server, server_of

# Blobs hardly shrink; a higher level costs the node processor time for nothing.
_DUMP = ["pg_dump", "--format=custom", "--compress=1", "--lock-wait-timeout=60s"]
# Parts of this size make room for 300 GB; two of them are in memory at a time.
_TRANSFER = TransferConfig(multipart_chunksize=32 * 1024 * 1024, max_concurrency=2)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """What a complete backup is known by.

    Attributes:
        name: The backup's name, its time.
        size: Bytes of its dump.
        sha256: Their SHA-256.
        release: The release of the node that wrote the database.
    """

    name: str
    size: int
    sha256: str
    release: str


class BackupError(Exception):
    """A backup that did not come about, or is not what it should be."""


class Dump:
    """The output of ``pg_dump`` as a file, which breaks off if it failed."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._output: IO[bytes] = process.stdout  # type: ignore[assignment]
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            BackupError: There are no more, but the dump is not complete.
        """
        data = self._output.read(size)
        self._hash.update(data)
        self.size += len(data)
        if not data and self._process.wait() != 0:
            raise BackupError("pg_dump failed; the lines above say why.")
        return data


def back_up(config: Config, server: Server, client: Any) -> Manifest:
    """Make a backup.

    Raises:
        BackupError: The dump failed, or did not arrive as a whole.
    """
    name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    command = server.command(_DUMP, server.database, administrator=False)
    with subprocess.Popen(**command, stdout=subprocess.PIPE) as process:
        dump = Dump(process)
        try:
            client.upload_fileobj(dump, config.bucket, dump_key(config, name), Config=_TRANSFER)
        finally:
            process.kill()
    stored = client.head_object(Bucket=config.bucket, Key=dump_key(config, name))["ContentLength"]
    if stored != dump.size:
        raise BackupError(f"{stored} of {dump.size} bytes are in the bucket.")
    release = Path(config.release).resolve().name
    manifest = Manifest(name, dump.size, dump.sha256, release)
    client.put_object(
        Bucket=config.bucket,
        Key=f"{config.prefix}/{name}.json",
        Body=json.dumps(asdict(manifest)).encode(),
        ContentType="application/json",
    )
    return manifest


def dump_key(config: Config, name: str) -> str:
    """Where the dump of a backup lies."""
    return f"{config.prefix}/{name}.dump"


def main() -> None:
    """Make a backup and tell node-exporter."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = load()
    try:
        manifest = back_up(config, server_of(config), boto3.client("s3", region_name=config.region))
    except (BackupError, Boto3Error, BotoCoreError, ClientError, DatabaseError, OSError) as error:
        sys.exit(f"pygrid-backup: {error}")
    if config.metrics_dir:
        _tell(Path(config.metrics_dir), manifest)
    _log.info("Backup %s: %s bytes in %s.", manifest.name, manifest.size, config.bucket)


def _tell(folder: Path, manifest: Manifest) -> None:
    lines = (
        "# HELP pygrid_backup_last_success_timestamp_seconds When the last backup was complete.",
        "# TYPE pygrid_backup_last_success_timestamp_seconds gauge",
        f"pygrid_backup_last_success_timestamp_seconds {int(time.time())}",
        "# HELP pygrid_backup_last_size_bytes Size of the last backup.",
        "# TYPE pygrid_backup_last_size_bytes gauge",
        f"pygrid_backup_last_size_bytes {manifest.size}",
    )
    new = folder / ".pygrid_backup.new"
    new.write_text("\n".join(lines) + "\n")
    new.chmod(0o644)
    os.replace(new, folder / "pygrid_backup.prom")  # noqa: PTH105


if __name__ == "__main__":
    main()

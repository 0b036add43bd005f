"""Backups in a bucket.

A backup is what a program wrote and, written after it, a manifest: what has no manifest is no
backup.
"""

import hashlib
import json
import subprocess
import time
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from typing import IO, Any

from boto3.s3.transfer import TransferConfig

# Parts of this size make room for 300 GB; two of them are in memory at a time.
_TRANSFER = TransferConfig(multipart_chunksize=32 * 1024 * 1024, max_concurrency=2)


@dataclass(frozen=True)
class Manifest:
    """What a complete backup is known by.

    Attributes:
        name: The backup's name, its time.
        size: Bytes of its content.
        sha256: Their SHA-256.
        release: The release of what was backed up.
    """

    name: str
    size: int
    sha256: str
    release: str


class BackupError(Exception):
    """A backup that did not come about, is not there, or is not what it should be."""


class Output:
    """The output of a program as a file, which breaks off if the program failed.

    Args:
        process: The program.
        program: Its name.
        accepted_codes: The exit codes with which its output is complete.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", program: str, accepted_codes: Container[int]
    ) -> None:
        self._process = process
        self._program = program
        self._accepted_codes = accepted_codes
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
            BackupError: There are no more, but the output is not complete.
        """
        data = self._output.read(size)
        self._hash.update(data)
        self.size += len(data)
        if not data and self._process.wait() not in self._accepted_codes:
            raise BackupError(f"{self._program} failed; the lines above say why.")
        return data


@dataclass(frozen=True)
class Backups:
    """The backups below a prefix.

    Attributes:
        client: Of S3.
        bucket: Name of the bucket.
        prefix: The folder of the backups in it.
        suffix: What the names of their contents end with, such as ``dump``.
    """

    client: Any
    bucket: str
    prefix: str
    suffix: str

    def make(
        self, command: Mapping[str, Any], release: str, accepted_codes: Container[int] = (0,)
    ) -> Manifest:
        """Make a backup of what a program writes.

        Args:
            command: The arguments of ``subprocess`` that start the program.
            release: The release of what is backed up.
            accepted_codes: The exit codes with which the program's output is complete.

        Raises:
            BackupError: The program failed, or its output did not arrive as a whole.
        """
        name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        with subprocess.Popen(  # nosec B603 # no shell, and what is run is the caller's own
            **command, stdout=subprocess.PIPE
        ) as process:
            output = Output(process, command["args"][0], accepted_codes)
            try:
                self.client.upload_fileobj(output, self.bucket, self._key(name), Config=_TRANSFER)
            finally:
                process.kill()
        stored = self.client.head_object(Bucket=self.bucket, Key=self._key(name))["ContentLength"]
        if stored != output.size:
            raise BackupError(f"{stored} of {output.size} bytes are in the bucket.")
        manifest = Manifest(name, output.size, output.sha256, release)
        self.client.put_object(
            Bucket=self.bucket,
            Key=f"{self.prefix}/{name}.json",
            Body=json.dumps(asdict(manifest)).encode(),
            ContentType="application/json",
        )
        return manifest

    def names(self) -> list[str]:
        """The names of the complete backups, the newest last."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/"
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(Path(key).stem for key in keys if key.endswith(".json"))

    def find(self, name: str) -> Manifest:
        """The manifest of a backup.

        Args:
            name: The backup's name, or ``latest``.

        Raises:
            BackupError: There is no such backup.
        """
        names = self.names()
        if not names:
            raise BackupError(f"There is no backup in {self.bucket}/{self.prefix}.")
        wanted = names[-1] if name == "latest" else name
        if wanted not in names:
            newest = ", ".join(names[-5:])
            raise BackupError(f"There is no backup {name}; the newest are {newest}.")
        key = f"{self.prefix}/{wanted}.json"
        content = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return Manifest(**json.loads(content))

    def download(self, manifest: Manifest, file: BufferedRandom) -> None:
        """Get the content of a backup into a file, ready to be read.

        Raises:
            BackupError: It is not what was once uploaded.
        """
        self.client.download_fileobj(self.bucket, self._key(manifest.name), file)
        file.flush()
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != manifest.sha256:
            raise BackupError(
                f"The content of {manifest.name} has the checksum {found}, not {manifest.sha256}: "
                f"it is damaged. Restore another backup; --list shows all."
            )
        file.seek(0)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}.{self.suffix}"

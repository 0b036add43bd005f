"""``jupyterhub-backup``: what people and the hub have stored, into the bucket of the backups.

A backup is a compressed tar: the accounts, the hub's database, and the homes.
"""

import fcntl
import json
import logging
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from host_tools.backups import BackupError, Backups, Manifest

from .accounts import account_of
from .config import section
from .homes import people

ACCOUNTS = "accounts.json"
DATABASE = "jupyterhub.sqlite"
# A path of more bytes can be made, step by step, but nothing could unpack it.
_LONGEST_PATH = 3900
# tar's status when a file changed, or went, while it was being read.
_CHANGED = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """What is backed up, and restored.

    Attributes:
        region: The AWS region of the bucket.
        bucket: The bucket of the backups.
        prefix: What the names of all backups begin with.
        release: The folder of the installed hub.
        state_dir: Where the hub's database lies.
        homes_dir: Where people's homes are.
        group: The group of their accounts.
        probe_user: A user of the hub who is nobody.
        excludes: Patterns of what is left out of a home.
        units: What uses all that, stopped in this order.
        health_url: Where the hub says that it works.
        health_seconds: How long it may take to do so.
    """

    region: str
    bucket: str
    prefix: str
    release: str
    state_dir: str
    homes_dir: str
    group: str
    probe_user: str
    excludes: list[str]
    units: list[str]
    health_url: str
    health_seconds: int


@dataclass(frozen=True)
class Account:
    """The account of a person.

    Attributes:
        name: Its name, and that of its home.
        uid: Its number.
    """

    name: str
    uid: int


def backups(config: Config) -> Backups:
    """The backups of this host's kind."""
    client = boto3.client("s3", region_name=config.region)
    return Backups(client, config.bucket, config.prefix, "tar.gz")


def accounts(config: Config) -> list[Account]:
    """The accounts of people who have a home."""
    probe = account_of(config.probe_user)
    return [
        Account(account.pw_name, account.pw_uid)
        for account in people(config.group)
        if account.pw_name != probe and Path(config.homes_dir, account.pw_name).is_dir()
    ]


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that is in use, as it is at one moment.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=60)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)


def command(config: Config, folder: Path, names: list[str]) -> dict[str, Any]:
    """What writes a backup.

    Args:
        config: The host's.
        folder: Where the list of the accounts and the copy of the database lie.
        names: Of the accounts.
    """
    options = [
        "--create",
        "--file=-",
        "--use-compress-program=gzip --fast",
        # Times to the fraction of a second, and of changes only.
        "--format=posix",
        "--pax-option=delete=atime,delete=ctime",
        "--numeric-owner",
        "--one-file-system",
        "--sparse",
        "--anchored",
        "--wildcards-match-slash",
        f"--exclude={'?' * _LONGEST_PATH}?*",
        "--no-wildcards-match-slash",
    ]
    excludes = [f"--exclude=*/{pattern}" for pattern in config.excludes]
    content = [f"--directory={folder}", ACCOUNTS, DATABASE, f"--directory={config.homes_dir}"]
    # So that it counts bytes.
    environment = {**os.environ, "LC_ALL": "C"}
    return {"args": ["tar", *options, *excludes, *content, *names], "env": environment}


def back_up(config: Config, to: Backups) -> Manifest:
    """Make a backup.

    Raises:
        BackupError: It did not come about.
        sqlite3.Error: The database cannot be read.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = accounts(config)
        (folder / ACCOUNTS).write_text(json.dumps([asdict(account) for account in found]))
        copy_database(Path(config.state_dir, DATABASE), folder / DATABASE)
        names = [account.name for account in found]
        release = Path(config.release).resolve().name
        return to.make(command(config, folder, names), release, accepted_codes={0, _CHANGED})


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Wait until no other backup or restore goes on, and have others wait."""
    with Path(config.state_dir, "backups.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Make a backup."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = Config(**section("backup"))
    try:
        with alone(config):
            manifest = back_up(config, backups(config))
    except (
        BackupError,
        Boto3Error,
        BotoCoreError,
        ClientError,
        OSError,
        sqlite3.Error,
    ) as error:
        sys.exit(f"jupyterhub-backup: {error}")
    _log.info("Backup %s: %s bytes in %s.", manifest.name, manifest.size, config.bucket)


if __name__ == "__main__":
    main()

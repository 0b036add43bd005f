"""``jupyterhub-homes``: tell how much the homes of people take."""

import grp
import logging
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from host_tools.metrics import Metrics, Sample

from .config import section
from .report import metrics

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """Whose homes are measured.

    Attributes:
        folder: Where they are.
        group: The group of the accounts.
        seconds: How long a single home may take.
    """

    folder: str
    group: str
    seconds: int


class MeasureError(Exception):
    """A home that could not be measured."""


def people(group: str) -> list[pwd.struct_passwd]:
    """The accounts of a group, by name."""
    found = grp.getgrnam(group)
    accounts = [
        account
        for account in pwd.getpwall()
        if account.pw_gid == found.gr_gid or account.pw_name in found.gr_mem
    ]
    return sorted(accounts, key=lambda account: account.pw_name)


def size(home: Path, seconds: float) -> int:
    """The bytes that a home takes on its disk; links are not followed, nor other disks counted.

    Raises:
        MeasureError: It takes too long, or cannot be read at all.
    """
    command = ["du", "--summarize", "--block-size=1", "--one-file-system", "--", str(home)]
    try:
        done = subprocess.run(  # noqa: S603 - it is du
            command, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MeasureError(f"{home} takes longer than {seconds} seconds.") from error
    # What is deleted while it is being measured is an error to du, but no reason not to tell.
    total = done.stdout.partition("\t")[0]
    if not total:
        raise MeasureError(done.stderr.strip())
    return int(total)


def tell(config: Config, names: list[str], to: Metrics) -> list[str]:
    """Measure the homes and tell.

    Args:
        config: The host's.
        names: Of the accounts.
        to: Where the metrics go.

    Returns:
        What is wrong with those that could not be measured.

    Raises:
        BotoCoreError, ClientError: CloudWatch was not told.
    """
    sizes, problems = {}, []
    for name in names:
        home = Path(config.folder, name)
        # An account may come before its home.
        if not home.is_dir():
            continue
        try:
            sizes[name] = size(home, config.seconds)
        except MeasureError as error:
            problems.append(str(error))
    to.write("homes", [Sample("home_bytes", size, {"user": name}) for name, size in sizes.items()])
    to.publish("largest_home", {"LargestHomeBytes": max(sizes.values(), default=0)})
    return problems


def main() -> None:
    """Measure the homes of people."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    config = Config(**section("homes"))
    names = [account.pw_name for account in people(config.group)]
    try:
        problems = tell(config, names, metrics())
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"jupyterhub-homes: {error}")
    for problem in problems:
        _log.warning("Not measured: %s", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

"""Run podman as root, with the settings that this machine needs."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from local_cloud.errors import LocalCloudError
from local_cloud.hosts import machine
from local_cloud.settings import Settings

PACKAGES = "podman runc conmon netavark iptables mmdebstrap debian-archive-keyring openssh-client"


PROGRAMS = ("podman", "mmdebstrap", "ssh-keygen", "iptables")


def _absent_programs() -> list[str]:
    # Root's programs are not on everybody's PATH.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [program for program in PROGRAMS if not shutil.which(program, path=path)]


def is_installed() -> bool:
    """Tell whether this machine has podman, and what is needed beside it."""
    return not _absent_programs()


def check_installed() -> None:
    """Refuse a machine without podman.

    Raises:
        LocalCloudError: it has to be installed.
    """
    if absent := _absent_programs():
        raise LocalCloudError(
            f"Hosts need {', '.join(absent)}: run `make up`, or as root "
            f"`apt-get install {PACKAGES}`."
        )


def configure(settings: Settings) -> None:
    """Write the settings of podman that this machine needs."""
    settings.containers_conf.write_text(machine.containers_conf())


def command(settings: Settings, arguments: Sequence[str]) -> list[str]:
    """Return a command of podman's as root runs it."""
    chosen = []
    if settings.containers_conf.exists() and settings.containers_conf.stat().st_size:
        chosen = ["env", f"CONTAINERS_CONF={settings.containers_conf}"]
    return machine.as_root([*chosen, "podman", *arguments])


def run(settings: Settings, *arguments: str) -> str:
    """Run a command of podman's and return what it printed.

    Raises:
        LocalCloudError: it failed; the message holds what it said.
    """
    done = subprocess.run(  # noqa: S603 - the arguments are ours
        command(settings, arguments), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise LocalCloudError(f"`podman {' '.join(arguments[:3])}` failed: {said}")
    return done.stdout.strip()


def listed(settings: Settings, *arguments: str) -> list[Any]:
    """Return what a command of podman's lists."""
    found: list[Any] = json.loads(run(settings, *arguments, "--format", "json") or "[]") or []
    return found

"""Make what hosts need, take it away again, and tell of hosts that ended with a restart."""

import contextlib
import ipaddress
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

from local_cloud.errors import LocalCloudError
from local_cloud.hosts import image, keys, network, podman, service
from local_cloud.settings import REPOSITORY, Settings

REGION = "us-east-1"

Step = tuple[str, Callable[[Settings], bool], Callable[[Settings], None]]

STEPS: tuple[Step, ...] = (
    ("the SSH key of hosts", keys.exist, keys.provide),
    ("the image of hosts", image.exists, image.provide),
    ("the network of hosts", network.exists, network.provide),
    ("podman's API", service.runs, service.provide),
)


def missing(settings: Settings) -> list[str]:
    """Return what is missing; changes nothing.

    Raises:
        LocalCloudError: the subnet is somebody else's.
    """
    if not podman.is_installed():
        return [what for what, _, _ in STEPS]
    return [what for what, exists, _ in STEPS if not exists(settings)]


def provide(settings: Settings) -> list[str]:
    """Make what is missing, and return a note of each thing that was made.

    Raises:
        LocalCloudError: this machine cannot have hosts; the message says why.
    """
    podman.check_installed()
    podman.configure(settings)
    settings.hosts_file.write_text(json.dumps({"subnet": str(settings.hosts_subnet)}) + "\n")
    made = []
    for what, exists, make in STEPS:
        if not exists(settings):
            make(settings)
            made.append(f"made {what}")
    return made


def register(settings: Settings) -> bool:
    """Register the image with the running emulator; tells whether it was not.

    Hosts that ended with the emulator's predecessor are added to the file of lost hosts.

    Raises:
        LocalCloudError: the emulator refused.
    """
    done = subprocess.run(  # noqa: S603 - the arguments are ours
        [
            *(settings.python, "-B", "-m", "local_cloud.hosts.registration"),
            *(settings.endpoint_url, REGION, image.name(settings)),
        ],
        cwd=REPOSITORY,
        env=settings.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalCloudError(f"The image of hosts was not registered: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    if answer["lost"]:
        lost = sorted({*lost_hosts(settings), *answer["lost"]})
        settings.lost_hosts_file.write_text(json.dumps(lost) + "\n")
    return bool(answer["registered"])


def lost_hosts(settings: Settings) -> list[str]:
    """Return the names of hosts that ended with a restart, and nobody was told of yet."""
    with contextlib.suppress(FileNotFoundError):
        found: list[str] = json.loads(settings.lost_hosts_file.read_text())
        return found
    return []


def remove(settings: Settings) -> list[str]:
    """Take away what was made, apart from the image, and return a note of it."""
    try:
        subnet = json.loads(settings.hosts_file.read_text())["subnet"]
    except FileNotFoundError:
        return []
    made_with = replace(settings, subnet=ipaddress.IPv4Network(subnet))
    service.remove(made_with)
    network.remove(made_with)
    settings.hosts_file.unlink()
    return ["removed the hosts and their network"]

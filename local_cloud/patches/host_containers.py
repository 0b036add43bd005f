"""Instances as hosts: containers that boot systemd, with an address that stays theirs."""

import ipaddress
import itertools
import os
import threading
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved


def patch(ec2: ModuleType) -> None:
    """Start the containers of instances so that systemd is their first process.

    Podman knows systemd by itself and gives it what it needs, unless the container has an init of
    podman's, as the emulator asks for. Every host gets an address of its own from the lower half
    of the subnet, so that it keeps it when it is rebooted.

    Args:
        ec2: the emulator's module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    known(ec2, "_parse_ec2_docker_flags", ["flags"])
    known(ec2, "_vm_launch", ["inst", "image_ref"])
    instances: Any = getattr(ec2, "_instances", None)
    if not hasattr(instances, "all_values"):
        raise moved(f"{ec2.__name__}._instances")
    subnet = os.environ.get("LOCAL_CLOUD_SUBNET")
    if not subnet:
        return
    addresses = _Addresses(ipaddress.IPv4Network(subnet), instances)

    def arguments(flags: str) -> dict[str, Any]:  # noqa: ARG001 - theirs
        address = addresses.free()
        return {
            "init": False,
            "hostname": f"ip-{address.replace('.', '-')}",
            # In the container's own network: a firewall of its own, and elastic addresses.
            "cap_add": ["NET_ADMIN"],
            "networking_config": {
                os.environ["DOCKER_NETWORK"]: {"IPAMConfig": {"IPv4Address": address}}
            },
            "volumes": [
                f"{os.environ['LOCAL_CLOUD_AUTHORIZED_KEYS']}:/etc/ssh/authorized_keys.admin:ro"
            ],
        }

    ec2._parse_ec2_docker_flags = arguments  # type: ignore[attr-defined]


class _Addresses:
    """The addresses of hosts, given out in turn so that launches at the same time differ."""

    def __init__(self, subnet: ipaddress.IPv4Network, instances: Any) -> None:
        lower = next(subnet.subnets())
        # The first two are the gateway's and that of the container that keeps it.
        self._turn = itertools.cycle([str(each) for each in lower][3:])
        self._size = lower.num_addresses
        self._instances = instances
        self._lock = threading.Lock()

    def free(self) -> str:
        """Return the next address that no instance has."""
        taken = {
            instance["PrivateIpAddress"]
            for instance in self._instances.all_values()
            if instance["State"]["Name"] != "terminated"
        }
        with self._lock:
            for address in itertools.islice(self._turn, self._size):
                if address not in taken:
                    return address
        raise RuntimeError("all addresses of the local cloud's subnet are taken")

"""What this machine is like, as far as containers care."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from local_cloud.errors import LocalCloudError

CGROUP_V2_FILE = Path("/sys/fs/cgroup/cgroup.controllers")
STATUS_FILE = Path("/proc/self/status")
OWN_CERTIFICATES = Path("/usr/local/share/ca-certificates")
DEBIAN_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

_CAP_SYS_RESOURCE = 24


def as_root(command: Sequence[str]) -> list[str]:
    """Return the command as root runs it, by sudo if this is somebody else.

    Raises:
        LocalCloudError: this is not root, and there is no sudo.
    """
    if os.geteuid() == 0:
        return [*command]
    if not shutil.which("sudo"):
        raise LocalCloudError("Hosts are containers that root runs: install sudo, or be root.")
    # Without a terminal nobody could answer a password prompt.
    return ["sudo", *([] if sys.stdin.isatty() else ["--non-interactive"]), "--", *command]


def containers_conf() -> str:
    """Return the settings of podman that this machine needs; empty if its defaults serve."""
    containers, engine = [], []
    # The bounding set: not even root has more.
    (bounding,) = (
        line for line in STATUS_FILE.read_text().splitlines() if line.startswith("CapBnd:")
    )
    if not int(bounding.split()[1], 16) >> _CAP_SYS_RESOURCE & 1:
        containers.append("default_ulimits = []")
    if not CGROUP_V2_FILE.exists():
        # The other runtime, crun, starts no systemd under the first version of cgroups.
        engine.append('runtime = "runc"')
    return "".join(
        f"[{table}]\n" + "\n".join(lines) + "\n"
        for table, lines in (("containers", containers), ("engine", engine))
        if lines
    )


def certificates() -> dict[str, bytes]:
    """Return the certificates of authorities that only this machine trusts, by file name."""
    found = {
        "-".join(path.relative_to(OWN_CERTIFICATES).parts): path.read_bytes()
        for path in sorted(OWN_CERTIFICATES.rglob("*.crt"))
    }
    chosen = Path(os.environ.get("SSL_CERT_FILE") or DEBIAN_CERTIFICATES)
    if chosen.exists() and chosen.resolve() != DEBIAN_CERTIFICATES.resolve():
        found["ssl-cert-file.crt"] = chosen.read_bytes()
    return found


def overlapping_interface(subnet: IPv4Network) -> str | None:
    """Return the name of an interface of this machine with an address in or around the subnet."""
    shown = subprocess.run(  # nosec B603 # no shell, no outside text
        ["ip", "-json", "-4", "address", "show"],  # noqa: S607 - of this machine's PATH
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    for interface in json.loads(shown):
        for address in interface.get("addr_info", []):
            network = IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
            if network.overlaps(subnet):
                return str(interface["ifname"])
    return None

"""An emulated AWS account of a test's own."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from local_cloud.hosts import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CREDENTIALS = ROOT / "inventories/local/aws_credentials.cfg"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cloud:
    """Where an emulated AWS account answers."""

    port: int
    region: str = "us-east-1"
    subnet: str = ""
    """Where its instances have hosts; without it they are records."""

    @property
    def host(self) -> str:
        """Return the address of every service."""
        return str(ipaddress.IPv4Network(self.subnet)[1]) if self.subnet else "127.0.0.1"

    @property
    def endpoint_url(self) -> str:
        """Return the URL of every service."""
        return f"http://{self.host}:{self.port}"

    @property
    def amplify_url(self) -> str:
        """Return the URL of the fake Amplify."""
        return f"http://{self.host}:{self.port + 1}"

    @property
    def inventory_environment(self) -> dict[str, str]:
        """Return the variables that point the local inventory at this account."""
        return {
            "LOCAL_CLOUD_HOST": self.host,
            "LOCAL_CLOUD_PORT": str(self.port),
            "LOCAL_CLOUD_SUBNET": self.subnet,
        }

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS client at this account."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_AMPLIFY": self.amplify_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_SHARED_CREDENTIALS_FILE": str(CREDENTIALS),
            "AWS_PROFILE": "default",
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }

    def client(self, service: Any) -> Any:
        """Return a boto3 client of a service in this account."""
        url = self.amplify_url if service == "amplify" else self.endpoint_url
        return self._session().client(service, endpoint_url=url)

    def resource(self, service: Any) -> Any:
        """Return a boto3 resource of a service in this account."""
        return self._session().resource(service, endpoint_url=self.endpoint_url)

    def _session(self) -> boto3.Session:
        return boto3.Session(
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's own root user
        )


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody has; nor has anybody the next one."""
    while True:
        with socket.socket() as probe, socket.socket() as next_probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            with suppress(OSError, OverflowError):
                next_probe.bind(("127.0.0.1", port + 1))
                return port


def free_subnet() -> str:
    """Return a subnet that no interface of this machine is in."""
    subnets = list(ipaddress.IPv4Network("10.213.128.0/17").subnets(new_prefix=24))
    # Tests that run at the same time do not look for theirs in the same place.
    start = os.getpid() % len(subnets)
    candidates = subnets[start:] + subnets[:start]
    return str(next(each for each in candidates if not machine.overlapping_interface(each)))


@contextmanager
def emulator(folder: Path, *, hosts: bool = False, record: bool = False) -> Iterator[Cloud]:
    """Run an emulator that keeps its state in `folder`; both are gone afterwards.

    With `record` it writes what policies decide to `build/local/decisions.jsonl` there.
    """
    cloud = Cloud(free_port(), subnet=free_subnet() if hosts else "")
    # Where the local inventory looks for the key of hosts, with `folder / "build"` to build in.
    options = ["--port", str(cloud.port), "--state-dir", str(folder / "build/local")]
    command = [sys.executable, "-m", "local_cloud"]
    more = ["--subnet", cloud.subnet, *(["--record"] if record else [])]
    subprocess.run([*command, "up", *options, *more], cwd=ROOT, check=True)
    try:
        yield cloud
    finally:
        subprocess.run([*command, "down", *options], cwd=ROOT, check=True)

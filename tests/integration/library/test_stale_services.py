"""`stale_services` on a host of the local cloud, where systemd is real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import BIN, ROOT, emulator
from tests.plans import TOLD_AS_JSON, report_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not shutil.which("podman"), reason="`make up` installs podman, where it can"
)

SSH = (
    *("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"),
    *("-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=2"),
)
SERVICE = """
[Service]
ExecStart=/bin/sh -c 'cat /etc/shop/till.conf >/run/shop-till; exec sleep infinity'
ExecReload=/bin/cp /etc/shop/prices.conf /run/shop-prices
"""
PREPARE = f"""
set -eu
mkdir -p /etc/shop
for name in till prices; do echo old >/etc/shop/$name.conf; done
cat >/etc/systemd/system/shop.service <<'END'
{SERVICE}
END
systemctl daemon-reload
systemctl start shop
"""
OPTIONS: dict[str, Any] = {
    "services": [
        {
            "name": "shop",
            "files": ["/etc/systemd/system/shop.service", "/etc/shop/till.conf"],
            "action": "restarted",
        },
        {"name": "shop", "files": ["/etc/shop/p*.conf", "/etc/shop/no"], "action": "reloaded"},
        {"name": "no-such-unit", "files": ["/etc/shop/till.conf"], "action": "restarted"},
    ],
    "manager_files": ["/etc/systemd/system.conf.d/*.conf"],
}


@dataclass(frozen=True)
class Host:
    """A host, reached as an operator reaches it."""

    address: str
    key: Path
    folder: Path

    @property
    def login(self) -> list[str]:
        """The command that a command on the host is added to."""
        return ["ssh", "-i", str(self.key), *SSH, f"admin@{self.address}"]

    def run(self, script: str) -> str:
        """Return what a script prints that root runs."""
        done = subprocess.run(
            [*self.login, "sudo bash -s"], input=script, capture_output=True, text=True, check=True
        )
        return str(done.stdout).strip()

    def module(self, *, check: bool = False) -> dict[str, Any]:
        """Run the module with `OPTIONS` and return its result."""
        playbook = self.folder / "play.yml"
        task = {"name": "Run the module under test", "stale_services": OPTIONS}
        play = {"name": "Module under test", "hosts": "all", "gather_facts": False, "become": True}
        playbook.write_text(json.dumps([play | {"tasks": [task]}]))
        settings = {
            "ANSIBLE_REMOTE_USER": "admin",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.key),
            "ANSIBLE_SSH_COMMON_ARGS": " ".join(SSH),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
        }
        done = subprocess.run(
            [
                *(BIN / "ansible-playbook", "-i", f"{self.address},", "--diff", playbook),
                *(["--check"] if check else []),
            ],
            cwd=ROOT,
            env=os.environ | TOLD_AS_JSON | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        report = report_of(done.stdout)
        (result,) = report["plays"][0]["tasks"][0]["hosts"].values()
        return dict(result)

    def four_runs(self) -> list[dict[str, Any]]:
        """Check, apply, check and apply again; return what was done."""
        checked = self.module(check=True)
        done = self.module()
        assert checked["changed"] is done["changed"] is True
        assert checked["diff"] == done["diff"]
        assert self.module(check=True)["changed"] is False
        assert self.module()["changed"] is False
        services: list[dict[str, Any]] = done["services"]
        return services

    @property
    def process(self) -> str:
        """The process of the service."""
        return self.run("systemctl show --property=MainPID --value shop")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host with a service."""
    folder = tmp_path_factory.mktemp("host")
    with emulator(folder, hosts=True) as cloud:
        ec2 = cloud.client("ec2")
        (image,) = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-12-local"]}])[
            "Images"
        ]
        launched = ec2.run_instances(
            ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1
        )
        host = Host(
            launched["Instances"][0]["PrivateIpAddress"],
            folder / "build/local/ssh/id_ed25519",
            folder,
        )
        wait_for(lambda: subprocess.run([*host.login, "true"], check=False).returncode == 0)
        host.run(PREPARE)
        yield host


def test_only_what_changed_since_it_was_read_is_read_again(host: Host) -> None:
    assert host.module()["changed"] is False

    begun = host.process
    host.run("echo new >/etc/shop/till.conf")
    (done,) = host.four_runs()
    assert done == {"name": "shop", "action": "restarted", "files": ["/etc/shop/till.conf"]}
    assert host.process != begun
    assert host.run("cat /run/shop-till") == "new"

    begun = host.process
    host.run("echo new >/etc/shop/prices.conf")
    (done,) = host.four_runs()
    assert done == {"name": "shop", "action": "reloaded", "files": ["/etc/shop/prices.conf"]}
    assert host.process == begun
    assert host.run("cat /run/shop-prices") == "new"


def test_systemd_reads_what_it_is_to_run(host: Host) -> None:
    begun = host.process
    host.run(
        "mkdir -p /etc/systemd/system/shop.service.d /etc/systemd/system.conf.d\n"
        "printf '[Service]\\nEnvironment=OWN=1\\n' >/etc/systemd/system/shop.service.d/own.conf\n"
        "printf '[Manager]\\nDefaultEnvironment=ALL=1\\n' >/etc/systemd/system.conf.d/all.conf"
    )
    assert [each["name"] for each in host.four_runs()] == ["systemd", "shop"]
    assert host.process != begun
    environment = host.run(f"tr '\\0' '\\n' </proc/{host.process}/environ").splitlines()
    assert {"OWN=1", "ALL=1"} <= set(environment)


def test_what_does_not_run_is_left_to_whoever_starts_it(host: Host) -> None:
    host.run("systemctl stop shop; echo newer >/etc/shop/till.conf")
    assert host.module()["changed"] is False
    assert host.run("systemctl is-active shop || true") == "inactive"

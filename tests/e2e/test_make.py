"""`make up` and `make down` as somebody new types them, in a checkout without any prior step."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import ROOT, free_port, free_subnet

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Checkout:
    """A copy of the files that git tracks, and nothing else; its local cloud is one of its own."""

    folder: Path
    port: int
    subnet: str

    def run(self, *command: str) -> str:
        """Run a command in the checkout as in a fresh shell, and return what it printed."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
            and not name.startswith(("ANSIBLE_", "AWS_"))
        }
        environment["LOCAL_CLOUD_PORT"] = str(self.port)
        environment["LOCAL_CLOUD_SUBNET"] = self.subnet
        environment["PATH"] = os.pathsep.join(
            entry for entry in os.environ["PATH"].split(os.pathsep) if str(ROOT) not in entry
        )
        # A home of its own, but with the caches of downloads and the interpreters of this one.
        environment["HOME"] = str(self.home)
        environment.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
        environment.setdefault("PYENV_ROOT", str(Path.home() / ".pyenv"))
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def home(self) -> Path:
        """Return the home folder of the person who works in the checkout."""
        return self.folder.with_name("home")

    @property
    def outputs(self) -> dict[str, Any]:
        """Return what the last run wrote to the outputs file."""
        outputs: dict[str, Any] = json.loads((self.folder / "build/local/outputs.json").read_text())
        return outputs

    def files(self) -> set[str]:
        """Return all files and folders outside of build/."""
        everything = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        return {path for path in everything if not path.startswith("build")}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Return a checkout whose local cloud is stopped afterwards."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folder = tmp_path / "checkout"
    for name in listed.stdout.split("\0")[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    copy = Checkout(folder, free_port(), free_subnet())
    copy.home.mkdir()
    yield copy
    copy.run("make", "down")


# Two hosts are made twice.
@pytest.mark.timeout(2700)
def test_up_and_down(checkout: Checkout) -> None:
    before = checkout.files()

    first = checkout.run("make", "up")
    assert "The platform is up" in first
    (command,) = re.findall(r"build/venv/bin/python examples/\S+ \S+", first)
    assert "500 rows" in checkout.run(*command.split())

    again = checkout.run("make", "up")
    assert set(re.findall(r"changed=(\d+)", again)) == {"0"}

    (name, *_) = re.findall(r"user names: (\w+)", checkout.run("make", "demo-password"))
    checkout.run("make", "disable-user", f"NAME={name}")
    checkout.run("make", "rotate-secret", "CLIENT=native")
    checkout.run("make", "retire-secret", "CLIENT=native")
    assert "0 had no row" in checkout.run("make", "users")

    # The state of AWS outlives a restart; hosts are made anew, with the same addresses.
    checkout.run("make", "backup")
    address = checkout.outputs["pygrid"]["address"]
    checkout.run("python3", "-B", "-m", "local_cloud", "stop", f"--port={checkout.port}")
    rebuilt = checkout.run("make", "up")
    assert "make restore ENV=local" in rebuilt
    checkout.run("make", "restore", "ENV=local")
    assert checkout.outputs["pygrid"]["address"] == address
    restarted = [*command.split()[:-1], "Registered-After-A-Restart"]
    assert "500 rows" in checkout.run(*restarted)

    checkout.run("make", "destroy", "CONFIRM=local", "DELETE_DATA=true")
    assert set(checkout.outputs) == {"aws"}
    assert len(containers_of(checkout)) == 1  # which keeps the network

    checkout.run("make", "down")
    assert not (checkout.folder / "build/local").exists()
    assert processes_of(checkout.folder) == []
    assert containers_of(checkout) == []
    assert checkout.files() == before
    # pip asks for the version of rustc, whose launcher, where there is one, makes its folder;
    # Ansible keeps the sockets of its connections where their paths are short enough.
    assert {path.name for path in checkout.home.iterdir()} <= {".ansible", ".cache", ".rustup"}


def containers_of(checkout: Checkout) -> list[str]:
    """Return the names of the containers on the network of a checkout's local cloud."""
    gateway = str(ipaddress.IPv4Network(checkout.subnet)[0]).replace(".", "-")
    listed = subprocess.run(
        ["podman", "ps", "--all", "--format", "{{.Names}} {{.Networks}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in listed.stdout.splitlines() if gateway in line]


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that were started from `folder`."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]

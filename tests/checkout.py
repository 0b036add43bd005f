"""A checkout of the project in which somebody new types commands, with a local cloud of its own."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.cloud import ROOT, Cloud, free_port, free_subnet


def files_of(folder: Path) -> set[str]:
    """Return the paths of everything in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def command_to_try(printed: str) -> list[str]:
    """Return the command that `make up` has printed for people to try."""
    (command,) = re.findall(r"build/venv/bin/python examples/\S+ \S+", printed)
    return str(command).split()


@dataclass(frozen=True)
class Checkout:
    """A copy of the files that git tracks, and nothing else."""

    folder: Path
    cloud: Cloud
    original: frozenset[str]
    """What it has been from the beginning."""

    @classmethod
    def made_in(cls, parent: Path) -> Self:
        """Copy the files to a folder below `parent`, beside the home of who works there."""
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        folder = parent / "checkout"
        for name in listed.stdout.split("\0")[:-1]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        cloud = Cloud(free_port(), subnet=free_subnet())
        checkout = cls(folder, cloud, frozenset(files_of(folder)))
        checkout.home.mkdir()
        return checkout

    @property
    def home(self) -> Path:
        """Return the home folder of the person."""
        return self.folder.with_name("home")

    def run(self, *command: str) -> str:
        """Run a command as in a fresh shell, and return what it printed."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
            and not name.startswith(("ANSIBLE_", "AWS_"))
        }
        environment["LOCAL_CLOUD_PORT"] = str(self.cloud.port)
        environment["LOCAL_CLOUD_SUBNET"] = self.cloud.subnet
        environment["LOCAL_CLOUD_RECORD"] = "true"
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

    def files(self) -> set[str]:
        """Return all files and folders outside of build/."""
        return {path for path in files_of(self.folder) if not path.startswith("build")}

    def containers(self) -> list[str]:
        """Return the names of the containers on the network of the local cloud."""
        network = str(ipaddress.IPv4Network(self.cloud.subnet)[0]).replace(".", "-")
        listed = subprocess.run(
            ["podman", "ps", "--all", "--format", "{{.Names}} {{.Networks}}"],
            capture_output=True,
            text=True,
            check=True,
        )
        return [line for line in listed.stdout.splitlines() if network in line]

    def processes(self) -> list[str]:
        """Return the command lines of the processes that were started from the checkout."""
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if str(self.folder) in line]

"""A platform that site.yml deploys to an emulator, for tests and benchmarks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cloud import BIN, ROOT, Cloud

if TYPE_CHECKING:
    from pathlib import Path


COMPONENTS = [
    "network",
    "dynamodb",
    "storage",
    "alerts",
    "cognito",
    "data_upload",
    "seed_data",
    "model_retrieval",
    "pygrid",
    "jupyterhub",
    "amplify",
    "post_deploy",
]

SOAK = os.environ.get("SOAK") == "true"
"""Whether what takes hours is tested too, as `make soak` does."""


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook said."""

    returncode: int
    text: str

    @property
    def changed(self) -> int:
        """Return the number of changed tasks, from the recap."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.text))


@dataclass(frozen=True)
class Platform:
    """A deployment to an emulator."""

    cloud: Cloud
    folder: Path

    @classmethod
    def prepared(cls, cloud: Cloud, folder: Path) -> Platform:
        """Return a platform in an account that has the role under which it is deployed."""
        platform = cls(cloud, folder)
        platform.play("playbooks/deployer.yml")
        return platform

    @property
    def outputs(self) -> dict[str, Any]:
        """Return what the deployment wrote to its outputs file."""
        outputs: dict[str, Any] = json.loads((self.folder / "local/outputs.json").read_text())
        return outputs

    @property
    def variables(self) -> list[str]:
        """Return the arguments that point a playbook at this platform."""
        return ["-e", f"build_dir={self.folder}"]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a playbook on this platform, as of a person's shell."""
        configuration = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        return os.environ | configuration | self.cloud.inventory_environment

    def play(self, *arguments: str, inventory: str = "local", fails: bool = False) -> Run:
        """Run ansible-playbook against this platform, like a person with an active venv."""
        done = subprocess.run(
            [
                BIN / "ansible-playbook",
                "-i",
                f"inventories/{inventory}",
                *self.variables,
                *arguments,
            ],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return Run(done.returncode, done.stdout)

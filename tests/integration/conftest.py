"""Fixtures of the integration tests: a real emulator, and modules run by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cloud:
    """An emulated AWS account."""

    endpoint_url: str
    region: str = "us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS client at this account."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_SHARED_CREDENTIALS_FILE": str(ROOT / "inventories/local/aws_credentials.ini"),
            "AWS_PROFILE": "default",
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }

    def client(self, service: Any) -> Any:
        """Return a boto3 client of a service in this account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's own root user
        )


@dataclass
class ModuleRunner:
    """Runs a module by `ansible-playbook` as a role would."""

    cloud: Cloud
    folder: Path
    runs: int = field(default=0)

    def __call__(
        self, module: str, *, check: bool = False, fails: bool = False, **options: Any
    ) -> dict[str, Any]:
        """Run `module` with `options` and return its result; `fails` expects it to fail."""
        self.runs += 1
        task = {"name": "Run the module under test", module: options}
        play = {
            "name": "Module under test",
            "hosts": "localhost",
            "gather_facts": False,
            "environment": self.cloud.environment,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [task],
        }
        playbook = self.folder / f"play-{self.runs}.yml"
        playbook.write_text(json.dumps([play]))
        command = [str(Path(sys.executable).parent / "ansible-playbook")]
        command += ["-i", "localhost,", "-c", "local", "--diff", str(playbook)]
        if check:
            command.append("--check")
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (2 if fails else 0), done.stdout + done.stderr
        report = json.loads(done.stdout[done.stdout.index("{") :])
        result: dict[str, Any] = report["plays"][0]["tasks"][0]["hosts"]["localhost"]
        return result

    def four_runs(self, module: str, **options: Any) -> dict[str, Any]:
        """Check, apply, check and apply again; return the result of the first real run."""
        assert self(module, check=True, **options)["changed"] is True
        first = self(module, **options)
        assert first["changed"] is True
        assert self(module, check=True, **options)["changed"] is False
        assert self(module, **options)["changed"] is False
        return first

    def gone_twice(self, module: str, **options: Any) -> None:
        """Delete, and delete what is already gone."""
        assert self(module, state="absent", check=True, **options)["changed"] is True
        assert self(module, state="absent", **options)["changed"] is True
        assert self(module, state="absent", **options)["changed"] is False


@pytest.fixture
def run_module(cloud: Cloud, tmp_path: Path) -> Callable[..., Any]:
    """Return a runner of modules against the emulator."""
    return ModuleRunner(cloud, tmp_path)


@pytest.fixture(scope="session")
def cloud() -> Cloud:
    """Return the emulated account."""
    return Cloud(os.environ["AWS_ENDPOINT_URL"])

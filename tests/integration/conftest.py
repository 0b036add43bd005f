"""Fixtures of the integration tests: a real emulator, and modules run by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import BIN, ROOT, Cloud, emulator
from tests.plans import TOLD_AS_JSON, report_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
        command: list[str | Path] = [BIN / "ansible-playbook", "-i", "localhost,", "-c", "local"]
        command += ["--diff", playbook]
        if check:
            command.append("--check")
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ
            | TOLD_AS_JSON
            | {
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                # For one task an interpreter that stays is not worth its start. And so the modules
                # are seen to work under Ansible's own strategy.
                "ANSIBLE_STRATEGY": "linear",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (2 if fails else 0), done.stdout + done.stderr
        report = report_of(done.stdout)
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
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return an emulated account that all tests of one process share."""
    with emulator(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud

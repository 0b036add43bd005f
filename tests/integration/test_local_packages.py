"""Debian packages that hosts need, on a machine that lacks them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.cloud import BIN, ROOT, free_port, free_subnet

if TYPE_CHECKING:
    from pathlib import Path


def test_packages_are_installed_however_modules_are_run(tmp_path: Path) -> None:
    values = {"__local_cloud_packages": ["bash", "hello"], "local_cloud_state_dir": str(tmp_path)}
    done = subprocess.run(
        [
            *(BIN / "ansible-playbook", "-i", ROOT / "inventories/local/hosts.yml"),
            *("playbooks/local_cloud.yml", "--tags", "local_cloud", "--check", "--diff"),
            *("-e", json.dumps(values)),
        ],
        cwd=ROOT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        | {"LOCAL_CLOUD_PORT": str(free_port()), "LOCAL_CLOUD_SUBNET": free_subnet()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"NEW packages will be installed:\s+hello\s", done.stdout), done.stdout
    assert re.search(r"changed=2 .*failed=0", done.stdout), done.stdout

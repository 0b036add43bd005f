"""Hosts of a platform, as an operator reaches them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.deployment import Platform


def on_host(platform: Platform, component: str, script: str) -> str:
    """Return what a script prints that root runs on the host of a component."""
    done = subprocess.run(
        [
            "ssh",
            *("-i", platform.folder / "local/ssh/id_ed25519"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"),
            *("-o", "LogLevel=ERROR", "-o", "BatchMode=yes"),
            f"admin@{platform.outputs[component]['address']}",
            "sudo bash -s",
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

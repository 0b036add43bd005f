"""The strategy that `ansible.cfg` sets: modules share an interpreter, on any processor."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from tests.cloud import BIN, ROOT
from tests.plans import TOLD_AS_JSON, report_of

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import os

import botocore.session
from ansible.module_utils.artificien import aws
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

module = AnsibleAWSModule(argument_spec={}, supports_check_mode=True)
aws.client(module, "sts")
loader = botocore.session.get_session().get_component("data_loader")
loader.modules = getattr(loader, "modules", 0) + 1
module.exit_json(
    changed=False,
    pid=os.getpid(),
    processors=len(os.sched_getaffinity(0)),
    modules=loader.modules,
)
"""


def test_modules_share_an_interpreter_and_what_botocore_has_read(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text(MODULE)
    tasks = [{"told": {}}, {"told": {}}, {"told": {}, "vars": {"mitogen_task_isolation": "fork"}}]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    settings = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(tmp_path),
        "AWS_REGION": "us-east-1",
    }
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", "inventories/local/hosts.yml", tmp_path / "play.yml"],
        cwd=ROOT,
        env=os.environ | TOLD_AS_JSON | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (played,) = report_of(done.stdout)["plays"]
    told = [task["hosts"]["localhost"] for task in played["tasks"]]
    first, second, alone = told
    assert first["pid"] == second["pid"] != alone["pid"]
    assert [each["modules"] for each in told] == [1, 2, 1]
    assert {each["processors"] for each in told} == {len(os.sched_getaffinity(0))}

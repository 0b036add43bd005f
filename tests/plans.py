"""Plans and runs of a deployment, task by task, and whether a plan said what the run did."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.calls import Call

TOLD_AS_JSON = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
"""The environment in which ansible-playbook tells what `tasks_of` reads."""

# What a plan puts in the place of ids and addresses that are yet to be given.
TO_COME = re.compile("unknown|(?:address-)?to-come")
# These write files of this machine, or restart what runs on hosts.
NOT_OF_AWS = {"demo_data", "ssm_parameters_file", "stale_services"}
OURS = {path.stem for path in Path(__file__).parent.parent.glob("library/*.py")} - NOT_OF_AWS

# What a module shows beside what it changes; another task may have changed that by then.
BESIDE = {"amazon.aws.iam_instance_profile": "roles"}


@dataclass(frozen=True)
class Task:
    """What a task did on a host, or in a plan would do."""

    component: str
    name: str
    occurrence: int
    """How many tasks of this name came before in the same play."""
    host: str
    module: str
    changed: bool
    diff: Any
    start: float
    end: float

    @property
    def key(self) -> tuple[str, str, int, str]:
        """Return what is the same in a plan and in a run."""
        return self.component, self.name, self.occurrence, self.host

    @property
    def calls_aws(self) -> bool:
        """Whether it cannot change anything but by a call."""
        return self.module in OURS or self.module.startswith(("amazon.aws.", "community.aws."))

    def made(self, call: Call) -> bool:
        """Whether a call was made while it ran."""
        return self.start <= call.time <= self.end

    def __str__(self) -> str:
        """Return how messages name it."""
        return f"{self.name} ({self.module}, {self.component} on {self.host})"


def report_of(output: str) -> dict[str, Any]:
    """Return the report among what ansible-playbook printed, by the callback `json`."""
    # Warnings may come before and after.
    begin = re.search(r"^\{$", output, re.MULTILINE)
    assert begin, output
    report: dict[str, Any] = json.JSONDecoder().raw_decode(output, begin.start())[0]
    return report


def tasks_of(output: str) -> list[Task]:
    """Return the tasks that were not skipped, from what the callback `json` printed."""
    found = []
    for play in report_of(output)["plays"]:
        component = Path(play["play"]["path"].rpartition(":")[0]).stem
        seen: Counter[tuple[str, str]] = Counter()
        for each in play["tasks"]:
            task, duration = each["task"], each["task"]["duration"]
            for host, result in each["hosts"].items():
                occurrence = seen[task["name"], host]
                seen[task["name"], host] += 1
                if not result.get("skipped"):
                    found.append(
                        Task(
                            component,
                            task["name"],
                            occurrence,
                            host,
                            result["action"],
                            result.get("changed", False),
                            _diff(result),
                            datetime.fromisoformat(duration["start"]).timestamp(),
                            datetime.fromisoformat(duration["end"]).timestamp(),
                        )
                    )
    return found


def _diff(result: dict[str, Any]) -> list[Any]:
    # The headers name temporary files.
    results = result.get("results", [result])
    diffs = [each.get("diff") or [] for each in results if isinstance(each, dict)]
    beside = BESIDE.get(result["action"])
    return [
        {
            key: {name: each for name, each in value.items() if name != beside}
            if isinstance(value, dict)
            else value
            for key, value in part.items()
            if not key.endswith("_header")
        }
        for diff in diffs
        for part in (diff if isinstance(diff, list) else [diff])
    ]


def agree(planned: Any, done: Any) -> bool:
    """Whether a plan's value is that of the run, but for what was yet to come."""
    if isinstance(planned, dict) and isinstance(done, dict):
        if planned.keys() == done.keys():
            return all(agree(planned[key], done[key]) for key in planned)
        return agree(sorted(planned.items(), key=str), sorted(done.items(), key=str))
    if isinstance(planned, list | tuple) and isinstance(done, list | tuple):
        return len(planned) == len(done) and all(map(agree, planned, done))
    if isinstance(planned, str) and isinstance(done, str):
        pattern = ".+".join(map(re.escape, TO_COME.split(planned)))
        return re.fullmatch(pattern, done, re.DOTALL) is not None
    return bool(planned == done)


def contradictions(plan: list[Task], run: list[Task], writes: Iterable[Call]) -> list[str]:
    """Return in what a run was not what its plan had said, and in what it did not say it itself."""
    planned = {task.key: task for task in plan if task.changed}
    found = []
    left = list(writes)
    for task in run:
        made = [call for call in left if task.made(call)]
        left = [call for call in left if call not in made]
        before = planned.pop(task.key, None)
        told = sorted({call.action for call in made})
        if before is None and (task.changed or made):
            found.append(f"{task} was not planned: changed={task.changed}, calls {told}")
        if before is not None and not task.changed:
            found.append(f"{task} was planned, and changed nothing")
        if before is not None and not agree(before.diff, task.diff):
            found.append(f"{task} was planned as {before.diff}, and did {task.diff}")
        if task.changed and task.calls_aws and not made:
            found.append(f"{task} says that it changed something, and made no call")
    found += [f"{task} was planned, and did not run" for task in planned.values()]
    found += [f"{call.action} on {call.resource} belongs to no task" for call in left]
    return found

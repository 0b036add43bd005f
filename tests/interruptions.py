"""Runs of ansible-playbook that are killed somewhere, with all that they started."""

from __future__ import annotations

import itertools
import math
import os
import re
import select
import signal
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.calls import Calls
from tests.cloud import BIN, ROOT
from tests.state import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.deployment import Platform

MARK = "INTERRUPTED_RUN"
ALL = 1000

Step = tuple[str, ...]
"""The arguments of ansible-playbook."""
Sample = tuple[int, int]
"""The number of a task, and after how many of its calls that write the run is killed."""


def marked(mark: str) -> list[int]:
    """Return the processes that were started by the run with a mark, however indirectly."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0"):
            found.append(int(folder.name))
    return found


def kill_all(mark: str) -> None:
    """Kill the processes of a run, until none is left that could start another one."""
    while processes := marked(mark):
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


def read_until(output: IO[bytes], task: int) -> str:
    """Return the name of the task with a number as soon as it begins."""
    begun = (match for line in output if (match := re.match(rb"TASK \[(.*)\]", line)))
    found = next(itertools.islice(begun, task - 1, None), None)
    assert found, f"there is no task {task}"
    return found[1].decode()


def kill(platform: Platform, task: int, writes: int, *arguments: str) -> str:
    """Run ansible-playbook and kill it within a task; return the name of the task.

    Killed is the command with all that it started, after the task has made a number of calls that
    write, or when it has made all of its calls. What runs on a host makes none, and is killed as
    soon as the task tells what it did.
    """
    calls = Calls(platform.folder / "local/decisions.jsonl")
    mark = f"{platform.cloud.port}-{task}"
    with subprocess.Popen(
        [BIN / "ansible-playbook", "-i", "inventories/local", *platform.variables, *arguments],
        cwd=ROOT,
        env=platform.environment | {MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,  # so that what select() waits for is what was not read yet
        start_new_session=True,
    ) as run:
        assert run.stdout
        name = read_until(run.stdout, task)
        begin = calls.position
        while not select.select([run.stdout], [], [], 0.002)[0]:
            if len(calls.writes(begin)) >= writes:
                break
        os.killpg(run.pid, signal.SIGKILL)
        # Workers of Ansible have sessions of their own, and their modules outlive them.
        kill_all(mark)
    assert run.returncode == -signal.SIGKILL
    return name


def tasks_in(text: str) -> dict[int, str]:
    """Return what each task said, with its name, in what ansible-playbook printed."""
    return dict(enumerate(re.split(r"^TASK \[", text, flags=re.MULTILINE)[1:], 1))


def changing(tasks: dict[int, str]) -> list[int]:
    """Return the numbers of the tasks that changed something."""
    return [number for number, said in tasks.items() if "\nchanged: " in said]


def kill_and_run_again(
    platform: Platform,
    steps: Sequence[Step],
    sampled: Sequence[Sequence[Sample]],
    reached: Sequence[dict[str, Any]],
    state: Callable[[Platform], dict[str, Any]],
) -> None:
    """Kill each step, at two tasks of its own, and demand that running it again makes up for it.

    All steps are made in turn until there are no samples left; a step with fewer samples than
    another begins anew with its first one. `reached` holds the states after steps that run whole.
    """
    rounds = math.ceil(max(len(each) for each in sampled) / 2)
    twos = [itertools.batched(itertools.cycle(each), 2, strict=False) for each in sampled]
    for _ in range(rounds):
        for step, two, expected in zip(steps, twos, reached, strict=True):
            killed = [
                kill(platform, task, writes, *step) for task, writes in dict.fromkeys(next(two))
            ]
            platform.play(*step)
            differing = differences(expected, state(platform))
            assert not differing, "\n".join([f"{step[0]} was killed within {killed}", *differing])

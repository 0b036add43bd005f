"""Deployments, updates and removals that are killed somewhere, and simply run again."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import re
import select
import signal
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.calls import Calls
from tests.cloud import BIN, ROOT, emulator
from tests.deployment import SOAK, Platform
from tests.state import state_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "INTERRUPTED_RUN"
WITHOUT_HOSTS = ("--skip-tags", "pygrid,jupyterhub,post_deploy")
CHANGES = {
    "network_flow_log_traffic": "REJECT",
    "storage_noncurrent_days": 60,
    "data_upload_memory_mib": 512,
    "data_upload_batch_size": 5,
    "model_retrieval_rate_limit": 40,
    "model_retrieval_queue_concurrency": 3,
    "model_retrieval_log_retention_days": 60,
}
STEPS: tuple[tuple[str, ...], ...] = (
    ("site.yml", *WITHOUT_HOSTS),
    (
        *("site.yml", "--tags", "network,storage,data_upload,model_retrieval"),
        *("-e", json.dumps(CHANGES)),
    ),
    ("destroy.yml", *WITHOUT_HOSTS, "-e", "confirm=local", "-e", "delete_data=true"),
)
"""A deployment, an update and a removal; each begins with what the one before it reached."""
ALL = 1000
LAST_TRACES = ("model_retrieval : Delete the API]",)
"""Tasks that delete what alone told how something else is named; a kill follows each at once."""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Platform]:
    """Return an account to which nothing is deployed, and whose calls are recorded."""
    with emulator(tmp_path, record=True) as cloud:
        yield Platform.prepared(cloud, tmp_path / "build")


def state(platform: Platform) -> dict[str, list[Any]]:
    """Return the state of the account as soon as the stream of the datasets is dealt with."""
    dynamodb = platform.cloud.client("dynamodb")

    def is_settled() -> bool:
        if "dataset_table" not in dynamodb.list_tables()["TableNames"]:
            return True
        datasets = dynamodb.scan(TableName="dataset_table")["Items"]
        return all("sample_status" in dataset for dataset in datasets)

    wait_for(is_settled)
    return state_of(platform.cloud)


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
    write, or when it has made all of its calls.
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


def samples(run: str, chance: random.Random) -> list[tuple[int, int]]:
    """Return the tasks at which what printed `run` is killed, and after how many calls that write.

    The tasks are every fifth one, or one of each half of those that changed something.
    """
    tasks = dict(enumerate(re.split(r"^TASK \[", run, flags=re.MULTILINE)[1:], 1))
    last = [(number, ALL) for number, said in tasks.items() if said.startswith(LAST_TRACES)]
    if SOAK:
        return [(number, chance.randint(1, 4)) for number in list(tasks)[4::5]] + last
    changing = [number for number, said in tasks.items() if "\nchanged: " in said]
    middle = len(changing) // 2
    halves = (chance.choice(half) for half in (changing[:middle], changing[middle:]))
    return [*((number, chance.randint(1, 4)) for number in halves), *last][-2:]


@pytest.mark.timeout(6 * 3600 if SOAK else 2700)
def test_whatever_is_killed_is_made_up_for_by_running_it_again(account: Platform) -> None:
    chance = random.Random(2)  # noqa: S311 - a sample that is the same every time
    blank = state(account)
    sampled, reached = [], []
    for step in STEPS:
        sampled.append(samples(account.play(*step).text, chance))
        reached.append(state(account))
    assert reached[-1] == blank
    assert reached[0] != reached[1]

    # A step with fewer samples than another begins anew with its first one.
    rounds = math.ceil(max(len(each) for each in sampled) / 2)
    twos = [itertools.batched(itertools.cycle(each), 2, strict=False) for each in sampled]
    for _ in range(rounds):
        for step, two, expected in zip(STEPS, twos, reached, strict=True):
            killed = [kill(account, task, writes, *step) for task, writes in next(two)]
            account.play(*step)
            assert state(account) == expected, f"{step[0]} was killed within {killed}"

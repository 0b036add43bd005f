"""Deployments, updates and removals that are killed somewhere, and simply run again."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import emulator
from tests.deployment import SOAK, Platform
from tests.interruptions import ALL, Sample, Step, changing, kill_and_run_again, tasks_in
from tests.state import state_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
STEPS: tuple[Step, ...] = (
    ("site.yml", *WITHOUT_HOSTS),
    (
        *("site.yml", "--tags", "network,storage,data_upload,model_retrieval"),
        *("-e", json.dumps(CHANGES)),
    ),
    ("destroy.yml", *WITHOUT_HOSTS, "-e", "confirm=local", "-e", "delete_data=true"),
)
"""A deployment, an update and a removal; each begins with what the one before it reached."""
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


def samples(run: str, chance: random.Random) -> list[Sample]:
    """Return the tasks at which what printed `run` is killed, and after how many calls that write.

    The tasks are every fifth one, or one of each half of those that changed something.
    """
    tasks = tasks_in(run)
    last = [(number, ALL) for number, said in tasks.items() if said.startswith(LAST_TRACES)]
    if SOAK:
        return [(number, chance.randint(1, 4)) for number in list(tasks)[4::5]] + last
    changed = changing(tasks)
    middle = len(changed) // 2
    halves = (chance.choice(half) for half in (changed[:middle], changed[middle:]))
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

    kill_and_run_again(account, STEPS, sampled, reached, state)

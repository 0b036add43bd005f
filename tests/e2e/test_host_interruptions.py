"""Updates of what runs on hosts, which are killed somewhere, and simply run again."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import ROOT
from tests.deployment import SOAK
from tests.hosts import on_host
from tests.interruptions import ALL, kill_and_run_again, tasks_in

if TYPE_CHECKING:
    from tests.deployment import Platform
    from tests.interruptions import Sample, Step

CHANGES = {
    "common_journal_max_mib": 256,
    "pygrid_log_level": "warning",
    "pygrid_max_body_mib": 64,
    "pygrid_memory_max": "70%",
    "pygrid_backup_schedule": "*-*-* 00/8:00:00",
    "jupyterhub_idle_seconds": 1800,
    "jupyterhub_probe_schedule": "*:0/30",
}
HOSTS = ("pygrid", "jupyterhub") if SOAK else ("pygrid",)
BACK: Step = ("site.yml", "--tags", ",".join(HOSTS))
STEPS: tuple[Step, ...] = ((*BACK, "-e", json.dumps(CHANGES)), BACK)
"""An update, and the way back."""
BEFORE_HANDLERS = ("pygrid : Install the backup service]", "pygrid : Configure the site]")
"""For each step a task after which no file is left that would have the same handlers run again."""


def state(platform: Platform) -> dict[str, Any]:
    """Return what all hosts are like, by host and file or unit."""
    probe = (ROOT / "tests/host_probe.py").read_text()
    return {
        f"{component} {name}": value
        for component in HOSTS
        for name, value in json.loads(
            on_host(platform, component, f"python3 - <<'PROBE'\n{probe}\nPROBE\n")
        ).items()
    }


def samples(text: str, chance: random.Random, named: str) -> list[Sample]:
    """Return at which tasks what printed `text` is killed: every fifth one, or that named so."""
    tasks = tasks_in(text)
    if SOAK:
        return [(number, chance.choice((1, ALL))) for number in list(tasks)[4::5]]
    return [(number, ALL) for number, said in tasks.items() if said.startswith(named)]


@pytest.mark.timeout(6 * 3600 if SOAK else 1800)
def test_whatever_is_killed_is_made_up_for_on_hosts_by_running_it_again(platform: Platform) -> None:
    chance = random.Random(4)  # noqa: S311 - a sample that is the same every time
    sampled, reached = [], []
    for step, named in zip(STEPS, BEFORE_HANDLERS, strict=True):
        sampled.append(samples(platform.play(*step).text, chance, named))
        reached.append(state(platform))
        late = [name for name, value in reached[-1].items() if value is False]
        assert late == [], "not even a run that nobody kills brings everything into effect"
    differing = {name for name in reached[0] if reached[0][name] != reached[1].get(name)}
    assert {
        "pygrid pygrid-worker@5080.service environment",
        "pygrid pygrid.slice MemoryMax",
        "pygrid pygrid-backup.timer TimersCalendar",
        *(["jupyterhub jupyterhub-probe.timer TimersCalendar"] if SOAK else []),
    } <= differing
    kill_and_run_again(platform, STEPS, sampled, reached, state)

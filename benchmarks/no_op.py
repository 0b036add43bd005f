"""Seconds of a run of site.yml in which nothing is to be done, by mitogen and by Ansible alone.

It needs the platform of `make up`, whose hosts it deploys, too.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benchmarks.deployed import platform_of_arguments
from tests.plans import TOLD_AS_JSON, report_of

if TYPE_CHECKING:
    from tests.deployment import Platform

STRATEGIES = ("linear", "mitogen_tuned")
TURNS = 2


def seconds_of_plays(report: dict[str, Any]) -> dict[str, float]:
    """Return the seconds of each play, in order, from what the callback `json` printed."""
    plays = [each["play"] for each in report["plays"] if each["tasks"]]
    begins = [datetime.fromisoformat(play["duration"]["start"]).timestamp() for play in plays]
    ends = [*begins[1:], datetime.fromisoformat(plays[-1]["duration"]["end"]).timestamp()]
    return {play["name"]: end - begin for play, begin, end in zip(plays, begins, ends, strict=True)}


def run(platform: Platform, strategy: str) -> dict[str, float]:
    """Return the seconds of each play and of the whole command, which has to change nothing."""
    os.environ["ANSIBLE_STRATEGY"] = strategy
    begin = time.perf_counter()
    text = platform.play("site.yml").text
    whole = time.perf_counter() - begin
    report = report_of(text)
    if any(host["changed"] for host in report["stats"].values()):
        sys.exit("The platform was not as site.yml has it. Now it is: measure again.")
    return seconds_of_plays(report) | {"all of it": whole}


def main() -> None:
    """Measure in turns, and print medians and ratios."""
    platform = platform_of_arguments(__doc__)
    os.environ.update(TOLD_AS_JSON)
    runs: dict[str, list[dict[str, float]]] = {strategy: [] for strategy in STRATEGIES}
    for turn in range(TURNS):
        for strategy in STRATEGIES:
            runs[strategy].append(run(platform, strategy))
            print(
                f"turn {turn + 1}, {strategy}: {runs[strategy][-1]['all of it']:.0f} s", flush=True
            )
    print(f"{'play':50}{'linear':>8}{'mitogen':>9}{'ratio':>7}")
    for name in runs["linear"][0]:
        linear, mitogen = (
            statistics.median(each[name] for each in runs[strategy]) for strategy in STRATEGIES
        )
        print(f"{name:50}{linear:8.1f}{mitogen:9.1f}{linear / mitogen:7.1f}")


if __name__ == "__main__":
    main()

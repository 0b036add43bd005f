"""Run all measurements, one after the other, on a temporary PostgreSQL with durable commits.

Prints a table and, with ``--json FILE``, writes the figures there. The whole takes some minutes.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from postgres import Cluster, cluster

from . import closing
from .devices import REQUESTS, Load, drive
from .node import LARGE, SMALL, Memory, Node, cpu_seconds, family, running

# PyGrid's own loops per second on two cores that it shared with its devices and PostgreSQL, for
# models of 8 KB and 1 MB (the better end of 6 to 9); see the package's documentation.
ORIGINAL = {SMALL: 14.0, LARGE: 9.0}

DEVICES = (1, 50, 200, 1000)
SECONDS = 5
AGGREGATIONS = (100, 1000)
SIZES = {SMALL: "8 KB", LARGE: "1 MB"}

PARTIES = ("node", "database", "devices")

# As the original works: one request after the other, each reading from the database.
SERIAL = {"database_connections": 1, "cache_bytes": 0}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--only", choices=("loops", "closing"), help="do not measure the other ones"
    )
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    # shared_buffers as PostgreSQL and Debian have it; the rest is the default of the tests.
    with cluster(fsync="on", synchronous_commit="on", shared_buffers="128MB") as server:
        server.create_template()
        if arguments.only != "closing":
            figures["loops"] = list(_loops(server))
        if arguments.only != "loops":
            figures["closing"] = list(_closings(server))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def _loops(server: Cluster) -> Iterator[dict[str, Any]]:
    print(
        "Loops: authenticate, cycle-request, get-model, get-plan, report. Times in milliseconds, "
        "memory of the node\nin MiB, processor time of each party per loop, ratio to the original "
        "(14 loops/s with 8 KB, 9 with 1 MB).\n"
    )
    columns = ("model", "devices", "node", "loops/s", "ratio", "p50", "p95", "memory")
    _row([*columns, "loops", "errors", *REQUESTS, *(f"cpu {name}" for name in PARTIES)])
    for size in SIZES:
        yield _measure(server, size, 50, "serial", SERIAL)
        for devices in DEVICES:
            yield _measure(server, size, devices, "1 process")
        yield _measure(server, size, 50, "2 processes", {"processes": 2})
    print()


def _measure(
    server: Cluster, size: int, devices: int, node_name: str, settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    with (
        server.database() as url,
        running(url, size, **(settings or {})) as node,
        Memory(node) as memory,
    ):
        before = _cpu_seconds(server, node)
        load = uvloop.run(drive(node, devices, seconds=SECONDS))
        after = _cpu_seconds(server, node)
    figures: dict[str, Any] = {
        "model": SIZES[size],
        "devices": devices,
        "node": node_name,
        "loops_per_second": load.rate,
        "ratio_to_original": load.rate / ORIGINAL[size],
        "p50": load.quantile(0.5),
        "p95": load.quantile(0.95),
        "memory_mib": memory.peak,
        "loops": load.loops,
        "errors": load.errors.total(),
    }
    medians = {name: load.quantile(0.5, name) for name in REQUESTS}
    used = {name: (after[name] - before[name]) * 1000 / max(load.loops, 1) for name in before}
    _row([*figures.values(), *medians.values(), *used.values()])
    _print_errors(load)
    return figures | {
        "p50_by_request": medians,
        "cpu_per_loop": used,
        "error_texts": dict(load.errors),
    }


def _cpu_seconds(server: Cluster, node: Node) -> dict[str, float]:
    """Processor time used by each party."""
    postmaster = int((server.directory / "data/postmaster.pid").read_text().split()[0])
    return {
        "node": sum(map(cpu_seconds, family(node.pid))),
        "database": sum(map(cpu_seconds, family(postmaster))),
        "devices": time.process_time(),
    }


def _closings(server: Cluster) -> Iterator[dict[str, Any]]:
    print(
        "Closing a cycle of a 1 MB model: read, average, checkpoint, next cycle, commit; in memory "
        "the average alone.\nTimes in milliseconds, memory in MiB. Stall: the longest answer of "
        "/healthz meanwhile, quiet: in a second before.\n"
    )
    _row(["diffs", "closing", "in memory", "quiet", "stall", "median", "memory", "growth"])
    for diffs in AGGREGATIONS:
        with server.database() as url:
            found = uvloop.run(closing.close(url, diffs))
        alone = closing.average_alone(diffs)
        _row(
            [
                diffs,
                found.milliseconds,
                alone,
                found.quiet,
                found.stall,
                found.median,
                found.memory,
                found.growth,
            ]
        )
        yield asdict(found) | {"in_memory": alone}


def _row(values: Iterable[Any]) -> None:
    cells = (f"{value:.1f}" if isinstance(value, float) else str(value) for value in values)
    print("".join(f"{cell:>15}" for cell in cells), flush=True)


def _print_errors(load: Load) -> None:
    for text, number in load.errors.most_common(3):
        print(f"    {number} times: {text}", flush=True)


if __name__ == "__main__":
    main()

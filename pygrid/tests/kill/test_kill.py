"""Whenever a node dies or loses its database, no diff is lost or counted twice, and it goes on.

The second of two reports fills a cycle. A proxy in front of PostgreSQL stops the node at each of
the requests that follow, a cycle for each: those that store the report, those that close the cycle,
and their commits. There the process is killed, or all of its connections are cut.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from clients.node import (
    PATIENCE,
    Model,
    Node,
    TryLaterError,
    Worker,
    assert_same,
    mean_applied,
    query,
    running,
    wait_until,
)
from kill.gate import Gate, Matches, anything, changing, containing, nth

SUCCESS = {"status": "success"}
VALUES = (1.0, 4.0)
# Nobody listens there: messages to the master stay where they can be counted.
NO_MASTER = "http://127.0.0.1:9/model_progress"

# What storing a report and closing a cycle take at least: all requests, and those that change
# something.
FEWEST_REQUESTS = 15
FEWEST_CHANGES = 10
MOST_POINTS = 100
# As many as a node keeps.
CONNECTIONS = 10

type Stop = Callable[[Model], None]
type Rows = list[tuple[object, ...]]


@dataclass
class Report:
    """A report that is on its way; ``answer`` is ``None`` if the connection broke before it."""

    thread: threading.Thread
    answer: dict[str, object] | None = None


@contextmanager
def reporting(worker: Worker, diff: bytes) -> Iterator[Report]:
    """Send a report in a thread, which is awaited at the end of the context."""

    def send() -> None:
        with suppress(httpx.TransportError, TryLaterError):
            report.answer = worker.report(diff)

    report = Report(threading.Thread(target=send))
    report.thread.start()
    try:
        yield report
    finally:
        report.thread.join()


def is_over(database_url: str, model: Model, report: Report) -> bool:
    """Whether the cycle is closed and its last report answered."""
    closed = query(
        database_url,
        "SELECT completed_cycles FROM processes WHERE name = %s AND completed_cycles > 0",
        model.name,
    )
    return report.answer is not None and bool(closed)


def check_outcome(database_url: str, model: Model, worker: Worker, report: Report) -> None:
    """The first cycle was closed with exactly its two diffs, and the second one works."""
    diffs = [model.diff(value) for value in VALUES]
    if report.answer != SUCCESS:
        # As a device does that knows nothing of what happened: counts unless it did already.
        again = worker.report(diffs[1])
        assert again == SUCCESS or "error" in again
    assert "error" in worker.report(diffs[1])
    found = model.wait_for_checkpoint(2)
    tensors = [[np.full_like(one, value) for one in model.parameters] for value in VALUES]
    expected = mean_applied(model.parameters, tensors)
    assert_same(found, expected)
    assert state(database_url, model) == ([(1, "completed", 2), (2, "open", 0)], [50])
    for value in VALUES:
        assert model.worker().join().report(model.diff(value)) == SUCCESS
    assert_same(model.wait_for_checkpoint(3), mean_applied(expected, tensors))
    assert state(database_url, model) == (
        [(1, "completed", 2), (2, "completed", 2)],
        [50, 100],
    )
    # They go after the cycle has closed, without anybody waiting for that.
    wait_until(lambda: not diffs_left(database_url, model), "diffs are left over")
    assert model.worker().request_cycle() == {"status": "rejected"}


def state(database_url: str, model: Model) -> tuple[Rows, list[int]]:
    """Cycles (sequence, status, reports), and percentages announced to the master."""
    cycles = query(
        database_url,
        "SELECT sequence, status, reported FROM cycles JOIN processes "
        "ON processes.id = process_id WHERE name = %s ORDER BY sequence",
        model.name,
    )
    announced = query(
        database_url,
        "SELECT payload->'percent_complete' FROM outbox "
        "WHERE payload->>'model_id' = %s ORDER BY id",
        model.name,
    )
    return cycles, [percent for (percent,) in announced]


def diffs_left(database_url: str, model: Model) -> int:
    """The number of the model's diffs in the database."""
    [(number,)] = query(
        database_url,
        "SELECT count(*) FROM diffs JOIN cycles ON cycles.id = cycle_id "
        "JOIN processes ON processes.id = process_id WHERE name = %s",
        model.name,
    )
    return int(number)


def wait_for_database(model: Model) -> None:
    """Wait until the node has replaced all its connections."""

    def works() -> bool:
        with suppress(TryLaterError):
            return all(model.checkpoint(1) for _ in range(CONNECTIONS))
        return False

    wait_until(works, "the node does not connect to its database again")


def stop_at_each(
    database_url: str,
    node: Node,
    gate: Gate,
    matches: Matches,
    stop: Stop,
    *,
    fewest: int,
    after: bool,
) -> None:
    """Fill cycles, and stop the node at one request more each time, until they close before.

    Args:
        database_url: The database, not through the gate.
        node: The node, whose database is behind the gate.
        gate: The proxy between them.
        matches: The requests that are counted.
        stop: Stops the node while something is held, and makes it ready again.
        fewest: How many requests a cycle needs at least. One that closes before has been stopped
            at a request of the node's other work.
        after: Whether the answer is held rather than the request.
    """
    for number in range(MOST_POINTS):
        model = Model.host(node, averaging_plan=False, max_diffs=2, num_cycles=2)
        assert model.worker().join().report(model.diff(VALUES[0])) == SUCCESS
        worker = model.worker().join()
        trap = gate.trap(nth(number, matches), after=after)
        with reporting(worker, model.diff(VALUES[1])) as report:
            assert trap.reached.wait(PATIENCE)
            # An answer that does not wait for the database is on its way.
            report.thread.join(0.1)
            over = is_over(database_url, model, report)
            stop(model)
        check_outcome(database_url, model, worker, report)
        if over and number >= fewest:
            return
    raise AssertionError("the cycle never closes")


def test_no_diff_is_lost_or_counted_twice_when_the_process_is_killed(
    database_url: str, gate: Gate, tmp_path: Path
) -> None:
    def kill(_: Model) -> None:
        node.kill()
        gate.cut()
        node.start()

    # What the timer does meanwhile would only blur which request is which.
    settings = {"PROGRESS_URL": NO_MASTER, "TIMER_SECONDS": "3600"}
    with running(gate.url(database_url), tmp_path, **settings) as node:
        # To die before a change is to die after the one before it.
        stop_at_each(database_url, node, gate, changing, kill, fewest=FEWEST_CHANGES, after=True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_no_diff_is_lost_or_counted_twice_when_connections_break(
    database_url: str, gate: Gate, tmp_path: Path, *, after: bool
) -> None:
    def cut(model: Model) -> None:
        gate.cut()
        wait_for_database(model)

    settings = {"PROGRESS_URL": NO_MASTER, "AGGREGATION_RETRY_SECONDS": "0.1"}
    with running(gate.url(database_url), tmp_path, **settings) as node:
        stop_at_each(database_url, node, gate, anything, cut, fewest=FEWEST_REQUESTS, after=after)


def test_another_process_takes_over(database_url: str, gate: Gate, tmp_path: Path) -> None:
    with running(gate.url(database_url), tmp_path, PROGRESS_URL=NO_MASTER) as dying:
        model = Model.host(dying, averaging_plan=False, max_diffs=2, num_cycles=2)
        assert model.worker().join().report(model.diff(VALUES[0])) == SUCCESS
        worker = model.worker().join()
        trap = gate.trap(containing("INSERT INTO checkpoints"))
        with reporting(worker, model.diff(VALUES[1])) as report:
            assert trap.reached.wait(PATIENCE)
        assert report.answer == SUCCESS
        # Started only now, or it might have closed the cycle before the other one began to.
        with running(database_url, tmp_path, PROGRESS_URL=NO_MASTER) as surviving:
            model, worker.node = replace(model, node=surviving), surviving
            # It looks after cycles too, and leaves this one alone while it is worked on.
            assert model.checkpoint(2) is None
            dying.kill()
            gate.cut()
            check_outcome(database_url, model, worker, report)


def test_a_database_that_fails_often_does_not_fail_the_cycle(
    database_url: str, gate: Gate, tmp_path: Path
) -> None:
    settings = {
        "PROGRESS_URL": NO_MASTER,
        "AGGREGATION_ATTEMPTS": "2",
        "AGGREGATION_RETRY_SECONDS": "0.1",
    }
    closing = containing("INSERT INTO checkpoints")
    with running(gate.url(database_url), tmp_path, **settings) as node:
        model = Model.host(node, averaging_plan=False, max_diffs=2, num_cycles=2)
        assert model.worker().join().report(model.diff(VALUES[0])) == SUCCESS
        worker = model.worker().join()
        trap = gate.trap(closing)
        with reporting(worker, model.diff(VALUES[1])) as report:
            for _ in range(4):
                assert trap.reached.wait(PATIENCE)
                gate.cut()
                trap = gate.trap(closing)
        assert trap.reached.wait(PATIENCE)
        gate.release()
        wait_for_database(model)
        check_outcome(database_url, model, worker, report)

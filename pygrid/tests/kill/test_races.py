"""Two server processes on one database, and everybody comes at the same time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clients.node import (
    PATIENCE,
    Model,
    Node,
    assert_same,
    mean_applied,
    query,
    running,
    wait_until,
)
from kill.gate import Gate, containing

SUCCESS = {"status": "success"}

type Nodes = tuple[Node, Node]


@pytest.fixture
def nodes(database_url: str, tmp_path: Path) -> Iterator[Nodes]:
    with running(database_url, tmp_path) as one, running(database_url, tmp_path) as other:
        yield one, other


def at_the_same_time[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of calls that begin together, each in a thread of its own."""
    start = threading.Barrier(len(calls))

    def wait_and(call: Callable[[], Result]) -> Result:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and, calls))


def alike(model: Model, value: float) -> list[np.ndarray]:
    return [np.full_like(parameter, value) for parameter in model.parameters]


@pytest.mark.parametrize("attempt", range(3))
def test_exactly_max_diffs_of_thirty_reports_count(
    database_url: str, nodes: Nodes, attempt: int
) -> None:
    model = Model.host(nodes[0], averaging_plan=attempt == 0, max_diffs=5, num_cycles=2)
    workers = [model.worker(nodes[number % 2]).join() for number in range(30)]
    # Sums of different five of them differ.
    values = [float(2**number) for number in range(20)] + [0.5**number for number in range(1, 11)]

    def call(number: int) -> Callable[[], dict[str, Any]]:
        return lambda: workers[number].report(model.diff(values[number]))

    answers = at_the_same_time([call(number) for number in range(30)])
    counted = [value for value, answer in zip(values, answers, strict=True) if answer == SUCCESS]
    assert len(counted) == 5
    assert all("error" in answer for answer in answers if answer != SUCCESS)
    expected = mean_applied(model.parameters, [alike(model, value) for value in counted])
    for found, wanted in zip(model.wait_for_checkpoint(2), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    for worker, value in zip(workers, values, strict=True):
        assert "error" in worker.report(model.diff(value))
    # None of the others is in the next cycle by mistake.
    assert query(database_url, "SELECT sequence, status, reported FROM cycles ORDER BY id") == [
        (1, "completed", 5),
        (2, "open", 0),
    ]
    wait_until(
        lambda: query(database_url, "SELECT count(*) FROM diffs") == [(0,)], "diffs are left over"
    )


def test_two_of_ten_requests_get_a_place_when_there_are_two(nodes: Nodes) -> None:
    for _ in range(5):
        model = Model.host(nodes[0], max_workers=2)
        workers = [model.worker(nodes[number % 2]) for number in range(10)]
        answers = at_the_same_time([worker.request_cycle for worker in workers])
        accepted = [answer for answer in answers if answer["status"] == "accepted"]
        rejected = [answer for answer in answers if answer["status"] == "rejected"]
        assert (len(accepted), len(rejected)) == (2, 8)
        assert len({answer["request_key"] for answer in accepted}) == 2
        assert all(500 < answer["timeout"] <= 600 for answer in rejected)


def test_a_worker_that_asks_twice_at_once_gets_one_place(database_url: str, nodes: Nodes) -> None:
    model = Model.host(nodes[0], max_workers=5)
    worker = model.worker()
    answers = at_the_same_time([worker.request_cycle] * 8)
    assert sorted(answer["status"] for answer in answers) == ["accepted"] + ["rejected"] * 7
    assert query(database_url, "SELECT accepted, slots FROM cycles") == [(1, 1)]


def test_a_report_sent_twice_at_once_counts_once(database_url: str, nodes: Nodes) -> None:
    model = Model.host(nodes[0], max_diffs=5)
    worker = model.worker().join()
    diff = model.diff(1.0)
    answers = at_the_same_time([lambda: worker.report(diff)] * 8)
    assert sum(answer == SUCCESS for answer in answers) == 1
    assert query(database_url, "SELECT reported FROM cycles") == [(1,)]
    assert query(database_url, "SELECT count(*) FROM diffs") == [(1,)]


def test_models_that_finish_together_all_finish(nodes: Nodes) -> None:
    models = [Model.host(nodes[0], max_diffs=1, num_cycles=1) for _ in range(10)]
    workers = [model.worker(nodes[number % 2]).join() for number, model in enumerate(models)]

    def call(number: int) -> Callable[[], dict[str, Any]]:
        return lambda: workers[number].report(models[number].diff(float(number)))

    assert at_the_same_time([call(number) for number in range(10)]) == [SUCCESS] * 10
    for number, model in enumerate(models):
        expected = mean_applied(model.parameters, [alike(model, float(number))])
        assert_same(model.wait_for_checkpoint(2), expected)


def test_a_model_finishes_while_another_one_takes_long(
    database_url: str, gate: Gate, tmp_path: Path
) -> None:
    with running(gate.url(database_url), tmp_path) as node:
        slow, quick = (Model.host(node, max_diffs=1, num_cycles=1) for _ in range(2))
        workers = [model.worker().join() for model in (slow, quick)]
        trap = gate.trap(containing("INSERT INTO checkpoints"))
        assert workers[0].report(slow.diff(1.0)) == SUCCESS
        assert trap.reached.wait(PATIENCE)
        assert workers[1].report(quick.diff(2.0)) == SUCCESS
        expected = mean_applied(quick.parameters, [alike(quick, 2.0)])
        assert_same(quick.wait_for_checkpoint(2), expected)
        assert slow.checkpoint(2) is None
        gate.release()
        expected = mean_applied(slow.parameters, [alike(slow, 1.0)])
        assert_same(slow.wait_for_checkpoint(2), expected)

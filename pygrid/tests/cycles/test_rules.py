"""The rules of a cycle: cases by hand, and properties under random interleavings."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, Literal

import postgres
import pytest
from cycles import life
from cycles.reference import Reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from artificien_pygrid.cycles import reports
from artificien_pygrid.cycles.closing import close_due
from artificien_pygrid.cycles.config import Rules, parse_server_config
from artificien_pygrid.cycles.rules import (
    Progress,
    Refusal,
    Step,
    is_finished,
    is_full,
    next_step,
    percent_complete,
    refusal,
)
from artificien_pygrid.cycles.workers import Accepted
from artificien_pygrid.errors import NodeError
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database

LENGTH = 60.0
WORKERS = 6


@pytest.mark.parametrize(
    ("rules", "progress", "step"),
    [
        (Rules(max_diffs=2), Progress(2, 2, 1), Step.WAIT),
        (Rules(max_diffs=2), Progress(2, 2, 2), Step.CLOSE),
        (Rules(max_diffs=2, min_workers=5), Progress(2, 2, 2), Step.CLOSE),
        (Rules(cycle_length=9, max_diffs=2), Progress(1, 1, 1, True), Step.CLOSE),
        (Rules(cycle_length=9, max_diffs=2, min_diffs=2), Progress(1, 1, 1, True), Step.EXTEND),
        (Rules(cycle_length=9, min_workers=2), Progress(1, 1, 1, True), Step.EXTEND),
        (Rules(cycle_length=9), Progress(0, 0, 0, True), Step.EXTEND),
        (Rules(cycle_length=9), Progress(1, 1, 1, False), Step.WAIT),
        (Rules(), Progress(1, 1, 0), Step.WAIT),
        (Rules(), Progress(1, 1, 1), Step.CLOSE),
        (Rules(min_diffs=2), Progress(1, 1, 1), Step.WAIT),
    ],
)
def test_next_step(rules: Rules, progress: Progress, step: Step) -> None:
    assert next_step(rules, progress, "extend") is step


def test_only_a_cycle_that_someone_joined_is_abandoned() -> None:
    rules = Rules(cycle_length=9, min_diffs=2)
    assert next_step(rules, Progress(1, 1, 0, True), "abandon") is Step.ABANDON
    assert next_step(rules, Progress(0, 0, 0, True), "abandon") is Step.EXTEND
    assert next_step(rules, Progress(2, 2, 2, True), "abandon") is Step.CLOSE


@pytest.mark.parametrize(
    ("rules", "progress", "last", "ahead", "expected"),
    [
        (Rules(max_workers=2), Progress(1, 1, 0), None, 0, None),
        (Rules(max_workers=2), Progress(2, 2, 0), None, 0, Refusal.FULL),
        (Rules(max_workers=2), Progress(3, 1, 0), None, 0, None),
        (Rules(max_workers=2), Progress(1, 1, 0), None, 5, None),
        (Rules(max_workers=2, takes_turns=True), Progress(0, 0, 0), None, 1, None),
        (Rules(max_workers=2, takes_turns=True), Progress(0, 0, 0), None, 2, Refusal.FULL),
        (Rules(), Progress(), 7, 0, Refusal.TAKES_PART),
        (Rules(), Progress(), 6, 0, None),
        (Rules(reuse_after=3), Progress(), 5, 0, Refusal.TOO_SOON),
        (Rules(reuse_after=3), Progress(), 4, 0, None),
        (Rules(max_diffs=1), Progress(1, 1, 1), None, 0, Refusal.CLOSING),
        (Rules(), Progress(0, 0, 0, True), None, 0, Refusal.CLOSING),
    ],
)
def test_refusal(
    rules: Rules, progress: Progress, last: int | None, ahead: int, expected: Refusal | None
) -> None:
    assert refusal(rules, progress, sequence=7, last_sequence=last, ahead=ahead) is expected


@pytest.mark.parametrize(
    ("completed", "total", "percent"), [(1, 3, 33), (2, 3, 66), (3, 3, 100), (1, 7, 14)]
)
def test_percent_complete(completed: int, total: int, percent: int) -> None:
    assert percent_complete(Rules(num_cycles=total), completed) == percent


def test_training_without_end_is_never_complete() -> None:
    assert percent_complete(Rules(), 5) is None
    assert not is_finished(Rules(), 10**9)


counts = st.one_of(st.none(), st.integers(1, 3))


@st.composite
def server_configs(draw: st.DrawFn) -> dict[str, Any]:
    """Rules under which cycles can close."""
    config = {
        "cycle_length": draw(st.sampled_from([None, LENGTH])),
        "max_diffs": draw(counts),
        "max_workers": draw(st.one_of(st.none(), st.integers(3, 4))),
        "min_diffs": draw(counts),
        "min_workers": draw(counts),
        "num_cycles": draw(counts),
        "do_not_reuse_workers_until_cycle": draw(counts),
    }
    if config["max_diffs"] is not None:
        config["min_diffs"] = min(config["min_diffs"] or 1, config["max_diffs"])
    return config


type Action = tuple[str, int, int]
workers = st.integers(0, WORKERS - 1)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), workers, st.just(0)),
        # With the key of this cycle, or of one before.
        st.tuples(st.just("report"), workers, st.sampled_from([0, 0, 0, 1])),
        st.tuples(st.just("pass"), st.sampled_from([25, 61]), st.just(0)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    min_size=10,
    max_size=60,
)
on_expiry = st.sampled_from(["extend", "abandon"])


def act(model: Reference, action: Action) -> int | bool | None:
    kind, number, age = action
    match kind:
        case "ask":
            return model.ask(number)
        case "report":
            cycle = model.cycles[-1 - min(age, len(model.cycles) - 1)]
            return number in cycle.joined and model.report(number, cycle.sequence)
        case "pass":
            model.let_pass(number)
            return None
        case _:
            return model.look()


@settings(max_examples=300, deadline=None)
@given(config=server_configs(), steps=actions, expiry=on_expiry)
def test_rules_hold_under_any_interleaving(
    config: dict[str, Any], steps: list[Action], expiry: Literal["extend", "abandon"]
) -> None:
    rules = Rules.from_config(parse_server_config(config))
    model = Reference(rules, expiry)
    for step in steps:
        act(model, step)
        assert sum(cycle.status == "open" for cycle in model.cycles) <= 1
        assert (model.open is None) == is_finished(rules, model.completed)
        for cycle in model.cycles:
            progress = cycle.progress
            assert len(set(cycle.reports)) == progress.reported <= progress.accepted
            assert set(cycle.reports) <= cycle.joined
            if rules.max_diffs is not None:
                assert progress.reported <= rules.max_diffs
            if rules.max_workers is not None:
                assert progress.slots <= rules.max_workers
            if cycle.status == "completed":
                assert progress.reported >= rules.min_diffs
                assert is_full(rules, progress.reported) or progress.accepted >= rules.min_workers
        for worker in range(WORKERS):
            joined = [cycle.sequence for cycle in model.cycles if worker in cycle.joined]
            assert all(later - earlier >= rules.reuse_after for earlier, later in pairwise(joined))


class Played:
    """The same process on PostgreSQL, reached through two nodes in turn."""

    def __init__(self, nodes: list[Database], model: life.Model, ids: list[str]) -> None:
        self.nodes = nodes
        self.model = model
        self.ids = ids
        self.keys: dict[tuple[int, int], str] = {}
        self.calls = 0

    def _node(self) -> life.Model:
        self.calls += 1
        database = self.nodes[self.calls % len(self.nodes)]
        return life.Model(database, self.model.id, self.model.name)

    async def act(self, action: Action) -> int | bool | None:
        """The same as ``act`` does to the reference."""
        kind, number, age = action
        node = self._node()
        match kind:
            case "ask":
                sequence = (await node.cycle()).sequence
                answer = await node.ask(self.ids[number])
                if isinstance(answer, Accepted):
                    self.keys[number, sequence] = answer.request_key
                return isinstance(answer, Accepted)
            case "report":
                newest = (await node.cycle()).sequence
                key = self.keys.get((number, max(1, newest - age)))
                return key is not None and await self._report(node, number, key)
            case "pass":
                await life.let_pass(node.database, number)
                return None
            case _:
                return await close_due(node.database)

    async def _report(self, node: life.Model, number: int, key: str) -> bool:
        try:
            await reports.report(node.database, self.ids[number], key, life.diff())
        except NodeError:
            return False
        return True


async def play(
    url: str,
    config: dict[str, Any],
    expiry: str,
    script: Callable[[Played], Awaitable[None]],
) -> None:
    chosen = Settings(database_url=SecretStr(url), expired_cycles=expiry)  # type: ignore[arg-type]
    async with Database(chosen) as first, Database(chosen) as second:
        model = await life.host(first, **config)
        ids = [await model.worker() for _ in range(WORKERS)]
        await script(Played([first, second], model, ids))


on_postgresql = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@on_postgresql
@given(config=server_configs(), steps=actions, expiry=on_expiry)
def test_database_agrees_with_the_rules(
    cluster: postgres.Cluster,
    config: dict[str, Any],
    steps: list[Action],
    expiry: Literal["extend", "abandon"],
) -> None:
    expected = Reference(Rules.from_config(parse_server_config(config)), expiry)

    async def script(played: Played) -> None:
        for step in steps:
            assert await played.act(step) == act(expected, step), step
            rows = await played.model.cycles()
            assert [(row.status, row.accepted, row.slots, row.reported) for row in rows] == [
                (cycle.status, cycle.progress.accepted, cycle.progress.slots, len(cycle.reports))
                for cycle in expected.cycles
            ], step
        assert len(await played.model.weights()) == 1 + expected.completed

    with cluster.database() as url:
        asyncio.run(play(url, config, expiry, script))


@on_postgresql
@given(config=server_configs(), steps=actions, expiry=on_expiry)
def test_limits_hold_when_all_happens_at_once(
    cluster: postgres.Cluster,
    config: dict[str, Any],
    steps: list[Action],
    expiry: Literal["extend", "abandon"],
) -> None:
    rules = Rules.from_config(parse_server_config(config))

    async def script(played: Played) -> None:
        successes = 0
        for start in range(0, len(steps), 8):
            batch = [step for step in steps[start : start + 8] if step[0] != "pass"]
            done = await asyncio.gather(*map(played.act, batch))
            successes += sum(
                result is True
                for step, result in zip(batch, done, strict=True)
                if step[0] == "report"
            )
        await close_due(played.nodes[0])
        rows = await played.model.cycles()
        assert sum(row.reported for row in rows) == successes
        assert sum(row.status == "open" for row in rows) <= 1
        completed = [row for row in rows if row.status == "completed"]
        assert len(await played.model.weights()) == 1 + len(completed)
        waiting = sum(row.reported for row in rows if row.status == "open")
        assert await life.count_rows(played.nodes[0], "diffs") == waiting
        for row in rows:
            assert rules.max_diffs is None or row.reported <= rules.max_diffs
            assert rules.max_workers is None or row.slots <= rules.max_workers

    with cluster.database() as url:
        asyncio.run(play(url, config, expiry, script))

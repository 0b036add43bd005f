"""Cycles close when they should, with exactly their diffs, in one piece."""

import asyncio

import numpy as np
import pytest
from cycles import life
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from artificien_pygrid.cycles import closing, hosting, reports, timer
from artificien_pygrid.cycles.closing import close_due
from artificien_pygrid.cycles.workers import Rejected
from artificien_pygrid.errors import ReportRefused
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database
from artificien_pygrid.wire.tensors import decode_state

pytestmark = pytest.mark.anyio


def with_settings(settings: Settings, **changes: object) -> Settings:
    return Settings(**(settings.model_dump() | changes))


async def statuses(model: life.Model) -> list[str]:
    return [cycle.status for cycle in await model.cycles()]


async def test_full_cycle_is_averaged_and_followed_by_the_next(database: Database) -> None:
    model = await life.host(database, max_diffs=2, num_cycles=3)
    await model.contribute(1.0)
    assert await close_due(database) == 0
    await model.contribute(2.0)
    assert await close_due(database) == 1
    first, second = await model.cycles()
    assert (first.status, first.reported, first.sequence) == ("completed", 2, 1)
    assert (second.status, second.reported, second.sequence) == ("open", 0, 2)
    assert second.ends_at > first.ends_at
    weights = await model.weights()
    assert sorted(weights) == [1, 2]
    for old, new in zip(weights[1], weights[2], strict=True):
        np.testing.assert_array_equal(new, old - np.float32(1.5))
    assert await life.count_rows(database, "diffs") == 0


@pytest.mark.parametrize("cycle", ["gcl", "gcm", "noniter"])
async def test_golden_cycles_are_reproduced_bit_for_bit(settings: Settings, cycle: str) -> None:
    folder = life.GOLDEN / "cycles" / cycle
    diffs = [path.read_bytes() for path in sorted(folder.glob("diff_*.bin"))]
    async with Database(with_settings(settings, exact_averaging=True)) as database:
        model = await life.host(
            database,
            model=(folder / "model.bin").read_bytes(),
            training_plan=(folder / "training_plan.bin").read_bytes(),
            averaging_plan=(folder / "avg_plan.bin").read_bytes(),
            iterative_plan=cycle != "noniter",
            max_diffs=len(diffs),
        )
        for content in diffs:
            worker_id, key = await model.join()
            await reports.report(database, worker_id, key, content)
        assert await close_due(database) == 1
        expected = decode_state((folder / "checkpoint_2.bin").read_bytes())
        for computed, wanted in zip((await model.weights())[2], expected, strict=True):
            np.testing.assert_array_equal(computed, wanted)


async def test_thirty_reports_at_once_fill_a_cycle_of_five_with_five(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database, max_diffs=5, max_workers=30)
    places = [await model.join() for _ in range(30)]
    async with Database(settings) as other:
        nodes = [database, other]
        results = await life.outcomes(
            reports.report(nodes[number % 2], *place, life.diff(2.0**number))
            for number, place in enumerate(places)
        )
        closed = await asyncio.gather(close_due(database), close_due(other))
    assert results.count("ok") == 5
    assert all("diffs that it takes" in text or "is over" in text for text in set(results) - {"ok"})
    assert sum(closed) == 1
    accepted = [2.0**number for number, result in enumerate(results) if result == "ok"]
    old, new = (await model.weights())[1], (await model.weights())[2]
    np.testing.assert_array_equal(new[0], old[0] - np.float32(sum(accepted) / 5))


async def test_two_models_that_finish_together_do_not_wait_for_each_other(
    database: Database,
) -> None:
    slow, quick = await life.host(database, max_diffs=1), await life.host(database, max_diffs=1)
    await slow.contribute()
    await quick.contribute()
    await life.mark_closing(database)
    async with life.averaging_elsewhere(database, slow):
        assert await close_due(database) == 1
        assert await statuses(quick) == ["completed", "open"]
        assert await statuses(slow) == ["closing"]
    assert await close_due(database) == 1
    assert await statuses(slow) == ["completed", "open"]


async def test_requests_do_not_wait_for_averaging(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    place = await model.join()
    await model.contribute()
    worker_id = await model.worker()
    await life.mark_closing(database)
    async with life.averaging_elsewhere(database, model), asyncio.timeout(5):
        answer = await model.ask(worker_id)
        assert isinstance(answer, Rejected)
        assert answer.seconds_left == database.settings.timer_seconds
        with pytest.raises(ReportRefused, match="is over"):
            await reports.report(database, *place, life.diff())


async def test_many_closers_close_each_cycle_once(settings: Settings, database: Database) -> None:
    models = [await life.host(database, max_diffs=1, num_cycles=2) for _ in range(4)]
    for model in models:
        await model.contribute()
    async with Database(settings) as other:
        closed = await asyncio.gather(*(close_due(node) for node in (database, other) * 3))
    assert sum(closed) == 4
    for model in models:
        assert await statuses(model) == ["completed", "open"]
        assert sorted(await model.weights()) == [1, 2]


async def test_expired_cycle_with_enough_diffs_closes(database: Database) -> None:
    model = await life.host(database, cycle_length=60, max_diffs=10, min_diffs=2)
    await model.contribute()
    await model.contribute()
    await life.let_pass(database, 59)
    assert await close_due(database) == 0
    await life.let_pass(database, 2)
    assert await close_due(database) == 1
    assert await statuses(model) == ["completed", "open"]


async def test_expired_cycle_with_too_few_diffs_goes_on(database: Database) -> None:
    model = await life.host(database, cycle_length=60, max_diffs=3, min_diffs=2, max_workers=2)
    idle = await model.join()
    await model.contribute()
    assert isinstance(await model.ask(await model.worker()), Rejected)
    await life.let_pass(database, 61)
    assert await close_due(database) == 0
    cycle = await model.cycle()
    assert (cycle.status, cycle.extensions, cycle.slots, cycle.reported) == ("open", 1, 1, 1)
    # The idle worker's place is free, and the cycle may still get its diff.
    await model.contribute()
    await reports.report(database, *idle, life.diff())
    assert await close_due(database) == 1


async def test_expired_cycle_is_abandoned_if_so_configured(settings: Settings) -> None:
    async with Database(with_settings(settings, expired_cycles="abandon")) as database:
        model = await life.host(database, cycle_length=60, max_diffs=3, min_diffs=2, num_cycles=5)
        await life.let_pass(database, 61)
        await close_due(database)
        assert await statuses(model) == ["open"], "nobody took part: nothing to abandon"
        place = await model.join()
        await model.contribute()
        await life.let_pass(database, 61)
        assert await close_due(database) == 0
        assert await statuses(model) == ["abandoned", "open"]
        assert sorted(await model.weights()) == [1]
        assert await life.count_rows(database, "diffs") == 0
        with pytest.raises(ReportRefused, match="is over"):
            await reports.report(database, *place, life.diff())


async def test_cycle_without_end_closes_only_when_full(database: Database) -> None:
    model = await life.host(database, cycle_length=None, max_diffs=2)
    await model.contribute()
    await life.let_pass(database, 10**7)
    assert await close_due(database) == 0
    await model.contribute()
    assert await close_due(database) == 1


async def test_cycle_without_any_limit_closes_with_each_report(database: Database) -> None:
    model = await life.host(database, cycle_length=None, max_diffs=None, num_cycles=2)
    for _ in range(2):
        await model.contribute()
        assert await close_due(database) == 1
    assert await statuses(model) == ["completed", "completed"]


async def test_min_workers_holds_back_a_cycle_whose_time_is_up(database: Database) -> None:
    model = await life.host(database, cycle_length=60, min_workers=3, max_diffs=5)
    await model.contribute()
    await model.contribute()
    await life.let_pass(database, 61)
    assert await close_due(database) == 0
    await model.join()
    await life.let_pass(database, 61)
    assert await close_due(database) == 1


async def test_last_cycle_finishes_the_model(database: Database) -> None:
    model = await life.host(database, max_diffs=1, num_cycles=2)
    for _ in range(2):
        await model.contribute()
        assert await close_due(database) == 1
    assert await statuses(model) == ["completed", "completed"]
    assert await model.ask(await model.worker()) == Rejected(bare=True)
    assert sorted(await model.weights()) == [1, 2, 3]


async def test_progress_is_announced_with_each_cycle(settings: Settings) -> None:
    async with Database(with_settings(settings, progress_url="http://127.0.0.1:1/x")) as database:
        model = await life.host(database, max_diffs=1, num_cycles=3)
        endless = await life.host(database, max_diffs=1, num_cycles=0)
        for _ in range(3):
            await model.contribute()
            await endless.contribute()
            await close_due(database)
        async with database.engine.connect() as connection:
            payloads = list(
                await connection.scalars(text("SELECT payload FROM outbox ORDER BY id"))
            )
    assert payloads == [
        {"percent_complete": percent, "model_id": model.name} for percent in (33, 66, 100)
    ]


async def test_failing_average_is_retried_noted_and_leaves_others_alone(settings: Settings) -> None:
    async with Database(with_settings(settings, aggregation_attempts=2)) as database:
        broken, sound = await life.host(database, max_diffs=1), await life.host(database)
        await broken.contribute()
        async with database.engine.begin() as connection:
            await connection.execute(
                text("UPDATE processes SET averaging_plan = 'no plan' WHERE id = :id"),
                {"id": broken.id},
            )
        assert await close_due(database) == 0
        cycle = await broken.cycle()
        assert (cycle.status, cycle.attempts) == ("closing", 1)
        assert "InvalidBlob" in cycle.failure
        assert await close_due(database) == 0
        assert (await broken.cycle()).attempts == 1, "not before its time"
        await life.let_pass(database, 11)
        assert await close_due(database) == 0
        assert (await broken.cycle()).status == "failed"
        assert await broken.ask(await broken.worker()) == Rejected(bare=True)
        await sound.contribute()
        assert await life.count_rows(database, "diffs") == 2, "kept for another try"
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE processes SET averaging_plan = NULL"))
        await hosting.resume(database, broken.name, broken.version)
        assert await close_due(database) == 1
        assert await statuses(broken) == ["completed", "open"]


async def test_interrupted_closing_is_taken_up_again(database: Database) -> None:
    model = await life.host(database, max_diffs=2)
    await model.contribute(1.0)
    await model.contribute(3.0)
    await life.close_up_to_commit(database, model)
    assert await statuses(model) == ["closing"]
    assert sorted(await model.weights()) == [1]
    assert await close_due(database) == 1
    assert sorted(await model.weights()) == [1, 2]
    assert await close_due(database) == 0


async def test_cycle_that_another_process_has_closed_is_left_alone(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    await model.contribute()
    first = await model.cycle()
    assert await close_due(database) == 1

    def close_again() -> bool:
        with database.thread_engine.begin() as connection:
            return closing._close_in_transaction(connection, first.id, database.settings)

    assert await asyncio.to_thread(close_again) is False
    assert sorted(await model.weights()) == [1, 2]


async def test_diffs_that_a_process_left_behind_when_it_died_are_removed(
    database: Database,
) -> None:
    model = await life.host(database, max_diffs=2)
    await model.contribute()
    await model.contribute()
    first = await model.cycle()
    await life.mark_closing(database)

    def close_and_die() -> None:
        with database.thread_engine.begin() as connection:
            assert closing._close_in_transaction(connection, first.id, database.settings)

    await asyncio.to_thread(close_and_die)
    await model.contribute()
    assert await life.count_rows(database, "diffs") == 3
    await timer.tidy(database)
    assert await life.count_rows(database, "diffs") == 1, "that of the open cycle"


async def test_unusable_diff_among_others_is_named(database: Database) -> None:
    model = await life.host(database, max_diffs=3)
    for _ in range(3):
        await model.contribute()
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE diffs SET content = 'no diff' WHERE position = 2"))
    assert await close_due(database) == 0
    assert (await model.cycle()).failure.startswith("InvalidBlob: ")


async def test_lost_diff_is_noticed(database: Database) -> None:
    model = await life.host(database, max_diffs=2)
    await model.contribute()
    await model.contribute()
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM diffs WHERE position = 1"))
    assert await close_due(database) == 0
    assert sorted(await model.weights()) == [1]


async def test_timer_closes_what_a_report_filled_without_waiting(settings: Settings) -> None:
    async with Database(with_settings(settings, timer_seconds=3600)) as database:
        stop = asyncio.Event()
        running = asyncio.create_task(timer.run(database, stop))
        model = await life.host(database, max_diffs=1)
        await model.contribute()
        async with asyncio.timeout(20):
            while (await model.cycle()).sequence == 1:
                await asyncio.sleep(0.01)
        stop.set()
        async with asyncio.timeout(20):
            await running


async def test_timer_survives_errors(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    async def fail(_: Database) -> int:
        calls.append(1)
        raise ConnectionError

    monkeypatch.setattr(timer, "close_due", fail)
    async with Database(with_settings(settings, timer_seconds=0.01)) as database:
        stop = asyncio.Event()
        running = asyncio.create_task(timer.run(database, stop))
        async with asyncio.timeout(20):
            while len(calls) < 3:
                await asyncio.sleep(0.01)
        stop.set()
        await running


async def test_timer_says_in_a_line_that_the_database_is_away() -> None:
    absent = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"),
        database_timeout=0.2,
        timer_seconds=0.01,
    )
    with capture_logs() as lines:
        async with Database(absent) as database:
            stop = asyncio.Event()
            running = asyncio.create_task(timer.run(database, stop))
            async with asyncio.timeout(20):
                while len(lines) < 2:
                    await asyncio.sleep(0.01)
            stop.set()
            async with asyncio.timeout(5):
                await running
    for line in lines:
        assert (line["event"], line["log_level"]) == ("cycles wait for the database", "warning")
        assert "Connection refused" in line["error"]
        assert "exc_info" not in line


async def test_idle_workers_expire_and_busy_ones_do_not(settings: Settings) -> None:
    async with Database(with_settings(settings, worker_seconds=100)) as database:
        model = await life.host(database, cycle_length=None, max_diffs=3)
        busy, idle = await model.join(), await model.worker()
        await life.let_pass(database, 101)
        fresh = await model.worker()
        await timer.tidy(database)
        assert (await model.ask(idle)) == Rejected(error="Worker ID not found!")
        assert not isinstance(await model.ask(fresh), Rejected)
        await reports.report(database, *busy, life.diff())


async def test_place_held_too_long_is_released_once(settings: Settings) -> None:
    async with Database(with_settings(settings, slot_seconds=30)) as database:
        model = await life.host(database, max_workers=2, max_diffs=2)
        slow = await model.join()
        await model.contribute()
        assert isinstance(await model.ask(await model.worker()), Rejected)
        await life.let_pass(database, 31)
        await timer.tidy(database)
        await timer.tidy(database)
        assert (await model.cycle()).slots == 1
        await model.join()
        assert isinstance(await model.ask(await model.worker()), Rejected)
        await reports.report(database, *slow, life.diff())
        assert (await model.cycle()).reported == 2

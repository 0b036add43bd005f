"""A report counts once, for the cycle and the worker that its key was made for."""

import asyncio
from typing import Any

import numpy as np
import pytest
from cycles import life
from sqlalchemy import text

from artificien_pygrid.cycles import hosting, reports
from artificien_pygrid.cycles.closing import close_due
from artificien_pygrid.errors import InvalidRequestKey, ReportRefused, WorkerNotFound
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database
from artificien_pygrid.wire.tensors import decode_state, encode_state

pytestmark = pytest.mark.anyio


async def test_success_is_told_when_the_diff_is_committed(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database, max_diffs=5)
    place = await model.join()
    await reports.report(database, *place, life.diff(3.0))
    async with Database(settings) as other, other.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT position, content FROM diffs"))).all()
    assert [(row.position, decode_state(row.content)[0][0][0]) for row in rows] == [(1, 3.0)]
    assert (await model.cycle()).reported == 1


async def test_report_counts_once_however_often_it_is_sent(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database, max_diffs=5)
    place = await model.join()
    async with Database(settings) as other:
        results = await life.outcomes(
            reports.report(node, *place, life.diff(value))
            for value, node in enumerate((database, other) * 5)
        )
    assert results.count("ok") == 1
    assert {"already reported" in text for text in results if text != "ok"} == {True}
    assert (await model.cycle()).reported == 1
    assert await life.count_rows(database, "diffs") == 1


async def test_late_report_changes_nothing(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    late = await model.join()
    await model.contribute()
    with pytest.raises(ReportRefused, match="all the diffs that it takes"):
        await reports.report(database, *late, life.diff())
    await close_due(database)
    with pytest.raises(ReportRefused, match="is over"):
        await reports.report(database, *late, life.diff())
    assert (await model.cycle()).reported == 0


async def test_cycle_that_closes_during_a_report_does_not_take_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await life.host(database, max_diffs=5)
    place = await model.join()

    async def close_meanwhile(*_: Any) -> None:
        await life.mark_closing(database)

    monkeypatch.setattr(reports, "_check_diff", close_meanwhile)
    with pytest.raises(ReportRefused, match="is over"):
        await reports.report(database, *place, life.diff())
    assert (await model.cycle()).reported == 0
    assert await life.count_rows(database, "diffs") == 0


async def test_model_that_is_deleted_during_a_report(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await life.host(database)
    place = await model.join()

    async def delete_meanwhile(*_: Any) -> None:
        await hosting.delete(database, model.name, model.version)

    monkeypatch.setattr(reports, "_check_diff", delete_meanwhile)
    with pytest.raises(ReportRefused, match="is over"):
        await reports.report(database, *place, life.diff())


async def test_replay_in_the_next_cycle_changes_nothing(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    place = await model.join()
    await reports.report(database, *place, life.diff())
    await close_due(database)
    with pytest.raises(ReportRefused):
        await reports.report(database, *place, life.diff())
    assert await life.count_rows(database, "diffs") == 0


async def test_keys_are_of_no_use_to_others(database: Database) -> None:
    model, other = await life.host(database), await life.host(database)
    mine, theirs, elsewhere = await model.join(), await model.join(), await other.join()
    for worker_id, key in ((mine[0], theirs[1]), (mine[0], elsewhere[1]), (elsewhere[0], mine[1])):
        with pytest.raises(InvalidRequestKey):
            await reports.report(database, worker_id, key, life.diff())
    assert (await model.cycle()).reported == (await other.cycle()).reported == 0


@pytest.mark.parametrize("key", ["", "zz", None, 5, "\0", "ä" * 64, ["a"]])
async def test_invalid_key(database: Database, key: Any) -> None:
    model = await life.host(database)
    worker_id, _ = await model.join()
    with pytest.raises(InvalidRequestKey):
        await reports.report(database, worker_id, key, life.diff())


@pytest.mark.parametrize("worker_id", ["", "nope", None, 5])
async def test_unknown_worker(database: Database, worker_id: Any) -> None:
    with pytest.raises(WorkerNotFound):
        await reports.report(database, worker_id, "a" * 64, life.diff())


def _not_a_number() -> bytes:
    tensors = decode_state(life.diff())
    return encode_state([np.full_like(tensor, np.nan) for tensor in tensors])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        encode_state([np.ones(3, np.float32)]),
        encode_state([np.ones((2, 2), np.float64), np.ones(2, np.float64)]),
        _not_a_number(),
    ],
    ids=["empty", "garbage", "shape", "dtype", "nan"],
)
async def test_invalid_diff_does_not_use_up_the_place(database: Database, content: bytes) -> None:
    model = await life.host(database)
    place = await model.join()
    with pytest.raises(ReportRefused, match="The diff is not valid: "):
        await reports.report(database, *place, content)
    assert (await model.cycle()).reported == 0
    await reports.report(database, *place, life.diff())


async def test_too_large_diff(settings: Settings) -> None:
    small = Settings(**(settings.model_dump() | {"max_model_bytes": len(life.MODEL) + 20}))
    async with Database(small) as database:
        model = await life.host(database)
        place = await model.join()
        with pytest.raises(ReportRefused, match=r"has 1000 bytes; this node takes up to"):
            await reports.report(database, *place, b"x" * 1000)


async def test_report_after_the_end_counts_until_the_cycle_is_closed(database: Database) -> None:
    model = await life.host(database, cycle_length=60, max_diffs=5)
    place = await model.join()
    await life.let_pass(database, 61)
    await reports.report(database, *place, life.diff())
    assert await close_due(database) == 1


async def test_filling_report_wakes_the_timer(database: Database) -> None:
    model = await life.host(database, max_diffs=2)
    await model.contribute()
    assert not database.due.is_set()
    await model.contribute()
    assert database.due.is_set()


@pytest.mark.parametrize(("cycle_length", "wakes"), [(600, False), (None, True)])
async def test_report_wakes_the_timer_only_where_it_may_end_the_cycle(
    database: Database, cycle_length: int | None, wakes: bool
) -> None:
    model = await life.host(database, cycle_length=cycle_length)
    await model.contribute()
    assert database.due.is_set() == wakes


async def test_no_report_is_lost_to_a_cycle_that_closes_at_the_same_time(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database, cycle_length=60, max_diffs=100)
    places = [await model.join() for _ in range(20)]
    await reports.report(database, *places[0], life.diff(2.0**20))
    await life.let_pass(database, 61)
    async with Database(settings) as other:
        results, closed = await asyncio.gather(
            life.outcomes(
                reports.report(database, *place, life.diff(2.0**20)) for place in places[1:]
            ),
            close_due(other),
        )
    assert closed == 1
    first = (await model.cycles())[0]
    assert first.reported == 1 + results.count("ok")
    weights = await model.weights()
    np.testing.assert_array_equal(weights[2][0], weights[1][0] - np.float32(2.0**20))

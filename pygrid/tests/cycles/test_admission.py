"""Who gets a place in a cycle, and what the others are told."""

import asyncio
import uuid
from typing import Any

import pytest
from cycles import life

from artificien_pygrid.cycles import hosting, reports, workers
from artificien_pygrid.cycles.closing import close_due
from artificien_pygrid.cycles.workers import Accepted, CycleRequest, Rejected
from artificien_pygrid.errors import ProcessNotFound
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database

pytestmark = pytest.mark.anyio

UNKNOWN_PROCESS = "Not found any process related with this cycle and worker ID."


async def test_accepted_worker_gets_what_it_needs(database: Database) -> None:
    model = await life.host(database)
    answer = await model.ask(await model.worker())
    assert isinstance(answer, Accepted)
    assert len(bytes.fromhex(answer.request_key)) == 32
    assert (answer.name, answer.version, answer.model_id) == (model.name, "1.0", model.id)
    assert list(answer.plans) == ["training_plan"]
    assert answer.protocols == {}
    assert answer.client_config == {"name": model.name, "version": "1.0", "lr": 0.05}


async def test_ids_are_uuids_and_keys_are_not_repeated(database: Database) -> None:
    model = await life.host(database)
    places = [await model.join() for _ in range(5)]
    assert {uuid.UUID(worker_id).version for worker_id, _ in places} == {4}
    assert len({key for _, key in places}) == 5


async def test_worker_joins_a_cycle_once_even_when_it_asks_many_times_at_once(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database)
    worker_id = await model.worker()
    async with Database(settings) as other:
        elsewhere = life.Model(other, model.id, model.name)
        answers = await asyncio.gather(*(node.ask(worker_id) for node in (model, elsewhere) * 5))
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    rejected = next(answer for answer in answers if isinstance(answer, Rejected))
    assert (rejected.name, rejected.version, rejected.error) == (model.name, "1.0", None)
    assert rejected.seconds_left is not None
    assert 590 < rejected.seconds_left <= 600
    cycle = await model.cycle()
    assert (cycle.accepted, cycle.slots) == (1, 1)


async def test_ten_requests_at_once_for_two_places(settings: Settings, database: Database) -> None:
    model = await life.host(database, max_workers=2)
    ids = [await model.worker() for _ in range(10)]
    async with Database(settings) as other:
        elsewhere = life.Model(other, model.id, model.name)
        answers = await asyncio.gather(
            *((model, elsewhere)[number % 2].ask(found) for number, found in enumerate(ids))
        )
    assert sum(isinstance(answer, Accepted) for answer in answers) == 2
    assert (await model.cycle()).accepted == 2


@pytest.mark.parametrize(("reuse", "rejected_cycles"), [(None, 0), (1, 0), (2, 1), (4, 3)])
async def test_worker_returns_after_so_many_cycles(
    database: Database, reuse: int | None, rejected_cycles: int
) -> None:
    model = await life.host(database, max_diffs=1, do_not_reuse_workers_until_cycle=reuse)
    worker_id, key = await model.join()
    await workers_report(model, worker_id, key)
    for _ in range(rejected_cycles):
        assert isinstance(await model.ask(worker_id), Rejected)
        await model.contribute()
        await close_due(database)
    assert isinstance(await model.ask(worker_id), Accepted)


async def workers_report(model: life.Model, worker_id: str, key: str) -> None:
    await reports.report(model.database, worker_id, key, life.diff())
    assert await close_due(model.database) == 1


async def test_those_turned_away_come_first_when_workers_take_turns(database: Database) -> None:
    model = await life.host(database, max_workers=2, max_diffs=2, pool_selection="iterate")
    first, second, third, fourth = [await model.worker() for _ in range(4)]
    places = {}
    for worker_id in (first, second):
        answer = await model.ask(worker_id)
        assert isinstance(answer, Accepted)
        places[worker_id] = answer.request_key
    for worker_id in (third, fourth):
        assert isinstance(await model.ask(worker_id), Rejected)
    for worker_id, key in places.items():
        await reports.report(database, worker_id, key, life.diff())
    await close_due(database)
    assert isinstance(await model.ask(first), Rejected), "two others have waited for the two places"
    assert isinstance(await model.ask(fourth), Accepted)
    assert isinstance(await model.ask(third), Accepted)


async def test_no_place_is_kept_for_those_who_do_not_come_back(database: Database) -> None:
    model = await life.host(
        database, max_workers=1, max_diffs=1, pool_selection="iterate", cycle_length=60
    )
    await model.contribute()
    gone = await model.worker()
    assert isinstance(await model.ask(gone), Rejected)
    await close_due(database)
    late = await model.worker()
    if isinstance(await model.ask(late), Accepted):
        pytest.fail("the place belongs to the one that waits")
    await life.let_pass(database, database.settings.queue_seconds + 61)
    await close_due(database)
    assert isinstance(await model.ask(late), Accepted)


async def test_random_selection_keeps_no_queue(database: Database) -> None:
    model = await life.host(database, max_workers=1, max_diffs=1, pool_selection="random")
    await model.contribute()
    assert isinstance(await model.ask(await model.worker()), Rejected)
    await close_due(database)
    assert isinstance(await model.ask(await model.worker()), Accepted)


@pytest.mark.parametrize(
    ("speeds", "accepted"),
    [
        ({"ping": 1, "upload": 100, "download": 50.0}, True),
        ({"ping": 0, "upload": 1e9, "download": 10**30}, True),
        ({"ping": 1, "upload": 99.9, "download": 50}, False),
        ({"ping": 1, "upload": 100, "download": 49}, False),
    ],
)
async def test_slow_workers_are_rejected(
    database: Database, speeds: dict[str, Any], accepted: bool
) -> None:
    model = await life.host(database, minimum_upload_speed=100, minimum_download_speed=50)
    assert isinstance(await model.ask(await model.worker(), **speeds), Accepted) is accepted


@pytest.mark.parametrize(
    ("speeds", "error"),
    [
        ({}, "'ping' is required"),
        ({"ping": 1}, "'download' is required"),
        ({"ping": 1, "download": 1}, "'upload' is required"),
        ({"ping": -1}, "'ping' needs to be a positive number"),
        ({"ping": "5"}, "'ping' needs to be a positive number"),
        ({"ping": True}, "'ping' needs to be a positive number"),
        ({"ping": 1, "download": float("nan")}, "'download' needs to be a positive number"),
        ({"ping": 1, "download": 1, "upload": float("inf")}, "'upload' needs to be"),
        ({"ping": 1, "download": []}, "'download' needs to be a positive number"),
    ],
)
async def test_speeds_must_be_sent_and_be_numbers(
    database: Database, speeds: dict[str, Any], error: str
) -> None:
    model = await life.host(database, minimum_upload_speed=0)
    answer = await model.ask(await model.worker(), **speeds)
    assert isinstance(answer, Rejected)
    assert answer.error is not None
    assert answer.error.startswith(error)


async def test_speed_test_is_asked_for_by_any_minimum(database: Database) -> None:
    for minimum, expected in ((None, False), (0, True)):
        model = await life.host(database, minimum_upload_speed=minimum)
        answer = await workers.authenticate(database, model.id)
        assert answer.requires_speed_test is expected


@pytest.mark.parametrize(
    "worker_id", ["nope", "", None, 5, [], "\0", "x" * 36, str(uuid.UUID(int=7))]
)
async def test_unknown_worker(database: Database, worker_id: Any) -> None:
    model = await life.host(database)
    assert await model.ask(worker_id) == Rejected(error="Worker ID not found!")


async def test_worker_is_bound_to_the_model_it_authenticated_for(database: Database) -> None:
    own, foreign = await life.host(database), await life.host(database)
    assert await foreign.ask(await own.worker()) == Rejected(error="Worker ID not found!")
    assert (await foreign.cycle()).accepted == 0


@pytest.mark.parametrize("name", ["nosuch", None, 1, {}, "\0", "\ud800", "x" * 1000])
@pytest.mark.parametrize("version", ["1.0", None, 1, "\0"])
async def test_unknown_model(database: Database, name: Any, version: Any) -> None:
    model = await life.host(database)
    request = CycleRequest(await model.worker(), name, version)
    assert await workers.request_cycle(database, request) == Rejected(error=UNKNOWN_PROCESS)
    with pytest.raises(ProcessNotFound, match=UNKNOWN_PROCESS):
        await workers.authentication_config(database, name, version)


async def test_missing_version_is_the_newest_only_for_authentication(database: Database) -> None:
    old = await life.host(database)
    await hosting.host(
        database,
        hosting.HostRequest(
            model=life.MODEL,
            plans={"training_plan": life.TRAINING_PLAN},
            client_config={"name": old.name, "version": "2.0"},
            server_config={"cycle_length": 9, "authentication": {"secret": "abc"}},
            averaging_plan=b"",
        ),
    )
    rules = await workers.authentication_config(database, old.name)
    assert (rules.secret, rules.required) == ("abc", True)
    assert not (await workers.authentication_config(database, old.name, "1.0")).required
    worker_id = (await workers.authenticate(database, rules.process_id)).worker_id
    for version, expected in (("1.0", Rejected), ("2.0", Accepted), (None, Rejected)):
        request = CycleRequest(worker_id, old.name, version)
        assert isinstance(await workers.request_cycle(database, request), expected)


async def test_token_rules_are_those_of_the_model_as_it_is_now(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database)
    async with Database(settings) as other:
        elsewhere = life.Model(other, model.id, model.name)
        assert isinstance(await elsewhere.ask(await elsewhere.worker()), Accepted)
        before = await workers.authentication_config(other, model.name, "1.0")
        assert not before.required
        await hosting.delete(database, model.name, "1.0")
        request = hosting.HostRequest(
            model=life.MODEL,
            plans={"training_plan": life.TRAINING_PLAN},
            client_config={"name": model.name, "version": "1.0"},
            server_config={"cycle_length": 9, "authentication": {"endpoint": "https://x"}},
            averaging_plan=b"",
        )
        await hosting.host(database, request)
        rules = await workers.authentication_config(other, model.name, "1.0")
        assert rules.endpoint == "https://x"
        # Whoever passed the old rules, if any, does not get into the new model.
        with pytest.raises(ProcessNotFound):
            await workers.authenticate(other, before.process_id)
        await workers.authenticate(other, rules.process_id)


async def test_no_place_after_the_last_report_or_the_end(database: Database) -> None:
    full = await life.host(database, max_diffs=1)
    await full.contribute()
    expired = await life.host(database, cycle_length=60)
    await life.let_pass(database, 61)
    for model in (full, expired):
        answer = await model.ask(await model.worker())
        assert answer == Rejected(model.name, "1.0", database.settings.timer_seconds)


async def test_cycle_without_end_tells_no_time(database: Database) -> None:
    model = await life.host(database, cycle_length=None, max_diffs=5)
    worker_id, _ = await model.join()
    assert await model.ask(worker_id) == Rejected(model.name, "1.0", None)


async def test_paused_model_admits_nobody_until_resumed(database: Database) -> None:
    model = await life.host(database, max_diffs=2)
    worker_id, key = await model.join()
    await hosting.pause(database, model.name, model.version)
    other = await model.worker()
    assert await model.ask(other) == Rejected(bare=True)
    await reports.report(database, worker_id, key, life.diff())
    await hosting.resume(database, model.name, model.version)
    assert isinstance(await model.ask(other), Accepted)


async def test_deleted_model_is_gone_in_every_process(
    settings: Settings, database: Database
) -> None:
    model = await life.host(database, max_diffs=2)
    await model.contribute()
    worker_id = await model.worker()
    async with Database(settings) as other:
        elsewhere = life.Model(other, model.id, model.name)
        assert isinstance(await elsewhere.ask(await elsewhere.worker()), Accepted)
        await hosting.delete(database, model.name, model.version)
        for table in ("processes", "plans", "checkpoints", "cycles", "workers", "diffs"):
            assert await life.count_rows(database, table) == 0, table
        assert await elsewhere.ask(worker_id) == Rejected(error=UNKNOWN_PROCESS)
        with pytest.raises(ProcessNotFound):
            await hosting.delete(other, model.name, model.version)

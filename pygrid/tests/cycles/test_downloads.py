"""Workers of the open cycle get models, plans and protocols; owners get checkpoints."""

from typing import Any

import pytest
from cycles import life

from artificien_pygrid.cycles import downloads, hosting
from artificien_pygrid.cycles.closing import close_due
from artificien_pygrid.cycles.workers import Accepted
from artificien_pygrid.errors import (
    CycleNotFound,
    InvalidRequestKey,
    ModelNotFound,
    NodeError,
    PlanNotFound,
    ProcessNotFound,
    ProtocolNotFound,
    WorkerNotFound,
)
from artificien_pygrid.storage.database import Database
from artificien_pygrid.wire.plans import variant

pytestmark = pytest.mark.anyio


async def admitted(model: life.Model) -> tuple[str, Accepted]:
    worker_id = await model.worker()
    answer = await model.ask(worker_id)
    assert isinstance(answer, Accepted)
    return worker_id, answer


async def with_protocol(database: Database) -> life.Model:
    request = hosting.HostRequest(
        model=life.MODEL,
        plans={"training_plan": life.TRAINING_PLAN, "second": life.TRAINING_PLAN},
        protocols={"secagg": b"\x0a\x0b"},
        client_config={"name": "with-protocol", "version": "1.0"},
        server_config={"cycle_length": 600},
        averaging_plan=b"",
    )
    return life.Model(database, await hosting.host(database, request), "with-protocol")


async def test_worker_gets_the_newest_checkpoint(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    worker_id, place = await admitted(model)
    hosted = await downloads.model(database, worker_id, place.request_key, place.model_id)
    assert hosted == life.MODEL
    await model.contribute()
    await close_due(database)
    worker_id, place = await admitted(model)
    second = await downloads.model(database, worker_id, place.request_key, place.model_id)
    assert (2, second) == await downloads.checkpoint(database, model.name, "1.0", "2")
    assert second != hosted


@pytest.mark.parametrize("kind", ["list", "torchscript", "tfjs"])
async def test_worker_gets_the_form_of_the_plan_that_it_can_run(
    database: Database, kind: str
) -> None:
    model = await life.host(database)
    worker_id, place = await admitted(model)
    plan_id = place.plans["training_plan"]
    for _ in range(2):
        got = await downloads.plan(database, worker_id, place.request_key, plan_id, kind)
        assert got == variant(life.TRAINING_PLAN, kind)


@pytest.mark.parametrize("kind", ["zzz", "", None])
async def test_unknown_form_means_list(database: Database, kind: str | None) -> None:
    model = await life.host(database)
    worker_id, place = await admitted(model)
    plan_id = place.plans["training_plan"]
    got = await downloads.plan(database, worker_id, place.request_key, plan_id, kind)
    assert got == variant(life.TRAINING_PLAN, "list")


async def test_worker_gets_the_protocol(database: Database) -> None:
    model = await with_protocol(database)
    worker_id, place = await admitted(model)
    assert set(place.plans) == {"training_plan", "second"}
    got = await downloads.protocol(
        database, worker_id, place.request_key, place.protocols["secagg"]
    )
    assert got == b"\x0a\x0b"


@pytest.mark.parametrize("wrong_id", [None, 0, -1, 999999, 10**30, True])
async def test_unknown_ids(database: Database, wrong_id: int | None) -> None:
    model = await with_protocol(database)
    worker_id, place = await admitted(model)
    for call, error in (
        (downloads.model(database, worker_id, place.request_key, wrong_id), ModelNotFound),
        (downloads.plan(database, worker_id, place.request_key, wrong_id, "list"), PlanNotFound),
        (downloads.protocol(database, worker_id, place.request_key, wrong_id), ProtocolNotFound),
    ):
        with pytest.raises(error):
            await call


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"worker_id": "nope"}, WorkerNotFound),
        ({"worker_id": None}, WorkerNotFound),
        ({"key": "bad"}, InvalidRequestKey),
        ({"key": None}, InvalidRequestKey),
        ({"key": "\ud800"}, InvalidRequestKey),
    ],
)
async def test_guards(database: Database, change: dict[str, Any], error: type[NodeError]) -> None:
    model = await with_protocol(database)
    worker_id, place = await admitted(model)
    asked = {"worker_id": worker_id, "key": place.request_key} | change
    who = (database, asked["worker_id"], asked["key"])
    for call in (
        downloads.model(*who, place.model_id),
        downloads.plan(*who, place.plans["second"], "list"),
        downloads.protocol(*who, place.protocols["secagg"]),
    ):
        with pytest.raises(error):
            await call


async def test_foreign_workers_and_past_cycles(database: Database) -> None:
    model, other = await life.host(database, max_diffs=1), await life.host(database)
    foreign, their_place = await admitted(other)
    with pytest.raises(WorkerNotFound):
        await downloads.model(database, foreign, their_place.request_key, model.id)
    idle = await model.worker()
    with pytest.raises(CycleNotFound):
        await downloads.model(database, idle, "a", model.id)
    worker_id, place = await admitted(model)
    await model.contribute()
    await close_due(database)
    with pytest.raises(CycleNotFound):
        await downloads.model(database, worker_id, place.request_key, model.id)


async def test_checkpoints_by_number_and_alias(database: Database) -> None:
    model = await life.host(database, max_diffs=1)
    await model.contribute()
    await close_due(database)
    first = await downloads.checkpoint(database, model.name, "1.0", "1")
    second = await downloads.checkpoint(database, model.name, "1.0", "2")
    assert first == (1, life.MODEL)
    assert second[0] == 2
    assert second[1] != life.MODEL
    for arguments in ((), ("1.0",), ("1.0", "latest"), (None, "latest")):
        assert await downloads.checkpoint(database, model.name, *arguments) == second
    for unknown in ("3", "0", "foo", "", "-1", "1.0", "٢x", "9" * 30, "\0"):
        with pytest.raises(ModelNotFound):
            await downloads.checkpoint(database, model.name, "1.0", unknown)


@pytest.mark.parametrize("name", ["nosuch", None, "\0"])
async def test_unknown_model(database: Database, name: Any) -> None:
    with pytest.raises(ProcessNotFound):
        await downloads.checkpoint(database, name)


async def test_absent_version_is_the_newest(database: Database) -> None:
    old = await life.host(database, max_diffs=1)
    await old.contribute()
    await close_due(database)
    request = hosting.HostRequest(
        model=life.MODEL,
        plans={"training_plan": life.TRAINING_PLAN},
        client_config={"name": old.name, "version": "0.1"},
        server_config={"cycle_length": 600},
        averaging_plan=b"",
    )
    await hosting.host(database, request)
    assert await downloads.checkpoint(database, old.name) == (1, life.MODEL)
    assert await downloads.checkpoint(database, old.name, "1.0") != (1, life.MODEL)

"""What may be hosted, and what is said about the rest."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cycles import life

from artificien_pygrid.cycles import hosting, workers
from artificien_pygrid.errors import HostingRefused, ProcessExists, ProcessNotFound
from artificien_pygrid.settings import Settings
from artificien_pygrid.storage.database import Database
from artificien_pygrid.wire.tensors import encode_state

pytestmark = pytest.mark.anyio

REQUEST = hosting.HostRequest(
    model=life.MODEL,
    plans={"training_plan": life.TRAINING_PLAN},
    client_config={"name": "model", "version": "1.0"},
    server_config={"cycle_length": 600},
    averaging_plan=b"",
)


def golden(label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data and the recorded answer of a hosting message."""
    recorded = json.loads((life.GOLDEN / f"exchanges/ws_host_{label}.json").read_text())
    exchange = recorded["exchanges"][0]
    return exchange["send"]["data"], json.loads(exchange["recv"])["data"]


@pytest.mark.parametrize(
    "label",
    [
        "ok",
        "newversion",
        "cycle_length_null",
        "empty_avg_plan",
        "onecycle",
        "plain",
        "plan_without_torchscript",
        "secret",
        "speedreq",
        "with_protocol",
    ],
)
async def test_recorded_hosting_is_accepted(database: Database, label: str) -> None:
    data, answer = golden(label)
    assert answer == {"status": "success"}
    await hosting.host(database, hosting.parse_request(data))
    assert await life.count_rows(database, "processes") == 1


@pytest.mark.parametrize(
    ("label", "beginning"),
    [
        ("bad_plan", "Plan is not valid"),
        ("plan_without_tfjs", "Failed to translate a Plan"),
        ("bad_hex", "Non-hexadecimal digit found"),
        ("no_cycle_length", "'cycle_length'"),
        ("missing_avg_plan", "'averaging_plan' is missing"),
        ("garbage_model", "'model' is not valid: "),
    ],
)
async def test_recorded_mistakes_are_refused(
    database: Database, label: str, beginning: str
) -> None:
    data, answer = golden(label)
    with pytest.raises(HostingRefused) as caught:
        await hosting.host(database, hosting.parse_request(data))
    assert caught.value.text.startswith(beginning)
    if label not in {"missing_avg_plan", "garbage_model"}:
        assert answer["error"].startswith(beginning)
    assert await life.count_rows(database, "processes") == 0


async def test_name_and_version_are_taken_once(settings: Settings, database: Database) -> None:
    async with Database(settings) as other:
        results = await life.outcomes(hosting.host(node, REQUEST) for node in (database, other) * 3)
    assert results.count("ok") == 1
    assert {text.startswith("FL Process already exists.") for text in set(results) - {"ok"}} == {
        True
    }
    assert await life.count_rows(database, "cycles") == 1
    assert await life.count_rows(database, "checkpoints") == 1
    with pytest.raises(ProcessExists, match=r"FL Process already exists\."):
        await hosting.host(database, REQUEST)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"cycle_length": -1}, r"server_config.cycle_length: .* \(got -1\)"),
        ({"cycle_length": "600"}, r"server_config.cycle_length: .*must be a number \(got '600'\)"),
        ({"cycle_length": 1e300}, "server_config.cycle_length"),
        ({"cycle_length": 600, "max_diffs": -1}, "server_config.max_diffs"),
        ({"cycle_length": 600, "max_diffs": True}, "server_config.max_diffs"),
        ({"cycle_length": 600, "max_diffs": 2**31}, "server_config.max_diffs"),
        ({"cycle_length": 600, "num_cycles": 1.5}, "server_config.num_cycles"),
        ({"cycle_length": 600, "pool_selection": "best"}, "server_config.pool_selection"),
        ({"cycle_length": 600, "iterative_plan": "yes"}, "server_config.iterative_plan"),
        ({"cycle_length": 600, "minimum_upload_speed": -1}, "server_config.minimum_upload"),
        ({"cycle_length": 600, "min_diffs": 3, "max_diffs": 2}, "more than max_diffs"),
        ({"cycle_length": 600, "min_diffs": 3, "max_workers": 2}, "more than max_workers"),
        ({"cycle_length": 600, "min_workers": 3, "max_workers": 2}, "more than max_workers"),
        ({"cycle_length": None, "max_diffs": 3, "max_workers": 2}, "no cycle could close"),
        ({"cycle_length": 600, "x": float("nan")}, "JSON values"),
        ([], "server_config must be an object"),
        (None, "server_config must be an object"),
    ],
)
async def test_rules_that_are_not_valid(database: Database, config: Any, error: str) -> None:
    with pytest.raises(HostingRefused, match=error):
        await hosting.host(database, replace(REQUEST, server_config=config))


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({}, "'name'"),
        ({"name": "x"}, "'version'"),
        ({"name": "", "version": "1"}, "client_config.name"),
        ({"name": 5, "version": "1"}, "client_config.name"),
        ({"name": "a\0b", "version": "1"}, "client_config.name"),
        ({"name": "x" * 256, "version": "1"}, "client_config.name"),
        ({"name": "\ud800", "version": "1"}, "JSON values"),
        ("x", "client_config must be an object"),
    ],
)
async def test_client_config_that_is_not_valid(database: Database, config: Any, error: str) -> None:
    with pytest.raises(HostingRefused, match=error):
        await hosting.host(database, replace(REQUEST, client_config=config))


async def test_secrets_are_not_repeated_in_errors(database: Database) -> None:
    config = {"cycle_length": 600, "authentication": {"secret": ["hunter2"]}}
    with pytest.raises(HostingRefused, match=r"server_config\.authentication") as caught:
        await hosting.host(database, replace(REQUEST, server_config=config))
    assert "hunter2" not in caught.value.text


@pytest.mark.parametrize(
    ("authentication", "error"),
    [
        ({"pub_key": "ssh-rsa AAAA"}, "-----BEGIN PUBLIC KEY-----"),
        ({"endpoint": "ftp://example.org"}, "endpoint"),
    ],
)
async def test_authentication_that_could_never_work(
    database: Database, authentication: dict[str, str], error: str
) -> None:
    config = {"cycle_length": 600, "authentication": authentication}
    with pytest.raises(HostingRefused, match=error):
        await hosting.host(database, replace(REQUEST, server_config=config))


async def test_empty_authentication_is_none(database: Database) -> None:
    config = {"cycle_length": 600, "authentication": {"secret": "", "pub_key": "", "endpoint": ""}}
    await hosting.host(database, replace(REQUEST, server_config=config))
    name = REQUEST.client_config["name"]
    assert not (await workers.authentication_config(database, name)).required


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
async def test_a_model_that_is_not_finite(database: Database, value: float) -> None:
    model = encode_state([np.array([1.0, value], np.float32)])
    with pytest.raises(HostingRefused, match="'model' is not valid: it has values"):
        await hosting.host(database, replace(REQUEST, model=model))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": b""}, "'model' is not valid"),
        ({"plans": {}}, "'plans' is empty"),
        ({"plans": {"": life.TRAINING_PLAN}}, "no printable name"),
        ({"averaging_plan": b"garbage"}, "averaging plan cannot be used"),
    ],
)
async def test_blobs_that_are_not_valid(
    database: Database, change: dict[str, Any], error: str
) -> None:
    with pytest.raises(HostingRefused, match=error):
        await hosting.host(database, replace(REQUEST, **change))


@pytest.mark.parametrize("limit", ["max_model_bytes", "max_plan_bytes"])
async def test_blobs_that_are_too_large(settings: Settings, limit: str) -> None:
    async with Database(Settings(**(settings.model_dump() | {limit: 100}))) as database:
        with pytest.raises(HostingRefused, match="this node takes up to 100"):
            await hosting.host(database, REQUEST)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (None, "must be an object"),
        ({}, "'model'"),
        ({"model": 5, "plans": {}, "client_config": {}, "server_config": {}}, "'model' must be"),
        ({"model": "é", "plans": {}, "client_config": {}, "server_config": {}}, "Non-hexa"),
        ({"model": "abc", "plans": {}, "client_config": {}, "server_config": {}}, "Odd-length"),
        ({"model": "", "plans": [], "client_config": {}, "server_config": {}}, "'plans' must be"),
        ({"model": "", "plans": {"x": 1}, "client_config": {}, "server_config": {}}, "'plans.x'"),
    ],
)
def test_messages_that_are_not_valid(data: Any, error: str) -> None:
    with pytest.raises(HostingRefused, match=error):
        hosting.parse_request(data)


async def test_unknown_keys_and_their_order_are_kept(database: Database) -> None:
    config = {"zeta": 1, "name": "model", "version": "1.0", "alpha": [1.50, {"b": None}]}
    process_id = await hosting.host(database, replace(REQUEST, client_config=config))
    model = life.Model(database, process_id, "model")
    answer = await model.ask(await model.worker())
    assert json.dumps(answer.client_config) == json.dumps(config)  # type: ignore[union-attr]


async def test_zero_counts_as_absent(database: Database) -> None:
    model = await life.host(database, max_workers=0, max_diffs=0, min_diffs=0, num_cycles=0)
    for _ in range(3):
        await model.contribute()
    assert (await model.cycle()).reported == 3


@pytest.mark.parametrize("action", [hosting.pause, hosting.resume, hosting.delete])
async def test_actions_on_unknown_models(database: Database, action: Any) -> None:
    with pytest.raises(ProcessNotFound):
        await action(database, "nosuch", "1.0")

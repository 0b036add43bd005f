"""Who may do what with datasets and their models."""

import re
from dataclasses import replace

import pytest
from datasets.logic import (
    Dataset,
    Training,
    new_key,
    purchased,
    start_training,
    stop_training,
    training,
)
from lambda_common.node import NodeError
from lambda_common.responses import ApiError

from tests.unit.lambdas.datasets.fakes import ADA, DESCRIBED, DEV, MODEL, STEPS, FakeNode, FakeStore

HOST = "node.example.com"
WANTED = replace(MODEL, version="", owner="", features=["Age"], labels=["Steps"])


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def refusal(raised: pytest.ExceptionInfo[ApiError]) -> tuple[int, str]:
    return raised.value.status, raised.value.code


@pytest.mark.parametrize("user_id", [None, "Ada", "ada", "ada@example.com", "Ada@Example.com"])
def test_purchases_are_the_callers(store: FakeStore, user_id: str | None) -> None:
    assert purchased("Ada", user_id, store) == ["Steps", "Sleep"]


@pytest.mark.parametrize("user_id", ["dev", "dev@example.com", "", "ad"])
def test_nobody_acts_for_somebody_else(store: FakeStore, user_id: str) -> None:
    for action in (purchased, new_key):
        with pytest.raises(ApiError, match="user_id names another account") as raised:
            action("Ada", user_id, store)
        assert refusal(raised) == (403, "foreign_account")
    assert store.changes == []


def test_a_new_key_replaces_the_old_one(store: FakeStore) -> None:
    key = new_key("Ada", "ada@example.com", store)
    assert re.fullmatch(r"[\w-]{22}", key)
    assert store.rows == [replace(ADA, api_key=key), DEV]
    assert new_key("Ada", None, store) != key


def test_accounts_without_a_single_row(store: FakeStore) -> None:
    with pytest.raises(ApiError, match="the account has no row: the operators") as raised:
        purchased("eve", None, store)
    assert refusal(raised) == (404, "unknown_user")
    store.rows.append(replace(ADA, user_id="old@example.com"))
    with pytest.raises(ApiError, match="the account has several rows: the operators") as raised:
        new_key("Ada", None, store)
    assert refusal(raised) == (409, "ambiguous_user")


def test_training_starts_once(store: FakeStore, node: FakeNode) -> None:
    assert start_training("Ada", WANTED, store, node) == HOST
    assert store.changes == ["model", "node"]
    assert store.models == {MODEL.model_id: DESCRIBED}
    assert store.datasets == {"Steps": replace(STEPS, node_url=HOST)}
    assert start_training("Ada", WANTED, store, node) == HOST
    assert store.changes == ["model", "node"]


def test_training_waits_for_a_node(store: FakeStore, node: FakeNode) -> None:
    node.name = None
    assert start_training("Ada", WANTED, store, node) is None
    assert store.changes == []


def test_a_node_that_moved_is_written_down(store: FakeStore, node: FakeNode) -> None:
    start_training("Ada", WANTED, store, node)
    node.name = "new.example.com"
    assert start_training("Ada", WANTED, store, node) == "new.example.com"
    assert store.models[MODEL.model_id].node_url == "new.example.com"
    assert store.datasets["Steps"].node_url == "new.example.com"


@pytest.mark.parametrize(
    ("caller", "changes", "expected"),
    [
        ("Ada", {"dataset_id": "None"}, (404, "unknown_dataset")),
        ("dev", {}, (403, "not_purchased")),
        ("Ada", {"model_id": "none"}, (404, "unknown_model")),
        ("Ada", {"model_id": MODEL.model_id.lower()}, (404, "unknown_model")),
        ("Ada", {"model_id": "of-dev"}, (403, "foreign_model")),
        ("Ada", {"dataset_id": "Sleep"}, (409, "other_dataset")),
    ],
)
def test_no_training(
    store: FakeStore,
    node: FakeNode,
    caller: str,
    changes: dict[str, str],
    expected: tuple[int, str],
) -> None:
    store.datasets["Sleep"] = replace(STEPS, dataset_id="Sleep")
    store.models["of-dev"] = replace(MODEL, model_id="of-dev", owner="dev")
    with pytest.raises(ApiError) as raised:
        start_training(caller, replace(WANTED, **changes), store, node)
    assert refusal(raised) == expected
    assert store.changes == []


def give_models(store: FakeStore) -> None:
    store.datasets["Steps"] = replace(STEPS, node_url=HOST)
    described = replace(MODEL, features=["Age"], labels=["Steps"])
    for model in (
        described,
        replace(described, model_id="undescribed", labels=[]),
        replace(described, model_id="complete"),
        replace(described, model_id="other", dataset_id="Sleep"),
    ):
        store.models[model.model_id] = model
    store.complete = {"complete"}


def test_training_stops(store: FakeStore, node: FakeNode) -> None:
    give_models(store)
    models = dict(store.models)
    assert stop_training("dev", "Steps", store, node) == 2
    assert node.paused == [MODEL.model_id, "undescribed"]
    assert store.changes == ["no node"]
    assert store.models == models
    assert stop_training("Dev", "Steps", store, node) == 2


def test_training_stops_without_a_node(store: FakeStore, node: FakeNode) -> None:
    node.name = None
    assert stop_training("dev", "Steps", store, node) == 0
    assert (store.changes, node.paused) == (["no node"], [])


def test_training_does_not_stop_while_the_node_is_away(store: FakeStore, node: FakeNode) -> None:
    give_models(store)
    node.broken = True
    with pytest.raises(NodeError) as raised:
        stop_training("dev", "Steps", store, node)
    assert raised.value.status == 502
    assert store.changes == []


@pytest.mark.parametrize(
    ("caller", "dataset_id", "expected"),
    [
        ("Ada", "Steps", (403, "foreign_dataset")),
        ("dev", "None", (404, "unknown_dataset")),
    ],
)
def test_only_the_owner_stops_training(
    store: FakeStore, node: FakeNode, caller: str, dataset_id: str, expected: tuple[int, str]
) -> None:
    with pytest.raises(ApiError) as raised:
        stop_training(caller, dataset_id, store, node)
    assert refusal(raised) == expected
    assert (store.changes, node.paused) == ([], [])


def test_a_phone_gets_models_with_features_and_labels(store: FakeStore) -> None:
    give_models(store)
    expected = Training([store.models[MODEL.model_id]], HOST, first=False)
    assert training(DEV.api_key, "Steps", store) == expected
    assert store.changes == []


def test_the_first_phone_sets_the_dataset_up_and_gets_its_models(store: FakeStore) -> None:
    give_models(store)
    store.datasets["Steps"] = replace(store.datasets["Steps"], properly_set_up=False)
    first = training(DEV.api_key, "Steps", store)
    assert (first.first, [model.model_id for model in first.models]) == (True, [MODEL.model_id])
    assert store.changes == ["set up"]
    assert training(DEV.api_key, "Steps", store).first is False


def test_a_phone_gets_nothing_without_a_node(store: FakeStore) -> None:
    assert training(DEV.api_key, "Steps", store) == Training([], "", first=False)


@pytest.mark.parametrize(
    ("api_key", "dataset_id"),
    [("", "Steps"), (ADA.api_key, "Steps"), ("\ud800", "Steps"), (DEV.api_key, "None")],
)
def test_only_the_owners_key_opens_a_dataset(
    store: FakeStore, api_key: str, dataset_id: str
) -> None:
    store.datasets["Steps"] = Dataset("Steps", "dev", properly_set_up=False, node_url=HOST)
    with pytest.raises(ApiError, match="api_key is not that of the owner") as raised:
        training(api_key, dataset_id, store)
    assert refusal(raised) == (400, "wrong_key")
    assert (store.changes, store.calls_left) == ([], 100)


def test_an_owner_without_a_key_has_no_phones(store: FakeStore) -> None:
    store.rows = [replace(DEV, api_key="")]
    with pytest.raises(ApiError, match="api_key is not that of the owner"):
        training("", "Steps", store)


def test_a_key_is_not_used_too_often(store: FakeStore) -> None:
    store.calls_left = 1
    training(DEV.api_key, "Steps", store)
    with pytest.raises(ApiError, match="used too often: try again in a minute") as raised:
        training(DEV.api_key, "Steps", store)
    assert refusal(raised) == (429, "too_many_calls")

"""Who gets which model, what is written for it, and when nothing is."""

import hashlib
import pickle
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from lambda_common.node import NodeError
from lambda_common.responses import ApiError
from model_retrieval.logic import (
    Link,
    Model,
    Query,
    Retrieved,
    object_key,
    retrieve,
    retrieve_finished,
    token_sha256,
)

from tests.unit.lambdas.model_retrieval.fakes import (
    HOST,
    KEY,
    MODEL,
    PREFIX,
    QUERY,
    STATES,
    FakeStore,
)


def get(store: FakeStore, query: Query = QUERY, caller: str = "ada") -> Retrieved:
    return retrieve(caller, query, store)


def refused(store: FakeStore, query: Query = QUERY, caller: str = "ada") -> ApiError:
    """Return the refusal of a request that must change nothing."""
    before = store.changes
    with pytest.raises(ApiError) as raised:
        get(store, query, caller)
    assert store.changes == before
    return raised.value


def row(**changes: object) -> FakeStore:
    """Return a store whose model's row is changed."""
    return FakeStore({MODEL.model_id: replace(MODEL, **changes)})  # type: ignore[arg-type]


def test_first_retrieval() -> None:
    store = FakeStore()
    retrieved = get(store)
    file, content = store.files[KEY]
    loaded = pickle.loads(content)  # noqa: S301 - written just above
    assert np.array_equal(loaded["parameters"][0], np.full((2, 3), 3))
    assert (loaded["model_id"], loaded["version"], loaded["checkpoint"]) == (
        "heart-1.0-ada",
        "1.0",
        3,
    )
    assert loaded["state"] == STATES[2]
    assert (file.checkpoint, file.last) == (3, True)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert retrieved == Retrieved(MODEL.model_id, retrieved.link, file, stored=True)
    assert store.models[MODEL.model_id] == replace(
        MODEL, retrieved=True, download_link=retrieved.link
    )


def test_link_cannot_be_guessed_and_is_not_kept() -> None:
    store = FakeStore()
    link = get(store).link
    token = link.removeprefix(PREFIX)
    assert re.fullmatch(r"[\w-]{43}", token)
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    assert store.links == {sha256: Link(sha256, MODEL.model_id, "ada", KEY)}
    assert get(FakeStore()).link != link


def test_second_retrieval_changes_nothing() -> None:
    store = FakeStore()
    first = get(store)
    before = store.changes
    second = get(store)
    assert (second.link, second.file, second.stored) == (first.link, first.file, False)
    assert (store.changes, store.fetched) == (before, 1)


def test_model_outlives_its_node() -> None:
    store = FakeStore()
    link = get(store).link
    store.fault, store.host = NodeError("there is no node"), None
    assert get(store).link == link


def test_same_checkpoint_is_not_stored_twice() -> None:
    store = FakeStore()
    get(store)
    store.models[MODEL.model_id] = MODEL
    again = get(store)
    assert (again.stored, store.written, store.fetched) == (False, 1, 2)
    assert store.models[MODEL.model_id].retrieved


def test_model_that_is_hosted_anew_replaces_its_file() -> None:
    store = FakeStore()
    old = get(store)
    store.models[MODEL.model_id] = MODEL
    store.checkpoints[2] = STATES[0]
    new = get(store)
    assert new.stored
    assert store.files[KEY][0] == new.file != old.file


def test_one_of_the_earlier_checkpoints() -> None:
    store = FakeStore()
    get(store)
    earlier = replace(QUERY, checkpoint=2)
    assert get(store, earlier).file.checkpoint == 2
    assert get(store, earlier).stored is False
    assert store.fetched == 2
    assert get(store).file.checkpoint == 3
    assert get(store, replace(QUERY, checkpoint=3)).stored is False
    assert store.fetched == 3


def test_earlier_checkpoint_is_not_taken_for_the_last() -> None:
    store = FakeStore()
    get(store, replace(QUERY, checkpoint=3))
    store.checkpoints.append(STATES[0])
    assert get(store).file.checkpoint == 4


def test_missing_checkpoint() -> None:
    assert refused(FakeStore(), replace(QUERY, checkpoint=9)).status == 404


def test_file_of_another_model_of_the_same_key_is_not_taken() -> None:
    store = FakeStore()
    first = Model("a", "1-2", "ada", Decimal(100), retrieved=False, download_link=None)
    second = Model("a-1", "2", "ada", Decimal(100), retrieved=False, download_link=None)
    assert object_key(first) == object_key(second)
    store.models = {model.model_id: model for model in (first, second)}
    for model in (first, second, first):
        retrieved = retrieve_finished(model.model_id, store)
        assert retrieved.file.model_id == model.model_id
        assert pickle.loads(store.files[object_key(model)][1])["model_id"] == model.model_id  # noqa: S301


def test_revoked_link_is_replaced() -> None:
    store = FakeStore()
    link = get(store).link
    store.revoked.add(token_sha256(link.removeprefix(PREFIX)))
    again = get(store)
    assert again.link != link
    assert (again.stored, store.models[MODEL.model_id].download_link) == (False, again.link)


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example.com/downloads/token",
        PREFIX + "made-up",
        PREFIX,
        "",
    ],
)
def test_link_that_the_row_makes_up_is_replaced(link: str) -> None:
    store = row(download_link=link, retrieved=True)
    made = get(store).link
    assert made.startswith(PREFIX)
    assert made != link
    assert store.models[MODEL.model_id].download_link == made


def test_token_alone_is_no_link() -> None:
    store = FakeStore()
    token = get(store).link.removeprefix(PREFIX)
    store.models[MODEL.model_id] = replace(MODEL, download_link=token, retrieved=True)
    assert get(store).link.startswith(PREFIX)


def test_link_to_another_file_is_replaced() -> None:
    store = FakeStore()
    link = get(store).link
    other = replace(MODEL, model_id="lungs-1.0-ada", download_link=link, retrieved=True)
    store.models[other.model_id] = other
    assert retrieve_finished(other.model_id, store).link != link


def test_link_survives_a_new_retrieval() -> None:
    store = FakeStore()
    link = get(store).link
    store.models[MODEL.model_id] = replace(MODEL, download_link=link)
    assert get(store).link == link
    assert store.models[MODEL.model_id].retrieved


def test_message_needs_no_caller() -> None:
    store = FakeStore()
    assert retrieve_finished(MODEL.model_id, store).stored
    with pytest.raises(ApiError) as raised:
        retrieve_finished("unknown", store)
    assert raised.value.status == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (replace(QUERY, owner="eve"), 403),
        (replace(QUERY, model_id="unknown"), 404),
        (replace(QUERY, version="2.0"), 404),
        (replace(QUERY, node="evil.example.com"), 400),
        (replace(QUERY, node=f"{HOST}:5000"), 400),
        (replace(QUERY, node="169.254.169.254"), 400),
    ],
)
def test_refused_requests(query: Query, status: int) -> None:
    store = FakeStore()
    assert refused(store, query).status == status
    assert store.fetched == 0


def test_node_is_only_compared() -> None:
    assert get(FakeStore(), replace(QUERY, node=HOST.upper())).stored
    assert refused(FakeStore(host=None), replace(QUERY, node=HOST)).status == 400


def test_model_of_somebody_else() -> None:
    assert refused(FakeStore(), caller="eve").status == 403
    assert refused(FakeStore(), replace(QUERY, owner="eve"), caller="eve").status == 403


def test_names_of_users_are_compared_without_case() -> None:
    assert get(FakeStore(), replace(QUERY, owner="ADA"), caller="Ada").stored


@pytest.mark.parametrize("percent", [0, 99, -1, 101])
def test_model_in_training(percent: int) -> None:
    store = row(percent_complete=Decimal(percent))
    refusal = refused(store)
    assert (refusal.status, refusal.code) == (409, "not_complete")
    assert store.fetched == 0


def test_node_that_fails() -> None:
    store = FakeStore(fault=NodeError("the node cannot be reached"))
    assert refused(store).status == 502
    assert not store.files


@pytest.mark.parametrize(
    "damaged",
    [b"", b"<html>", STATES[2][:-1], STATES[2] + b"\x00", STATES[2].replace(b"\x18", b"\x14")],
)
def test_damaged_checkpoint(damaged: bytes) -> None:
    store = FakeStore()
    store.checkpoints[-1] = damaged
    refusal = refused(store)
    assert (refusal.status, refusal.code) == (502, "damaged_checkpoint")
    assert not store.files


def test_api_without_an_address() -> None:
    store = FakeStore(prefix=None)
    assert refused(store).status == 503
    assert (store.fetched, store.files) == (0, {})


def test_row_that_changes_meanwhile_is_left_alone() -> None:
    store = FakeStore()
    anew = replace(MODEL, percent_complete=Decimal(0))
    fetch = store.checkpoint

    def hosted_anew(model: Model, number: int | None) -> object:
        store.models[MODEL.model_id] = anew
        return fetch(model, number)

    store.checkpoint = hosted_anew  # type: ignore[method-assign,assignment]
    with pytest.raises(ApiError) as raised:
        get(store)
    assert (raised.value.status, raised.value.code) == (409, "changed_meanwhile")
    assert (store.models[MODEL.model_id], store.links) == (anew, {})


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, KEY),
        ({"owner": "a/b"}, "a%2Fb/heart-1.0-ada-1.0.pkl"),
        ({"owner": "a", "model_id": "b/c"}, "a/b%2Fc-1.0.pkl"),
        ({"owner": "100%"}, "100%25/heart-1.0-ada-1.0.pkl"),
        ({"model_id": "../../x"}, "ada/..%2F..%2Fx-1.0.pkl"),
        ({"model_id": "Herz ä"}, "ada/Herz ä-1.0.pkl"),
    ],
)
def test_key(changes: dict[str, str], key: str) -> None:
    assert object_key(replace(MODEL, **changes)) == key  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": ""},
        {"owner": ".."},
        {"model_id": "ä" * 128},
        {"version": "1" * 65},
        {"owner": "/" * 128, "model_id": "/" * 255},
    ],
)
def test_names_that_make_no_key(changes: dict[str, str]) -> None:
    with pytest.raises(ApiError) as raised:
        object_key(replace(MODEL, **changes))  # type: ignore[arg-type]
    assert raised.value.status == 400

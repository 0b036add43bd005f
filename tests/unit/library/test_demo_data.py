"""`demo_data`: shapes, consistency and repeatability of what it makes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.demo_data import (
    GENERATOR_VERSION,
    check_numbers,
    make_data,
)
from ansible.module_utils.artificien.demo_files import (
    STAMP,
    delete_data,
    desired_data,
    read_data,
    write_data,
)
from ansible.module_utils.artificien.reconcile import ReconcileError, make_plan
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

USER = {
    "user_id": str,
    "user_account_email": str,
    "username": str,
    "has_onboarded": str,
    "role": str,
    "api_key": str,
    "datasets_purchased": list,
}
DATASET = {
    "dataset_id": str,
    "app": str,
    "placeholder": str,
    "logo_image_url": str,
    "category": str,
    "appURL": str,
    "attributes": list,
    "attributeTypes": list,
    "attributeRangeMins": list,
    "attributeRangeMaxes": list,
    "attributeDescriptions": list,
    "numPurchases": int,
    "owner_username": str,
    "properlySetUp": bool,
    "hasNode": bool,
}
MODEL = {
    "model_id": str,
    "active_status": int,
    "version": str,
    "dataset": str,
    "date_submitted": str,
    "owner_name": str,
    "percent_complete": int,
    "devices_trained_this_cycle": int,
    "loss_this_cycle": (int, float),
    "acc_this_cycle": (int, float),
    "features": list,
    "labels": list,
    "node_URL": str,
}
PARAMS = {"users": 4, "datasets": 2, "models": 3, "seed": 1, "state": "present"}


def check_shape(item: dict[str, Any], shape: dict[str, Any]) -> None:
    """Check that `item` has the attributes of `shape`, and lists have strings."""
    assert item.keys() == shape.keys()
    for name, kind in shape.items():
        assert isinstance(item[name], kind), name
        assert not isinstance(item[name], bool) or kind is bool, name
        if kind is list:
            assert all(isinstance(entry, str) for entry in item[name])


def check_users(data: dict[str, list[dict[str, Any]]]) -> None:
    """Check users on their own and what they have bought."""
    known = {dataset["dataset_id"] for dataset in data["datasets"]}
    owned = {(dataset["owner_username"], dataset["dataset_id"]) for dataset in data["datasets"]}
    listed = {dataset["dataset_id"] for dataset in data["datasets"] if dataset["properlySetUp"]}
    for user in data["users"]:
        check_shape(user, USER)
        assert user["username"].isalnum()
        assert user["username"].islower()
        assert user["user_id"] == user["user_account_email"]
        assert user["user_id"].startswith(f"{user['username']}@example.")
        assert len(user["api_key"]) == 22
        assert user["api_key"].replace("-", "a").replace("_", "a").isalnum()
        first, *bought = user["datasets_purchased"]
        assert first == "Artificien-Health"
        assert len(bought) == len(set(bought))
        mine = {dataset for owner, dataset in owned if owner == user["username"]}
        assert mine <= set(bought) <= known
        assert set(bought) - mine <= listed
    for name in ("user_id", "username", "api_key"):
        assert len({user[name] for user in data["users"]}) == len(data["users"])


def check_datasets(data: dict[str, list[dict[str, Any]]]) -> None:
    """Check datasets, their owners and their purchases."""
    names = {user["username"] for user in data["users"]}
    purchases = Counter(name for user in data["users"] for name in user["datasets_purchased"])
    assert len({dataset["dataset_id"] for dataset in data["datasets"]}) == len(data["datasets"])
    for dataset in data["datasets"]:
        check_shape(dataset, DATASET)
        assert dataset["owner_username"] in names
        assert dataset["numPurchases"] == purchases[dataset["dataset_id"]] >= 1
        assert dataset["app"] == dataset["placeholder"] == "placeholder"
        assert dataset["appURL"].startswith("https://apps.apple.com")
        types = dataset["attributeTypes"]
        assert set(types) <= {"N", "S"}
        assert len(types) == len(dataset["attributes"]) == len(set(dataset["attributes"]))
        assert len(types) == len(dataset["attributeDescriptions"])
        ranges = zip(dataset["attributeRangeMins"], dataset["attributeRangeMaxes"], strict=True)
        assert [float(low) < float(high) for low, high in ranges] == [True] * types.count("N")


def check_models(data: dict[str, list[dict[str, Any]]]) -> None:
    """Check models, their owners and datasets."""
    bought = {user["username"]: user["datasets_purchased"] for user in data["users"]}
    columns = {dataset["dataset_id"]: dataset["attributes"] for dataset in data["datasets"]}
    assert len({model["model_id"] for model in data["models"]}) == len(data["models"])
    for model in data["models"]:
        completed = model["percent_complete"] == 100
        check_shape(model, MODEL | ({"download_link": str} if completed else {}))
        assert model["active_status"] == (0 if completed else 1)
        assert 0 <= model["percent_complete"] <= 100
        assert model["dataset"] in bought[model["owner_name"]]
        assert model["model_id"].endswith(f"-{model['version']}-{model['owner_name']}")
        assert model["model_id"].islower()
        assert "2024-07-01" <= model["date_submitted"] <= "2025-06-30"
        known = columns[model["dataset"]]
        assert model["features"]
        assert model["labels"]
        assert set(model["features"] + model["labels"]) <= set(known)
        assert not set(model["features"]) & set(model["labels"])


@settings(max_examples=25)
@given(
    users=st.integers(1, 40),
    datasets=st.integers(1, 40),
    models=st.integers(0, 60),
    seed=st.integers(0, 2**40),
)
def test_the_items_are_consistent(users: int, datasets: int, models: int, seed: int) -> None:
    data = make_data(users, datasets, models, seed)
    assert {kind: len(items) for kind, items in data.items()} == {
        "users": users,
        "datasets": datasets,
        "models": models,
    }
    check_users(data)
    check_datasets(data)
    check_models(data)


@pytest.mark.parametrize("numbers", [(0, 0, 0), (5, 0, 0), (1, 1, 0), (1, 1, 1)])
def test_small_numbers_are_possible(numbers: tuple[int, int, int]) -> None:
    data = make_data(*numbers, seed=0)
    assert tuple(len(items) for items in data.values()) == numbers


def test_a_demo_has_every_kind_of_item() -> None:
    data = make_data(25, 12, 40, 0)
    assert {dataset["properlySetUp"] for dataset in data["datasets"]} == {True, False}
    assert {model["active_status"] for model in data["models"]} == {0, 1}
    assert len({dataset["category"] for dataset in data["datasets"]}) > 3


def test_more_users_do_not_rename_anything() -> None:
    few, many = make_data(10, 5, 0, 3), make_data(20, 5, 0, 3)
    keys = [user["user_id"] for user in few["users"]]
    assert keys == [user["user_id"] for user in many["users"]][:10]
    names = [dataset["dataset_id"] for dataset in few["datasets"]]
    assert names == [dataset["dataset_id"] for dataset in many["datasets"]]


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Auckland"},
    ],
)
def test_the_data_is_the_same_everywhere(surroundings: dict[str, str], root: Path) -> None:
    script = (
        "import sys, json, ansible.module_utils as m; m.__path__.append(sys.argv[1])\n"
        "from ansible.module_utils.artificien.demo_data import make_data\n"
        "print(json.dumps(make_data(12, 6, 20, 5)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(root / "module_utils")],
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == make_data(12, 6, 20, 5)
    assert json.loads(done.stdout) != make_data(12, 6, 20, 6)


def test_what_is_made_is_of_the_version_that_is_told() -> None:
    made = json.dumps(make_data(12, 6, 20, 5), sort_keys=True).encode()
    assert (GENERATOR_VERSION, hashlib.sha256(made).hexdigest()) == (
        1,
        # pragma: allowlist nextline secret
        "a50b10d4d99388a52804773080358c0f2fa65d603d72c117cbaff2fd08961961",
    ), "raise GENERATOR_VERSION, and write the new digest here"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((-1, 0, 0, 0), "users is -1. Write 0 or more"),
        ((1, 1, -2, 0), "models is -2"),
        ((1, 1, 1, -1), "seed is -1"),
        ((0, 1, 0, 0), "datasets is 1, but users is 0.*at least one user"),
        ((1, 0, 1, 0), "models is 1, but datasets is 0.*at least one dataset"),
    ],
)
def test_impossible_numbers_are_refused(numbers: tuple[int, int, int, int], words: str) -> None:
    with pytest.raises(ReconcileError, match=words):
        check_numbers(*numbers)


def test_files_are_made_once_and_mended(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    desired = desired_data(PARAMS)
    assert read_data(folder) is None
    assert desired is not None
    write_data(folder, desired)
    assert make_plan("demo", read_data(folder), desired).changed is False
    written = (folder / "users.jsonl").read_bytes()
    assert [len(line) > 2 for line in written.splitlines()] == [True] * 4

    for damage in ("users.jsonl", "models.jsonl", STAMP):
        (folder / damage).write_text("{}")
        assert make_plan("demo", read_data(folder), desired).changed is True
        write_data(folder, desired)
    (folder / "datasets.jsonl").unlink()
    assert make_plan("demo", read_data(folder), desired).changed is True
    write_data(folder, desired)
    assert (folder / "users.jsonl").read_bytes() == written


@pytest.mark.parametrize("change", [{"models": 4}, {"seed": 2}, {"generator": "older"}])
def test_other_numbers_or_another_generator_make_other_files(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    desired = desired_data(PARAMS)
    assert desired is not None
    write_data(tmp_path, desired)
    assert make_plan("demo", read_data(tmp_path), desired | change).changed is True


def test_deleting_leaves_other_files(tmp_path: Path) -> None:
    desired = desired_data(PARAMS)
    assert desired is not None
    (tmp_path / "notes.txt").write_text("mine")
    write_data(tmp_path, desired)
    delete_data(tmp_path)
    delete_data(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert read_data(tmp_path) is None
    assert desired_data(PARAMS | {"state": "absent"}) is None


def test_looking_needs_neither_pandas_nor_faker(root: Path, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, ansible.module_utils as m; m.__path__.append(sys.argv[1])\n"
        "from ansible.module_utils.artificien.demo_files import desired_data, read_data\n"
        f"desired_data({PARAMS!r}); read_data(pathlib.Path(sys.argv[2]))\n"
        "print({'pandas', 'numpy', 'faker', 'botocore'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(root / "module_utils"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"

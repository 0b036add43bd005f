"""A model's whole life: bought data, a hosted model, devices that train it, arrays in hand."""

from __future__ import annotations

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from examples.register_dataset import form_item
from tests.accounts import Accounts
from tests.api import Answer, Api, open_model
from tests.cloud import ROOT
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deployment import Platform

VERSION = "1.0"
FEATURES, LABELS = ["Resting Heart Rate"], ["Sleep, hours"]
REPORTS = 200
# More would not be served faster: each of them is a process of this machine.
REPORTS_AT_A_TIME = 32
# What speaks the node's protocol is in the node's own environment.
HOST = """
import sys
from clients.node import Deployed, Model

url, token, name = sys.argv[1:]
node = Deployed(url, token)
Model.host(node, client_config={"name": name}, num_cycles=2, max_diffs=2)
"""
TRAIN = """
import sys
import numpy
from artificien_pygrid.wire.tensors import decode_state
from clients.node import GOLDEN, Deployed, Model

url, token, name, cycle, path = sys.argv[1:]
hosted = decode_state((GOLDEN / "blobs/jslinear.model.bin").read_bytes())
model = Model(Deployed(url, token), name, hosted)
for diff in (0.5, 0.25):
    model.worker().join().report(model.diff(diff / int(cycle)))
numpy.savez(path, *model.wait_for_checkpoint(int(cycle) + 1))
"""


@dataclass(frozen=True)
class Person:
    """Somebody who has signed up and signed in."""

    name: str
    email: str
    token: str


class Market:
    """The platform, as developers, data scientists, their notebooks and phones use it."""

    def __init__(self, platform: Platform) -> None:
        self.accounts = Accounts(platform)
        self.api = Api(platform.outputs["api"]["base_url"])
        self.host = platform.outputs["pygrid"]["host"]
        # The only address that apps and notebooks of old know.
        self.old_api = Api(f"http://{self.host}:5001")
        self.node = Api(f"http://{self.host}:5000")
        self.models = platform.cloud.resource("dynamodb").Table("model_table")
        self.datasets = platform.cloud.resource("dynamodb").Table("dataset_table")
        self.links = platform.cloud.resource("dynamodb").Table("artificien-local-downloads")
        s3 = platform.cloud.resource("s3")
        self.bucket = s3.Bucket(platform.outputs["storage"]["buckets"]["trained_models"])

    def join(self, name: str) -> Person:
        """Sign up and sign in."""
        email = self.accounts.join(name)
        return Person(name, email, self.accounts.sign_in(name)["AccessToken"])

    def api_key(self, person: Person) -> str:
        """Return the key that the person's apps bear."""
        row = self.accounts.row(person.email)
        assert row
        key: str = row["api_key"]["S"]
        return key

    def register(self, dataset_id: str, owner: Person) -> None:
        """Register a dataset, as the marketplace does."""
        self.datasets.put_item(Item=form_item(dataset_id) | {"owner_username": owner.name})

    def buy(self, person: Person, *dataset_ids: str) -> None:
        """Buy datasets from the browser of a person who has none but the tutorial's."""
        bought = [{"S": dataset_id} for dataset_id in ("Artificien-Health", *dataset_ids)]
        self.accounts.browser(person.email, "dynamodb").update_item(
            TableName="user_table",
            Key={"user_id": {"S": person.email}},
            AttributeUpdates={"datasets_purchased": {"Action": "PUT", "Value": {"L": bought}}},
            ReturnValues="ALL_NEW",
        )

    def write_row(self, name: str, owner: str, dataset_id: str) -> str:
        """Write the row of a new model, as notebooks do, and return its id."""
        model_id = f"{name}-{VERSION}-{owner}"
        self.models.put_item(
            Item={
                "model_id": model_id,
                "active_status": 1,
                "version": VERSION,
                "dataset": dataset_id,
                "date_submitted": "2026-01-01",
                "owner_name": owner,
                "percent_complete": 0,
                "devices_trained_this_cycle": 0,
                "loss_this_cycle": -1,
                "acc_this_cycle": -1,
            }
        )
        return model_id

    def row(self, model_id: str) -> dict[str, Any]:
        """Return the row of a model as it is now."""
        item: dict[str, Any] = self.models.get_item(
            Key={"model_id": model_id}, ConsistentRead=True
        )["Item"]
        return item

    def create(self, person: Person, model_id: str, dataset_id: str) -> Answer:
        """Ask for a node, as notebooks do."""
        body = {
            "dataset_id": dataset_id,
            "model_id": model_id,
            "features": FEATURES,
            "labels": LABELS,
        }
        return self.old_api.post("/create", body, token=person.token)

    def send(self, person: Person, name: str, dataset_id: str) -> str:
        """Send a model to the devices of a dataset, as notebooks do, and return its id."""
        # JupyterHub knows people by their names in lower case.
        model_id = self.write_row(name, person.name.lower(), dataset_id)
        answer = self.create(person, model_id, dataset_id)
        assert (answer.status, answer.json) == (200, {"status": "ready", "nodeURL": self.host})
        self.run(HOST, person, model_id)
        return model_id

    def run(self, script: str, person: Person, model_id: str, *arguments: object) -> None:
        """Run a script about a person's model in the environment of the node."""
        done = subprocess.run(
            [
                *(ROOT / "build/pygrid-venv/bin/python", "-c", script),
                *(self.node.base_url, person.token, model_id, *map(str, arguments)),
            ],
            env=os.environ | {"PYTHONPATH": f"{ROOT}/pygrid/src:{ROOT}/pygrid/tests"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def info(self, api_key: str, dataset_id: str) -> Answer:
        """Ask what to train, as phones do: in the clear, and with an underscore."""
        return self.old_api.post("/info", {"dataset_id": dataset_id}, headers={"api_key": api_key})

    def report(self, model_id: str, loss: float) -> Answer:
        """Report a loss, as phones do."""
        body = {"model_id": model_id, "loss": loss, "acc": -1}
        return self.old_api.post("/model_loss", body)

    def retrieve(self, person: Person, model_id: str, **query: str) -> Answer:
        """Ask for a model of the person's."""
        asked = {"ownerName": person.name, "modelId": model_id, "version": VERSION} | query
        return self.api.get("/retrieve", token=person.token, **asked)


@pytest.fixture(scope="module")
def market(platform: Platform) -> Market:
    """Return the platform that the tests of this module share."""
    return Market(platform)


@pytest.fixture(scope="module")
def developer(market: Market) -> Person:
    """Return who offers datasets."""
    return market.join("barbara")


@pytest.fixture(scope="module")
def scientist(market: Market, dataset: str) -> Person:
    """Return who has bought the dataset."""
    person = market.join("Katherine")
    market.buy(person, dataset)
    return person


@pytest.fixture(scope="module")
def stranger(market: Market) -> Person:
    """Return who has bought nothing and owns nothing."""
    return market.join("eve")


@pytest.fixture(scope="module")
def dataset(market: Market, developer: Person) -> str:
    """Return the dataset of an app that phones run."""
    market.register("Night Watch", developer)
    return "Night Watch"


@pytest.fixture(scope="module")
def training(market: Market, scientist: Person, dataset: str) -> str:
    """Return a model of the scientist's that waits for devices."""
    return market.send(scientist, "waiting", dataset)


def arrays(path: Path) -> list[np.ndarray]:
    """Return the arrays in an .npz file, in their order."""
    with np.load(path) as found:
        return [found[f"arr_{number}"] for number in range(len(found))]


def assert_equal(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    """Demand the same arrays, bit by bit."""
    for one, other in zip(left, right, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_from_a_dataset_to_the_arrays_in_hand(market: Market, tmp_path: Path) -> None:
    mileva, mary = market.join("mileva"), market.join("Mary-J")
    key = market.api_key(mileva)
    market.register("Sleep & Heart", mileva)
    assert market.info(key, "Sleep & Heart").json.keys() == {"success"}
    assert market.datasets.get_item(Key={"dataset_id": "Sleep & Heart"})["Item"]["properlySetUp"]
    assert market.info(key, "Sleep & Heart").json.keys() == {"wait"}

    market.buy(mary, "Sleep & Heart")
    model_id = market.send(mary, "sleep", "Sleep & Heart")
    told = market.info(key, "Sleep & Heart")
    assert told.headers["content-type"] == "application/json"
    assert told.json == {
        "models": [[model_id, VERSION, FEATURES, LABELS]],
        "nodeURL": market.host,
    }

    market.run(TRAIN, mary, model_id, 1, tmp_path / "first.npz")
    wait_for(lambda: market.row(model_id)["percent_complete"] == 50)
    for loss in (0.1, 0.2, 0.4):
        assert market.report(model_id, loss).json == {"status": "recorded"}
    row = market.row(model_id)
    assert (row["devices_trained_this_cycle"], row["active_status"]) == (3, 1)
    assert row["loss_this_cycle"] == pytest.approx(Decimal("0.7") / 3)
    assert market.retrieve(mary, model_id).refusal == (409, "not_complete")

    market.run(TRAIN, mary, model_id, 2, tmp_path / "last.npz")
    wait_for(lambda: "download_link" in market.row(model_id))
    row = market.row(model_id)
    assert (row["percent_complete"], row["active_status"]) == (100, 0)
    assert market.info(key, "Sleep & Heart").json == {"models": [], "nodeURL": market.host}
    assert market.report(model_id, 0.1).refusal == (409, "not_in_training")

    link = row["download_link"]
    last = open_model(link)
    assert (last["model_id"], last["version"], last["checkpoint"]) == (model_id, VERSION, 3)
    assert_equal(last["parameters"], arrays(tmp_path / "last.npz"))
    redirect = Api(link).get("")
    assert redirect.status == 302
    assert redirect.headers["cache-control"] == "no-store"
    item = market.bucket.Object(f"mary-j/{model_id}-{VERSION}.pkl").get()
    assert item["ServerSideEncryption"] == "AES256"
    assert item["Metadata"]["checkpoint"] == "3"

    again = market.retrieve(mary, model_id, nodeURL=market.host)
    assert (again.status, again.json["bucket_url"]) == (200, link)
    assert (again.json["sha256"], again.json["checkpoint"]) == (last["sha256"], 3)
    assert again.headers["access-control-allow-origin"] == "*"
    versions = market.bucket.object_versions.filter(Prefix=f"mary-j/{model_id}")
    assert len(list(versions)) == 1

    assert market.retrieve(mary, model_id, checkpoint="9").refusal == (404, "not_found")
    earlier = market.retrieve(mary, model_id, checkpoint="2").json
    assert_equal(open_model(earlier["bucket_url"])["parameters"], arrays(tmp_path / "first.npz"))

    token = link.rpartition("/")[2]
    market.links.update_item(
        Key={"token_hash": hashlib.sha256(token.encode()).hexdigest()},
        UpdateExpression="SET revoked_at = :now",
        ConditionExpression="attribute_exists(model_id)",
        ExpressionAttributeValues={":now": "2026-01-01T00:00:00Z"},
    )
    assert Api(link).get("").refusal == (404, "not_found")
    renewed = market.retrieve(mary, model_id).json
    assert renewed["bucket_url"] != link
    assert open_model(renewed["bucket_url"])["sha256"] == last["sha256"]


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({}, (409, "not_complete")),
        ({"ownerName": "eve"}, (403, "forbidden")),
        ({"modelId": "unknown"}, (404, "not_found")),
        ({"version": "9.9"}, (404, "not_found")),
        ({"nodeURL": "169.254.169.254"}, (400, "invalid_request")),
        ({"checkpoint": "first"}, (400, "invalid_request")),
        ({"modelId": ""}, (400, "invalid_request")),
    ],
)
def test_a_model_out_of_reach_is_refused_and_stays_as_it_is(
    market: Market, scientist: Person, training: str, query: dict[str, str], refusal: Any
) -> None:
    before = market.row(training)
    assert market.retrieve(scientist, training, **query).refusal == refusal
    assert market.row(training) == before
    assert list(market.bucket.objects.filter(Prefix="katherine/")) == []


def test_a_model_of_somebody_else_is_refused(
    market: Market, stranger: Person, training: str
) -> None:
    assert market.retrieve(stranger, training).refusal == (403, "forbidden")


@pytest.mark.parametrize("route", ["/create", "/get_datasets", "/generate_key", "/delete"])
def test_nobody_but_who_is_signed_in_is_served(
    market: Market, scientist: Person, route: str
) -> None:
    head, body, signature = scientist.token.split(".")
    forged = ".".join((head, body, ("B" if signature[0] == "A" else "A") + signature[1:]))
    for token in ("", "nonsense", forged):
        assert market.old_api.post(route, {}, token=token).refusal == (401, "unauthorized")
        assert market.api.get("/retrieve", token=token).refusal == (401, "unauthorized")


def test_who_did_not_buy_a_dataset_does_not_train_on_it(
    market: Market, stranger: Person, dataset: str
) -> None:
    model_id = market.write_row("uninvited", stranger.name, dataset)
    assert market.create(stranger, model_id, dataset).refusal == (403, "not_purchased")
    assert "features" not in market.row(model_id)


def test_a_node_is_for_the_own_model_of_the_dataset(
    market: Market, developer: Person, scientist: Person, training: str, dataset: str
) -> None:
    market.buy(developer, dataset)
    health = "Artificien-Health"
    assert market.create(developer, training, dataset).refusal == (403, "foreign_model")
    assert market.create(scientist, "unknown", dataset).refusal == (404, "unknown_model")
    assert market.create(scientist, training, "unknown").refusal == (404, "unknown_dataset")
    assert market.create(scientist, training, health).refusal == (409, "other_dataset")


def test_a_body_names_nobody_but_its_sender(
    market: Market, scientist: Person, stranger: Person, dataset: str
) -> None:
    bought = {"datasets": ["Artificien-Health", dataset]}
    for user_id in ("katherine", "Katherine@Example.com"):
        body = {"user_id": user_id}
        assert market.old_api.post("/get_datasets", body, token=scientist.token).json == bought
        for route in ("/get_datasets", "/generate_key"):
            foreign = market.old_api.post(route, body, token=stranger.token)
            assert foreign.refusal == (403, "foreign_account")


def test_a_new_key_replaces_the_old_one(market: Market) -> None:
    person = market.join("valentina")
    market.register("Orbits", person)
    old = market.api_key(person)
    body = {"user_id": person.email}
    new = market.old_api.post("/generate_key", body, token=person.token).json["api_key"]
    for key in (old, "", f"{new}x"):
        answer = market.info(key, "Orbits")
        assert answer.status == 400
        assert answer.json.keys() == {"error"}
    assert market.info(new, "Orbits").json.keys() == {"success"}


def test_phones_stop_when_the_owner_of_the_dataset_says_so(
    market: Market, scientist: Person
) -> None:
    person = market.join("hypatia")
    market.register("Conics", person)
    market.buy(scientist, "Night Watch", "Conics")
    model_id = market.send(scientist, "stopped", "Conics")
    worker = {"model_name": model_id, "model_version": VERSION}
    worker_id = market.node.post("/model-centric/authenticate", worker).json["worker_id"]

    body = {"dataset_id": "Conics"}
    foreign = market.old_api.post("/delete", body, token=scientist.token)
    assert foreign.refusal == (403, "foreign_dataset")
    stopped = market.old_api.post("/delete", body, token=person.token)
    assert stopped.json == {"status": "stopped", "paused": 1}
    assert market.info(market.api_key(person), "Conics").json.keys() == {"success"}
    assert market.info(market.api_key(person), "Conics").json.keys() == {"wait"}
    wish = {"worker_id": worker_id, "model": model_id, "version": VERSION}
    answer = market.node.post("/model-centric/cycle-request", wish)
    assert answer.json["status"] == "rejected"


def test_no_report_is_lost_among_many(market: Market, dataset: str) -> None:
    model_id = market.write_row("crowded", "katherine", dataset)
    losses = [number / 7 for number in range(REPORTS)]
    with ThreadPoolExecutor(REPORTS_AT_A_TIME) as phones:
        answers = list(phones.map(lambda loss: market.report(model_id, loss), losses))
    assert {answer.status for answer in answers} == {200}
    row = market.row(model_id)
    assert row["devices_trained_this_cycle"] == REPORTS
    assert float(row["loss_this_cycle"]) == pytest.approx(sum(losses) / REPORTS, abs=1e-9)
    assert row["acc_this_cycle"] == -1


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), "0.5", None, True])
def test_what_is_no_loss_is_refused(market: Market, training: str, loss: Any) -> None:
    assert market.report(training, loss).refusal == (400, "invalid_request")
    assert market.report("unknown", 0.5).refusal == (404, "unknown_model")


@pytest.mark.parametrize("secret", ["", "guessed"])
def test_progress_is_the_nodes_to_report(market: Market, training: str, secret: str) -> None:
    body = {"model_id": training, "percent_complete": 100}
    answer = market.old_api.post("/model_progress", body, headers={"X-Progress-Secret": secret})
    assert answer.refusal == (401, "unauthorized")
    assert market.row(training)["percent_complete"] == 0

"""A dataset registered as the marketplace registers it becomes a sample that pandas reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from examples import register_dataset
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployment import Platform


def form_item(dataset_id: str, **attributes: Any) -> dict[str, Any]:
    """Return the 15 attributes that the registration form writes, with `attributes` changed."""
    base = register_dataset.form_item(dataset_id) | {
        "attributes": ["Age", "Body Mass Index"],
        "attributeTypes": ["N", "N"],
        "attributeRangeMins": ["18", "15.5"],
        "attributeRangeMaxes": ["90", "40"],
        "attributeDescriptions": ["Age in years", "Weight by height squared"],
    }
    assert len(base) == 15
    return base | attributes


class Marketplace:
    """What the marketplace and the notebooks do with datasets and samples."""

    def __init__(self, platform: Platform) -> None:
        self.dynamodb = platform.cloud.client("dynamodb")
        self.s3 = platform.cloud.client("s3")
        self.table = platform.outputs["dynamodb"]["tables"]["dataset_table"]
        self.bucket = platform.outputs["storage"]["buckets"]["sample_data"]

    def register(self, item: dict[str, Any]) -> None:
        """Put a whole item, as the form does."""
        typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        self.dynamodb.put_item(TableName=self.table, Item=typed)

    def buy(self, dataset_id: str, purchases: int) -> None:
        """Set the number of purchases by the legacy request that the page sends."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"dataset_id": {"S": dataset_id}},
            AttributeUpdates={"numPurchases": {"Action": "PUT", "Value": {"N": str(purchases)}}},
            ReturnValues="ALL_NEW",
        )

    def item(self, dataset_id: str) -> dict[str, Any]:
        """Return the present item, plain."""
        got = self.dynamodb.get_item(
            TableName=self.table, Key={"dataset_id": {"S": dataset_id}}, ConsistentRead=True
        )
        return {name: TypeDeserializer().deserialize(value) for name, value in got["Item"].items()}

    def head(self, dataset_id: str) -> dict[str, Any] | None:
        """Return what S3 knows of a sample, or None if there is none."""
        try:
            head: dict[str, Any] = self.s3.head_object(Bucket=self.bucket, Key=f"{dataset_id}.csv")
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            return None
        return head

    def bytes(self, dataset_id: str) -> bytes:
        """Return the sample as it is stored."""
        got = self.s3.get_object(Bucket=self.bucket, Key=f"{dataset_id}.csv")
        body: bytes = got["Body"].read()
        return body

    def frame(self, dataset_id: str) -> pd.DataFrame:
        """Return the sample as a notebook reads it."""
        got = self.s3.get_object(Bucket=self.bucket, Key=f"{dataset_id}.csv")
        return pd.read_csv(got["Body"])

    def settled(self, dataset_id: str, status: str = "ready") -> dict[str, Any]:
        """Wait for the status of a dataset and return its item."""
        return wait_for(
            lambda: item if (item := self.item(dataset_id)).get("sample_status") == status else None
        )


@contextmanager
def unread_stream(platform: Platform) -> Iterator[None]:
    """Keep the function from reading the stream, as after a dead letter."""
    client = platform.cloud.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName="artificien-local-data-upload")[
        "EventSourceMappings"
    ]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@pytest.fixture
def marketplace(platform: Platform) -> Marketplace:
    """Return the marketplace in front of the deployed platform."""
    return Marketplace(platform)


def test_a_registered_dataset_becomes_a_sample(marketplace: Marketplace) -> None:
    marketplace.register(form_item("Steps and More"))
    item = marketplace.settled("Steps and More")
    frame = marketplace.frame("Steps and More")
    assert list(frame.columns) == ["Age", "Body Mass Index"]
    assert [str(kind) for kind in frame.dtypes] == ["int64", "float64"]
    assert len(frame) == item["sample_rows"] == 500
    assert frame["Age"].between(18, 90).all()
    assert frame["Body Mass Index"].between(15.5, 40).all()
    head = marketplace.head("Steps and More")
    assert head is not None
    assert head["ContentLength"] == item["sample_bytes"]
    assert head["ServerSideEncryption"] == "AES256"


def test_the_dataset_of_the_tutorial_is_there_from_the_start(marketplace: Marketplace) -> None:
    marketplace.settled("Artificien-Health")
    frame = marketplace.frame("Artificien-Health")
    assert list(frame.columns) == ["Age", "Sex", "Body Mass Index", "Weekly Step Count"]
    assert len(frame) == 500


def test_the_registration_race_still_ends_in_a_sample(marketplace: Marketplace) -> None:
    marketplace.buy("Raced", 1)
    marketplace.register(form_item("Raced"))
    marketplace.buy("Raced", 1)
    item = marketplace.settled("Raced")
    assert item["numPurchases"] == 1
    assert "sample_error" not in item
    assert len(marketplace.frame("Raced")) == 500


def test_a_stub_alone_has_neither_sample_nor_error(marketplace: Marketplace) -> None:
    marketplace.buy("Only A Stub", 1)
    marketplace.register(form_item("After The Stub"))
    marketplace.settled("After The Stub")
    assert marketplace.item("Only A Stub") == {"dataset_id": "Only A Stub", "numPurchases": 1}
    assert marketplace.head("Only A Stub") is None


@pytest.mark.parametrize(
    "name",
    [
        "with spaces, and commas",
        'quoted "name"',
        "über/ätzend 数据 🩺",
        ".hidden",
        "a/b/../c",
        "50% off? #1&2=3+4",
        "line\nbreak",
        "100",
    ],
)
def test_nasty_names_of_datasets_and_columns_survive(marketplace: Marketplace, name: str) -> None:
    columns = [name, 'x,"y"', "é\r\nnew line", " padded ", "NA"]
    item = form_item(
        name,
        attributes=columns,
        attributeTypes=["S", "B", "N", "F", "S"],
        attributeRangeMins=["-5", "0"],
        attributeRangeMaxes=["5", "1"],
        attributeDescriptions=[""] * 5,
    )
    marketplace.register(item)
    marketplace.settled(name)
    frame = marketplace.frame(name)
    assert list(frame.columns) == columns
    assert [frame[column].dtype.kind for column in columns[1:4]] == ["i", "i", "f"]
    assert not frame.isna().to_numpy().any()
    for column in (columns[0], columns[4]):
        assert all(isinstance(value, str) for value in frame[column])


def test_a_bad_schema_between_good_ones_harms_only_itself(marketplace: Marketplace) -> None:
    marketplace.register(form_item("Good Before"))
    marketplace.register(form_item("Bad", attributeRangeMins=["91", "15.5"]))
    marketplace.register(form_item("Good After"))
    for name in ("Good Before", "Good After"):
        assert len(marketplace.frame(marketplace.settled(name)["dataset_id"])) == 500
    item = marketplace.settled("Bad", "failed")
    for word in ("Age", "91", "90"):
        assert word in item["sample_error"]
    assert marketplace.head("Bad") is None

    marketplace.register(form_item("Bad"))
    repaired = marketplace.settled("Bad")
    assert "sample_error" not in repaired
    assert len(marketplace.frame("Bad")) == 500


def test_only_a_changed_schema_makes_a_new_sample(marketplace: Marketplace) -> None:
    marketplace.register(form_item("Versions"))
    marketplace.settled("Versions")
    before = marketplace.head("Versions")
    marketplace.buy("Versions", 7)
    marketplace.register(form_item("Versions", numPurchases=8))
    marketplace.settled("Versions")
    unchanged = marketplace.head("Versions")
    assert before is not None
    assert unchanged is not None
    assert unchanged["VersionId"] == before["VersionId"]

    marketplace.register(form_item("Versions", num_devices=1234))
    wait_for(lambda: marketplace.item("Versions").get("sample_rows") == 1234 or None)
    assert len(marketplace.frame("Versions")) == 1234


def test_two_hundred_at_once(marketplace: Marketplace) -> None:
    names = [f"Crowd {number:03}" for number in range(200)]
    with ThreadPoolExecutor(16) as crowd:
        list(crowd.map(lambda name: marketplace.register(form_item(name)), names))
    for name in names:
        assert marketplace.settled(name)["sample_rows"] == 500
    contents = {marketplace.bytes(name) for name in names}
    assert len(contents) == 200


def test_the_repair_makes_what_is_missing_and_nothing_else(
    marketplace: Marketplace, platform: Platform
) -> None:
    marketplace.register(form_item("Lost"))
    marketplace.settled("Lost")
    contents = marketplace.bytes("Lost")
    marketplace.s3.delete_object(Bucket=marketplace.bucket, Key="Lost.csv")

    plan = platform.play("playbooks/operations/samples.yml", "--check")
    assert "Lost" in plan.text
    assert marketplace.head("Lost") is None

    with unread_stream(platform):
        marketplace.register(form_item("Broken", attributeTypes=["N"]))
        repair = platform.play("playbooks/operations/samples.yml")
        assert marketplace.item("Broken")["sample_status"] == "failed"
    assert "Lost" in repair.text
    assert "2 samples were missing or stale" in repair.text
    assert "Broken: attributeTypes has 1 entries for 2 attributes" in " ".join(repair.text.split())
    assert marketplace.bytes("Lost") == contents

    again = platform.play("playbooks/operations/samples.yml")
    assert again.changed == 0
    assert "0 samples were missing or stale" in again.text


def test_seeding_again_touches_nothing(marketplace: Marketplace, platform: Platform) -> None:
    marketplace.settled("Artificien-Health")
    marketplace.buy("Artificien-Health", 42)
    before = marketplace.item("Artificien-Health")
    run = platform.play("site.yml", "--tags", "seed_data")
    assert run.changed == 0
    assert marketplace.item("Artificien-Health") == before
    assert before["numPurchases"] == 42
    assert before["sample_status"] == "ready"

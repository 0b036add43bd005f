"""What the marketplace's browsers may do with the credentials of the identity pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.accounts import Accounts

if TYPE_CHECKING:
    from tests.deployment import Platform


# What the registration form writes of a dataset.
FORM: dict[str, Any] = {
    "dataset_id": {"S": "Marys-App"},
    "app": {"S": "placeholder"},
    "placeholder": {"S": "placeholder"},
    "category": {"S": "Other"},
    "appURL": {"S": "https://apps.apple.com/us/app/marys-app"},
    "attributes": {"L": [{"S": "Age"}]},
    "attributeTypes": {"L": [{"S": "N"}]},
    "attributeRangeMins": {"L": [{"S": "18"}]},
    "attributeRangeMaxes": {"L": [{"S": "90"}]},
    "attributeDescriptions": {"L": [{"S": "Age in years"}]},
    "numPurchases": {"N": "0"},
    "owner_username": {"S": "mary"},
    "properlySetUp": {"BOOL": False},
    "hasNode": {"BOOL": False},
    "logo_image_url": {"S": "https://example.com/logo.png"},
}


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


@pytest.fixture(scope="module")
def email(accounts: Accounts) -> str:
    return accounts.join("mary")


@pytest.fixture(scope="module")
def tables(accounts: Accounts, email: str) -> Any:
    """Return DynamoDB as the browser of Mary reaches it."""
    return accounts.browser(email, "dynamodb")


@pytest.fixture(scope="module")
def dataset(tables: Any) -> str:
    """Return a dataset that Mary registered from her browser."""
    tables.put_item(TableName="dataset_table", Item=FORM, ReturnConsumedCapacity="TOTAL")
    return "Marys-App"


def query(tables: Any, table: str, index: str, key: str, value: str) -> list[dict[str, Any]]:
    """Query an index as the marketplace does."""
    answer = tables.query(
        TableName=table,
        IndexName=index,
        KeyConditionExpression=f"{key} = :partitionKeyVal",
        ExpressionAttributeValues={":partitionKeyVal": {"S": value}},
        ScanIndexForward=False,
    )
    items: list[dict[str, Any]] = answer["Items"]
    return items


def test_a_browser_reads_its_own_row(tables: Any, email: str) -> None:
    rows = query(tables, "user_table", "users_username_index", "username", "mary")
    assert [row["user_id"]["S"] for row in rows] == [email]


@pytest.mark.parametrize(
    ("index", "key", "value"),
    [
        ("placeholder-app", "placeholder", "placeholder"),
        ("category-app-index", "category", "Other"),
        ("owner_username-index", "owner_username", "mary"),
    ],
)
def test_a_browser_lists_datasets(
    tables: Any, dataset: str, index: str, key: str, value: str
) -> None:
    found = query(tables, "dataset_table", index, key, value)
    assert dataset in [item["dataset_id"]["S"] for item in found]


def test_a_browser_lists_its_own_models(tables: Any) -> None:
    assert query(tables, "model_table", "owner-active-index", "owner_name", "mary") == []


def test_a_browser_scans_and_gets_datasets(tables: Any, dataset: str) -> None:
    scanned = tables.scan(TableName="dataset_table")["Items"]
    assert dataset in [item["dataset_id"]["S"] for item in scanned]
    item = tables.get_item(TableName="dataset_table", Key={"dataset_id": {"S": dataset}})["Item"]
    assert item["owner_username"]["S"] == "mary"


def test_a_browser_looks_for_apps_and_models(tables: Any) -> None:
    app = tables.get_item(TableName="app_table", Key={"app_id": {"S": "placeholder"}})
    assert "Item" not in app
    model = tables.get_item(TableName="model_table", Key={"model_id": {"S": "steps-1.0-mary"}})
    assert "Item" not in model


def test_a_browser_buys_a_dataset(tables: Any, dataset: str, email: str) -> None:
    bought = [{"S": "Artificien-Health"}, {"S": dataset}]
    user = tables.update_item(
        TableName="user_table",
        Key={"user_id": {"S": email}},
        AttributeUpdates={"datasets_purchased": {"Action": "PUT", "Value": {"L": bought}}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert user["datasets_purchased"] == {"L": bought}
    item = tables.update_item(
        TableName="dataset_table",
        Key={"dataset_id": {"S": dataset}},
        AttributeUpdates={"numPurchases": {"Action": "PUT", "Value": {"N": "1"}}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert item["numPurchases"] == {"N": "1"}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("delete_item", {"TableName": "dataset_table", "Key": {"dataset_id": {"S": "Marys-App"}}}),
        ("delete_item", {"TableName": "user_table", "Key": {"user_id": {"S": "x"}}}),
        ("scan", {"TableName": "user_table"}),
        ("scan", {"TableName": "model_table"}),
        ("get_item", {"TableName": "user_table", "Key": {"user_id": {"S": "x"}}}),
        ("put_item", {"TableName": "user_table", "Item": {"user_id": {"S": "x"}}}),
        (
            "put_item",
            {
                "TableName": "dataset_table",
                "Item": {"dataset_id": {"S": "x"}, "nodeURL": {"S": "node.example.com"}},
            },
        ),
        ("put_item", {"TableName": "model_table", "Item": {"model_id": {"S": "x"}}}),
        ("update_item", {"TableName": "model_table", "Key": {"model_id": {"S": "x"}}}),
        ("scan", {"TableName": "enterprise_table"}),
        ("delete_table", {"TableName": "dataset_table"}),
        ("list_tables", {}),
    ],
)
def test_a_browser_may_do_nothing_else(
    tables: Any, operation: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(tables, operation)(**arguments)


@pytest.mark.parametrize(
    ("table", "key", "attribute", "value"),
    [
        ("user_table", {"user_id": {"S": "joan@example.com"}}, "datasets_purchased", {"L": []}),
        ("user_table", {"user_id": {"S": "mary@example.com"}}, "api_key", {"S": "x"}),
        ("dataset_table", {"dataset_id": {"S": "Marys-App"}}, "owner_username", {"S": "joan"}),
    ],
)
def test_a_browser_updates_what_is_its_own_only(
    tables: Any, table: str, key: dict[str, Any], attribute: str, value: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        tables.update_item(
            TableName=table,
            Key=key,
            AttributeUpdates={attribute: {"Action": "PUT", "Value": value}},
        )


def test_a_browser_reads_what_is_its_own_only(tables: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        query(tables, "user_table", "users_username_index", "username", "joan")
    with pytest.raises(ClientError, match="AccessDenied"):
        query(tables, "model_table", "owner-active-index", "owner_name", "joan")
    with pytest.raises(ClientError, match="AccessDenied"):
        tables.get_item(TableName="model_table", Key={"model_id": {"S": "steps-1.0-joan"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        tables.get_item(TableName="app_table", Key={"app_id": {"S": "another"}})


def test_a_browser_may_not_use_other_services(accounts: Accounts, email: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        accounts.browser(email, "iam").list_users()
    with pytest.raises(ClientError, match="AccessDenied"):
        accounts.browser(email, "s3").list_buckets()


def test_guests_get_no_credentials(accounts: Accounts) -> None:
    with pytest.raises(ClientError, match="NotAuthorized"):
        accounts.client("cognito-identity").get_id(IdentityPoolId=accounts.ids["identity_pool_id"])


def test_rights_are_bound_to_the_person(accounts: Accounts) -> None:
    iam = accounts.platform.cloud.client("iam")
    arn = "arn:aws:iam::000000000000:policy/artificien-local-authenticated"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    bound = {
        statement["Sid"]: condition
        for statement in document["Statement"]
        for condition in statement.get("Condition", {}).values()
    }
    own_name = {"dynamodb:LeadingKeys": "${aws:PrincipalTag/username}"}
    assert bound == {
        "RegisterADataset": {"dynamodb:Attributes": sorted(FORM)},
        "CountAPurchase": {"dynamodb:Attributes": ["dataset_id", "numPurchases"]},
        "ReadTheOwnRow": own_name,
        "RecordTheOwnPurchases": {
            "dynamodb:LeadingKeys": "${aws:PrincipalTag/email}",
            "dynamodb:Attributes": ["datasets_purchased", "user_id"],
        },
        "ListTheOwnModels": own_name,
        "ReadTheOwnModels": {"dynamodb:LeadingKeys": "*-${aws:PrincipalTag/username}"},
        "LookForAnApp": {"dynamodb:LeadingKeys": "placeholder"},
    }
    tags = accounts.platform.cloud.client("cognito-identity").get_principal_tag_attribute_map(
        IdentityPoolId=accounts.ids["identity_pool_id"],
        IdentityProviderName=accounts.issuer.removeprefix("https://"),
    )["PrincipalTags"]
    assert tags == {"email": "email", "username": "cognito:username"}

"""What a notebook may do with the credentials of the person who runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.accounts import Accounts
from tests.browser import SignIn, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.deployment import Platform

SCOPE = "openid email profile aws.cognito.signin.user.admin"
# What the Python library writes of a model.
MODEL: dict[str, Any] = {
    "model_id": {"S": "gait-1.0-jocelyn"},
    "active_status": {"N": "1"},
    "version": {"S": "1.0"},
    "dataset": {"S": "Artificien-Health"},
    "date_submitted": {"S": "2026-01-31"},
    "owner_name": {"S": "jocelyn"},
    "percent_complete": {"N": "0"},
    "devices_trained_this_cycle": {"N": "0"},
    "loss_this_cycle": {"N": "-1"},
    "acc_this_cycle": {"N": "-1"},
}


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


@pytest.fixture(scope="module")
def tokens(accounts: Accounts, browser: Browser) -> Iterator[dict[str, str]]:
    """Return the tokens that the hub gets when Jocelyn signs in."""
    accounts.join("jocelyn")
    url = accounts.platform.outputs["jupyterhub"]["url"]
    attempt = SignIn(accounts, f"{url}/hub/oauth_callback", client="jupyter", scope=SCOPE)
    # The hub did not begin this sign-in, so it refuses the code and does not use it up.
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    sign_in(page, attempt.url(), "jocelyn")
    yield attempt.tokens(attempt.code(page))
    context.close()


def service(accounts: Accounts, tokens: dict[str, str], name: str) -> Any:
    """Return a service of AWS as a notebook of Jocelyn reaches it."""
    pool = accounts.platform.outputs["jupyterhub"]["identity_pool_id"]
    return accounts.with_identity(tokens["id_token"], pool, name)


@pytest.fixture(scope="module")
def tables(accounts: Accounts, tokens: dict[str, str]) -> Any:
    """Return DynamoDB as a notebook of Jocelyn reaches it."""
    return service(accounts, tokens, "dynamodb")


def put(tables: Any, **fields: dict[str, Any]) -> None:
    """Put the row of a model, as the Python library does."""
    tables.put_item(TableName="model_table", Item=MODEL | fields)


def test_a_notebook_submits_and_finds_its_own_models(tables: Any) -> None:
    put(tables)
    found = tables.get_item(TableName="model_table", Key={"model_id": MODEL["model_id"]})
    assert found["Item"] == MODEL
    listed = tables.query(
        TableName="model_table",
        IndexName="owner-active-index",
        KeyConditionExpression="owner_name = :name",
        ExpressionAttributeValues={":name": {"S": "jocelyn"}},
    )
    assert listed["Items"] == [MODEL]


@pytest.mark.parametrize(
    "fields",
    [
        {"model_id": {"S": "gait-1.0-otto"}},
        {"model_id": {"S": "jocelyn"}},
        {"download_link": {"S": "https://evil.example.com"}},
        {"node_URL": {"S": "evil.example.com"}},
    ],
)
def test_a_notebook_submits_nothing_else(tables: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        put(tables, **fields)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_item", {"TableName": "model_table", "Key": {"model_id": {"S": "gait-1.0-otto"}}}),
        (
            "query",
            {
                "TableName": "model_table",
                "IndexName": "owner-active-index",
                "KeyConditionExpression": "owner_name = :name",
                "ExpressionAttributeValues": {":name": {"S": "otto"}},
            },
        ),
        ("scan", {"TableName": "model_table"}),
        ("update_item", {"TableName": "model_table", "Key": {"model_id": MODEL["model_id"]}}),
        ("delete_item", {"TableName": "model_table", "Key": {"model_id": MODEL["model_id"]}}),
        ("scan", {"TableName": "dataset_table"}),
        ("get_item", {"TableName": "user_table", "Key": {"user_id": {"S": "jocelyn@example.com"}}}),
        ("list_tables", {}),
    ],
)
def test_a_notebook_may_do_nothing_else(
    tables: Any, operation: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(tables, operation)(**arguments)


def test_a_notebook_may_not_use_other_services(accounts: Accounts, tokens: dict[str, str]) -> None:
    sample = {"Bucket": accounts.platform.outputs["storage"]["buckets"]["sample_data"]}
    with pytest.raises(ClientError, match="AccessDenied"):
        service(accounts, tokens, "s3").list_objects_v2(**sample)
    with pytest.raises(ClientError, match="AccessDenied"):
        service(accounts, tokens, "secretsmanager").list_secrets()


def test_people_of_other_clients_get_no_credentials_of_notebooks(accounts: Accounts) -> None:
    other = {"id_token": accounts.sign_in("jocelyn")["IdToken"]}
    with pytest.raises(ClientError, match="NotAuthorized"):
        service(accounts, other, "dynamodb")


def test_rights_are_bound_to_the_person(accounts: Accounts) -> None:
    iam = accounts.platform.cloud.client("iam")
    arn = "arn:aws:iam::000000000000:policy/artificien-local-jupyterhub-notebooks"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    own_keys = {"dynamodb:LeadingKeys": "*-${aws:PrincipalTag/username}"}
    conditions = {each["Sid"]: each["Condition"] for each in document["Statement"]}
    assert conditions == {
        "SubmitTheOwnModels": {
            "ForAllValues:StringLike": own_keys,
            "ForAllValues:StringEquals": {"dynamodb:Attributes": sorted(MODEL)},
        },
        "ReadTheOwnModels": {"ForAllValues:StringLike": own_keys},
        "ListTheOwnModels": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:PrincipalTag/username}"}
        },
    }

"""The calls that the store makes, and how it takes the services' answers."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from post_confirmation.logic import Account
from post_confirmation.settings import Settings
from post_confirmation.store import Store

TABLE, POOL = "user_table", "us-east-1_pool"
ROW: dict[str, str | list[str]] = {
    "user_id": "ada@example.com",
    "username": "ada",
    "datasets_purchased": ["a", "b"],
}
PUT = {
    "TableName": TABLE,
    "Item": {
        "user_id": {"S": "ada@example.com"},
        "username": {"S": "ada"},
        "datasets_purchased": {"L": [{"S": "a"}, {"S": "b"}]},
    },
    "ConditionExpression": "attribute_not_exists(user_id)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


class Stubs:
    """A store on two stubbed clients."""

    def __init__(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
        dynamodb, self.dynamodb = stubbed("dynamodb")
        cognito, self.cognito = stubbed("cognito-idp")
        self.store = Store(dynamodb, lambda: cognito, table=TABLE)


@pytest.fixture
def stubs(stubbed: Callable[[str], tuple[Any, Stubber]]) -> Stubs:
    return Stubs(stubbed)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list of the seconds that the store waits, which pass at once."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    return seconds


def lookup(*user_ids: str) -> dict[str, Any]:
    return {
        TABLE: {
            "Keys": [{"user_id": {"S": user_id}} for user_id in user_ids],
            "ProjectionExpression": "user_id, username",
            "ConsistentRead": True,
        }
    }


def found(user_id: str, **attributes: str) -> dict[str, Any]:
    return {"user_id": {"S": user_id}} | {name: {"S": text} for name, text in attributes.items()}


def test_row_is_written_if_there_is_none(stubs: Stubs) -> None:
    stubs.dynamodb.add_response("put_item", {}, PUT)
    assert stubs.store.create(ROW) is None


@pytest.mark.parametrize(
    ("item", "username"), [(found("a", username="grace"), "grace"), (found("a"), "")]
)
def test_row_that_is_there_is_told_by_its_name(
    stubs: Stubs, item: dict[str, Any], username: str
) -> None:
    stubs.dynamodb.add_client_error(
        "put_item",
        "ConditionalCheckFailedException",
        modeled_fields={"Item": item},
        expected_params=PUT,
    )
    assert stubs.store.create(ROW) == username


def test_other_refusals_are_faults(stubs: Stubs) -> None:
    stubs.dynamodb.add_client_error("put_item", "AccessDeniedException")
    with pytest.raises(ClientError):
        stubs.store.create(ROW)


def test_rows_are_looked_up_once_each_and_without_their_keys(stubs: Stubs) -> None:
    answer = {
        "Responses": {TABLE: [found("a", username="ada"), found("c")]},
        "UnprocessedKeys": {},
    }
    stubs.dynamodb.add_response("batch_get_item", answer, {"RequestItems": lookup("a", "b", "c")})
    assert stubs.store.usernames(iter(["c", "a", "b", "a"])) == {"a": "ada", "c": ""}


def test_keys_left_over_are_looked_up_again(stubs: Stubs, waits: list[float]) -> None:
    answers = [([], "ab"), (["b"], "a"), (["a"], "")]
    wanted = "ab"
    for present, left in answers:
        answer = {
            "Responses": {TABLE: [found(name, username=f"u-{name}") for name in present]},
            "UnprocessedKeys": lookup(*left) if left else {},
        }
        stubs.dynamodb.add_response("batch_get_item", answer, {"RequestItems": lookup(*wanted)})
        wanted = left
    assert stubs.store.usernames(["a", "b"]) == {"a": "u-a", "b": "u-b"}
    assert waits == [0.05, 0.1]


def test_keys_left_over_for_ever_are_a_fault(stubs: Stubs, waits: list[float]) -> None:
    for _ in range(8):
        answer = {"Responses": {}, "UnprocessedKeys": lookup("a")}
        stubs.dynamodb.add_response("batch_get_item", answer)
    with pytest.raises(TimeoutError, match="user_table is read too fast: try again"):
        stubs.store.usernames(["a"])
    assert all(later == 2 * earlier for earlier, later in pairwise(waits))


def user(name: str, status: str, **attributes: str) -> dict[str, Any]:
    pairs = [{"Name": key, "Value": value} for key, value in attributes.items()]
    return {"Username": name, "UserStatus": status, "Attributes": pairs}


def test_accounts_of_all_pages(stubs: Stubs) -> None:
    request = {"UserPoolId": POOL, "Limit": 60}
    first = [
        user("ada", "CONFIRMED", email="ada@example.com", sub="1", email_verified="true"),
        user("eve", "UNCONFIRMED", email="eve@example.com", sub="2"),
        user("robot", "CONFIRMED", sub="3"),
    ]
    second = [
        user("new", "FORCE_CHANGE_PASSWORD", email="new@example.com", sub="4"),
        user("old", "RESET_REQUIRED", email="old@example.com", sub="5"),
        user("void", "CONFIRMED", email="", sub="6"),
    ]
    stubs.cognito.add_response("list_users", {"Users": first, "PaginationToken": "next"}, request)
    stubs.cognito.add_response(
        "list_users", {"Users": second}, request | {"PaginationToken": "next"}
    )
    assert list(stubs.store.accounts(POOL)) == [
        Account("ada", "ada@example.com", "1"),
        Account("new", "new@example.com", "4"),
        Account("old", "old@example.com", "5"),
    ]


def test_a_confirmation_ends_before_cognito_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config: Any = Store.connect(Settings(TABLE, "INFO"))._dynamodb.meta.config
    assert config.retries["mode"] == "standard"
    attempts = config.retries["total_max_attempts"]
    assert attempts > 1
    # Standard mode waits at most 1, 2, 4... seconds between attempts.
    waits = sum(2**retry for retry in range(attempts - 1))
    assert attempts * (config.connect_timeout + config.read_timeout) + waits < 4.5


def test_a_confirmation_waits_for_no_client_of_cognito(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr("boto3.client", lambda service, **_options: made.append(service))
    store = Store.connect(Settings(TABLE, "INFO"))
    assert made == ["dynamodb"]
    with pytest.raises(AttributeError):  # of the client that there is not
        next(store.accounts(POOL))
    assert made == ["dynamodb", "cognito-idp"]

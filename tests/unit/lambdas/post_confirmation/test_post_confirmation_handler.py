"""Events and answers of the function, its settings and its logs."""

import copy
import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lambda_common.environment import SettingsError
from lambda_common.logs import configure_logging
from post_confirmation.settings import Settings

from tests.unit.lambdas.post_confirmation.fakes import ADA, FakeStore, numbered

CONTEXT = SimpleNamespace(aws_request_id="request-1")
POOL = "us-east-1_pool"
ENTRY = {"username": "ada", "email": "ada@example.com", "sub": "sub-of-ada"}


def event(source: str = "PostConfirmation_ConfirmSignUp", **attributes: str) -> dict[str, Any]:
    """Return an event of Cognito as it sends it for Ada."""
    return {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": POOL,
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "client"},
        "triggerSource": source,
        "request": {
            "userAttributes": {
                "sub": "sub-of-ada",
                "cognito:user_status": "CONFIRMED",
                "email_verified": "true",
                "email": "ada@example.com",
                **attributes,
            }
        },
        "response": {},
    }


@pytest.fixture
def store(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """Return the store that the handler uses."""
    store = FakeStore()
    monkeypatch.setattr(handler, "STORE", store)
    return store


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of log, none of which may name a person or hold a key."""
    output = capsys.readouterr().out
    assert "example.com" not in output
    found = [json.loads(line) for line in output.splitlines()]
    assert all(set(line.values()).isdisjoint({"ada", "grace"}) for line in found)
    return found


def test_confirmed_sign_up_gets_its_row_once(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    sent = event()
    assert handler.lambda_handler(sent, CONTEXT) is sent
    assert sent == event()
    row = copy.deepcopy(store.rows[ADA.email])
    assert handler.lambda_handler(event(), CONTEXT) == event()
    assert store.rows == {ADA.email: row}
    fields = {"level": "INFO", "message": "account handled", "request_id": "request-1"}
    fields["sub"] = "sub-of-ada"
    assert lines(capsys) == [fields | {"outcome": "created"}, fields | {"outcome": "existing"}]


def test_keys_are_not_logged(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")
    handler.lambda_handler(event(), CONTEXT)
    assert str(store.rows[ADA.email]["api_key"]) not in capsys.readouterr().out


def test_new_password_changes_nothing(handler: ModuleType, store: FakeStore) -> None:
    sent = event("PostConfirmation_ConfirmForgotPassword")
    assert handler.lambda_handler(sent, CONTEXT) == sent
    assert store.rows == {}


def test_a_row_of_another_user_name_is_an_error(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    store.rows[ADA.email] = {"username": "grace"}
    with pytest.raises(handler.ConfirmationError, match="belonged to another account") as raised:
        handler.lambda_handler(event(), CONTEXT)
    assert "@" not in str(raised.value)
    assert store.rows == {ADA.email: {"username": "grace"}}
    (line,) = lines(capsys)
    assert (line["level"], line["outcome"]) == ("ERROR", "conflicting")


def test_a_fault_is_logged_and_hidden_from_the_person(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    store.broken = True
    with pytest.raises(handler.ConfirmationError, match="could not be set up") as raised:
        handler.lambda_handler(event(), CONTEXT)
    assert "DynamoDB" not in str(raised.value)
    (line,) = lines(capsys)
    assert line["exception"].endswith("ConnectionError: DynamoDB is down")
    assert (line["level"], line["sub"], line["outcome"]) == ("ERROR", "sub-of-ada", "error")


def test_account_without_address(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    missing = event()
    del missing["request"]["userAttributes"]["email"]
    for sent in (missing, event(email="")):
        with pytest.raises(handler.ConfirmationError, match="has no e-mail address"):
            handler.lambda_handler(sent, CONTEXT)
    assert store.rows == {}
    assert [line["message"] for line in lines(capsys)] == ["account has no e-mail address"] * 2


def test_what_is_missing_can_be_created(
    handler: ModuleType, store: FakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO")
    store.pool = [ADA, *numbered(3)]
    store.rows[store.pool[1].email] = {"username": "grace"}
    request = {"find_missing": True, "user_pool_id": POOL}
    answer = handler.lambda_handler(request, CONTEXT)
    assert [entry["username"] for entry in answer["missing"]] == ["ada", "user1", "user2"]
    assert answer["missing"][0] == ENTRY
    assert (answer["conflicting"], answer["checked"], answer["more"]) == (1, 4, False)
    checked, conflict = lines(capsys)
    assert (checked["missing"], checked["checked"], checked["conflicting"]) == (3, 4, 1)
    assert (conflict["level"], conflict["sub"]) == ("ERROR", "sub-0")

    create = json.loads(json.dumps({"create": answer["missing"]}))
    counts = {"created": 3, "existing": 0, "conflicting": 0}
    assert handler.lambda_handler(create, CONTEXT) == counts
    assert handler.lambda_handler(request, CONTEXT)["missing"] == []
    counts = {"created": 0, "existing": 3, "conflicting": 0}
    assert handler.lambda_handler(create, CONTEXT) == counts


def test_a_conflict_does_not_keep_others_from_their_rows(
    handler: ModuleType, store: FakeStore
) -> None:
    store.rows[ADA.email] = {"username": "grace"}
    others = {"username": "new", "email": "new@example.com", "sub": "2"}
    answer = handler.lambda_handler({"create": [ENTRY, others]}, CONTEXT)
    assert answer == {"created": 1, "existing": 0, "conflicting": 1}


def test_a_fault_of_a_direct_call_is_an_error(handler: ModuleType, store: FakeStore) -> None:
    store.broken = True
    store.pool = [ADA]
    with pytest.raises(ConnectionError):
        handler.lambda_handler({"create": [ENTRY]}, CONTEXT)
    with pytest.raises(ConnectionError):
        handler.lambda_handler({"find_missing": True, "user_pool_id": POOL}, CONTEXT)


@pytest.mark.parametrize(
    "entry", ["ada", {}, ENTRY | {"email": ""}, ENTRY | {"sub": None}, {"username": "ada"}]
)
def test_of_a_list_with_a_bad_entry_nothing_is_created(
    handler: ModuleType, store: FakeStore, entry: object
) -> None:
    with pytest.raises(ValueError, match="give username, email and sub"):
        handler.lambda_handler({"create": [ENTRY, entry]}, CONTEXT)
    assert store.rows == {}


@pytest.mark.parametrize(
    "sent",
    [
        {},
        event("PreSignUp_SignUp"),
        {"find_missing": True},
        {"find_missing": True, "user_pool_id": ""},
        {"find_missing": "yes", "user_pool_id": POOL},
        {"create": "all"},
        {"create": {"username": "ada"}},
    ],
)
def test_unknown_event(handler: ModuleType, store: FakeStore, sent: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown event: send one of Cognito's trigger"):
        handler.lambda_handler(sent, CONTEXT)
    assert store.rows == {}


def test_settings() -> None:
    assert Settings.from_environment({"USER_TABLE": "table"}) == Settings("table", "INFO")
    with pytest.raises(SettingsError, match="USER_TABLE is not set"):
        Settings.from_environment({})
    with pytest.raises(SettingsError, match="LOG_LEVEL is 'LOUD'"):
        Settings.from_environment({"USER_TABLE": "table", "LOG_LEVEL": "LOUD"})

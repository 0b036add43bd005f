"""`secrets`: the exact calls to Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import ReconcileError
from ansible.module_utils.artificien.secrets import (
    delete_secret,
    generate_password,
    read_secret,
    read_secret_tags,
    read_secret_version,
    set_secret_tags,
    store_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "shop/wiki"
MISSING = "ResourceNotFoundException"
CREATION = {
    "Name": NAME,
    "Description": "Of the wiki",
    "SecretString": "hush",
    "Tags": [{"Key": "a", "Value": "1"}],
}


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"VersionIdsToStages": {"1" * 32: ["AWSPREVIOUS"], "2" * 32: ["AWSCURRENT"]}}, "2" * 32),
        ({"VersionIdsToStages": {"2" * 32: ["AWSCURRENT"]}, "DeletedDate": 0}, None),
        ({}, None),
    ],
)
def test_the_version_is_the_current_one_of_a_secret_that_stays(
    stubbed: Stubbed, answer: dict[str, Any], version: str | None
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("describe_secret", answer, {"SecretId": NAME})
    assert read_secret_version(client, NAME) == version
    stubber.add_client_error("describe_secret", MISSING)
    assert read_secret_version(client, NAME) is None


@pytest.mark.parametrize("code", [MISSING, "InvalidRequestException"])
def test_read_takes_a_secret_that_is_going_for_gone(stubbed: Stubbed, code: str) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("get_secret_value", {"SecretString": "hush"}, {"SecretId": NAME})
    assert read_secret(client, NAME) == "hush"
    stubber.add_client_error("get_secret_value", code)
    assert read_secret(client, NAME) is None


def test_read_tells_refused_and_binary_from_missing(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("get_secret_value", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"read secret {NAME}: AccessDeniedException: not yours"):
        read_secret(client, NAME)
    stubber.add_response("get_secret_value", {"SecretBinary": b"hush"})
    with pytest.raises(ReconcileError, match=f"Secret {NAME} holds binary data"):
        read_secret(client, NAME)


def test_a_new_secret_is_tagged_from_the_start(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("describe_secret", MISSING)
    stubber.add_response("create_secret", {}, CREATION)
    store_secret(client, NAME, "hush", "Of the wiki", {"a": "1"})


def test_a_name_whose_former_secret_is_still_going_is_waited_for(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("describe_secret", MISSING)
    going = "a secret with this name is already scheduled for deletion."
    stubber.add_client_error("create_secret", "InvalidRequestException", going)
    stubber.add_response("create_secret", {}, CREATION)
    store_secret(client, NAME, "hush", "Of the wiki", {"a": "1"})


@pytest.mark.parametrize("code", ["InvalidRequestException", "AccessDeniedException"])
def test_any_other_refusal_of_a_new_secret_is_told_at_once(stubbed: Stubbed, code: str) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("describe_secret", MISSING)
    stubber.add_client_error("create_secret", code, "no")
    with pytest.raises(AwsError, match=f"store secret {NAME}: {code}: no") as error:
        store_secret(client, NAME, "very private", "Of the wiki", {})
    assert "very private" not in str(error.value)


def test_an_existing_secret_gets_a_new_value_and_is_brought_back_first(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    request = {"SecretId": NAME, "SecretString": "hush"}
    stubber.add_response("describe_secret", {}, {"SecretId": NAME})
    stubber.add_response("put_secret_value", {}, request)
    store_secret(client, NAME, "hush", "Of the wiki", {"a": "1"})
    stubber.add_response("describe_secret", {"DeletedDate": 0})
    stubber.add_response("restore_secret", {}, {"SecretId": NAME})
    stubber.add_response("put_secret_value", {}, request)
    store_secret(client, NAME, "hush", "Of the wiki", {"a": "1"})


def test_tags_are_set_and_removed_one_by_one(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    present = [{"Key": key, "Value": "1"} for key in ("a", "b", "c", "aws:theirs")]
    stubber.add_response("describe_secret", {"Tags": present}, {"SecretId": NAME})
    stubber.add_response("untag_resource", {}, {"SecretId": NAME, "TagKeys": ["a"]})
    tags = [{"Key": "c", "Value": "2"}]
    stubber.add_response("tag_resource", {}, {"SecretId": NAME, "Tags": tags})
    set_secret_tags(client, NAME, {"b": "1", "c": "2"})
    stubber.add_response("describe_secret", {"Tags": present}, {"SecretId": NAME})
    set_secret_tags(client, NAME, {"a": "1", "b": "1", "c": "1"})


def test_a_secret_without_tags_or_that_is_missing_has_none(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("describe_secret", {})
    assert read_secret_tags(client, NAME) == {}
    stubber.add_client_error("describe_secret", MISSING)
    assert read_secret_tags(client, NAME) == {}


def test_a_password_has_every_class_of_characters(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response(
        "get_random_password",
        {"RandomPassword": "hush"},
        {"PasswordLength": 32, "RequireEachIncludedType": True, "ExcludeCharacters": "\"'`\\ "},
    )
    assert generate_password(client) == "hush"


def test_deletion_is_final_and_may_come_too_late(stubbed: Stubbed) -> None:
    client, stubber = stubbed("secretsmanager")
    request = {"SecretId": NAME, "ForceDeleteWithoutRecovery": True}
    stubber.add_response("delete_secret", {}, request)
    delete_secret(client, NAME)
    stubber.add_client_error("delete_secret", MISSING)
    delete_secret(client, NAME)

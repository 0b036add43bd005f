"""`secretsmanager_secrets` without AWS: plans, and the exact calls of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.generated_secrets import apply_generated, plan_generated
from ansible.module_utils.artificien.reconcile import Plan
from botocore.stub import ANY

from library.secretsmanager_secrets import plan_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME = "till-token"
STORED = "hush-hush"
TAGS = [{"Key": "owner", "Value": "shop"}]


def params(state: str = "present", **fields: Any) -> dict[str, Any]:
    """Return the module's parameters as Ansible passes them."""
    secret = {"name": NAME, "description": "of the till", "tags": {"owner": "shop"}} | fields
    return {"secrets": [secret], "purge_tags": True, "state": state}


def add_secret(stubber: Stubber) -> None:
    """Make the account answer with the secret."""
    stubber.add_response("get_secret_value", {"SecretString": STORED}, {"SecretId": NAME})
    stubber.add_response("describe_secret", {"Tags": TAGS}, {"SecretId": NAME})


def test_a_value_that_exists_is_no_part_of_a_plan(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    add_secret(stubber)
    (plan,) = plan_secrets(client, params())
    assert not plan.changed
    assert STORED not in json.dumps([plan.before, plan.after])
    add_secret(stubber)
    (plan,) = plan_secrets(client, params("absent"))
    assert plan.action == "delete"
    stubber.add_client_error("get_secret_value", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"read secret {NAME}: AccessDeniedException"):
        plan_secrets(client, params())


@pytest.mark.parametrize(
    ("tags", "purge_tags", "after"),
    [
        (None, True, {"a": "1"}),
        ({"b": "2"}, True, {"b": "2"}),
        ({"b": "2"}, False, {"a": "1", "b": "2"}),
    ],
)
def test_tags_are_planned(
    tags: dict[str, str] | None, purge_tags: bool, after: dict[str, str]
) -> None:
    plan = plan_generated(NAME, {"tags": {"a": "1"}}, tags, purge_tags=purge_tags)
    assert plan.after == {"tags": after}


def test_a_missing_secret_is_made_of_chance(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    (plan,) = plan_secrets(client, params())
    assert plan.action == "create"
    stubber.add_client_error("describe_secret", "ResourceNotFoundException")
    made = "32 bytes of chance"
    wanted = {"Name": NAME, "Description": "of the till", "SecretString": made, "Tags": TAGS}
    stubber.add_response("create_secret", {}, wanted)
    stubber.add_response("describe_secret", {"Tags": TAGS}, {"SecretId": NAME})
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: f"{size} bytes of chance")
    apply_generated(client, plan, "of the till")


def test_a_secret_that_is_going_comes_back_with_another_value(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    going = {"DeletedDate": 1, "Tags": [{"Key": "owner", "Value": "nobody"}]}
    stubber.add_response("describe_secret", going)
    stubber.add_response("restore_secret", {}, {"SecretId": NAME})
    stubber.add_response("put_secret_value", {}, {"SecretId": NAME, "SecretString": ANY})
    stubber.add_response("describe_secret", going)
    stubber.add_response("tag_resource", {}, {"SecretId": NAME, "Tags": TAGS})
    apply_generated(client, Plan(NAME, None, {"tags": {"owner": "shop"}}), "of the till")


def test_a_secret_is_tagged_or_deleted_without_its_value(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("describe_secret", {"Tags": TAGS})
    stubber.add_response("untag_resource", {}, {"SecretId": NAME, "TagKeys": ["owner"]})
    apply_generated(client, Plan(NAME, {"tags": {"owner": "shop"}}, {"tags": {}}), "")
    stubber.add_response(
        "delete_secret", {}, {"SecretId": NAME, "ForceDeleteWithoutRecovery": True}
    )
    apply_generated(client, Plan(NAME, {"tags": {}}, None), "")

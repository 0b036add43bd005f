"""`cognito_client_secret` without AWS: plans, and the exact calls of each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_client_secret import (
    NEW_SECRET,
    apply_rotation,
    plan_retirement,
    plan_rotation,
    read_rotation,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff

from library.cognito_client_secret import apply_secret, plan_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

POOL = "us-east-1_shop"
ID = "1example23456789"
PLACE = "shop/wiki"
VALUE = "only1secrets2manager3may4know5this"
CLIENT = {"UserPoolId": POOL, "ClientId": ID}
PARAMS = {"user_pool": "shop", "client": "wiki", "secret_name": PLACE, "state": "rotated"}
FIRST, SECOND = f"{ID}--1735689600", f"{ID}--1767225600"


def descriptor(secret_id: str) -> dict[str, Any]:
    """Return a secret as Cognito describes it."""
    created = datetime.fromtimestamp(int(secret_id.rpartition("-")[2]), UTC)
    return {"ClientSecretId": secret_id, "ClientSecretCreateDate": created}


def add_secrets(stubber: Stubber, *ids: str) -> None:
    """Make Cognito answer with the ids of the client's secrets."""
    secrets = {"ClientSecrets": [descriptor(found) for found in ids]}
    stubber.add_response("list_user_pool_client_secrets", secrets, CLIENT)


def add_stored(stubber: Stubber, **content: str) -> None:
    """Make Secrets Manager answer with `content`."""
    stubber.add_response(
        "get_secret_value", {"SecretString": json.dumps(content)}, {"SecretId": PLACE}
    )


def secrets_model(*ids: str, stored: str | None) -> dict[str, Any]:
    """Return a client's secrets, and which of them is stored."""
    return {"secrets": [*ids], "stored": stored}


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        ({"client_id": ID, "client_secret": VALUE}, FIRST),
        ({"client_id": ID, "client_secret": VALUE, "client_secret_id": SECOND}, SECOND),
        ({"client_id": ID, "client_secret": VALUE, "client_secret_id": "gone"}, None),
        ({"client_id": "former", "client_secret": VALUE}, None),
    ],
)
def test_read_tells_which_secret_is_stored_and_never_the_secret(
    stubbed: Stubbed, content: dict[str, str], stored: str | None
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    add_secrets(stubber, SECOND, FIRST)
    add_stored(secrets_stubber, **content)
    read = read_rotation(cognito, secrets, POOL, ID, PLACE)
    assert read == secrets_model(FIRST, SECOND, stored=stored)


def test_read_knows_clients_without_secret_and_secrets_that_are_not_stored(
    stubbed: Stubbed,
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    add_secrets(stubber, FIRST)
    secrets_stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    read = read_rotation(cognito, secrets, POOL, ID, PLACE)
    assert read == secrets_model(FIRST, stored=None)
    add_secrets(stubber)
    add_stored(secrets_stubber, client_id=ID, client_secret=VALUE)
    read = read_rotation(cognito, secrets, POOL, ID, PLACE)
    assert read == secrets_model(stored=None)


@pytest.mark.parametrize(
    ("current", "kept"),
    [
        (None, []),
        (secrets_model(FIRST, stored=FIRST), [FIRST]),
        (secrets_model(FIRST, stored=None), [FIRST]),
        # A run broke off between adding the second and storing it.
        (secrets_model(FIRST, SECOND, stored=FIRST), [FIRST]),
    ],
)
def test_rotation_adds_a_secret_beside_the_one_in_use(
    current: dict[str, Any] | None, kept: list[str]
) -> None:
    plan = plan_rotation("wiki", current)
    assert plan == Plan("wiki", current, secrets_model(*kept, NEW_SECRET, stored=NEW_SECRET))
    assert plan.changed


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (secrets_model(stored=None), "no secret, .*generate_secret"),
        (secrets_model(FIRST, SECOND, stored=SECOND), f"{SECOND} is stored.*state=retired, then"),
        (secrets_model(FIRST, SECOND, stored=None), f"{FIRST} and {SECOND}, and neither is stored"),
    ],
)
def test_rotation_refuses_what_could_lock_services_out(
    current: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReconcileError, match=f"wiki: the client has .*{message}"):
        plan_rotation("wiki", current)


@pytest.mark.parametrize(
    ("current", "after"),
    [
        (None, None),
        (secrets_model(stored=None), secrets_model(stored=None)),
        (secrets_model(FIRST, stored=None), secrets_model(FIRST, stored=None)),
        (secrets_model(FIRST, stored=FIRST), secrets_model(FIRST, stored=FIRST)),
        (secrets_model(FIRST, SECOND, stored=SECOND), secrets_model(SECOND, stored=SECOND)),
    ],
)
def test_retirement_leaves_the_newest(
    current: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    assert plan_retirement("wiki", current) == Plan("wiki", current, after)


@pytest.mark.parametrize("stored", [FIRST, None])
def test_retirement_refuses_to_delete_the_secret_that_services_know(stored: str | None) -> None:
    current = secrets_model(FIRST, SECOND, stored=stored)
    with pytest.raises(ReconcileError, match=f"wiki: .*{SECOND}, is not the stored.*state=rotated"):
        plan_retirement("wiki", current)


def test_a_new_secret_is_stored_with_its_id_and_shown_nowhere(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    added = {"ClientSecretDescriptor": descriptor(SECOND) | {"ClientSecretValue": VALUE}}
    stubber.add_response("add_user_pool_client_secret", added, CLIENT)
    content = {"client_id": ID, "client_secret": VALUE, "client_secret_id": SECOND}
    secrets_stubber.add_response("describe_secret", {}, {"SecretId": PLACE})
    secrets_stubber.add_response(
        "put_secret_value", {}, {"SecretId": PLACE, "SecretString": json.dumps(content)}
    )
    plan = plan_rotation("wiki", secrets_model(FIRST, stored=FIRST))
    assert apply_rotation(cognito, secrets, POOL, ID, plan, secret_name=PLACE) == SECOND
    assert VALUE not in json.dumps(diff([plan]))


def test_the_next_run_replaces_a_secret_that_was_not_stored(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    added = {"ClientSecretDescriptor": descriptor(SECOND) | {"ClientSecretValue": VALUE}}
    stubber.add_response("add_user_pool_client_secret", added, CLIENT)
    secrets_stubber.add_client_error("describe_secret", "InternalServiceError", "later")
    plan = plan_rotation("wiki", secrets_model(FIRST, stored=FIRST))
    with pytest.raises(AwsError, match=f"store secret {PLACE}") as error:
        apply_rotation(cognito, secrets, POOL, ID, plan, secret_name=PLACE)
    assert VALUE not in str(error.value)

    add_secrets(stubber, FIRST, SECOND)
    add_stored(secrets_stubber, client_id=ID, client_secret="former")  # noqa: S106 - not a secret
    plan = plan_rotation("wiki", read_rotation(cognito, secrets, POOL, ID, PLACE))
    third = f"{ID}--1767225601"
    added = {"ClientSecretDescriptor": descriptor(third) | {"ClientSecretValue": VALUE}}
    stubber.add_response("delete_user_pool_client_secret", {}, CLIENT | {"ClientSecretId": SECOND})
    stubber.add_response("add_user_pool_client_secret", added, CLIENT)
    secrets_stubber.add_response("describe_secret", {}, {"SecretId": PLACE})
    secrets_stubber.add_response("put_secret_value", {})
    assert apply_rotation(cognito, secrets, POOL, ID, plan, secret_name=PLACE) == third


def test_the_former_secret_is_deleted_and_nothing_stored(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    stubber.add_response("delete_user_pool_client_secret", {}, CLIENT | {"ClientSecretId": FIRST})
    plan = plan_retirement("wiki", secrets_model(FIRST, SECOND, stored=SECOND))
    assert apply_rotation(cognito, secrets, POOL, ID, plan, secret_name=PLACE) == SECOND


@pytest.mark.parametrize("pools", [[], [{"Id": POOL, "Name": "shop"}]])
def test_what_does_not_exist_yet_is_planned_but_not_done(
    stubbed: Stubbed, pools: list[dict[str, str]]
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    for _ in range(3):
        stubber.add_response("list_user_pools", {"UserPools": pools})
        if pools:
            stubber.add_response("list_user_pool_clients", {"UserPoolClients": []})
    retired = plan_secret(cognito, secrets, PARAMS | {"state": "retired"})
    assert not retired.changed
    plan = plan_secret(cognito, secrets, PARAMS)
    assert plan.action == "create"
    missing = "Cognito client wiki" if pools else "user pool shop"
    with pytest.raises(ReconcileError, match=f"There is no {missing}: create it first"):
        apply_secret(cognito, secrets, PARAMS, plan)

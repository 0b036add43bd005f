"""`cognito_user_pool_domain` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_domain import (
    apply_domain,
    check_owner,
    desired_domain,
    read_domain,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.cognito_user_pool_domain import plan_domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

POOL = "shop-users"
POOL_ID = "us-east-1_Shop12345"
OTHER_POOL_ID = "us-east-1_Bank12345"
PREFIX = "example-shop"
OLD_PREFIX = "old-shop"


def model(**fields: Any) -> dict[str, Any]:
    """Return a domain's model with `fields` changed."""
    return {"prefix": PREFIX, "managed_login_version": 1, "status": "ACTIVE"} | fields


def options(**fields: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them."""
    return {
        "user_pool": POOL,
        "prefix": PREFIX,
        "managed_login_version": None,
        "state": "present",
    } | fields


def add_description(stubber: Stubber, prefix: str = PREFIX, **fields: Any) -> None:
    """Make Cognito describe a domain; without `fields` it is nobody's."""
    stubber.add_response(
        "describe_user_pool_domain", {"DomainDescription": fields}, {"Domain": prefix}
    )


def add_domain(stubber: Stubber, prefix: str = PREFIX, status: str = "ACTIVE") -> None:
    """Make the pool have a domain."""
    stubber.add_response(
        "describe_user_pool", {"UserPool": {"Domain": prefix}}, {"UserPoolId": POOL_ID}
    )
    add_description(
        stubber, prefix, UserPoolId=POOL_ID, Domain=prefix, Status=status, ManagedLoginVersion=1
    )


def add_creation(stubber: Stubber, prefix: str = PREFIX, **fields: Any) -> None:
    """Expect a domain to be created."""
    request = {"Domain": prefix, "UserPoolId": POOL_ID} | fields
    stubber.add_response("create_user_pool_domain", {}, request)


def add_deletion(stubber: Stubber, prefix: str = PREFIX) -> None:
    """Expect a domain to be deleted, and to be looked at until it is gone."""
    request = {"Domain": prefix, "UserPoolId": POOL_ID}
    stubber.add_response("delete_user_pool_domain", {}, request)
    add_description(stubber, prefix, Status="DELETING")
    add_description(stubber, prefix)


@pytest.mark.parametrize(
    "prefix", ["Shop", "-shop", "shop-", "my_shop", "my.shop", "", "s" * 64, "shop\n"]
)
def test_a_prefix_that_is_no_label_is_refused(prefix: str) -> None:
    with pytest.raises(ReconcileError) as raised:
        desired_domain(prefix, None)
    assert f"prefix is {prefix!r}; give 1 to 63 lower-case letters" in str(raised.value)


@pytest.mark.parametrize(
    ("prefix", "word"), [("laws", "aws"), ("my-amazon", "amazon"), ("cognito1", "cognito")]
)
def test_a_prefix_with_a_reserved_word_is_refused(prefix: str, word: str) -> None:
    with pytest.raises(ReconcileError, match=f"prefix is '{prefix}', and AWS keeps '{word}'"):
        desired_domain(prefix, None)


@pytest.mark.parametrize("prefix", ["a", "0", "example-shop", "a--b", "s" * 63])
def test_other_prefixes_are_taken(prefix: str) -> None:
    assert desired_domain(prefix, 2) == model(prefix=prefix, managed_login_version=2)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (options(), model()),
        (options(managed_login_version=1), model()),
        (options(managed_login_version=2), model(managed_login_version=2)),
        (options(state="absent"), None),
        (options(state="absent", prefix=None), None),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    wanted: dict[str, Any],
    after: dict[str, Any] | None,
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_domain(stubber)
    assert plan_domain(client, POOL_ID, wanted) == [Plan(POOL, model(), after)]


def test_another_prefix_is_planned_if_it_is_free(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_domain(stubber, OLD_PREFIX)
    add_description(stubber)
    assert plan_domain(client, POOL_ID, options()) == [
        Plan(POOL, model(prefix=OLD_PREFIX), model())
    ]


@pytest.mark.parametrize("pool_id", [POOL_ID, None])
def test_the_prefix_of_another_pool_is_refused(
    stubbed: Callable[[str], tuple[Any, Stubber]], pool_id: str | None
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_description(stubber, UserPoolId=OTHER_POOL_ID, Status="ACTIVE")
    with pytest.raises(ReconcileError, match=f"'{PREFIX}' belongs to user pool {OTHER_POOL_ID}"):
        check_owner(client, PREFIX, pool_id)


def test_a_pool_that_is_yet_to_be_made_will_have_a_domain(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_description(stubber)
    after = {"prefix": PREFIX, "status": "ACTIVE"}
    assert plan_domain(client, None, options()) == [Plan(POOL, None, after)]
    assert plan_domain(client, None, options(state="absent")) == [Plan(POOL, None, None)]


def test_read_takes_a_domain_for_none_that_is_not_there(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("describe_user_pool", {"UserPool": {"CustomDomain": "auth.example.com"}})
    assert read_domain(client, POOL_ID) is None
    add_domain(stubber, status="DELETING")
    assert read_domain(client, POOL_ID) is None
    stubber.add_response("describe_user_pool", {"UserPool": {"Domain": PREFIX}})
    stubber.add_client_error("describe_user_pool_domain", "ResourceNotFoundException")
    assert read_domain(client, POOL_ID) is None
    stubber.add_client_error("describe_user_pool", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"domain of user pool {POOL_ID}: AccessDeniedException"):
        read_domain(client, POOL_ID)


@pytest.mark.parametrize(
    ("fields", "request_"),
    [({}, {}), ({"managed_login_version": 2}, {"ManagedLoginVersion": 2})],
)
def test_a_new_domain_is_waited_for(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    fields: dict[str, Any],
    request_: dict[str, Any],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_creation(stubber, **request_)
    add_description(stubber, Status="CREATING")
    add_description(stubber, Status="ACTIVE")
    after = {"prefix": PREFIX, "status": "ACTIVE"} | fields
    apply_domain(client, POOL_ID, Plan(POOL, None, after), 10)


def test_what_an_earlier_run_did_not_wait_for_is_waited_for(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_domain(stubber, status="CREATING")
    plan = plan_domain(client, POOL_ID, options())[0]
    assert plan.changed
    add_description(stubber, Status="ACTIVE")
    apply_domain(client, POOL_ID, plan, 10)


def test_the_version_is_changed_in_place(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("cognito-idp")
    request = {"Domain": PREFIX, "UserPoolId": POOL_ID, "ManagedLoginVersion": 2}
    stubber.add_response("update_user_pool_domain", {}, request)
    add_description(stubber, Status="ACTIVE")
    apply_domain(client, POOL_ID, Plan(POOL, model(), model(managed_login_version=2)), 10)


@pytest.mark.parametrize("before", [model(prefix=OLD_PREFIX), model(status="FAILED")])
def test_another_prefix_and_a_failed_domain_mean_a_new_domain(
    stubbed: Callable[[str], tuple[Any, Stubber]], before: dict[str, Any]
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_deletion(stubber, before["prefix"])
    add_creation(stubber, ManagedLoginVersion=1)
    add_description(stubber, Status="ACTIVE")
    apply_domain(client, POOL_ID, Plan(POOL, before, model()), 10)


def test_the_old_domain_comes_back_if_aws_refuses_the_new_one(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_deletion(stubber, OLD_PREFIX)
    stubber.add_client_error("create_user_pool_domain", "InvalidParameterException", "taken")
    add_creation(stubber, OLD_PREFIX, ManagedLoginVersion=1)
    with pytest.raises(AwsError, match=f"create domain {PREFIX}, a prefix that only one pool .*"):
        apply_domain(client, POOL_ID, Plan(POOL, model(prefix=OLD_PREFIX), model()), 10)


def test_a_domain_that_fails_ends_the_waiting(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_creation(stubber, ManagedLoginVersion=1)
    add_description(stubber, Status="FAILED")
    with pytest.raises(AwsError, match=f"failed to set up domain {PREFIX}; run the playbook again"):
        apply_domain(client, POOL_ID, Plan(POOL, None, model()), 10)


def test_a_deletion_is_waited_for(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("cognito-idp")
    add_deletion(stubber)
    apply_domain(client, POOL_ID, Plan(POOL, model(), None), 10)

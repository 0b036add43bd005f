"""`cognito_group` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_group import apply_group, desired_group, read_group
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.cognito_group import plan_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME = "owners"
POOL_ID = "us-east-1_Shop12345"
TARGET = {"UserPoolId": POOL_ID, "GroupName": NAME}
ROLE = "arn:aws:iam::111122223333:role/shop-owner"


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `groups` as Ansible passes it."""
    return {"name": NAME, "description": None, "precedence": None, "role_arn": None} | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return a group's model with `fields` changed."""
    return {"description": "May change prices.", "precedence": 1, "role_arn": None} | fields


def add_group(stubber: Stubber, **fields: Any) -> None:
    """Make the pool have the group."""
    stubber.add_response("get_group", {"Group": {"GroupName": NAME} | fields}, TARGET)


@pytest.mark.parametrize(
    ("wanted", "state", "after"),
    [
        (option(), "present", model()),
        (option(description="May change prices.", precedence=1), "present", model()),
        (option(description=""), "present", model(description="")),
        (option(precedence=0), "present", model(precedence=0)),
        (option(role_arn=ROLE), "present", model(role_arn=ROLE)),
        (option(), "absent", None),
        (option(role_arn="nonsense"), "absent", None),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    wanted: dict[str, Any],
    state: str,
    after: dict[str, Any] | None,
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_group(stubber, Description="May change prices.", Precedence=1)
    params = {"groups": [wanted], "state": state}
    assert plan_groups(client, POOL_ID, params) == [Plan(NAME, model(), after)]


@pytest.mark.parametrize("answer", [{}, {"Description": ""}])
def test_what_a_group_lacks_is_read_alike(
    stubbed: Callable[[str], tuple[Any, Stubber]], answer: dict[str, Any]
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_group(stubber, **answer)
    assert read_group(client, POOL_ID, NAME) == model(description="", precedence=None)


def test_read_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("get_group", "ResourceNotFoundException")
    assert read_group(client, POOL_ID, NAME) is None
    assert read_group(client, None, NAME) is None
    stubber.add_client_error("get_group", "NotAuthorizedException", "not yours")
    with pytest.raises(AwsError, match=f"read group {NAME} of user pool {POOL_ID}: NotAuthorized"):
        read_group(client, POOL_ID, NAME)


@pytest.mark.parametrize("role", ["", "shop-owner", ROLE.replace("role", "user")])
def test_a_role_that_is_none_is_refused(role: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: role_arn is '{role}'; give the ARN of an"):
        desired_group(option(role_arn=role))
    assert desired_group(option(role_arn=ROLE))["role_arn"] == ROLE


@pytest.mark.parametrize("precedence", [-1, 2**31])
def test_a_precedence_out_of_range_is_refused(precedence: int) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: precedence is {precedence}; give 0 to"):
        desired_group(option(precedence=precedence))


@pytest.mark.parametrize(
    ("before", "after", "call", "request_"),
    [
        (None, {}, "create_group", {}),
        (
            None,
            model(role_arn=ROLE, precedence=0),
            "create_group",
            {"Description": "May change prices.", "Precedence": 0, "RoleArn": ROLE},
        ),
        (
            model(role_arn=ROLE),
            model(role_arn=ROLE, description=""),
            "update_group",
            {"Description": "", "Precedence": 1, "RoleArn": ROLE},
        ),
        (model(), None, "delete_group", {}),
    ],
)
def test_a_change_is_one_call_that_tells_everything(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    call: str,
    request_: dict[str, Any],
) -> None:
    client, stubber = stubbed("cognito-idp")
    response: dict[str, Any] = {} if call == "delete_group" else {"Group": {}}
    stubber.add_response(call, response, TARGET | request_)
    apply_group(client, POOL_ID, Plan(NAME, before, after))


def test_a_group_that_is_gone_meanwhile_is_gone(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("delete_group", "ResourceNotFoundException")
    apply_group(client, POOL_ID, Plan(NAME, model(), None))


def test_a_refusal_names_the_group(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("create_group", "LimitExceededException", "too many")
    message = f"create group {NAME} in user pool {POOL_ID}: LimitExceededException: too many"
    with pytest.raises(AwsError, match=message):
        apply_group(client, POOL_ID, Plan(NAME, None, model()))

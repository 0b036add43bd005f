"""`cognito_user` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_user import (
    apply_user,
    desired_user,
    plan_secrets,
    plan_user,
    read_user,
    stored_password,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.cognito_user import plan_users

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME = "ada"
SUB = "1111aaaa-0000-0000-0000-000000000000"
POOL_ID = "us-east-1_Shop12345"
TARGET = {"UserPoolId": POOL_ID, "Username": NAME}
# Name of the secret that holds a password, and the password.
HOLDER = "shop/users/ada"
CHOSEN = "Correct-horse-1"


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `users` as Ansible passes it."""
    return {
        "name": NAME,
        "email": None,
        "email_verified": True,
        "attributes": None,
        "groups": None,
        "in_groups": None,
        "not_in_groups": None,
        "enabled": None,
        "password_secret": None,
    } | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return a user's model with `fields` changed."""
    return {
        "email": "ada@example.com",
        "email_verified": True,
        "attributes": {"name": "Ada"},
        "enabled": True,
        "status": "CONFIRMED",
    } | fields


def attributes(**values: str) -> list[dict[str, str]]:
    """Return attributes as Cognito takes and gives them."""
    return [{"Name": name, "Value": value} for name, value in sorted(values.items())]


def add_user(stubber: Stubber, name: str = NAME, status: str = "CONFIRMED", **more: str) -> None:
    """Make the pool have the user."""
    held = {"sub": SUB, "email": "ada@example.com", "email_verified": "true"}
    held |= {"name": "Ada", "nickname": ""}
    user = {
        "Username": NAME,
        "UserAttributes": attributes(**(held | more)),
        "Enabled": True,
        "UserStatus": status,
    }
    stubber.add_response("admin_get_user", user, {"UserPoolId": POOL_ID, "Username": name})


def add_groups(stubber: Stubber, *pages: list[str]) -> None:
    """Make the user be in groups that are answered in `pages`."""
    for number, page in enumerate(pages, 1):
        more = {"NextToken": str(number)} if number < len(pages) else {}
        asked = {"NextToken": str(number - 1)} if number > 1 else {}
        groups = [{"GroupName": group} for group in page]
        stubber.add_response(
            "admin_list_groups_for_user", {"Groups": groups} | more, TARGET | asked
        )


def no_password() -> str:
    """Stand for a password that must not be asked for."""
    raise AssertionError


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (option(), model()),
        (option(email="ada@example.com", enabled=True, password_secret=HOLDER), model()),
        (option(email_verified=False), model()),
        (option(email="ada@example.com", email_verified=False), model(email_verified=False)),
        (option(email="ada@example.org"), model(email="ada@example.org")),
        (option(attributes={"name": "Ada", "locale": ""}), model()),
        (option(attributes={"name": ""}), model(attributes={})),
        (
            option(attributes={"custom:level": 3, "custom:paid": True}),
            model(attributes={"name": "Ada", "custom:level": "3", "custom:paid": "true"}),
        ),
        (option(enabled=False), model(enabled=False)),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]], wanted: dict[str, Any], after: dict[str, Any]
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber)
    params = {"users": [wanted], "state": "present"}
    assert plan_users(client, POOL_ID, params) == [Plan(NAME, model(), after)]


def test_groups_are_compared_as_a_set_from_every_page(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber)
    add_groups(stubber, ["owners"], ["clerks"])
    params = {"users": [option(groups=["owners", "clerks", "owners"])], "state": "present"}
    both = model(groups=["clerks", "owners"])
    assert plan_users(client, POOL_ID, params) == [Plan(NAME, both, both)]


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (option(in_groups=["owners"]), ["clerks", "owners"]),
        (option(in_groups=["guests", "clerks"]), ["clerks", "guests", "owners"]),
        (option(not_in_groups=["owners"]), ["clerks"]),
        (option(not_in_groups=["guests"]), ["clerks", "owners"]),
        (option(in_groups=["guests"], not_in_groups=["clerks", "owners"]), ["guests"]),
        (option(in_groups=[]), ["clerks", "owners"]),
    ],
)
def test_groups_that_are_not_named_stay(
    stubbed: Callable[[str], tuple[Any, Stubber]], wanted: dict[str, Any], after: list[str]
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber)
    add_groups(stubber, ["clerks", "owners"])
    params = {"users": [wanted], "state": "present"}
    before = model(groups=["clerks", "owners"])
    assert plan_users(client, POOL_ID, params) == [Plan(NAME, before, model(groups=after))]


@pytest.mark.parametrize(
    ("status", "secret", "after"),
    [
        ("FORCE_CHANGE_PASSWORD", HOLDER, "CONFIRMED"),
        ("RESET_REQUIRED", HOLDER, "CONFIRMED"),
        ("UNCONFIRMED", HOLDER, "CONFIRMED"),
        ("FORCE_CHANGE_PASSWORD", None, "FORCE_CHANGE_PASSWORD"),
        ("EXTERNAL_PROVIDER", HOLDER, "EXTERNAL_PROVIDER"),
    ],
)
def test_a_password_is_planned_for_who_has_none(
    status: str, secret: str | None, after: str
) -> None:
    plan = plan_user(NAME, model(status=status), desired_user(option(password_secret=secret)))
    assert plan.after == model(status=after)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({}, {"phone_number": "+1", "phone_number_verified": "true"}),
        ({"phone_number": "+1"}, {"phone_number": "+1", "phone_number_verified": "true"}),
        ({"phone_number": "+2"}, {"phone_number": "+2", "phone_number_verified": "false"}),
        (
            {"phone_number": "+2", "phone_number_verified": True},
            {"phone_number": "+2", "phone_number_verified": "true"},
        ),
        (
            {"phone_number": "", "phone_number_verified": ""},
            {},
        ),
    ],
)
def test_another_telephone_number_counts_as_verified_only_if_so_given(
    stubbed: Callable[[str], tuple[Any, Stubber]], wanted: dict[str, Any], after: dict[str, Any]
) -> None:
    present = model(attributes={"phone_number": "+1", "phone_number_verified": "true"})
    plan = plan_user(NAME, present, desired_user(option(attributes=wanted)))
    assert plan.after == model(attributes=after)
    client, stubber = stubbed("cognito-idp")
    if plan.changed:
        sent = {"phone_number": "", "phone_number_verified": ""} | after
        stubber.add_response(
            "admin_update_user_attributes", {}, TARGET | {"UserAttributes": attributes(**sent)}
        )
        apply_user(client, POOL_ID, plan, no_password)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (
            option(email="ada@example.com"),
            model(attributes={}, status="FORCE_CHANGE_PASSWORD"),
        ),
        (
            option(password_secret=HOLDER, enabled=False, groups=["owners"]),
            {"attributes": {}, "enabled": False, "status": "CONFIRMED", "groups": ["owners"]},
        ),
        (
            option(email="ada@example.com", attributes={"name": "Ada", "locale": ""})
            | {"password_secret": HOLDER},
            model(),
        ),
        (
            option(email="ada@example.com", in_groups=["owners"], not_in_groups=["clerks"]),
            model(attributes={}, status="FORCE_CHANGE_PASSWORD", groups=["owners"]),
        ),
    ],
)
def test_a_new_user_is_planned_in_a_pool_that_may_be_new_itself(
    wanted: dict[str, Any], after: dict[str, Any]
) -> None:
    params = {"users": [wanted], "state": "present"}
    # Without a pool there is nobody to ask.
    assert plan_users(None, None, params) == [Plan(NAME, None, after)]  # type: ignore[arg-type]


def test_a_new_user_without_password_needs_an_address() -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: there is no such user. To create it"):
        plan_user(NAME, None, desired_user(option()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"email": ""}, "email is ''; give an e-mail address"),
        ({"email": "ada"}, "email is 'ada'; give an e-mail address"),
        ({"attributes": {"email": "ada@example.com"}}, "attributes has 'email'; e-mail addresses"),
        ({"attributes": {"sub": "1"}}, "attributes has 'sub'"),
        ({"groups": ["owners"], "in_groups": []}, "groups lists all groups of a user"),
        ({"groups": [], "not_in_groups": ["owners"]}, "groups lists all groups of a user"),
        (
            {"in_groups": ["guests", "owners"], "not_in_groups": ["owners"]},
            "owners is in both in_groups and not_in_groups",
        ),
    ],
)
def test_what_is_in_the_wrong_place_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: {message}"):
        desired_user(option(**fields))


def test_users_that_are_to_go_are_planned_gone(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber)
    stubber.add_client_error("admin_get_user", "UserNotFoundException")
    params = {"users": [option(groups=["owners"]), option(name="bob")], "state": "absent"}
    assert plan_users(client, POOL_ID, params) == [
        Plan(NAME, model(), None),
        Plan("bob", None, None),
    ]


@pytest.mark.parametrize("alias", ["ada@example.com", SUB, "countess"])
def test_an_alias_is_not_taken_for_the_name(
    stubbed: Callable[[str], tuple[Any, Stubber]], alias: str
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber, alias)
    with pytest.raises(ReconcileError, match=f"{alias}: this is another way to name the user ada"):
        read_user(client, POOL_ID, alias, with_groups=False)


def test_names_that_cognito_itself_takes_for_the_same_are(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_user(stubber, "Ada")
    assert read_user(client, POOL_ID, "Ada", with_groups=False) == model()
    # Where users sign in with their address, Cognito makes up the user name.
    add_user(stubber, "ada@example.com", sub=NAME)
    assert read_user(client, POOL_ID, "ada@example.com", with_groups=False) == model()


def test_read_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_get_user", "UserNotFoundException")
    assert read_user(client, POOL_ID, NAME, with_groups=True) is None
    stubber.add_client_error("admin_get_user", "TooManyRequestsException", "slowly")
    with pytest.raises(AwsError, match=f"read user {NAME} of user pool {POOL_ID}: TooMany"):
        read_user(client, POOL_ID, NAME, with_groups=False)


def test_a_new_user_gets_the_password_of_the_secret_and_no_mail(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    sent = attributes(email="ada@example.com", email_verified="true", name="Ada")
    request = TARGET | {"MessageAction": "SUPPRESS", "UserAttributes": sent}
    stubber.add_response("admin_create_user", {}, request)
    password = TARGET | {"Password": CHOSEN, "Permanent": True}
    stubber.add_response("admin_set_user_password", {}, password)
    for group in ("clerks", "owners"):
        stubber.add_response("admin_add_user_to_group", {}, TARGET | {"GroupName": group})
    plan = Plan(NAME, None, model(groups=["clerks", "owners"]))
    apply_user(client, POOL_ID, plan, lambda: CHOSEN)


def test_a_new_user_without_password_is_invited_by_mail(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    sent = attributes(email="ada@example.com", email_verified="false")
    request = TARGET | {"DesiredDeliveryMediums": ["EMAIL"], "UserAttributes": sent}
    stubber.add_response("admin_create_user", {}, request)
    stubber.add_response("admin_user_global_sign_out", {}, TARGET)
    stubber.add_response("admin_disable_user", {}, TARGET)
    after = model(
        email_verified=False, attributes={}, status="FORCE_CHANGE_PASSWORD", enabled=False
    )
    apply_user(client, POOL_ID, Plan(NAME, None, after), no_password)


def test_nobody_is_created_whose_password_cannot_be_had(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, _ = stubbed("cognito-idp")

    def refused() -> str:
        raise AwsError("not yours")

    with pytest.raises(AwsError, match="not yours"):
        apply_user(client, POOL_ID, Plan(NAME, None, model()), refused)


@pytest.mark.parametrize(
    ("before", "after", "call", "request_"),
    [
        (
            model(),
            model(attributes={"name": "Ada L.", "locale": "en"}),
            "admin_update_user_attributes",
            {"UserAttributes": attributes(locale="en", name="Ada L.")},
        ),
        (
            model(),
            model(attributes={}),
            "admin_update_user_attributes",
            {"UserAttributes": attributes(name="")},
        ),
        (
            model(),
            model(email="ada@example.org"),
            "admin_update_user_attributes",
            {"UserAttributes": attributes(email="ada@example.org", email_verified="true")},
        ),
        (
            model(),
            model(email_verified=False),
            "admin_update_user_attributes",
            {"UserAttributes": attributes(email_verified="false")},
        ),
        (model(enabled=False), model(), "admin_enable_user", {}),
        (
            model(groups=[]),
            model(groups=["owners"]),
            "admin_add_user_to_group",
            {"GroupName": "owners"},
        ),
        (model(), None, "admin_delete_user", {}),
    ],
)
def test_a_change_is_one_call(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    before: dict[str, Any],
    after: dict[str, Any] | None,
    call: str,
    request_: dict[str, Any],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response(call, {}, TARGET | request_)
    apply_user(client, POOL_ID, Plan(NAME, before, after), no_password)


def test_rights_are_taken_first_and_given_last(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("admin_user_global_sign_out", {}, TARGET)
    stubber.add_response("admin_disable_user", {}, TARGET)
    stubber.add_response("admin_remove_user_from_group", {}, TARGET | {"GroupName": "owners"})
    stubber.add_client_error(
        "admin_update_user_attributes",
        "InvalidParameterException",
        "user.email: Attribute cannot be updated.",
        expected_params=TARGET
        | {"UserAttributes": attributes(email="ada@example.org", email_verified="true")},
    )
    before = model(groups=["owners"])
    after = model(groups=["clerks"], email="ada@example.org", enabled=False)
    message = f"set attributes of user {NAME} of user pool {POOL_ID}: Invalid.*user.email"
    with pytest.raises(AwsError, match=message):
        apply_user(client, POOL_ID, Plan(NAME, before, after), no_password)


def test_a_user_that_a_run_left_without_password_gets_it(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    request = TARGET | {"Password": CHOSEN, "Permanent": True}
    stubber.add_response("admin_set_user_password", {}, request)
    plan = Plan(NAME, model(status="FORCE_CHANGE_PASSWORD"), model())
    apply_user(client, POOL_ID, plan, lambda: CHOSEN)


def test_a_refused_password_is_not_in_the_message(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_set_user_password", "InvalidPasswordException", "too short")
    plan = Plan(NAME, model(status="RESET_REQUIRED"), model())
    with pytest.raises(AwsError, match=f"password of user {NAME} of .*: too short") as raised:
        apply_user(client, POOL_ID, plan, lambda: CHOSEN)
    assert CHOSEN not in str(raised.value)


def test_a_user_that_is_gone_meanwhile_is_gone(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("admin_delete_user", "UserNotFoundException")
    apply_user(client, POOL_ID, Plan(NAME, model(), None), no_password)


def test_the_password_is_that_of_the_secret(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("get_secret_value", {"SecretString": CHOSEN}, {"SecretId": HOLDER})
    assert stored_password(client, HOLDER, {}, "Password of ada") == CHOSEN


def test_a_missing_secret_is_made_before_its_password_is_used(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    stubber.add_response("get_random_password", {"RandomPassword": CHOSEN})
    stubber.add_client_error("describe_secret", "ResourceNotFoundException")
    request = {
        "Name": HOLDER,
        "Description": "Password of ada",
        "SecretString": CHOSEN,
        "Tags": [{"Key": "owner", "Value": "shop"}],
    }
    stubber.add_response("create_secret", {}, request)
    assert stored_password(client, HOLDER, {"owner": "shop"}, "Password of ada") == CHOSEN


def test_each_secret_is_planned_gone_once_and_without_its_value(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("get_secret_value", {"SecretString": CHOSEN}, {"SecretId": HOLDER})
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    names = [HOLDER, None, "shop/users/bob", HOLDER]
    plans = plan_secrets(client, [option(password_secret=name) for name in names])
    assert plans == [
        Plan(f"password secret {HOLDER}", {"password_secret": HOLDER}, None),
        Plan("password secret shop/users/bob", None, None),
    ]

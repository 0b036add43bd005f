"""Accounts as people use them: sign up, confirm, sign in, be refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jwt
import pytest
from botocore.exceptions import ClientError

from tests.accounts import PASSWORD, Accounts

if TYPE_CHECKING:
    from tests.deployment import Platform


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


@pytest.fixture(scope="module")
def ada(accounts: Accounts) -> str:
    """Return the e-mail address of somebody who has signed up as Ada."""
    return accounts.join("Ada")


def test_whoever_signs_up_has_a_row(accounts: Accounts) -> None:
    accounts.sign_up("grace", "grace@example.com")
    assert accounts.row("grace@example.com") is None
    accounts.confirm("grace", accounts.code("grace@example.com"))
    row = accounts.row("grace@example.com")
    assert row
    key = row.pop("api_key")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", key["S"])
    assert row == {
        "user_id": {"S": "grace@example.com"},
        "user_account_email": {"S": "grace@example.com"},
        "username": {"S": "grace"},
        "has_onboarded": {"S": "0"},
        "role": {"S": "0"},
        "datasets_purchased": {"L": [{"S": "Artificien-Health"}]},
    }


def test_a_reset_password_leaves_key_and_purchases(accounts: Accounts) -> None:
    email = accounts.join("hedy")
    before = accounts.row(email)
    web = accounts.ids["clients"]["web"]
    accounts.client().forgot_password(ClientId=web, Username="hedy")
    accounts.client().confirm_forgot_password(
        ClientId=web,
        Username="hedy",
        ConfirmationCode=accounts.code(email),
        Password=f"{PASSWORD}-new",
    )
    assert accounts.sign_in("hedy", f"{PASSWORD}-new")["IdToken"]
    assert accounts.row(email) == before


def test_the_web_client_signs_in_by_name_or_email_in_any_case(accounts: Accounts, ada: str) -> None:
    for name in ("Ada", "ada", ada):
        tokens = accounts.sign_in(name)
        web = accounts.ids["clients"]["web"]
        identity = accounts.claims(tokens["IdToken"], audience=web)
        assert identity | {"token_use": "id", "email": ada} == identity
        access = accounts.claims(tokens["AccessToken"])
        assert access | {"token_use": "access", "client_id": web} == access
        assert access["username"] == identity["cognito:username"]


def test_the_native_client_signs_in_with_its_secret_only(accounts: Accounts, ada: str) -> None:
    secret = accounts.secret("native")
    assert secret["client_id"] == accounts.ids["clients"]["native"]
    tokens = accounts.sign_in(ada, client="native", client_secret=secret["client_secret"])
    assert accounts.claims(tokens["AccessToken"])["client_id"] == secret["client_id"]
    with pytest.raises(ClientError, match="SECRET_HASH"):
        accounts.sign_in(ada, client="native")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        # pragma: allowlist nextline secret
        accounts.sign_in(ada, client="native", client_secret="guessed")  # noqa: S106 - is wrong


def test_a_token_of_another_signer_is_refused(accounts: Accounts, ada: str) -> None:
    head, body, signature = accounts.sign_in(ada)["IdToken"].split(".")
    first = "B" if signature[0] == "A" else "A"
    with pytest.raises(jwt.InvalidSignatureError):
        accounts.claims(
            ".".join((head, body, first + signature[1:])), audience=accounts.ids["clients"]["web"]
        )


def test_what_is_wrong_is_refused(accounts: Accounts, ada: str) -> None:
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        accounts.sign_in(ada, "wrong-Password-123")
    accounts.sign_up("early", "early@example.com")
    with pytest.raises(ClientError, match="UserNotConfirmedException"):
        accounts.sign_in("early")
    with pytest.raises(ClientError, match="CodeMismatchException"):
        accounts.confirm("early", "000000")
    assert accounts.row("early@example.com") is None
    with pytest.raises(ClientError, match="UsernameExistsException"):
        accounts.sign_up("ADA", "another@example.com")


@pytest.mark.parametrize(
    "password", ["Short-1", "no-upper-case-1", "NO-LOWER-CASE-1", "No-digit-here", "NoSymbol1here"]
)
def test_a_weak_password_is_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(ClientError, match="InvalidPasswordException"):
        accounts.client().sign_up(
            ClientId=accounts.ids["clients"]["web"],
            Username="weak",
            Password=password,
            UserAttributes=[{"Name": "email", "Value": "weak@example.com"}],
        )


def test_a_group_is_a_claim(accounts: Accounts) -> None:
    accounts.join("root")
    accounts.add_to_group("root", "admins")
    tokens = accounts.sign_in("root")
    assert accounts.claims(tokens["AccessToken"])["cognito:groups"] == ["admins"]

"""The hosted UI in a real browser: sign up, confirm, sign in, and come back with a code."""

from __future__ import annotations

import urllib.error
from typing import TYPE_CHECKING

import pytest

from tests.accounts import Accounts
from tests.browser import SignIn, confirm, sign_in, sign_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.deployment import Platform

CALLBACK = "http://localhost:3000/callback"


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page of a browser without cookies, in which the app's callback is an empty page."""

    def come_back(route: Route) -> None:
        route.fulfill(body="back in the app")

    context = browser.new_context()
    page = context.new_page()
    page.route("http://localhost:3000/**", come_back)
    yield page
    context.close()


def test_a_person_signs_up_confirms_and_is_signed_in(accounts: Accounts, page: Page) -> None:
    attempt = SignIn(accounts, callback=CALLBACK)
    sign_up(page, attempt.url(), "karen")
    confirm(page, accounts, "karen")
    tokens = attempt.tokens(attempt.code(page))
    claims = accounts.claims(tokens["id_token"], audience=accounts.ids["clients"]["native"])
    assert claims["email"] == "karen@example.com"
    assert claims["email_verified"] in (True, "true")
    row = accounts.row("karen@example.com")
    assert row
    assert row["username"] == {"S": "karen"}


def test_a_person_signs_in(accounts: Accounts, page: Page) -> None:
    accounts.join("dorothy")
    attempt = SignIn(accounts, callback=CALLBACK)
    sign_in(page, attempt.url(), "dorothy")
    code = attempt.code(page)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        attempt.tokens(code, verifier="of somebody who has overheard the code, but not this one")
    # The browser is known by now, and led to an address of nobody, which goto calls an error.
    page.evaluate("url => { location.href = url }", attempt.url())
    tokens = attempt.tokens(attempt.code(page))
    assert accounts.claims(tokens["access_token"])["username"] == "dorothy"


def test_a_wrong_password_stays_on_the_page(accounts: Accounts, page: Page) -> None:
    accounts.join("evelyn")
    sign_in(page, SignIn(accounts, callback=CALLBACK).url(), "evelyn", "wrong-Password-123")
    assert "Incorrect username or password" in page.inner_text("body")
    assert not page.url.startswith(CALLBACK)


def test_a_weak_password_is_explained(accounts: Accounts, page: Page) -> None:
    sign_up(page, SignIn(accounts, callback=CALLBACK).url(), "weak", "weak")
    assert "password" in page.inner_text(".error").lower()


def test_the_hosted_ui_returns_to_known_addresses_only(accounts: Accounts, page: Page) -> None:
    answer = page.goto(SignIn(accounts, callback="https://evil.example.com/callback").url())
    assert answer
    assert answer.status == 400
    assert page.query_selector("input[name=password]") is None

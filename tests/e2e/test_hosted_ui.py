"""The hosted UI in a real browser: sign up, confirm, sign in, and come back with a code."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.accounts import PASSWORD, Accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.deployment import Platform

CALLBACK = "http://localhost:3000/callback"
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
SWITCHES = [
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


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


@dataclass(frozen=True)
class SignIn:
    """One sign-in of the native app: what it sends along, and what it needs to get tokens."""

    accounts: Accounts
    state: str = field(default_factory=secrets.token_urlsafe)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def url(self, redirect_uri: str = CALLBACK) -> str:
        """Return the address that the app opens in a browser."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return f"{self.accounts.ids['hosted_ui_url']}/oauth2/authorize?" + urlencode(
            {
                "client_id": self.accounts.ids["clients"]["native"],
                "response_type": "code",
                "scope": "openid email profile",
                "redirect_uri": redirect_uri,
                "state": self.state,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )

    def code(self, page: Page) -> str:
        """Wait until the browser is back in the app, and return the code that it brings."""
        page.wait_for_url(f"{CALLBACK}?*")
        query = parse_qs(urlsplit(page.url).query)
        assert query["state"] == [self.state]
        return query["code"][0]

    def tokens(self, code: str, verifier: str | None = None) -> dict[str, str]:
        """Exchange the code for tokens, with the client's secret."""
        secret = self.accounts.secret("native")
        basic = base64.b64encode(f"{secret['client_id']}:{secret['client_secret']}".encode())
        request = urllib.request.Request(  # noqa: S310 - the emulator's own address
            f"{self.accounts.ids['hosted_ui_url']}/oauth2/token",
            data=urlencode(
                {
                    "grant_type": "authorization_code",
                    "client_id": secret["client_id"],
                    "code": code,
                    "redirect_uri": CALLBACK,
                    "code_verifier": verifier or self.verifier,
                }
            ).encode(),
            headers={"Authorization": f"Basic {basic.decode()}"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            tokens: dict[str, str] = json.load(answer)
        return tokens


def sign_in(page: Page, url: str, name: str, password: str = PASSWORD) -> None:
    """Fill in and submit the sign-in page."""
    page.goto(url)
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def test_a_person_signs_up_confirms_and_is_signed_in(accounts: Accounts, page: Page) -> None:
    attempt = SignIn(accounts)
    page.goto(attempt.url())
    page.click("text=Sign up")
    page.fill("input[name=username]", "karen")
    page.fill("input[name=email]", "karen@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.fill("input[name=code]", accounts.code("karen@example.com"))
    page.click("button[value=confirm]")
    tokens = attempt.tokens(attempt.code(page))
    claims = accounts.claims(tokens["id_token"], audience=accounts.ids["clients"]["native"])
    assert claims["email"] == "karen@example.com"
    assert claims["email_verified"] in (True, "true")
    row = accounts.row("karen@example.com")
    assert row
    assert row["username"] == {"S": "karen"}


def test_a_person_signs_in(accounts: Accounts, page: Page) -> None:
    accounts.join("dorothy")
    attempt = SignIn(accounts)
    sign_in(page, attempt.url(), "dorothy")
    code = attempt.code(page)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        attempt.tokens(code, verifier="of somebody who has overheard the code, but not this one")
    sign_in(page, attempt.url(), "dorothy")
    tokens = attempt.tokens(attempt.code(page))
    assert accounts.claims(tokens["access_token"])["username"] == "dorothy"


def test_a_wrong_password_stays_on_the_page(accounts: Accounts, page: Page) -> None:
    accounts.join("evelyn")
    sign_in(page, SignIn(accounts).url(), "evelyn", "wrong-Password-123")
    assert "Incorrect username or password" in page.inner_text("body")
    assert not page.url.startswith(CALLBACK)


def test_a_weak_password_is_explained(accounts: Accounts, page: Page) -> None:
    page.goto(SignIn(accounts).url())
    page.click("text=Sign up")
    page.fill("input[name=username]", "weak")
    page.fill("input[name=email]", "weak@example.com")
    page.fill("input[name=password]", "weak")
    page.click("button[type=submit]")
    assert "password" in page.inner_text(".error").lower()


def test_the_hosted_ui_returns_to_known_addresses_only(accounts: Accounts, page: Page) -> None:
    answer = page.goto(SignIn(accounts).url("https://evil.example.com/callback"))
    assert answer
    assert answer.status == 400
    assert page.query_selector("input[name=password]") is None

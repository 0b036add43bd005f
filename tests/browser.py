"""A browser of people's, and the hosted UI as they fill it in."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import shutil
import socket
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Error, sync_playwright

from tests.accounts import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.accounts import Accounts

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
SWITCHES = [
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a window; each of its contexts has cookies of its own."""
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


def steadily[T](action: Callable[[], T]) -> T:
    """Do something in a browser; again, if a network interface came or went meanwhile.

    The browser gives up all that it is loading then, and hosts of other tests come and go.
    """
    while True:
        interfaces = socket.if_nameindex()
        try:
            return action()
        except Error:
            if socket.if_nameindex() == interfaces:
                raise


def sign_in(page: Page, url: str, name: str, password: str = PASSWORD) -> None:
    """Fill in and submit the sign-in page, to which an address leads."""
    page.goto(url)
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def sign_up(page: Page, url: str, name: str, password: str = PASSWORD) -> None:
    """Fill in and submit the sign-up page, which is linked where an address leads."""
    page.goto(url)
    page.click("text=Sign up")
    page.fill("input[name=username]", name)
    page.fill("input[name=email]", f"{name}@example.com")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def confirm(page: Page, accounts: Accounts, name: str) -> None:
    """Fill in the code of the e-mail, on the page that follows a sign-up."""
    # The page is there only after the e-mail has been sent.
    page.wait_for_selector("input[name=code]")
    page.fill("input[name=code]", accounts.code(f"{name}@example.com"))
    page.click("button[value=confirm]")


@dataclass(frozen=True)
class SignIn:
    """One sign-in of a client with a secret: what it sends along, and needs to get tokens."""

    accounts: Accounts
    callback: str
    client: str = "native"
    scope: str = "openid email profile"
    state: str = field(default_factory=secrets.token_urlsafe)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def url(self) -> str:
        """Return the address that the client opens in a browser."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return f"{self.accounts.ids['hosted_ui_url']}/oauth2/authorize?" + urlencode(
            {
                "client_id": self.accounts.ids["clients"][self.client],
                "response_type": "code",
                "scope": self.scope,
                "redirect_uri": self.callback,
                "state": self.state,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )

    def code(self, page: Page) -> str:
        """Wait until the browser is back at the client, and return the code that it brings."""
        page.wait_for_url(f"{self.callback}?*")
        query = parse_qs(urlsplit(page.url).query)
        assert query["state"] == [self.state]
        return query["code"][0]

    def tokens(self, code: str, verifier: str | None = None) -> dict[str, str]:
        """Exchange the code for tokens, with the client's secret."""
        secret = self.accounts.secret(self.client)
        basic = base64.b64encode(f"{secret['client_id']}:{secret['client_secret']}".encode())
        request = urllib.request.Request(  # noqa: S310 - the emulator's own address
            f"{self.accounts.ids['hosted_ui_url']}/oauth2/token",
            data=urlencode(
                {
                    "grant_type": "authorization_code",
                    "client_id": secret["client_id"],
                    "code": code,
                    "redirect_uri": self.callback,
                    "code_verifier": verifier or self.verifier,
                }
            ).encode(),
            headers={"Authorization": f"Basic {basic.decode()}"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            tokens: dict[str, str] = json.load(answer)
        return tokens

"""JupyterHub: it answers, and sends people to the hosted UI to sign in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smoke import web
from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the hub."""
    url = platform.published("jupyterhub/url")
    certificate = platform.find("jupyterhub/certificate")
    hosted_ui = urlsplit(platform.published("cognito/hosted_ui_url"))

    def answers(_stack: ExitStack) -> None:
        status = web.request("GET", f"{url}/hub/health", authority=certificate).status
        require(status == HTTPStatus.OK, f"{url}/hub/health answers {status}")

    def asks_to_sign_in(_stack: ExitStack) -> None:
        answer = web.request("GET", f"{url}/hub/oauth_login", authority=certificate)
        target = urlsplit(answer.location)
        require(
            answer.status == HTTPStatus.FOUND and target.netloc == hosted_ui.netloc,
            f"signing in answers {answer.status} and leads to {target.netloc or 'nowhere'}",
        )

    remedy = "on the host, systemctl status nginx jupyterhub; make deploy TAGS=jupyterhub."
    yield Check("the hub answers", answers, remedy)
    yield Check("people sign in by the hosted UI", asks_to_sign_in, remedy)

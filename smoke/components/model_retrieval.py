"""The API: it answers, has every route, and lets nobody in who is not signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from smoke import web
from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

CLOSED = (
    ("GET", "/retrieve"),
    ("POST", "/create"),
    ("POST", "/get_datasets"),
    ("POST", "/generate_key"),
    ("POST", "/delete"),
)
# Each refuses what is sent here in its own way; an API without the route answers MISSING.
OPEN = (
    ("POST", "/info"),
    ("POST", "/model_loss"),
    ("POST", "/model_progress"),
    ("GET", "/downloads/none"),
)
MISSING = b"Missing Authentication Token"
REFUSALS = range(400, 500)


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the API."""
    base = platform.published("api/base_url")

    def call(method: str, path: str) -> web.Answer:
        return web.request(method, base + path, "{}" if method == "POST" else None)

    def answers(_stack: ExitStack) -> None:
        for path in ("/", "/test"):
            status = call("GET", path).status
            require(status == HTTPStatus.OK, f"GET {path} answers {status}")

    def is_closed(_stack: ExitStack) -> None:
        for method, path in CLOSED:
            status = call(method, path).status
            require(
                status == HTTPStatus.UNAUTHORIZED,
                f"{method} {path} answers {status}",
            )

    def has_routes(_stack: ExitStack) -> None:
        for method, path in OPEN:
            answer = call(method, path)
            there = answer.status in REFUSALS and MISSING not in answer.content
            require(there, f"{method} {path} answers {answer.status}")

    remedy = "make deploy TAGS=model_retrieval; then read the execution log of the API."
    yield Check("/ and /test answer", answers, remedy)
    yield Check("routes of people are closed to strangers", is_closed, remedy)
    yield Check("routes of devices and links exist", has_routes, remedy)

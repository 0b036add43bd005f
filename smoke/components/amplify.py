"""The front end: its pages answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from smoke import web
from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform


def checks(platform: Platform) -> Iterator[Check]:
    """Return the check of the front end."""
    url = platform.find("amplify/url")
    skipped = "" if url else "no front end is deployed: amplify_repository names none"
    if platform.outputs["aws"].get("endpoint_url"):
        skipped = "Amplify is a fake here, which serves no pages"

    def answers(_stack: ExitStack) -> None:
        status = web.request("GET", str(url)).status
        # Pages behind a password answer, too.
        require(status in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED), f"{url} answers {status}")

    yield Check(
        "the site answers",
        answers,
        "look at the last build of the branch in Amplify; make deploy TAGS=amplify.",
        skipped,
    )

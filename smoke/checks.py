"""What a check is, and how one is run so that nothing of it remains."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from smoke.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class CheckError(Exception):
    """Something is not as it should be; the message says what was found."""


@dataclass(frozen=True)
class Check:
    """One check.

    `run` raises if what it looks at does not work. What it makes it registers with the stack that
    it is given, which removes it whatever happens.
    """

    title: str
    run: Callable[[ExitStack], None]
    remedy: str
    skipped: str = field(default="")
    """Why it is left out, where it is."""


# What a check may meet: wrong content, refusals, and connections that fail.
PROBLEMS = (CheckError, ClientError, BotoCoreError, OSError, HTTPException, LookupError, ValueError)


def require(condition: object, message: str) -> None:
    """Raise `message` unless the condition is true.

    Raises:
        CheckError: it is not.
    """
    if not condition:
        raise CheckError(message)


def run_checks(component: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Row]:
    """Run the checks of a component; one that fails keeps none of the others from running."""
    try:
        listed = list(checks())
    except PROBLEMS as error:
        yield Row(component, "is deployed", "failed", f"{describe(error)}: deploy {component}.")
        return
    for check in listed:
        if check.skipped:
            yield Row(component, check.title, "skipped", check.skipped)
        else:
            yield _run(component, check)


def _run(component: str, check: Check) -> Row:
    try:
        with ExitStack() as stack:
            check.run(stack)
    except PROBLEMS as error:
        return Row(component, check.title, "failed", f"{describe(error)}: {check.remedy}")
    return Row(component, check.title, "ok")


def describe(error: BaseException) -> str:
    """Return what went wrong in few words, without the content of answers."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        return f"{error.operation_name}: {details.get('Code')} {details.get('Message', '')}".strip()
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) or type(error).__name__

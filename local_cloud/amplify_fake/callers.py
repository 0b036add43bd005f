"""Requests as they come over HTTP, and who may make them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """A request as it came over HTTP."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Caller:
    """Where a request may do what it asks for."""

    region: str
    account: str


Authorize = Callable[[Request, str, list[str], str], Caller]
"""Takes a request, its operation, the path of its resource below the account, and the ARN of a role
that it hands to the service, if any; refuses it by a RefusalError."""

"""Fixtures of the unit tests: real clients that answer from a script and never open a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stubbed() -> Iterator[Callable[[str], tuple[Any, Stubber]]]:
    """Return a function that makes a client of a service with its Stubber.

    The responses that a test adds must all be used by its end.
    """
    stubbers: list[Stubber] = []

    def make(service: Any) -> tuple[Any, Stubber]:
        client = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id="unit",
            aws_secret_access_key="unit",  # noqa: S106 - never leaves the process
        )
        stubber = Stubber(client)
        stubber.activate()
        stubbers.append(stubber)
        return client, stubber

    yield make
    for stubber in stubbers:
        stubber.assert_no_pending_responses()

"""When a secret is read, and what is taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from lambda_common.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber


class Stubs:
    """A secret that is read by script, and the time."""

    def __init__(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
        client, self.stubber = stubbed("secretsmanager")
        self.now = 50.0
        self.secret = Secret(client, "test", lambda: self.now)

    def stored(self, value: str) -> None:
        """Let the secret be read once."""
        self.stubber.add_response("get_secret_value", {"SecretString": value}, {"SecretId": "test"})


@pytest.fixture
def stubs(stubbed: Callable[[str], tuple[Any, Stubber]]) -> Stubs:
    return Stubs(stubbed)


def test_a_secret_is_kept_for_five_minutes(stubs: Stubs) -> None:
    stubs.stored("first")
    assert stubs.secret.value() == "first"
    stubs.now += 299
    assert stubs.secret.value() == "first"
    stubs.now += 1
    stubs.stored("second")
    assert stubs.secret.value() == "second"


def test_a_rotated_secret_is_taken_at_once(stubs: Stubs) -> None:
    stubs.stored("first")
    assert stubs.secret.matches("first")
    stubs.now += 10
    stubs.stored("second")
    assert stubs.secret.matches("second")
    assert not stubs.secret.matches("first")


def test_guesses_do_not_read_it_each_time(stubs: Stubs) -> None:
    stubs.stored("first")
    for guess in ("", "firs", "first ", "ä", "\ud800"):
        assert not stubs.secret.matches(guess)
    stubs.now += 10
    stubs.stored("first")
    assert not stubs.secret.matches("guess")
    assert not stubs.secret.matches("guess")


def test_changed(stubs: Stubs) -> None:
    stubs.stored("first")
    stubs.secret.value()
    assert not stubs.secret.changed()
    stubs.now += 10
    stubs.stored("first")
    assert not stubs.secret.changed()


def test_a_secret_that_is_missing_is_a_fault(stubs: Stubs) -> None:
    stubs.stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    with pytest.raises(ClientError):
        stubs.secret.matches("")

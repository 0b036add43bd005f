"""What is in an emulated account: all of it, in words that are the same in another account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.state import data, functions, identity, messages, names, network
from tests.state.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cloud import Cloud

READERS = (
    *identity.READERS,
    *data.READERS,
    *messages.READERS,
    *functions.READERS,
    *network.READERS,
    *names.READERS,
)


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return what differs between two states, by name, with what was expected and what is."""
    return [
        f"{name}: {expected.get(name)} {found.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]


def state_of(cloud: Cloud) -> dict[str, list[Any]]:
    """Return the resources of an account by kind and name, as `canonical` writes them."""
    addresses = {
        cloud.amplify_url: "<amplify>",
        cloud.endpoint_url: "<endpoint>",
        f"{cloud.host}:{cloud.port}": "<endpoint>",
    }
    return canonical((each for read in READERS for each in read(cloud)), addresses)

"""The names: the world resolves them, and they lead where they should."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smoke.checks import Check, require
from smoke.platform import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

# A record that was just made is not known everywhere at once.
RECORD_SECONDS = 90.0
# Names of AWS' own, which need no record, and those of its fakes, which never have one (RFC 6761).
WITHOUT_RECORD = (".amazonaws.com", ".amplifyapp.com", ".invalid")


def names(platform: Platform) -> dict[str, str | None]:
    """Return the names that need a record, each with the address it leads to if that is known."""
    places = {
        platform.find("post_deploy/api_domain"): None,
        platform.find("pygrid/host"): platform.find("pygrid/address"),
        platform.find("jupyterhub/host"): platform.find("jupyterhub/address"),
        urlsplit(platform.find("amplify/url") or "").hostname: None,
    }
    return {
        name: address
        for name, address in places.items()
        if name and not _is_address(name) and not name.endswith(WITHOUT_RECORD)
    }


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def checks(platform: Platform) -> Iterator[Check]:
    """Return a check for each name."""
    found = names(platform)
    remedy = "look for the record in its zone, and whether the registrar delegates to that zone."
    for name, address in found.items():
        yield Check(f"{name} resolves", _resolves(name, address), remedy)
    if not found:
        yield Check("names resolve", lambda _stack: None, remedy, "no domain is set")


def _resolves(name: str, address: str | None) -> Callable[[ExitStack], None]:
    def resolved() -> set[str]:
        try:
            return {str(entry[4][0]) for entry in socket.getaddrinfo(name, 443)}
        except socket.gaierror:
            return set()

    def run(_stack: ExitStack) -> None:
        wait_for(lambda: bool(resolved()), f"an address of {name}", RECORD_SECONDS)
        addresses = resolved()
        require(
            address is None or address in addresses,
            f"{name} leads to {', '.join(sorted(addresses))}, not to {address}",
        )

    return run

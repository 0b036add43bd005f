"""Where a request comes from, and whether that is a network on an allow-list."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

Peer: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Peer = IPv4Address("0.0.0.0")  # noqa: S104 - an address that no client has
_PREFIX_OF_A_CLIENT = 64


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The address that a request comes from.

    It is the address of the connection. Only where that is a loopback address, hence a proxy of
    this machine, an ``X-Real-IP`` header counts instead; such a proxy must set the header itself
    and must not pass on one that it received.

    Args:
        scope: The ASGI scope of an HTTP request or a WebSocket.

    Returns:
        The address (IPv4-mapped IPv6 as IPv4), or ``UNKNOWN`` where there is none or where the
        proxy's header does not hold exactly one.
    """
    client = scope.get("client")
    peer = parse_address(client[0]) if client else UNKNOWN
    if not peer.is_loopback:
        return peer
    forwarded = [value for name, value in scope["headers"] if name.lower() == b"x-real-ip"]
    if not forwarded:
        return peer
    return parse_address(forwarded[0].decode("latin-1").strip()) if len(forwarded) == 1 else UNKNOWN


def parse_address(text: str) -> Peer:
    """An address from its text; ``UNKNOWN`` where it is none, IPv4-mapped IPv6 as IPv4."""
    try:
        return unmapped(ip_address(text))
    except ValueError:
        return UNKNOWN


def unmapped(address: Peer) -> Peer:
    """The IPv4 address that an IPv4-mapped IPv6 address stands for; others as they are."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_allowed(peer: Peer, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; ``UNKNOWN`` lies in none."""
    return peer != UNKNOWN and any(peer in network for network in networks)


def client_key(peer: Peer) -> str:
    """What limits per client count by: the address; for IPv6 the /64 that one client may own."""
    if isinstance(peer, IPv6Address):
        return str(ip_network((int(peer), _PREFIX_OF_A_CLIENT), strict=False))
    return str(peer)

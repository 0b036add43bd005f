"""Where requests come from: forged headers change nothing."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from artificien_pygrid.security.networks import UNKNOWN, client_key, is_allowed, peer_of


def scope(client: str | None, *real_ips: str, **more: str) -> dict[str, Any]:
    headers = [(b"x-real-ip", value.encode()) for value in real_ips]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return {"client": None if client is None else (client, 4711), "headers": headers}


@pytest.mark.parametrize(
    ("request_scope", "address"),
    [
        (scope("203.0.113.7"), "203.0.113.7"),
        (scope("::ffff:203.0.113.7"), "203.0.113.7"),
        (scope("2001:db8::1"), "2001:db8::1"),
        (scope("127.0.0.1"), "127.0.0.1"),
        (scope("127.0.0.1", "203.0.113.7"), "203.0.113.7"),
        (scope("127.0.0.1", " ::ffff:203.0.113.7 "), "203.0.113.7"),
        (scope("::1", "2001:db8::1"), "2001:db8::1"),
        (scope("::ffff:127.0.0.1", "203.0.113.7"), "203.0.113.7"),
    ],
)
def test_peer_is_the_connection_or_what_a_local_proxy_says(
    request_scope: dict[str, Any], address: str
) -> None:
    assert peer_of(request_scope) == ip_address(address)


@pytest.mark.parametrize("forged", ["127.0.0.1", "10.0.0.1", "::1", "nonsense", ""])
@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::7", "10.9.9.9", "::ffff:10.9.9.9"])
def test_forged_headers_change_nothing(client: str, forged: str) -> None:
    plain = peer_of(scope(client))
    assert peer_of(scope(client, forged)) == plain
    assert peer_of(scope(client, x_forwarded_for=forged, forwarded=f"for={forged}")) == plain


@pytest.mark.parametrize(
    "request_scope",
    [
        scope(None),
        scope("testclient"),
        scope(None, "10.0.0.1"),
        scope("127.0.0.1", ""),
        scope("127.0.0.1", "unknown"),
        scope("127.0.0.1", "10.0.0.1, 203.0.113.7"),
        scope("127.0.0.1", "10.0.0.1", "203.0.113.7"),
    ],
)
def test_what_cannot_be_told_lies_in_no_network(request_scope: dict[str, Any]) -> None:
    peer = peer_of(request_scope)
    assert peer == UNKNOWN
    assert not is_allowed(peer, [ip_network("0.0.0.0/0"), ip_network("::/0")])


def test_allow_list() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")]
    assert is_allowed(ip_address("10.1.2.3"), networks)
    assert is_allowed(peer_of(scope("::ffff:10.1.2.3")), networks)
    assert is_allowed(ip_address("2001:db8::9"), networks)
    assert not is_allowed(ip_address("10.2.0.1"), networks)
    assert not is_allowed(ip_address("2001:db9::9"), networks)
    assert not is_allowed(ip_address("10.1.2.3"), [])


def test_ipv6_clients_count_by_the_network_that_one_may_own() -> None:
    assert client_key(ip_address("2001:db8::1")) == client_key(ip_address("2001:db8::ffff:1"))
    assert client_key(ip_address("2001:db8::1")) != client_key(ip_address("2001:db8:0:1::1"))
    assert client_key(ip_address("203.0.113.7")) == "203.0.113.7"

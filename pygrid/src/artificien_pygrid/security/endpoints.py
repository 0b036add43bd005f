"""Requests to URLs that owners of models name, without a way into private networks."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

import httpx

from .networks import Network, Peer, is_allowed, unmapped

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

_MAX_URL_LENGTH = 2048
_MAX_ADDRESSES = 4
_PORTS = 65536
# Of Azure's services for its virtual machines, metadata among them: an address like a public one.
_METADATA = IPv4Address("168.63.129.16")
_NAT64 = IPv6Network("64:ff9b::/96")
# Their own threads: slow name servers must not hold up what else runs in the loop's executor.
_RESOLVERS = 4


class EndpointRefused(Exception):  # noqa: N818 - the name says what happened
    """The endpoint was not asked, or did not answer; the text says why, for logs only."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host as the system finds them, also those of odd forms like ``127.1``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def parse_endpoint(url: str) -> httpx.URL:
    """Check the form of an endpoint's URL (not where it leads).

    Raises:
        ValueError: It is none that can be asked; the text says why.
    """
    if len(url) > _MAX_URL_LENGTH:
        raise ValueError(f"must be at most {_MAX_URL_LENGTH} characters long")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ValueError("must be a URL like https://example.org/verify") from None
    has_port = parsed.port is None or 0 < parsed.port < _PORTS
    if parsed.scheme not in {"http", "https"} or not parsed.host or not has_port:
        raise ValueError("must be a URL like https://example.org/verify")
    return parsed


class Endpoints:
    """Asks endpoints that lie in public networks, or in those that the settings name.

    A name is resolved once and its addresses are checked, then the connection goes to the very
    address that was checked. Redirects are not followed and proxies not used. Plain http is used
    only inside the named networks, since it would show tokens to whoever is on the way.

    Args:
        networks: Networks that may be asked although they are private.
        timeout: Seconds for all of a request, name resolution included.
        resolver: Finds the addresses of a host and port.
    """

    def __init__(
        self, networks: tuple[Network, ...], timeout: float, resolver: Resolve = resolve
    ) -> None:
        self._networks = networks
        self._timeout = timeout
        self._resolver = resolver
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")
        self._tls = httpx.create_ssl_context()

    async def post(self, url: str, content: bytes) -> int:
        """Send a body, without a content type.

        Returns:
            The status of the answer; its body is not read.

        Raises:
            EndpointRefused: It may not be asked, or does not answer in time.
        """
        try:
            async with asyncio.timeout(self._timeout):
                target = parse_endpoint(url)
                return await self._post(target, await self._addresses(target), content)
        except TimeoutError:
            raise EndpointRefused(f"no answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise EndpointRefused(str(error) or type(error).__name__) from error

    async def _addresses(self, url: httpx.URL) -> list[Peer]:
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._resolver, host, port)
        addresses = [unmapped(ip_address(text)) for text in dict.fromkeys(found)]
        if not addresses:
            raise EndpointRefused(f"{host} has no address")
        for address in addresses:
            if is_allowed(address, self._networks):
                continue
            if not is_public(address):
                raise EndpointRefused(
                    f"{host} has the address {address}, which is not public; "
                    "name its network in PYGRID_TOKEN_ENDPOINT_NETWORKS if it may be asked"
                )
            if url.scheme != "https":
                raise EndpointRefused(
                    f"http is not used outside of PYGRID_TOKEN_ENDPOINT_NETWORKS, where {address} "
                    "of this endpoint does not lie; use https"
                )
        return addresses[:_MAX_ADDRESSES]

    async def _post(self, url: httpx.URL, addresses: Sequence[Peer], content: bytes) -> int:
        for address in addresses[:-1]:
            try:
                return await self._post_to(address, url, content)
            except httpx.ConnectError:
                continue
        return await self._post_to(addresses[-1], url, content)

    async def _post_to(self, address: Peer, url: httpx.URL, content: bytes) -> int:
        # One client per request, as a kept connection to an address would also be used for other
        # hosts with that address, whose certificate was not checked.
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._timeout) as client,
            client.stream(
                "POST",
                url.copy_with(host=str(address)),
                content=content,
                headers={"Host": url.netloc.decode("ascii")},
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            ) as response,
        ):
            return response.status_code


def is_public(address: Peer) -> bool:
    """Whether an address lies in no private, local, metadata or otherwise special network."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped or address.sixtofour or address.teredo or address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and address != _METADATA
    )

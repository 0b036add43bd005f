"""Who may host, retrieve and look: networks, fixed tokens, tokens of the issuer."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from security.bare_settings import configure
from security.issuer import Issuer

from artificien_pygrid.errors import NotPermitted
from artificien_pygrid.security.access import Access, Caller
from artificien_pygrid.security.networks import UNKNOWN, parse_address

pytestmark = pytest.mark.anyio

RETRIEVAL = "retrieval-ü"
STATUS = "status-token"
INSIDE = parse_address("10.1.2.3")
OUTSIDE = parse_address("203.0.113.7")


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_nothing_set_permits_nobody() -> None:
    access = Access(configure())
    for peer in (INSIDE, OUTSIDE, UNKNOWN, parse_address("127.0.0.1")):
        for headers in ({}, bearer("x"), bearer("")):
            with pytest.raises(NotPermitted, match="A valid bearer token is required"):
                await access.require_host(headers, None, peer)
            with pytest.raises(NotPermitted):
                await access.require_service(headers, peer)
            with pytest.raises(NotPermitted):
                await access.require_status(headers, peer)


async def test_each_network_permits_its_own_operation() -> None:
    access = Access(
        configure(
            hosting_networks="10.1.0.0/16",
            retrieval_networks="10.2.0.0/16",
            status_networks="10.3.0.0/16",
        )
    )
    host, retrieve, look = (parse_address(f"10.{n}.2.3") for n in (1, 2, 3))
    assert await access.require_host({}, None, host) == Caller("network:10.1.2.3")
    assert await access.require_service({}, retrieve) == Caller("network:10.2.2.3")
    assert await access.require_status({}, look) == Caller("network:10.3.2.3")
    for peer in (retrieve, look):
        with pytest.raises(NotPermitted):
            await access.require_host({}, None, peer)
    for peer in (host, look):
        with pytest.raises(NotPermitted):
            await access.require_service({}, peer)
    for peer in (host, retrieve):
        with pytest.raises(NotPermitted):
            await access.require_status({}, peer)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "host": "node.example:5000"},
        {"origin": "null", "host": "node.example:5000"},
        {"origin": "http://[bad", "host": "node.example"},
        {"origin": "https://evil.example"},
        {"origin": "", "host": ""},
    ],
)
async def test_a_network_does_not_permit_pages_of_other_hosts(headers: dict[str, str]) -> None:
    networks = "10.0.0.0/8"
    access = Access(
        configure(
            hosting_networks=networks,
            retrieval_networks=networks,
            status_networks=networks,
            retrieval_token="t" * 40,
        )
    )
    with pytest.raises(NotPermitted):
        await access.require_host(headers, None, INSIDE)
    with pytest.raises(NotPermitted):
        await access.require_service(headers, INSIDE)
    with pytest.raises(NotPermitted):
        await access.require_status(headers, INSIDE)
    # A page that holds a token is another matter.
    assert await access.require_service(headers | bearer("t" * 40), INSIDE) == Caller("fixed token")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://node.example:5000", "host": "node.example:5000"},
        {"origin": "http://Node.example:5000", "host": "node.example"},
        {"origin": "http://[2001:db8::1]:5000", "host": "[2001:db8::1]:5000"},
    ],
)
async def test_a_network_permits_clients_that_name_the_node_as_origin(
    headers: dict[str, str],
) -> None:
    access = Access(configure(hosting_networks="10.0.0.0/8"))
    assert await access.require_host(headers, None, INSIDE) == Caller("network:10.1.2.3")


async def test_fixed_tokens() -> None:
    access = Access(configure(retrieval_token=RETRIEVAL, status_token=STATUS))
    # As a server hands on the bytes of a header.
    sent = RETRIEVAL.encode().decode("latin-1")
    assert await access.require_service(bearer(sent), OUTSIDE) == Caller("fixed token")
    lower = {"authorization": f"bearer   {STATUS} "}
    assert await access.require_status(lower, OUTSIDE) == Caller("fixed token")
    for headers in (
        bearer(STATUS),
        bearer("retrieval-"),
        bearer(sent + "x"),
        bearer("\u0100\ud800"),
        {"authorization": f"Basic {sent}"},
        {"authorization": sent},
        {"authorization": "Bearer"},
    ):
        with pytest.raises(NotPermitted):
            await access.require_service(headers, OUTSIDE)
    for token in (sent, STATUS):
        with pytest.raises(NotPermitted):
            await access.require_host(bearer(token), token, OUTSIDE)


async def test_fixed_tokens_are_not_kept() -> None:
    access = Access(configure(retrieval_token=RETRIEVAL))
    kept = vars(access)["_retrieval_token"]
    assert RETRIEVAL not in repr(vars(kept))


async def test_tokens_of_the_issuer(issuer: Issuer, key: rsa.RSAPrivateKey) -> None:
    access = Access(
        configure(
            oidc_issuer=issuer.name,
            oidc_client_id="the-client",
            oidc_groups="owners,admins",
            oidc_groups_claim="cognito:groups",
            retrieval_token=STATUS,
        )
    )
    good = issuer.token(key)
    expired = issuer.token(key, exp=1)
    assert await access.require_host(bearer(good), None, OUTSIDE) == Caller("oidc:ada", "ada")
    assert await access.require_host({}, good, OUTSIDE) == Caller("oidc:ada", "ada")
    assert await access.require_host(bearer(expired), good, OUTSIDE) == Caller("oidc:ada", "ada")
    assert await access.require_service(bearer(good), OUTSIDE) == Caller("oidc:ada", "ada")
    assert await access.require_service(bearer(STATUS), OUTSIDE) == Caller("fixed token")
    assert await access.require_status(bearer(good), OUTSIDE) == Caller("oidc:ada", "ada")
    with pytest.raises(NotPermitted, match="has expired"):
        await access.require_host(bearer(good), expired, OUTSIDE)
    with pytest.raises(NotPermitted, match="not a JSON web token"):
        await access.require_service(bearer(STATUS + "x"), OUTSIDE)
    # Tokens in the message are text.
    for wrong in (1, [good], {"token": good}, True):
        with pytest.raises(NotPermitted, match="must be a text"):
            await access.require_host({}, wrong, OUTSIDE)

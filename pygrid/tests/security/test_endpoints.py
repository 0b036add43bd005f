"""Requests to third parties: no way into private networks, and no detour to one."""

import datetime
import ssl
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from security.issuer import ec_key
from security.local_web import Answer, Request, Web, serve

from artificien_pygrid.security.endpoints import (
    EndpointRefused,
    Endpoints,
    is_public,
    parse_endpoint,
)

pytestmark = pytest.mark.anyio

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "localhost",
        "LocalHost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",  # noqa: S104
        "0",
        "[::]",
        "user:password@127.0.0.1",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_loopback_in_any_form_is_not_reached(web: Web, scheme: str, host: str) -> None:
    endpoints = Endpoints((), timeout=5)
    with pytest.raises(EndpointRefused, match=r"not public|must be a URL"):
        await endpoints.post(f"{scheme}://{host}:{web.port}/", b"x")
    assert web.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "168.63.129.16",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::a9fe:a9fe]",
        "[::ffff:169.254.169.254]",
        "[2002:a9fe:a9fe::1]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
async def test_private_and_metadata_addresses_are_refused(host: str) -> None:
    with pytest.raises(EndpointRefused, match=r"not public; name its network in PYGRID_TOKEN"):
        await Endpoints(LOOPBACK, timeout=5).post(f"https://{host}/", b"x")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


async def test_one_private_address_among_public_ones_is_enough(web: Web) -> None:
    def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(EndpointRefused, match=r"127\.0\.0\.1, which is not public"):
        await Endpoints((), 5, resolver).post(f"https://third.example:{web.port}/", b"x")
    with pytest.raises(EndpointRefused, match="has no address"):
        await Endpoints((), 5, lambda _host, _port: []).post("https://third.example/", b"x")


async def test_named_networks_are_reached_with_the_request_as_it_is(web: Web) -> None:
    web.answer = lambda _: Answer(204)
    status = await Endpoints(LOOPBACK, timeout=5).post(web.url("/verify?a=b"), b'{"auth_token": 1}')
    assert status == 204
    (request,) = web.requests
    assert (request.method, request.path) == ("POST", "/verify?a=b")
    assert request.body == b'{"auth_token": 1}'
    assert request.headers["host"] == f"127.0.0.1:{web.port}"
    assert "content-type" not in request.headers


async def test_the_address_that_was_checked_is_the_one_connected_to(web: Web) -> None:
    """A name server that answers differently the second time is not asked a second time."""
    answers = iter([["127.0.0.1"], ["127.0.0.99"]])
    endpoints = Endpoints(LOOPBACK, 5, lambda _host, _port: next(answers))
    # The name does not exist, so whoever resolved it once more would fail.
    assert await endpoints.post(web.url(host="third.invalid"), b"x") == 200
    assert web.requests[0].headers["host"] == f"third.invalid:{web.port}"
    assert next(answers) == ["127.0.0.99"]


async def test_mapped_addresses_lie_in_named_networks_of_ipv4(web: Web) -> None:
    endpoints = Endpoints(LOOPBACK, 5, lambda _host, _port: ["::ffff:127.0.0.1"])
    assert await endpoints.post(web.url(host="third.example"), b"x") == 200


async def test_the_next_address_is_tried_where_nobody_listens(web: Web) -> None:
    endpoints = Endpoints(LOOPBACK, 5, lambda _host, _port: ["::1", "127.0.0.9", "127.0.0.1"])
    assert await endpoints.post(web.url(host="third.example"), b"x") == 200
    with pytest.raises(EndpointRefused):
        await Endpoints(LOOPBACK, 5, lambda _host, _port: ["127.0.0.9"]).post(web.url(), b"x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(web: Web, status: int) -> None:
    with serve() as target:
        web.answer = lambda _: Answer(status, headers={"Location": target.url()})
        assert await Endpoints(LOOPBACK, timeout=5).post(web.url(), b"x") == status
        assert target.requests == []


async def test_proxies_of_the_environment_are_not_used(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(lambda _: Answer(418)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert await Endpoints(LOOPBACK, timeout=5).post(web.url(), b"x") == 200


async def test_plain_http_leaves_no_named_network() -> None:
    with pytest.raises(EndpointRefused, match="use https"):
        await Endpoints(LOOPBACK, timeout=5).post("http://8.8.8.8/", b"x")


async def test_slow_third_parties_and_name_servers_do_not_hold_up_the_node(web: Web) -> None:
    def slow(_: Request) -> Answer:
        time.sleep(1)
        return Answer()

    def slow_resolver(_host: str, _port: int) -> Sequence[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    web.answer = slow
    for endpoints in (Endpoints(LOOPBACK, 0.2), Endpoints(LOOPBACK, 0.2, slow_resolver)):
        started = time.monotonic()
        with pytest.raises(EndpointRefused, match=r"no answer within 0\.2 s"):
            await endpoints.post(web.url(), b"x")
        assert time.monotonic() - started < 0.8


async def test_endless_answers_are_not_read(web: Web) -> None:
    web.answer = lambda _: Answer(200, b"x" * 50_000_000)
    started = time.monotonic()
    assert await Endpoints(LOOPBACK, timeout=20).post(web.url(), b"x") == 200
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "//127.0.0.1/",
        "https://",
        "https:///verify",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "https://example.org:0/",
        "https://example.org:99999999/",
        "https://[::1/",
        "https://\ud800.example/",
        "https://example.org/\n",
        "https://example.org/" + "x" * 3000,
    ],
)
async def test_urls_of_the_wrong_form(url: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_endpoint(url)
    with pytest.raises(EndpointRefused, match="must be"):
        await Endpoints(LOOPBACK, timeout=5).post(url, b"x")


@pytest.fixture
def secure_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server whose certificate is for third.example, from an authority that is trusted."""
    key = ec_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "third.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("third.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    public = tmp_path / "certificate.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    both = tmp_path / "server.pem"
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + public.read_bytes()
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(both)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with serve(tls=tls) as running:
        yield running


async def test_certificates_are_checked_against_the_name_in_the_url(secure_web: Web) -> None:
    endpoints = Endpoints(LOOPBACK, 5, lambda _host, _port: ["127.0.0.1"])
    assert await endpoints.post(secure_web.url(host="third.example"), b"x") == 200
    for host in ("other.example", "127.0.0.1"):
        with pytest.raises(EndpointRefused, match="certificate verify failed"):
            await endpoints.post(secure_web.url(host=host), b"x")
    assert len(secure_web.requests) == 1

"""Tokens of an OpenID Connect issuer, with real keys and a real issuer on loopback."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from security.bare_settings import configure
from security.issuer import Issuer, ec_key, jwk, rsa_key
from security.local_web import Answer

from artificien_pygrid.errors import NotPermitted, Unavailable
from artificien_pygrid.security.bearer import OidcTokens
from artificien_pygrid.security.keysets import KeySet

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test sets."""

    now = 1_000_000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    return KeySet(issuer.name, clock=clock)


@pytest.fixture
def tokens(issuer: Issuer, keys: KeySet) -> OidcTokens:
    settings = configure(
        oidc_issuer=issuer.name,
        oidc_client_id="the-client",
        oidc_groups="owners",
        oidc_groups_claim="cognito:groups",
    )
    return OidcTokens(settings, keys)


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_good_tokens(
    tokens: OidcTokens,
    issuer: Issuer,
    key: rsa.RSAPrivateKey,
    curve_key: ec.EllipticCurvePrivateKey,
) -> None:
    assert await tokens.verify(issuer.token(key)) == "ada"
    assert await tokens.verify(issuer.token(curve_key, "curve")) == "ada"
    # Clocks may differ a little.
    assert await tokens.verify(issuer.token(key, exp=time.time() - 10)) == "ada"
    # One fetch of the discovery document and one of the keys are enough.
    assert issuer.paths == ["/pool/.well-known/openid-configuration", "/pool/jwks"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "no claim exp"),
        ({"exp": "soon"}, "contents are wrong"),
        ({"exp": [1]}, "contents are wrong"),
        ({"exp": float("inf")}, "contents are wrong"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"iss": "https://evil.example/pool"}, "another issuer"),
        ({"iss": None}, "no claim iss"),
        ({"client_id": "another"}, "another client"),
        ({"client_id": None}, "another client"),
        ({"aud": "another-service"}, "another audience"),
        ({"aud": ["another-service"]}, "another audience"),
        ({"aud": {"the-client": 1}}, "another audience"),
        ({"cognito:groups": None}, "cognito:groups has none"),
        ({"cognito:groups": ["ownerss", "own"]}, "cognito:groups has none"),
        ({"cognito:groups": {"owners": 1}}, "cognito:groups has none"),
        ({"cognito:groups": [["owners"]]}, "cognito:groups has none"),
    ],
)
async def test_wrong_claims(
    tokens: OidcTokens,
    issuer: Issuer,
    key: rsa.RSAPrivateKey,
    changes: dict[str, Any],
    reason: str,
) -> None:
    with pytest.raises(NotPermitted, match=reason):
        await tokens.verify(issuer.token(key, **changes))


@pytest.mark.parametrize(
    ("settings", "claims", "good"),
    [
        ({"oidc_audience": "node"}, {"aud": "node"}, True),
        ({"oidc_audience": "node"}, {"aud": ["x", "node"]}, True),
        ({"oidc_audience": "node"}, {"aud": "other"}, False),
        ({"oidc_audience": "node"}, {}, False),
        ({"oidc_client_id": "c"}, {"client_id": "c"}, True),
        ({"oidc_client_id": "c"}, {"azp": "c", "client_id": None}, True),
        ({"oidc_client_id": "c"}, {"client_id": "c", "aud": "c"}, True),
        ({"oidc_client_id": "c"}, {"client_id": "c", "aud": "other"}, False),
        ({"oidc_client_id": "c"}, {"client_id": "x", "azp": "c"}, False),
        ({"oidc_client_id": "c"}, {"client_id": ["c"]}, False),
        ({"oidc_audience": "node", "oidc_client_id": "c"}, {"aud": "node"}, False),
        ({"oidc_audience": "node", "oidc_client_id": "c"}, {"aud": "node", "azp": "c"}, False),
        (
            {"oidc_audience": "node", "oidc_client_id": "c"},
            {"aud": "node", "client_id": "c"},
            True,
        ),
        ({"oidc_audience": "node", "oidc_groups": "a,b"}, {"aud": "node", "groups": ["b"]}, True),
        (
            {"oidc_audience": "node", "oidc_groups": "pygrid/host", "oidc_groups_claim": "scope"},
            {"aud": "node", "scope": "openid pygrid/host"},
            True,
        ),
        (
            {"oidc_audience": "node", "oidc_groups": "pygrid/host", "oidc_groups_claim": "scope"},
            {"aud": "node", "scope": "openid pygrid/hosting"},
            False,
        ),
        # Any client of the issuer, by its access tokens.
        (
            {"oidc_groups": "pygrid/host", "oidc_groups_claim": "scope"},
            {"client_id": "any", "scope": "openid pygrid/host"},
            True,
        ),
        (
            {"oidc_groups": "pygrid/host", "oidc_groups_claim": "scope"},
            {"aud": "any", "scope": None},
            False,
        ),
    ],
)
async def test_recipients_and_groups_as_set(
    issuer: Issuer,
    keys: KeySet,
    key: rsa.RSAPrivateKey,
    *,
    settings: dict[str, Any],
    claims: dict[str, Any],
    good: bool,
) -> None:
    tokens = OidcTokens(configure(oidc_issuer=issuer.name, **settings), keys)
    token = issuer.token(key, **claims)
    if good:
        assert await tokens.verify(token) == "ada"
    else:
        with pytest.raises(NotPermitted, match="The bearer token is not valid: it"):
            await tokens.verify(token)


async def test_wrong_signatures(
    tokens: OidcTokens,
    issuer: Issuer,
    key: rsa.RSAPrivateKey,
    curve_key: ec.EllipticCurvePrivateKey,
) -> None:
    good = issuer.token(key)
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # Signed by hand, as libraries refuse to take a public key for a shared secret.
    signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(issuer.claims())}"
    mac = hmac.digest(public_pem, signed.encode(), hashlib.sha256)
    with_public_key = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    header, claims, signature = good.split(".")
    forged = {
        "HMAC with the public key": with_public_key,
        "alg none": f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(issuer.claims())}.",
        "alg None": f"{encoded({'alg': 'None', 'kid': 'first'})}.{claims}.{signature}",
        "no alg": f"{encoded({'kid': 'first'})}.{claims}.{signature}",
        "another key": issuer.token(rsa_key()),
        "a curve's key under the id of RSA": issuer.token(curve_key, "first"),
        "RSA's key under the id of the curve": issuer.token(key, "curve"),
        "RS512": jwt.encode(issuer.claims(), key, "RS512", {"kid": "first"}),
        "PS256": jwt.encode(issuer.claims(), key, "PS256", {"kid": "first"}),
        "other claims": f"{header}.{encoded(issuer.claims(sub='eve'))}.{signature}",
        "no signature": f"{header}.{claims}.",
        "claims no object": jwt.api_jws.encode(b"[1]", key, "RS256", {"kid": "first"}),
    }
    for what, token in forged.items():
        with pytest.raises(NotPermitted, match="signature or its contents"):
            pytest.fail(f"{what}: accepted for {await tokens.verify(token)}")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        "é.é.é",
        "\ud800.\ud800.x",
        "x" * 20_000,
        f"{encoded({'alg': 'RS256', 'kid': 7})}.e30.x",
        f"{encoded({'alg': 'RS256', 'kid': None})}.e30.x",
        f"{encoded({'alg': 'RS256'})}.e30.x",
        f"{encoded(['RS256'])}.e30.x",
        base64.urlsafe_b64encode(b"[" * 12_000).decode() + ".e30.x",
    ],
)
async def test_what_is_no_token_is_refused_without_asking_the_issuer(
    tokens: OidcTokens, issuer: Issuer, token: str
) -> None:
    with pytest.raises(NotPermitted, match="The bearer token is not valid"):
        await tokens.verify(token)
    assert issuer.paths == []


async def test_overlong_tokens(tokens: OidcTokens, issuer: Issuer, key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(NotPermitted, match="longer than 16384 characters"):
        await tokens.verify(issuer.token(key, padding="x" * 20_000))


async def test_overlong_key_sets(issuer: Issuer) -> None:
    issuer.keys.append({"padding": "x" * 1_000_000})
    with pytest.raises(Unavailable):
        await KeySet(issuer.name, issuer.keys_url).find("first")


async def test_rotation(
    tokens: OidcTokens, issuer: Issuer, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    assert await tokens.verify(issuer.token(key)) == "ada"
    second = rsa_key()
    issuer.keys.append(jwk(second, "second"))
    clock.now += 11
    assert await tokens.verify(issuer.token(second, "second")) == "ada"
    assert await tokens.verify(issuer.token(key)) == "ada"
    # The first key is withdrawn: it stays valid for an hour at most.
    del issuer.keys[0]
    clock.now += 3600
    with pytest.raises(NotPermitted, match="does not list"):
        await tokens.verify(issuer.token(key))
    assert await tokens.verify(issuer.token(second, "second")) == "ada"


async def test_invented_key_ids_do_not_flood_the_issuer(
    tokens: OidcTokens, issuer: Issuer, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    async def refused(number: int) -> None:
        with pytest.raises(NotPermitted, match="does not list"):
            await tokens.verify(issuer.token(key, f"invented {number}"))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(refused, number)
    assert issuer.paths.count("/pool/jwks") == 1
    clock.now += 10
    for number in range(20):
        await refused(number)
    assert issuer.paths.count("/pool/jwks") == 2


async def test_issuer_down_from_the_start(
    tokens: OidcTokens, issuer: Issuer, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    issuer.status = 503
    for _ in range(3):
        with pytest.raises(Unavailable, match="cannot be verified at the moment"):
            await tokens.verify(issuer.token(key))
    assert len(issuer.paths) == 1
    issuer.status = 200
    clock.now += 10
    assert await tokens.verify(issuer.token(key)) == "ada"


async def test_issuer_down_later(
    tokens: OidcTokens, issuer: Issuer, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    assert await tokens.verify(issuer.token(key)) == "ada"
    issuer.status = 500
    clock.now += 20 * 3600
    assert await tokens.verify(issuer.token(key)) == "ada"
    with pytest.raises(Unavailable):
        await tokens.verify(issuer.token(key, "perhaps new"))
    clock.now += 4 * 3600
    with pytest.raises(Unavailable):
        await tokens.verify(issuer.token(key))


async def test_nobody_listens_at_the_issuer(key: rsa.RSAPrivateKey) -> None:
    settings = configure(oidc_issuer="http://127.0.0.1:9/pool", oidc_audience="node")
    tokens = OidcTokens(settings, KeySet("http://127.0.0.1:9/pool"))
    with pytest.raises(Unavailable):
        await tokens.verify(jwt.encode({}, key, "RS256", {"kid": "first"}))


async def test_a_named_key_set_needs_no_discovery(issuer: Issuer) -> None:
    keys = KeySet("https://elsewhere.example", issuer.keys_url)
    assert await keys.find("first") is not None
    assert issuer.paths == ["/pool/jwks"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"{"),
        Answer(body=b"[]"),
        Answer(body=b"{}"),
        Answer(body=b'{"keys": 7}'),
        Answer(body=b'{"keys": [7, {}, {"kid": 1}]}'),
        Answer(body=b"[" * 100_000),
        Answer(body=b'{"keys": [], "x": "' + b"x" * 1_000_000 + b'"}'),
        Answer(302, headers={"Location": "http://127.0.0.1:9/"}),
        Answer(404),
    ],
)
async def test_bad_answers_of_the_issuer(issuer: Issuer, answer: Answer) -> None:
    keys = KeySet(issuer.name, issuer.keys_url)
    issuer.web.answer = lambda _: answer
    with pytest.raises(Unavailable):
        await keys.find("first")


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example", "jwks_uri": "{keys}"},
        {"issuer": "{issuer}"},
        {"issuer": "{issuer}", "jwks_uri": ["{keys}"]},
        {"jwks_uri": "{keys}"},
    ],
)
async def test_bad_discovery(issuer: Issuer, document: dict[str, Any]) -> None:
    text = json.dumps(document).replace("{issuer}", issuer.name).replace("{keys}", issuer.keys_url)
    issuer.web.answer = lambda _: Answer(body=text.encode())
    with pytest.raises(Unavailable):
        await KeySet(issuer.name).find("first")
    assert "/pool/jwks" not in issuer.paths


async def test_unfit_keys_are_left_out(issuer: Issuer, key: rsa.RSAPrivateKey) -> None:
    issuer.keys = [
        jwk(key, "good", alg="RS256", use="sig"),
        jwk(key, "for encryption", use="enc"),
        jwk(key, "for RS512", alg="RS512"),
        jwk(rsa_key(1024), "short"),
        jwk(ec_key(ec.SECP384R1()), "P-384"),
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": 1},
        {"kty": ["RSA"], "kid": "odd"},
    ]
    keys = KeySet(issuer.name, issuer.keys_url)
    found = [entry["kid"] for entry in issuer.keys if await keys.find(entry["kid"])]
    assert found == ["good"]

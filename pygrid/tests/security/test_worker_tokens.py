"""Workers' tokens, as the rules of their model ask for them."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from security.bare_settings import configure
from security.issuer import PrivateKey, ec_key, rsa_key
from security.local_web import Answer, Request, Web

from artificien_pygrid.errors import AuthenticationRequired, InvalidToken, NodeError, TokenRefused
from artificien_pygrid.security.worker_tokens import WorkerTokens, load_public_key

pytestmark = [
    pytest.mark.anyio,
    # Owners choose their secrets, and recorded ones are short.
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]

EXCHANGES = Path(__file__).parents[1] / "golden" / "exchanges"
RECORDED_SECRET = "abc"  # noqa: S105
# pragma: allowlist nextline secret
SECRET = "a secret that device and owner share, long enough"  # noqa: S105
LONG_SECRET = SECRET * 2
LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Rules:
    """A model's rules."""

    secret: str | None = None
    pub_key: str | None = None
    endpoint: str | None = None


def pem(key: PrivateKey | ed25519.Ed25519PrivateKey) -> str:
    encoded = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


def checker(**settings: Any) -> WorkerTokens:
    return WorkerTokens(configure(**settings))


async def refusal(rules: Rules, token: object, tokens: WorkerTokens | None = None) -> str | None:
    """What the worker reads, or nothing if the token is good."""
    try:
        await (tokens or checker()).check(rules, token)
    except NodeError as error:
        return error.text
    return None


REQUIRED = "Authentication is required, please pass an 'auth_token'."
INVALID = "The 'auth_token' you sent is invalid."
NOT_PASSED = "The 'auth_token' you sent did not pass 3rd party validation."


def test_texts_are_those_of_the_protocol() -> None:
    texts = [error().text for error in (AuthenticationRequired, InvalidToken, TokenRefused)]
    assert texts == [REQUIRED, INVALID, NOT_PASSED]


@pytest.mark.parametrize("token", [None, "", "x", 7, {"a": 1}])
async def test_models_without_rules_take_any_worker(token: object) -> None:
    assert await refusal(Rules(), token) is None


@pytest.mark.parametrize(
    "rules", [Rules(secret=SECRET), Rules(pub_key="k"), Rules(endpoint="https://third.example/")]
)
async def test_a_token_is_required(rules: Rules) -> None:
    assert await refusal(rules, None) == REQUIRED


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize(
    "claims", [{}, {"id": 1}, {"sub": 7}, {"jti": 7}, {"exp": 4_000_000_000, "iss": "x"}]
)
async def test_secret(algorithm: str, claims: dict[str, Any]) -> None:
    token = jwt.encode(claims, LONG_SECRET, algorithm)
    assert await refusal(Rules(secret=LONG_SECRET), token) is None
    assert await refusal(Rules(secret=SECRET), token) == INVALID


async def test_recorded_exchanges() -> None:
    recorded = {
        label: json.loads((EXCHANGES / f"http_authenticate_secret_{label}.json").read_text())
        for label in ("ok", "bad", "missing", "algnone")
    }
    for exchange in recorded.values():
        token = exchange["request"]["json"].get("auth_token")
        error = json.loads(exchange["response"]["body"]["text"]).get("error")
        assert await refusal(Rules(RECORDED_SECRET), token) == error


def by_hand(header: dict[str, Any], secret: bytes, claims: bytes = b'{"id": 1}') -> str:
    """A token signed without a library, as those refuse to make what attackers make."""
    parts = [json.dumps(header).encode(), claims]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.digest(secret, signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "\ud800",
        "x" * 20_000,
        7,
        True,
        ["x"],
        {"a": "x"},
        jwt.encode({"exp": time.time() - 60}, SECRET),
        jwt.encode({"nbf": time.time() + 600}, SECRET),
        jwt.encode({"exp": "soon"}, SECRET),
        jwt.encode({"exp": float("inf")}, SECRET),
        jwt.encode({"exp": []}, SECRET),
        jwt.encode({"id": 1}, SECRET + "x"),
        # pragma: allowlist nextline secret
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MX0.",
        by_hand({"alg": "none"}, SECRET.encode()),
        by_hand({"alg": "HS256"}, SECRET.encode(), b"[1]"),
        by_hand({"alg": "HS256"}, SECRET.encode(), b"[" * 11_000),
        by_hand({"alg": "HS256", "crit": ["x"]}, SECRET.encode()),
        by_hand({"alg": ["HS256"]}, SECRET.encode()),
    ],
)
async def test_bad_tokens(token: object) -> None:
    assert await refusal(Rules(secret=SECRET), token) == INVALID


async def test_tokens_by_hand_are_otherwise_good() -> None:
    assert await refusal(Rules(secret=SECRET), by_hand({"alg": "HS256"}, SECRET.encode())) is None


@pytest.mark.parametrize("token", [jwt.encode({}, "x" * 32), by_hand({"alg": "HS256"}, b"")])
async def test_an_empty_secret_verifies_nothing(token: str) -> None:
    assert await refusal(Rules(secret=""), token) == INVALID


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256"])
async def test_rsa(key: rsa.RSAPrivateKey, algorithm: str) -> None:
    token = jwt.encode({"id": 1, "sub": 7}, key, algorithm)
    assert await refusal(Rules(pub_key=pem(key)), token) is None
    assert await refusal(Rules(pub_key=pem(rsa_key())), token) == INVALID


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")],
)
async def test_curves(curve: ec.EllipticCurve, algorithm: str) -> None:
    key = ec_key(curve)
    token = jwt.encode({"id": 1}, key, algorithm)
    assert await refusal(Rules(pub_key=pem(key)), token) is None
    assert await refusal(Rules(pub_key=pem(ec_key(curve))), token) == INVALID


async def test_a_public_key_is_no_shared_secret(
    key: rsa.RSAPrivateKey, curve_key: ec.EllipticCurvePrivateKey
) -> None:
    for public in (pem(key), pem(curve_key)):
        for text in (public, public.strip(), public.replace("\n", "\r\n")):
            token = by_hand({"alg": "HS256"}, text.encode())
            assert await refusal(Rules(pub_key=text), token) == INVALID
            assert await refusal(Rules(secret=SECRET, pub_key=text), token) == INVALID
            # Not even where an owner gave the public key as the secret.
            assert await refusal(Rules(secret=text, pub_key=text), token) == INVALID


async def test_a_shared_secret_is_no_public_key(key: rsa.RSAPrivateKey) -> None:
    assert await refusal(Rules(secret=pem(key)), jwt.encode({}, key, "RS256")) == INVALID


async def test_either_of_secret_and_public_key_is_enough(key: rsa.RSAPrivateKey) -> None:
    rules = Rules(secret=SECRET, pub_key=pem(key))
    assert await refusal(rules, jwt.encode({}, SECRET)) is None
    assert await refusal(rules, jwt.encode({}, key, "RS256")) is None
    assert await refusal(rules, jwt.encode({}, SECRET + "x")) == INVALID
    assert await refusal(rules, jwt.encode({"exp": 1}, key, "RS256")) == INVALID


def unfit_keys() -> list[str]:
    private = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [
        "",
        "x",
        "\ud800",
        "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----",
        private.decode(),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(ec_key(ec.SECP256K1())),
    ]


@pytest.mark.parametrize("pub_key", unfit_keys(), ids=range(7))
async def test_unfit_public_keys_verify_nothing(pub_key: str) -> None:
    with pytest.raises(ValueError, match="must be a"):
        load_public_key(pub_key)
    token = by_hand({"alg": "HS256"}, pub_key.encode(errors="replace"))
    assert await refusal(Rules(pub_key=pub_key), token) == INVALID


async def test_endpoint_is_asked_as_recorded(web: Web) -> None:
    tokens = checker(token_endpoint_networks=LOOPBACK)
    assert await refusal(Rules(endpoint=web.url("/verify")), "any text", tokens) is None
    (request,) = web.requests
    assert (request.method, request.path) == ("POST", "/verify")
    assert request.body == b'{"auth_token": "any text"}'
    assert "content-type" not in request.headers


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 401, 403, 404, 500, 503])
async def test_endpoint_must_answer_200(web: Web, status: int) -> None:
    tokens = checker(token_endpoint_networks=LOOPBACK)
    web.answer = lambda _: Answer(status, headers={"Location": web.url("/yes")})
    assert await refusal(Rules(endpoint=web.url("/verify")), "x", tokens) == NOT_PASSED
    assert [request.path for request in web.requests] == ["/verify"]


async def test_secret_and_endpoint_must_both_pass(web: Web) -> None:
    def answer(request: Request) -> Answer:
        return Answer(200 if json.loads(request.body)["auth_token"] == good else 401)

    good = jwt.encode({"id": 1}, SECRET)
    web.answer = answer
    tokens = checker(token_endpoint_networks=LOOPBACK)
    rules = Rules(secret=SECRET, endpoint=web.url())
    assert await refusal(rules, good, tokens) is None
    assert await refusal(rules, jwt.encode({"id": 2}, SECRET), tokens) == NOT_PASSED
    asked = len(web.requests)
    assert await refusal(rules, "x", tokens) == INVALID
    assert len(web.requests) == asked


async def test_endpoint_in_a_private_network(web: Web) -> None:
    for url in (web.url(), web.url(host="localhost"), web.url(host="0x7f000001")):
        assert await refusal(Rules(endpoint=url), "x") == NOT_PASSED
    assert web.requests == []


async def test_endpoint_that_is_slow_or_away(web: Web) -> None:
    def slow(_: Request) -> Answer:
        time.sleep(1)
        return Answer()

    web.answer = slow
    tokens = checker(token_endpoint_networks=LOOPBACK, token_endpoint_timeout=0.2)
    for url in (web.url(), "http://127.0.0.1:9/", "http://name.invalid/", "nonsense"):
        assert await refusal(Rules(endpoint=url), "x", tokens) == NOT_PASSED

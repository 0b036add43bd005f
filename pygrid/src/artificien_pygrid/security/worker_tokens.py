"""The tokens with which workers authenticate, as each model's owner asks for them."""

import json
from functools import lru_cache
from typing import Any, Protocol

import jwt
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ..errors import AuthenticationRequired, InvalidToken, TokenRefused
from ..settings import Settings
from .bearer import MAX_TOKEN_LENGTH, TOKEN_ERRORS
from .endpoints import EndpointRefused, Endpoints, Resolve, resolve

_log = structlog.get_logger(__name__)

_HMAC = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ELLIPTIC = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
_ACCEPTED = 200


class TokenRules(Protocol):
    """What a model asks of its workers' tokens; ``None`` where it does not ask."""

    @property
    def secret(self) -> str | None:
        """The shared secret of HS256, HS384 or HS512."""

    @property
    def pub_key(self) -> str | None:
        """An RSA or elliptic-curve public key in PEM."""

    @property
    def endpoint(self) -> str | None:
        """The URL of a third party that must answer 200 to the token."""


class WorkerTokens:
    """Checks workers' tokens.

    Args:
        settings: The time-out of third parties, and the private networks they may lie in.
        resolver: Finds the addresses of a third party's host and port.
    """

    def __init__(self, settings: Settings, resolver: Resolve = resolve) -> None:
        self._endpoints = Endpoints(
            settings.token_endpoint_networks, settings.token_endpoint_timeout, resolver
        )

    async def check(self, rules: TokenRules, auth_token: object) -> None:
        """Let pass a token that fulfils a model's rules, and any where it has none.

        With a secret and a public key either may verify it; an endpoint must accept it besides.

        Args:
            rules: Those of the model.
            auth_token: What the worker sent; ``None`` if it sent none.

        Raises:
            AuthenticationRequired: No token was sent.
            InvalidToken: Neither the secret nor the public key verifies it.
            TokenRefused: The third party does not answer 200, or may not be asked.
        """
        signed = rules.secret is not None or rules.pub_key is not None
        if not signed and rules.endpoint is None:
            return
        if auth_token is None:
            raise AuthenticationRequired
        if not isinstance(auth_token, str) or len(auth_token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        if signed and not _is_signed(auth_token, rules.secret, rules.pub_key):
            raise InvalidToken
        if rules.endpoint is not None:
            await self._ask(rules.endpoint, auth_token)

    async def _ask(self, endpoint: str, auth_token: str) -> None:
        content = json.dumps({"auth_token": auth_token}).encode()
        try:
            status = await self._endpoints.post(endpoint, content)
        except EndpointRefused as error:
            # Not for the worker: it would learn what there is in the node's networks.
            _log.warning("token endpoint failed", reason=str(error))
            raise TokenRefused from None
        if status != _ACCEPTED:
            raise TokenRefused


def _is_signed(token: str, secret: str | None, pub_key: str | None) -> bool:
    if secret is not None and _verifies(token, secret, _HMAC):
        return True
    if pub_key is None:
        return False
    try:
        key, algorithms = load_public_key(pub_key)
    except ValueError as error:
        _log.warning("public key of a model unusable", reason=str(error))
        return False
    return _verifies(token, key, algorithms)


def _verifies(token: str, key: Any, algorithms: tuple[str, ...]) -> bool:
    try:
        jwt.decode(
            token,
            key,
            algorithms=algorithms,
            # No claims are asked for; those present but of no use here may be of any kind.
            options={"verify_sub": False, "verify_jti": False},
        )
    except TOKEN_ERRORS:
        return False
    return True


@lru_cache(maxsize=256)
def load_public_key(
    pem: str,
) -> tuple[RSAPublicKey | EllipticCurvePublicKey, tuple[str, ...]]:
    """A public key and the signature algorithms it can verify.

    Raises:
        ValueError: It is no such key; the text says why.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "must be a public key in PEM, beginning with -----BEGIN PUBLIC KEY-----"
        ) from None
    if isinstance(key, RSAPublicKey):
        return key, _RSA
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _ELLIPTIC:
        return key, _ELLIPTIC[key.curve.name]
    raise ValueError("must be an RSA key or one of the curves P-256, P-384, P-521")

"""The public keys of an OpenID Connect issuer, cached."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..errors import Unavailable

_log = structlog.get_logger(__name__)

# Refreshed this often, so that a key that the issuer withdrew does not stay valid.
_FRESH_SECONDS = 3600.0
# While the issuer cannot be reached, known keys are used up to this age.
_USABLE_SECONDS = 86400.0
# Tokens with invented key ids must not make the node ask the issuer more often than this.
_PAUSE_SECONDS = 10.0
_FETCH_SECONDS = 5.0
_MAX_BYTES = 512 * 1024
_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key and the one algorithm it verifies."""

    key: Any
    algorithm: str


class KeySet:
    """The signing keys of an issuer by key id; RS256 (2048 bits or more) and ES256 only.

    Args:
        issuer: The issuer's URL; its discovery document names the key set.
        url: The URL of the key set (JWKS), if the discovery document is not to be asked.
        clock: Seconds that only grow.
    """

    def __init__(
        self, issuer: str, url: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._url = url
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> SigningKey | None:
        """The key of this id, or ``None`` if the issuer has no such key.

        Raises:
            Unavailable: The issuer cannot be asked at the moment.
        """
        if not self._is_current(key_id):
            async with self._lock:
                if not self._is_current(key_id) and self._age(self._tried_at) >= _PAUSE_SECONDS:
                    await self._refresh()
        if self._age(self._fetched_at) < _USABLE_SECONDS:
            key = self._keys.get(key_id)
            if key is not None or self._fetched_at >= self._tried_at:
                return key
        raise Unavailable(
            "The bearer token cannot be verified at the moment: "
            "the keys of its issuer cannot be fetched. Please try again later."
        )

    def _age(self, since: float) -> float:
        return self._clock() - since

    def _is_current(self, key_id: str) -> bool:
        return key_id in self._keys and self._age(self._fetched_at) < _FRESH_SECONDS

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        url = self._url
        try:
            async with (
                asyncio.timeout(_FETCH_SECONDS),
                httpx.AsyncClient(timeout=_FETCH_SECONDS) as client,
            ):
                url = url or await _discover(client, self._issuer)
                keys = _signing_keys(await _fetch(client, url))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
            _log.warning(
                "issuer's keys not fetched",
                issuer=self._issuer,
                url=url,
                reason=str(error) or type(error).__name__,
            )
            return
        self._keys = keys
        self._fetched_at = self._tried_at


async def _discover(client: httpx.AsyncClient, issuer: str) -> str:
    document = await _fetch(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise ValueError(
            f"the discovery document is that of {document.get('issuer')!r}, not of {issuer!r}; "
            "set PYGRID_OIDC_ISSUER to what the issuer calls itself"
        )
    url = document.get("jwks_uri")
    if not isinstance(url, str) or (issuer.startswith("https:") and not url.startswith("https:")):
        raise ValueError(f"the discovery document's jwks_uri is {url!r}; it must be an https URL")
    return url


async def _fetch(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    body = bytearray()
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answered with status {response.status_code} instead of 200")
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _MAX_BYTES:
                raise ValueError(f"{url} answered with more than {_MAX_BYTES} bytes")
    document = json.loads(body)
    if isinstance(document, dict):
        return document
    raise ValueError(f"{url} answered with something other than a JSON object")


def _signing_keys(document: dict[str, Any]) -> dict[str, SigningKey]:
    listed = document.get("keys")
    keys = {}
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("kid"), str):
            key = _signing_key(entry)
            if key is not None:
                keys[entry["kid"]] = key
    if not keys:
        raise ValueError("the key set has no RS256 or ES256 key for signatures with a kid")
    return keys


def _signing_key(entry: dict[str, Any]) -> SigningKey | None:
    if entry.get("kty") == "RSA":
        algorithm = "RS256"
    elif entry.get("kty") == "EC" and entry.get("crv") == "P-256":
        algorithm = "ES256"
    else:
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
        return None
    return SigningKey(key, algorithm)

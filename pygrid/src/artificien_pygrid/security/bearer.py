"""Bearer tokens: those of an OpenID Connect issuer, and fixed ones."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import jwt

from ..errors import NotPermitted
from ..settings import Settings
from .keysets import KeySet, SigningKey

# Longer ones are not looked at; a token with many groups has a few thousand characters.
MAX_TOKEN_LENGTH = 16 * 1024

# What PyJWT raises for tokens that are not valid, also for such that are made to trip a parser.
TOKEN_ERRORS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)

_LEEWAY_SECONDS = 30


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of an ``Authorization: Bearer`` header, if there is one.

    Args:
        headers: By lower-case (or case-insensitive) name.
    """
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class FixedToken:
    """A token that is compared as it is; only its SHA-256 is kept."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token.encode())

    def matches(self, token: str) -> bool:
        """Whether a token from a header is this one, in a time that does not tell how nearly."""
        # Headers arrive as Latin-1 text of whatever bytes were sent.
        return hmac.compare_digest(self._digest, _digest(token.encode("latin-1", "replace")))


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


class OidcTokens:
    """Verifies the access tokens of the issuer that the settings name.

    A token must be signed with RS256 or ES256 by a key of the issuer, be unexpired, and be meant
    for this node: its ``aud`` must contain ``oidc_audience`` and its ``client_id`` (or ``azp``)
    must be ``oidc_client_id``, each where it is set. With ``oidc_client_id`` alone ``aud`` may be
    absent, as in Cognito's access tokens, but must contain the client id where it is present.
    Where ``oidc_groups`` is set, the groups claim must contain one of them, which alone also does:
    then a scope that every client may ask for tells access tokens from others.

    Args:
        settings: Those with ``oidc_issuer`` set.
        keys: The issuer's keys.
    """

    def __init__(self, settings: Settings, keys: KeySet) -> None:
        self._settings = settings
        self._keys = keys

    async def verify(self, token: str) -> str:
        """Check a token.

        Returns:
            Its subject.

        Raises:
            NotPermitted: It is not valid here; the text says why.
            Unavailable: The issuer's keys cannot be fetched.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise _refusal(f"it is longer than {MAX_TOKEN_LENGTH} characters")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except TOKEN_ERRORS:
            raise _refusal("it is not a JSON web token") from None
        if not isinstance(key_id, str):
            raise _refusal("it does not name the key it is signed with (kid)")
        key = await self._keys.find(key_id)
        if key is None:
            raise _refusal("it is signed with a key that its issuer does not list")
        claims = self._claims(token, key)
        self._check_recipient(claims)
        self._check_groups(claims)
        return str(claims.get("sub", ""))

    def _claims(self, token: str, key: SigningKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._settings.oidc_issuer,
                leeway=_LEEWAY_SECONDS,
                # The audience depends on what is set: see _check_recipient.
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise _refusal("it has expired; get a new one") from None
        except jwt.ImmatureSignatureError:
            raise _refusal("it is not valid yet; check the clocks") from None
        except jwt.InvalidIssuerError:
            raise _refusal("it is from another issuer than the one this node trusts") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refusal(f"it has no claim {error.claim}") from None
        except TOKEN_ERRORS:
            raise _refusal("its signature or its contents are wrong") from None

    def _check_recipient(self, claims: dict[str, Any]) -> None:
        client_id = self._settings.oidc_client_id
        audience = self._settings.oidc_audience or (client_id if "aud" in claims else None)
        if audience is not None and audience not in _names(claims.get("aud")):
            raise _refusal("it is meant for another audience (aud)")
        if client_id is not None and claims.get("client_id", claims.get("azp")) != client_id:
            raise _refusal("it was made for another client (client_id)")

    def _check_groups(self, claims: dict[str, Any]) -> None:
        required = self._settings.oidc_groups
        claim = self._settings.oidc_groups_claim
        groups = claims.get(claim)
        # A claim like scope is one text with spaces.
        held = groups.split() if isinstance(groups, str) else _names(groups)
        if required and required.isdisjoint(held):
            raise _refusal(f"its claim {claim} has none of the groups that may do this")


def _names(claim: Any) -> list[str]:
    values = claim if isinstance(claim, list) else [claim]
    return [value for value in values if isinstance(value, str)]


def _refusal(reason: str) -> NotPermitted:
    return NotPermitted(f"The bearer token is not valid: {reason}.")

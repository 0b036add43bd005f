"""What the tokens of the user pool say, and what the hub keeps of them."""

from collections.abc import Mapping
from typing import Any

import jwt

# A token that ends sooner is changed for another before it is handed out.
_LEFT_SECONDS = 300


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token.

    Its signature is not checked: the hub got it from the pool itself, over TLS.

    Raises:
        ValueError: It is none.
    """
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"The user pool gave a token that is none: {error}") from None
    return claims


def groups_of(claims: Mapping[str, Any]) -> set[str]:
    """The groups that the claims of an access token name; who is in none has no such claim."""
    return set(claims.get("cognito:groups", ()))


def kept_of(answer: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub stores, encrypted, for a user.

    Args:
        answer: The pool's to a code or a refresh token.
        claims: Those of the access token in it.
    """
    ends = min(int(claims["exp"]), int(claims_of(answer["id_token"])["exp"]))
    return {
        "id_token": answer["id_token"],
        "access_token": answer["access_token"],
        "refresh_token": answer["refresh_token"],
        "expires_at": ends,
        "subject": claims["sub"],
        "groups": sorted(groups_of(claims)),
    }


def lasts(kept: Mapping[str, Any], now: float, seconds: int = _LEFT_SECONDS) -> bool:
    """Whether tokens are good for some time to come."""
    return float(kept["expires_at"]) - now >= seconds


def handed_out(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a user's server gets of them: not the refresh token, which only the hub can use."""
    return {name: kept[name] for name in ("id_token", "access_token", "expires_at")}

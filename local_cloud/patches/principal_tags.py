"""The tags of people who come by an identity pool, by which policies tell them apart."""

from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

DEFAULT_TAGS = {"username": "sub", "client": "aud"}
"""What AWS maps where the defaults are asked for: the name of a tag to the claim of the token."""


def patch(sts: ModuleType, cognito: ModuleType) -> None:
    """Put the tags that an identity pool maps from a token on the session of its owner.

    Args:
        sts: the emulator's module ``ministack.services.sts``.
        cognito: its module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    register = known(sts, "register_session", ["access_key", "session"])
    claims = known(cognito, "_token_claims", ["token"])
    pools: Any = getattr(cognito, "_identity_pools", None)
    if not hasattr(pools, "get"):
        raise moved(f"{cognito.__name__}._identity_pools")

    def register_with_tags(access_key: str, session: dict[str, Any]) -> None:
        pool = pools.get(session.get("_identity_pool_id"))
        if pool:
            maps = pool.get("_principal_tags") or {}
            session["SessionTags"] = [
                tag
                for provider, token in session["_logins"].items()
                if provider in maps
                for tag in session_tags(maps[provider], claims(token))
            ]
        register(access_key, session)

    sts.register_session = register_with_tags  # type: ignore[attr-defined]


def session_tags(mapping: dict[str, Any], claims: dict[str, Any]) -> list[dict[str, str]]:
    """Return the tags that a map makes of the claims of a token."""
    names = DEFAULT_TAGS if mapping["UseDefaults"] else mapping["PrincipalTags"]
    return [
        {"Key": tag, "Value": str(claims[claim])}
        for tag, claim in names.items()
        if isinstance(claims.get(claim), (str, int))
    ]

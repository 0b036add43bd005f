"""Who may host models, retrieve them, and see the status of the node."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..errors import NotPermitted
from ..settings import Settings
from .bearer import FixedToken, OidcTokens, bearer_token
from .keysets import KeySet
from .networks import Network, Peer, is_allowed


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let pass.

    Args:
        name: For logs.
        subject: Of the issuer's token; such a caller may use its own models only. ``None`` if a
            network or a fixed token permitted it.
    """

    name: str
    subject: str | None = None


class Access:
    """The permissions that the settings give.

    Each is given to a source network on the operation's allow-list, to the operation's fixed
    token, or to a token of the OpenID Connect issuer; what the settings leave out gives none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._retrieval_token = _fixed(settings.retrieval_token)
        self._status_token = _fixed(settings.status_token)
        self._oidc: OidcTokens | None = None
        if settings.oidc_issuer is not None:
            url = None if settings.oidc_jwks_url is None else str(settings.oidc_jwks_url)
            self._oidc = OidcTokens(settings, KeySet(settings.oidc_issuer, url))

    async def require_host(
        self, headers: Mapping[str, str], message_token: object, peer: Peer
    ) -> Caller:
        """Let pass who may host models.

        Args:
            headers: Those of the WebSocket upgrade, by lower-case (or case-insensitive) name.
            message_token: The token in the message; ``None`` if there is none. It goes before
                that of the upgrade, which may have expired meanwhile.
            peer: The address that the request comes from.

        Returns:
            Who it is.

        Raises:
            NotPermitted: None of network and tokens permits it.
            Unavailable: The token cannot be verified at the moment.
        """
        if message_token is not None and not isinstance(message_token, str):
            raise NotPermitted("The bearer token in the message must be a text.")
        token = message_token or bearer_token(headers)
        return await self._require(
            self._settings.hosting_networks, None, token, headers=headers, peer=peer
        )

    async def require_service(self, headers: Mapping[str, str], peer: Peer) -> Caller:
        """Let pass who may retrieve or pause models; the rest as for ``require_host``."""
        return await self._require(
            self._settings.retrieval_networks,
            self._retrieval_token,
            bearer_token(headers),
            headers=headers,
            peer=peer,
        )

    async def require_status(self, headers: Mapping[str, str], peer: Peer) -> Caller:
        """Let pass who may see status and metrics; else as ``require_service``."""
        return await self._require(
            self._settings.status_networks,
            self._status_token,
            bearer_token(headers),
            headers=headers,
            peer=peer,
        )

    async def _require(
        self,
        networks: tuple[Network, ...],
        fixed: FixedToken | None,
        token: str | None,
        *,
        headers: Mapping[str, str],
        peer: Peer,
    ) -> Caller:
        if is_allowed(peer, networks) and not _is_foreign_page(headers):
            return Caller(f"network:{peer}")
        if token is None:
            raise NotPermitted
        if fixed is not None and fixed.matches(token):
            return Caller("fixed token")
        if self._oidc is None:
            raise NotPermitted
        subject = await self._oidc.verify(token)
        return Caller(f"oidc:{subject}", subject)


def _fixed(token: SecretStr | None) -> FixedToken | None:
    return None if token is None else FixedToken(token.get_secret_value())


def _is_foreign_page(headers: Mapping[str, str]) -> bool:
    """Whether a page of another host makes the request, in the browser of somebody permitted.

    The network permits people and programs inside it, not the web pages that they visit: every
    page may open a WebSocket to the node, and may read what it answers (CORS is open to all).
    Ports are not compared as proxies drop them.
    """
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        page = urlsplit(origin).hostname
        node = urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return True
    return page is None or page != node

"""Finds the file that a link leads to.

A link works for whoever has it, until it is revoked. Only the hash of its token is kept, so the
table of links opens nothing. Whatever token is tried costs the same work, and what does not work
gets the same answer, whether it was revoked or never was a token.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from lambda_common.responses import ApiError


@dataclass(frozen=True, slots=True)
class Link:
    """What a link leads to."""

    model_id: str
    key: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class Download:
    """A URL of the file that opens for a short time only."""

    model_id: str
    url: str


class LinkStore(Protocol):
    """Links, and the files that they lead to."""

    def link(self, token_sha256: str) -> Link | None:
        """Return the link with the hash of this token, None if there is none."""

    def url(self, key: str) -> str:
        """Return a URL at which anybody can get the file for a minute."""


def find_download(token: str, store: LinkStore) -> Download:
    """Return what the token leads to. Raises `ApiError` 404 if it leads nowhere."""
    sha256 = hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
    link = store.link(sha256)
    if link is None or link.revoked:
        raise ApiError(
            404, "not_found", "this link leads to no model: ask its owner to retrieve it again"
        )
    return Download(link.model_id, store.url(link.key))

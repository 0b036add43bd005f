"""Requests as anybody sends them, without following redirects."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 20.0
SCHEMES = ("http", "https")


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    location: str
    content: bytes


def request(
    method: str, url: str, body: str | None = None, *, authority: str | None = None
) -> Answer:
    """Send a request; over TLS, trust the system's authorities or else only `authority`, a PEM."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"{url} is no address of a page")
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    if parts.scheme == "https":
        trusted = ssl.create_default_context(cadata=authority)
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=TIMEOUT_SECONDS, context=trusted
        )
    headers = {"Content-Type": "application/json"} if body is not None else {}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        location = response.getheader("Location") or ""
        return Answer(response.status, location, response.read())
    finally:
        connection.close()

"""HTTP as phones, notebooks and pages speak it: JSON there, and whatever comes back."""

from __future__ import annotations

import hashlib
import http.client
import json
import pickle
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An answer of whatever status; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Return the object in the body."""
        found: dict[str, Any] = json.loads(self.content)
        return found

    @property
    def refusal(self) -> tuple[int, str]:
        """Return the status and the word for programs of a request that was refused."""
        return self.status, self.json["error"]


@dataclass(frozen=True)
class Api:
    """A service at a URL, which is called without following redirects."""

    base_url: str

    def get(self, path: str, *, token: str = "", **query: str) -> Answer:
        """Send a GET request, with an access token if one is given."""
        target = f"{path}?{urlencode(query)}" if query else path
        return self._request("GET", target, None, _bearer(token))

    def post(
        self,
        path: str,
        body: dict[str, Any],
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a POST request with JSON, with an access token if one is given."""
        content = json.dumps(body)
        sent = {"Content-Type": "application/json"} | _bearer(token) | (headers or {})
        return self._request("POST", path, content, sent)

    def _request(
        self, method: str, target: str, content: str | None, headers: dict[str, str]
    ) -> Answer:
        url = urlsplit(self.base_url + target)
        connection = http.client.HTTPConnection(url.netloc, timeout=PATIENCE_SECONDS)
        try:
            path = f"{url.path}?{url.query}" if url.query else url.path
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def open_model(link: str) -> dict[str, Any]:
    """Return what a browser without any header gets by the link of a model."""
    with urllib.request.urlopen(link) as answer:  # noqa: S310 - the platform's own
        content: bytes = answer.read()
    model: dict[str, Any] = pickle.loads(content)  # noqa: S301 - of our own writer
    return model | {"sha256": hashlib.sha256(content).hexdigest()}

"""JSON over HTTP, as the hub and the platform's API speak it.

The system's authorities, or those of ``SSL_CERT_FILE``, vouch for who answers.
"""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .errors import NotebookError

PATIENCE_SECONDS = 60


def get(url: str, authorization: str) -> dict[str, Any]:
    """Return the object that a service answers.

    Raises:
        NotebookError: It was not reached, or it refused.
    """
    return _object(url, _read(url, {"Authorization": authorization}))


def post(url: str, authorization: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send an object, and return the one that a service answers.

    Raises:
        NotebookError: It was not reached, or it refused.
    """
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    return _object(url, _read(url, headers, json.dumps(body).encode()))


def open_link(url: str) -> bytes:
    """Return what a link leads to.

    Raises:
        NotebookError: It was not reached, or it refused.
    """
    return _read(url, {})


def _read(url: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise NotebookError(f"{url} is no URL of the web.")
    request = Request(url, body, headers)  # noqa: S310 - of the web
    try:
        with urlopen(request, timeout=PATIENCE_SECONDS) as response:  # noqa: S310 - likewise
            content: bytes = response.read()
            return content
    except HTTPError as error:
        raise NotebookError(f"{url} answered {error.code}: {_reason(error)}") from None
    except (OSError, HTTPException) as error:
        raise NotebookError(f"{url} was not reached: {error}") from None


def _object(url: str, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NotebookError(f"{url} did not answer with a JSON object.")
    return answer


def _reason(error: HTTPError) -> str:
    """Return what a refusal says to people."""
    try:
        answer = json.loads(error.read())
        # The API has a description; the hub has a message.
        return str(answer.get("description") or answer["message"])
    except (ValueError, KeyError, AttributeError, OSError, HTTPException):
        return str(error.reason)

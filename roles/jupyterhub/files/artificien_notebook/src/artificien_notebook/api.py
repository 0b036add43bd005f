"""The platform's API, asked in the name of who is signed in."""

from typing import Any

from . import web
from .hub import tokens
from .settings import setting


def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a request, and return the answer.

    Raises:
        NotebookError: The API was not reached, or it refused.
    """
    url = setting("ARTIFICIEN_API_URL").rstrip("/") + path
    return web.post(url, f"Bearer {tokens().access_token}", body)


def datasets() -> list[str]:
    """Return the datasets that who is signed in has bought.

    Raises:
        NotebookError: The API was not reached, or it refused.
    """
    answer = ask("/get_datasets", {})["datasets"]
    # Instead of an empty list the API answers a sentence.
    return answer if isinstance(answer, list) else []

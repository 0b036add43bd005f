"""Who is signed in, as the hub knows it."""

import base64
import json
import sys
from dataclasses import dataclass, field

from . import web
from .errors import NotebookError
from .settings import setting


@dataclass(frozen=True)
class Tokens:
    """The tokens of who is signed in; they are not shown when this is printed.

    Args:
        id_token: Who somebody is, for the identity pool.
        access_token: What they may do, for the API and the node.
        expires_at: When both end, in seconds since 1970.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    expires_at: int


def tokens() -> Tokens:
    """Return the tokens of who is signed in; the hub refreshes them in time.

    Raises:
        NotebookError: The hub was not reached, or gives no tokens any more.
    """
    url = setting("JUPYTERHUB_API_URL").rstrip("/") + "/cognito-tokens"
    answer = web.get(url, f"token {setting('JUPYTERHUB_API_TOKEN')}")
    try:
        return Tokens(
            str(answer["id_token"]), str(answer["access_token"]), int(answer["expires_at"])
        )
    except (KeyError, TypeError, ValueError):
        raise NotebookError(f"{url} answered no tokens.") from None


def username() -> str:
    """Return the name of who is signed in, as the user pool has it.

    ``JUPYTERHUB_USER`` is the same in lower case, while rights follow this one.

    Raises:
        NotebookError: The hub was not reached, or gives no tokens any more.
    """
    try:
        # Nobody else can have made it: the hub got it from the user pool.
        _, claims, _ = tokens().access_token.split(".")
        padded = claims + "=" * (-len(claims) % 4)
        return str(json.loads(base64.urlsafe_b64decode(padded))["username"])
    except (ValueError, KeyError, TypeError):
        raise NotebookError("The hub gave no access token of a user pool.") from None


def print_access_token() -> None:
    """``artificien-token``: print the access token, for a command that reads one."""
    try:
        print(tokens().access_token)
    except NotebookError as error:
        sys.exit(f"artificien-token: {error}")

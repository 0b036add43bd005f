"""Who may see the status and the metrics."""

import base64
import binascii

from starlette.requests import Request

from ..errors import NotPermitted, Unavailable
from ..security.access import Access
from ..security.networks import peer_of


async def may_look(access: Access, request: Request) -> bool:
    """Whether the sender of a request may see more than that the node runs.

    Browsers can only ask people for a name and a password: the password counts as the token.
    """
    headers = dict(request.headers)
    password = _password(headers.get("authorization", ""))
    if password is not None:
        headers["authorization"] = f"Bearer {password}"
    try:
        await access.require_status(headers, peer_of(request.scope))
    except (NotPermitted, Unavailable):
        return False
    return True


def _password(authorization: str) -> str | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None

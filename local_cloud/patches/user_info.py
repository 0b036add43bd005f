"""What the hosted UI tells of the owner of an access token."""

import json
from http import HTTPStatus
from typing import Any

from local_cloud.patches.known import known

UNKNOWN_TO_AWS = ("cognito:groups", "cognito:username")


def patch(cognito: Any) -> None:
    """Tell no groups, which are in the tokens only, and the name under one key only.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    handler = "handle_oauth2_userinfo"
    tell = known(cognito, handler, ["method", "path", "headers", "body", "query_params"])

    def tell_less(method: Any, path: Any, headers: Any, body: bytes, query_params: Any) -> Any:
        status, sent, answer = tell(method, path, headers, body, query_params)
        if status != HTTPStatus.OK:
            return status, sent, answer
        claims = {
            name: value for name, value in json.loads(answer).items() if name not in UNKNOWN_TO_AWS
        }
        return status, sent, json.dumps(claims).encode()

    setattr(cognito, handler, tell_less)

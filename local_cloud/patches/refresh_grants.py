"""New tokens for a refresh token, at the token endpoint of the hosted UI."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from local_cloud.patches.known import known

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def patch(cognito: Any) -> None:
    """Issue them as InitiateAuth does: with the user's groups of now, or not at all.

    The emulator leaves the groups out, and calls it a fault of its own if the user is gone.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    token = known(cognito, "_oauth2_token", ["data", "query_params", "raw_body", "headers"])
    authenticate = known(cognito, "_authenticate_client", ["headers", "form"])
    find = known(cognito, "_find_pool_by_client_id", ["client_id"])
    refresh = known(cognito, "_refresh_auth_result", ["pool", "pid", "cid", "refresh_token"])
    claims = known(cognito, "_token_claims", ["token"])
    with_id_token = known(cognito, "_id_token_granted", ["scope"])
    error = known(cognito, "_oauth2_error", ["error", "description", "status"])

    def answer(headers: Record, form: Record) -> Any:
        client_id, shown = authenticate(headers, form)
        pool_id, pool, client = find(client_id)
        if not client or (client.get("ClientSecret") and shown != client["ClientSecret"]):
            return error("invalid_client", "Invalid client credentials.")
        refresh_token = form.get("refresh_token", "")
        result, refused = refresh(pool, pool_id, client_id, refresh_token)
        if refused:
            return error("invalid_grant", json.loads(refused[2])["message"])
        return _tokens(result, with_id_token(claims(refresh_token).get("scope")))

    def token_or_refresh(
        data: Any, query_params: Any, raw_body: bytes = b"", headers: Record | None = None
    ) -> Any:
        fields = parse_qs(raw_body.decode(errors="replace"), keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
        if form.get("grant_type") == "refresh_token":
            return answer(headers or {}, form)
        return token(data, query_params, raw_body, headers)

    cognito._oauth2_token = token_or_refresh


def _tokens(result: Record, with_id_token: bool) -> Response:
    body = {
        "access_token": result["AccessToken"],
        "token_type": result["TokenType"],
        "expires_in": result["ExpiresIn"],
    } | ({"id_token": result["IdToken"]} if with_id_token else {})
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return int(HTTPStatus.OK), headers, json.dumps(body).encode()

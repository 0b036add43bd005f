"""Signing up in the browser: what each request to the hosted UI is answered with."""

import hmac
import json
import secrets
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from local_cloud.patches import sign_up_pages as pages
from local_cloud.patches.known import known

SIGN_UP = "/signup"
CONFIRM = "/confirmUser"
SESSION_SECONDS = 900.0

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def oauth_of(values: Record) -> Record:
    """Return what an application sent along, out of a query or a form."""
    return {name: values.get(name, "") for name in pages.OAUTH_FIELDS}


class RefusedError(Exception):
    """A request is not answered with a page; the response is."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response


class HostedUi:
    """The pages; a person who has to confirm is known by an unguessable session."""

    def __init__(self, cognito: Any) -> None:
        self._find = known(cognito, "_find_pool_by_client_id", ["client_id"])
        self._error = known(cognito, "_oauth2_error", ["error", "description", "status"])
        self._shell = known(cognito, "_page_shell", ["title", "heading", "body_html"])
        self._resolve_user = known(cognito, "_resolve_user", ["pool", "username"])
        self._code_error = known(cognito, "_confirmation_code_error", ["action", "data"])
        self._redirect = known(
            cognito,
            "_issue_auth_code_redirect",
            [
                *("client_id", "pool_id", "redirect_uri", "scope", "username", "nonce"),
                *("code_challenge", "code_challenge_method", "state"),
            ],
        )
        # Looked up at each call: these are mended too.
        self._cognito = cognito
        self._sessions: dict[str, Record] = {}

    def pool(self, client_id: str) -> Any:
        """Return the pool of a client, or None."""
        return self._find(client_id)[1]

    def allows_sign_up(self, client_id: str) -> bool:
        """Tell whether people may create users for themselves."""
        pool = self.pool(client_id)
        settings = (pool or {}).get("AdminCreateUserConfig") or {}
        return bool(pool) and not settings.get("AllowAdminCreateUserOnly")

    def check_flow(self, client_id: str) -> None:
        """Refuse a client that is unknown or may not use the authorization code flow."""
        _, pool, client = self._find(client_id)
        if not pool:
            raise RefusedError(self._error("invalid_client", f"Client {client_id} not found."))
        if not client.get("AllowedOAuthFlowsUserPoolClient") or "code" not in (
            client.get("AllowedOAuthFlows") or []
        ):
            raise RefusedError(
                self._error("unauthorized_client", "Client is not allowed to use the code flow.")
            )

    def check(self, oauth: Record) -> None:
        """Refuse what /oauth2/authorize refuses; every page may be asked for without it."""
        self.check_flow(oauth["client_id"])
        _, _, client = self._find(oauth["client_id"])
        if oauth["redirect_uri"] not in (client.get("CallbackURLs") or []):
            raise RefusedError(self._error("invalid_request", "redirect_uri is not allowed."))
        if oauth["response_type"] != "code":
            raise RefusedError(
                self._error("unsupported_response_type", "response_type is not code.")
            )

    def show_sign_up(self, oauth: Record, given: Record, error: str = "") -> Response:
        """Answer GET /signup."""
        self.check(oauth)
        if not self.allows_sign_up(oauth["client_id"]):
            raise RefusedError(
                self._error("access_denied", "SignUp is not permitted for this user pool.", 403)
            )
        fields = self._fields(self.pool(oauth["client_id"]))
        return self._page("Sign up", pages.sign_up_body(oauth, fields, given, error))

    def sign_up(self, oauth: Record, form: Record) -> Response:
        """Answer POST /signup."""
        self.check(oauth)
        pool = self.pool(oauth["client_id"])
        attributes = {name: form.get(name, "").strip() for name in self._fields(pool)}
        missing = [name for name, value in attributes.items() if not value]
        if missing:
            return self.show_sign_up(oauth, attributes, f"Please give: {', '.join(missing)}.")
        username = attributes.pop("username", attributes["email"])
        status, _, body = self._cognito._sign_up(
            {
                "ClientId": oauth["client_id"],
                "Username": username,
                "Password": form.get("password", ""),
                "UserAttributes": [
                    {"Name": name, "Value": value} for name, value in attributes.items()
                ],
            }
        )
        answer = json.loads(body)
        if status != HTTPStatus.OK:
            return self.show_sign_up(oauth, attributes | {"username": username}, answer["message"])
        if answer["UserConfirmed"]:
            return self._signed_in(oauth, username)
        return self.ask_for_code(oauth, username)

    def ask_for_code(self, oauth: Record, username: str) -> Response:
        """Send a person whose password is known to be right to the confirmation page."""
        now = time.monotonic()
        for token in [key for key, each in self._sessions.items() if each["expires"] < now]:
            self._sessions.pop(token, None)
        token = secrets.token_urlsafe(24)
        self._sessions[token] = {
            "oauth": oauth,
            "username": username,
            "expires": now + SESSION_SECONDS,
        }
        location = f"{CONFIRM}?{urlencode({'session': token})}"
        return int(HTTPStatus.SEE_OTHER), {"Location": location, "Cache-Control": "no-store"}, b""

    def show_confirm(self, token: str, error: str = "", notice: str = "") -> Response:
        """Answer GET /confirmUser."""
        oauth = self._session(token)["oauth"]
        return self._page("Confirm your account", pages.confirm_body(oauth, token, error, notice))

    def confirm(self, token: str, form: Record) -> Response:
        """Answer POST /confirmUser."""
        session = self._session(token)
        oauth = session["oauth"]
        # Also while the page was open the client may have been changed or deleted.
        self.check(oauth)
        data = {"ClientId": oauth["client_id"], "Username": session["username"]}
        if form.get("action") == "resend":
            status, _, body = self._cognito._resend_confirmation_code(data)
            if status == HTTPStatus.OK:
                return self.show_confirm(token, notice="A new code has been sent.")
        else:
            data["ConfirmationCode"] = form.get("code", "").strip()
            status, _, body = self._code_error(
                "ConfirmSignUp", data
            ) or self._cognito._confirm_sign_up(data)
            if status == HTTPStatus.OK:
                self._sessions.pop(token, None)
                return self._signed_in(oauth, session["username"])
        return self.show_confirm(token, error=json.loads(body)["message"])

    def unconfirmed(self, form: Record) -> bool:
        """Tell whether somebody signs in with the right password before having confirmed."""
        pool = self.pool(form.get("client_id", ""))
        user = self._resolve_user(pool, form.get("username", ""))[0]
        return bool(
            user
            and user.get("Enabled", True)
            and user.get("UserStatus") == "UNCONFIRMED"
            and hmac.compare_digest(
                user.get("_password", "").encode(), form.get("password", "").encode()
            )
        )

    def _fields(self, pool: Record) -> list[str]:
        required = [
            attribute["Name"]
            for attribute in pool.get("SchemaAttributes") or []
            if attribute.get("Required") and attribute["Name"] not in {"sub", "email"}
        ]
        by_email = "email" in (pool.get("UsernameAttributes") or [])
        return [*([] if by_email else ["username"]), "email", *required]

    def _session(self, token: str) -> Record:
        session = self._sessions.get(token)
        if not session or session["expires"] < time.monotonic():
            raise RefusedError(
                self._error("invalid_request", "Session has expired. Please sign in again.")
            )
        return session

    def _signed_in(self, oauth: Record, username: str) -> Response:
        pool_id, pool, _ = self._find(oauth["client_id"])
        user = self._resolve_user(pool, username)[0]
        response: Response = self._redirect(
            client_id=oauth["client_id"],
            pool_id=pool_id,
            redirect_uri=oauth["redirect_uri"],
            scope=oauth["scope"],
            username=user["Username"],
            nonce=oauth["nonce"],
            code_challenge=oauth["code_challenge"],
            code_challenge_method=oauth["code_challenge_method"],
            state=oauth["state"],
        )
        return response

    def _page(self, title: str, body: str) -> Response:
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        return int(HTTPStatus.OK), headers, self._shell(title, title, body).encode()

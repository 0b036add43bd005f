"""The hosted UI: sign-up and confirmation in the browser, and what it must refuse."""

import inspect
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

from local_cloud.patches import sign_up_pages as pages
from local_cloud.patches.known import known
from local_cloud.patches.sign_up import (
    CONFIRM,
    SIGN_UP,
    HostedUi,
    Record,
    RefusedError,
    Response,
    oauth_of,
)

_LOGIN_PAGE = [
    *("client_id", "redirect_uri", "scope", "state", "response_type"),
    *("code_challenge", "code_challenge_method", "nonce", "error_message"),
]


def patch(cognito: ModuleType, app: ModuleType) -> None:
    """Let people sign up and confirm in the browser, and refuse clients without the code flow.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.
        app: its module ``ministack.app``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    ui = HostedUi(cognito)
    _link_to_sign_up(cognito, ui)
    _check_authorize(cognito, ui)
    _check_login(cognito, ui)
    _check_logout(cognito)
    _serve_pages(app, cognito, ui)


def _form(body: bytes) -> Record:
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _link_to_sign_up(cognito: Any, ui: HostedUi) -> None:
    for name in ("_login_page_html", "_username_page_html"):
        page = known(cognito, name, _LOGIN_PAGE)
        signature = inspect.signature(page)

        def page_with_link(
            *arguments: Any, _page: Any = page, _signature: Any = signature, **more: Any
        ) -> str:
            html: str = _page(*arguments, **more)
            oauth = oauth_of(_signature.bind(*arguments, **more).arguments)
            if not ui.allows_sign_up(oauth["client_id"]):
                return html
            return html.replace("</form>", f"</form>\n{pages.sign_up_link(oauth)}", 1)

        setattr(cognito, name, page_with_link)


def _check_authorize(cognito: Any, ui: HostedUi) -> None:
    # The emulator checks the flows of a client, but not whether they are switched on.
    handler = "handle_oauth2_authorize"
    authorize = known(cognito, handler, ["method", "path", "headers", "query_params"])
    value = known(cognito, "_qp", ["query_params", "key", "default"])

    def authorize_checked(method: Any, path: Any, headers: Any, query_params: Any) -> Any:
        client_id = value(query_params, "client_id")
        try:
            if client_id:
                ui.check_flow(client_id)
        except RefusedError as refused:
            return refused.response
        return authorize(method, path, headers, query_params)

    setattr(cognito, handler, authorize_checked)


def _check_login(cognito: Any, ui: HostedUi) -> None:
    # A form may be sent without having been fetched, so what was checked then is checked again. A
    # later step of a sign-in carries a session instead, whose first step was checked.
    handler = "handle_login_submit"
    login = known(cognito, handler, ["method", "path", "headers", "body", "query_params"])

    def login_checked(method: Any, path: Any, headers: Any, body: bytes, query_params: Any) -> Any:
        form = _form(body)
        if form.get("np_token") or form.get("ua_token"):
            return login(method, path, headers, body, query_params)
        oauth = oauth_of({"response_type": "code"} | form)
        try:
            ui.check(oauth)
        except RefusedError as refused:
            return refused.response
        if ui.unconfirmed(form):
            return ui.ask_for_code(oauth, form["username"])
        return login(method, path, headers, body, query_params)

    setattr(cognito, handler, login_checked)


def _check_logout(cognito: Any) -> None:
    # Without logout URLs of a client the emulator would redirect anywhere.
    handler = "handle_logout"
    logout = known(cognito, handler, ["method", "path", "headers", "query_params"])
    value = known(cognito, "_qp", ["query_params", "key", "default"])
    find = known(cognito, "_find_pool_by_client_id", ["client_id"])
    error = known(cognito, "_oauth2_error", ["error", "description", "status"])

    def logout_checked(method: Any, path: Any, headers: Any, query_params: Any) -> Any:
        _, _, client = find(value(query_params, "client_id"))
        address = value(query_params, "logout_uri")
        if client and address and address not in (client.get("LogoutURLs") or []):
            return error("invalid_request", "logout_uri is not allowed.")
        return logout(method, path, headers, query_params)

    setattr(cognito, handler, logout_checked)


def _serve_pages(app: Any, cognito: Any, ui: HostedUi) -> None:
    query = ["method", "path", "headers", "query_params"]
    get = known(app, "_handle_cognito_get_request", query)
    with_body = ["method", "path", "headers", "body", "query_params"]
    post = known(app, "_handle_cognito_body_request", with_body)
    value = known(cognito, "_qp", ["query_params", "key", "default"])
    run = known(cognito, "run_reentrant", ["fn", "args", "thread_name"])

    def show(path: str, values: Record) -> Response:
        try:
            if path == CONFIRM:
                return ui.show_confirm(values["session"])
            return ui.show_sign_up(oauth_of(values), {})
        except RefusedError as refused:
            return refused.response

    def submit(path: str, form: Record) -> Response:
        try:
            if path == CONFIRM:
                return ui.confirm(form.get("session", ""), form)
            return ui.sign_up(oauth_of(form), form)
        except RefusedError as refused:
            return refused.response

    async def get_or_show(method: Any, path: str, headers: Any, query_params: Any) -> Any:
        # A bucket may have the name of a page; a request for it has none of these parameters.
        parameter = {SIGN_UP: "client_id", CONFIRM: "session"}.get(path)
        if method == "GET" and parameter and parameter in query_params:
            names = (*pages.OAUTH_FIELDS, "session")
            return show(path, {name: value(query_params, name) for name in names})
        return await get(method, path, headers, query_params)

    async def post_or_submit(
        method: Any, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if method == "POST" and path in {SIGN_UP, CONFIRM} and is_form:
            # In a thread of its own: functions that run meanwhile may call the emulator.
            return await run(submit, path, _form(body), thread_name="ministack-cognito-trigger")
        return await post(method, path, headers, body, query_params)

    app._handle_cognito_get_request = get_or_show
    app._handle_cognito_body_request = post_or_submit

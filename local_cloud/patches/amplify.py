"""AWS Amplify Hosting, which the emulator does not have: a fake at an address of its own.

The fake has the emulator compare signatures, and evaluate policies, as of any other service.
"""

import os
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local_cloud.amplify_fake.callers import Authorize, Caller, Request
from local_cloud.amplify_fake.errors import RefusalError
from local_cloud.amplify_fake.state import State
from local_cloud.errors import LocalCloudError
from local_cloud.patches.known import known
from local_cloud.settings import AMPLIFY_FILE_VARIABLE, AMPLIFY_PORT_VARIABLE

_PIN = ["method", "raw_path", "query_params", "raw_headers", "handshake"]
_CHECK = ["access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"]
_KEY = ["headers", "query_params"]


def patch(evaluator: ModuleType, router: ModuleType, responses: ModuleType) -> None:
    """Serve the fake as long as the emulator runs.

    Args:
        evaluator: the emulator's module ``ministack.core.iam_evaluator``.
        router: its module ``ministack.core.router``.
        responses: its module ``ministack.core.responses``.

    Raises:
        LocalCloudError: what is needed is not what is known, or the address is in use.
    """
    authorize = _authorizer(evaluator, router, responses)
    port = os.environ.get(AMPLIFY_PORT_VARIABLE)
    if port is None:
        raise LocalCloudError(
            f"{AMPLIFY_PORT_VARIABLE} is not set, so the fake Amplify has no port."
        )
    # Only now is it known that this environment has botocore.
    server = import_module("local_cloud.amplify_fake.server")
    fake = server.Fake(State(Path(os.environ[AMPLIFY_FILE_VARIABLE])), authorize)
    try:
        server.serve(os.environ["BIND_HOST"], int(port), fake)
    except OSError as error:
        raise LocalCloudError(f"The fake Amplify cannot listen on port {port}: {error}.") from error


def _authorizer(evaluator: Any, router: Any, responses: Any) -> Authorize:
    pin = known(evaluator, "pin_signed_request", _PIN)
    pin_body = known(evaluator, "pin_signed_body", ["body"])
    known(evaluator, "enforce", _CHECK)
    owner_of = known(evaluator, "find_iam_access_key_account", ["access_key_id"])
    access_key = known(router, "extract_access_key_id", _KEY)
    region_of = known(router, "extract_region", _KEY)
    set_account = known(responses, "set_request_account_id", ["access_key_id"])
    account_of = known(responses, "get_account_id", [])

    def authorize(request: Request, operation: str, resource: list[str], role: str) -> Caller:
        url = urlsplit(request.target)
        query = parse_qs(url.query, keep_blank_values=True)
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        headers = {name.lower(): value for name, value in request.headers}
        pin(request.method, url.path, query, raw)
        pin_body(request.body)
        key, region = access_key(headers, query), region_of(headers, query)
        set_account(owner_of(key) or key)
        account = account_of()
        arn = f"arn:aws:amplify:{region}:{account}:{'/'.join(resource)}"
        checks: list[tuple[str, str, str, dict[str, str]]] = [
            (f"amplify:{operation}", "amplify", arn, {})
        ]
        if role:
            service = {"iam:PassedToService": "amplify.amazonaws.com"}
            checks.append(("iam:PassRole", "iam", role, service))
        for action, namespace, checked, context in checks:
            # Looked up at each request, since later patches mend it.
            denied = evaluator.enforce(
                key, action, namespace, region, resource_arn=checked, service_context=context
            )
            _raise(denied, action)
        return Caller(region, account)

    return authorize


def _raise(denied: Any, action: str) -> None:
    if denied is None:
        return
    code = getattr(denied, "code", None)
    if code is not None:
        raise RefusalError(code, denied.message, HTTPStatus.FORBIDDEN)
    raise RefusalError(
        "AccessDeniedException",
        f"User: {denied.principal_arn} is not authorized to perform: {action}",
        HTTPStatus.FORBIDDEN,
    )

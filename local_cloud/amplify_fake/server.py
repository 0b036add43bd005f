"""The fake as an HTTP server, in a thread of the emulator's process."""

import traceback
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any

from botocore import xform_name

from local_cloud.amplify_fake import apps, branches, domains, wire
from local_cloud.amplify_fake.callers import Authorize, Caller, Request
from local_cloud.amplify_fake.errors import RefusalError
from local_cloud.amplify_fake.state import State

ABOUT = b"A fake of AWS Amplify Hosting: it keeps what it is told, and builds and serves nothing.\n"


def _resource(params: Mapping[str, Any]) -> list[str]:
    if "resourceArn" in params:
        return str(params["resourceArn"]).rsplit(":", 1)[-1].split("/")
    path = ["apps", params.get("appId", "*")]
    for member, below in (
        ("branchName", "branches"),
        ("domainName", "domains"),
        ("jobId", "jobs"),
    ):
        if member in params:
            path += [below, params[member]]
    return path


class Fake:
    """What answers requests; the way that they come does not matter."""

    def __init__(self, state: State, authorize: Authorize) -> None:
        self._state = state
        self._authorize = authorize

    def answer(self, request: Request) -> wire.Answer:
        """Answer one request."""
        if (request.method, request.target) == ("GET", "/"):
            return wire.Answer(200, ABOUT, {"Content-Type": "text/plain"})
        try:
            call = wire.parse(request.method, request.target, request.body)
            caller = self._caller(request, call)
            output = self._state.run(
                _operation(call.name),
                call.params,
                region=caller.region,
                account=caller.account,
                now=time(),
            )
        except RefusalError as error:
            return wire.refusal(error)
        return wire.answer(call, output)

    def _caller(self, request: Request, call: wire.Call) -> Caller:
        role = call.params.get("iamServiceRoleArn", "")
        return self._authorize(request, call.name, _resource(call.params), role)


def _operation(name: str) -> Callable[..., dict[str, Any]]:
    function = xform_name(name)
    for module in (apps, branches, domains):
        if hasattr(module, function):
            operation: Callable[..., dict[str, Any]] = getattr(module, function)
            return operation
    raise RefusalError(
        "NotImplementedByTheFake",
        f"The fake of Amplify does not know {name}.",
        HTTPStatus.NOT_IMPLEMENTED,
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, fake: Fake, *args: Any) -> None:
        self._fake = fake
        super().__init__(*args)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers.items(), body)
        try:
            answer = self._fake.answer(request)
        except Exception:  # noqa: BLE001, RUF100 - whatever it is, the client has to be told
            traceback.print_exc()
            fault = RefusalError("InternalFailureException", "The fake of Amplify has a fault.")
            answer = wire.refusal(fault)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - as http.server asks

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
        print(f"fake Amplify: {format % args}")


def serve(host: str, port: int, fake: Fake) -> ThreadingHTTPServer:
    """Serve in a thread that ends with the process.

    Raises:
        OSError: the address cannot be listened on.
    """
    server = ThreadingHTTPServer((host, port), partial(_Handler, fake))
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="fake Amplify", daemon=True).start()
    return server

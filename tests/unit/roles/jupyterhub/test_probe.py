"""The probe, at a hub that is played by this test."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyterhub_host import probe
from jupyterhub_host.probe import Config, ProbeError, execution, printed, read_token
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


@dataclass
class Hub:
    """A hub with a single user.

    Attributes:
        server: The user's, while there is one.
        becomes_ready: Whether a server does.
        polls: How often it is looked at before it is ready.
        answer: What its kernels print when they should run code; ``None`` for nothing at all.
        asked: What it was asked, in order.
    """

    server: dict[str, Any] | None = None
    becomes_ready: bool = True
    polls: int = 2
    answer: Callable[[str], str] | None = lambda code: str(eval(code[5:]))  # noqa: S307
    asked: list[str] = field(default_factory=list)


class _Handler(RequestHandler):
    """What knows the token."""

    def initialize(self, hub: Hub) -> None:
        self.hub = hub

    def prepare(self) -> None:
        self.hub.asked.append(f"{self.request.method} {self.request.path}")
        if self.request.headers["Authorization"] != "token the-token":
            self.send_error(403)


class _UserHandler(_Handler):
    def get(self) -> None:
        server = self.hub.server
        if server:
            server["polls"] += 1
            server["ready"] = self.hub.becomes_ready and server["polls"] > self.hub.polls
        self.write({"name": "hub-probe", "servers": {"": server} if server else {}})


class _ServerHandler(_Handler):
    def post(self) -> None:
        if self.hub.server:
            self.send_error(400)
            return
        self.hub.server = {"ready": False, "polls": 0}
        self.set_status(202)

    def delete(self) -> None:
        self.hub.server = None
        self.set_status(202)


class _KernelsHandler(_Handler):
    def post(self) -> None:
        self.set_status(201)
        self.write({"id": "a-kernel"})


class _ChannelsHandler(WebSocketHandler):
    def initialize(self, hub: Hub) -> None:
        self.hub = hub

    def on_message(self, message: str | bytes) -> None:
        asked = json.loads(message)
        if not self.hub.answer:
            return
        printed = self.hub.answer(asked["content"]["code"])
        parent = {"parent_header": asked["header"]}
        idle = {"msg_type": "status", "content": {"execution_state": "idle"}}
        # Of somebody else's request, which says nothing about this one.
        self.write_message(json.dumps({**idle, "parent_header": {}}))
        for part in (printed[:1], printed[1:]):
            content = {"name": "stdout", "text": part}
            self.write_message(json.dumps({**parent, "msg_type": "stream", "content": content}))
        self.write_message(json.dumps({**parent, **idle}))


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(probe, "_PAUSE_SECONDS", 0.01)
    yield
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def probed(
    hub: Hub,
    token: str = "the-token",  # noqa: S107 - of this test
    seconds: float = 20,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run a probe against a hub."""

    async def run() -> None:
        socket, port = bind_unused_port()
        user = "/hub/api/users/hub-probe"
        kernels = "/user/hub-probe/api/kernels"
        application = Application(
            [
                (user, _UserHandler, {"hub": hub}),
                (f"{user}/server", _ServerHandler, {"hub": hub}),
                (kernels, _KernelsHandler, {"hub": hub}),
                (f"{kernels}/a-kernel/channels", _ChannelsHandler, {"hub": hub}),
            ]
        )
        server = HTTPServer(application)
        server.add_socket(socket)
        url = f"http://127.0.0.1:{port}"
        config = Config(f"{url}/hub", url, "hub-probe", "", seconds, 5)  # type: ignore[arg-type]
        try:
            others = [meanwhile()] if meanwhile else []
            await asyncio.gather(probe.run(config, token), *others)
        finally:
            server.stop()

    asyncio.run(run())


def test_a_hub_that_works() -> None:
    hub = Hub()
    probed(hub)
    assert hub.server is None
    assert hub.asked.count("POST /hub/api/users/hub-probe/server") == 1
    assert hub.asked[-2:] == [
        "DELETE /hub/api/users/hub-probe/server",
        "GET /hub/api/users/hub-probe",
    ]


def test_a_server_that_was_left_is_stopped_first() -> None:
    hub = Hub(server={"ready": True, "polls": 0})
    probed(hub)
    changes = [line.split()[0] for line in hub.asked if line.endswith("/server")]
    assert changes == ["DELETE", "POST", "DELETE"]


def test_a_wrong_token() -> None:
    with pytest.raises(ProbeError, match=r"Could not ask the hub: .* answered with 403"):
        probed(Hub(), token="another")  # noqa: S106 - of this test


def test_a_server_that_never_becomes_ready() -> None:
    hub = Hub(becomes_ready=False)
    with pytest.raises(ProbeError, match="Could not start a server in time"):
        probed(hub, seconds=0.5)
    assert hub.server is None


def test_a_kernel_that_computes_wrongly() -> None:
    hub = Hub(answer=lambda _: "1")
    with pytest.raises(ProbeError, match=r"Could not run a cell: .* is '1' to the kernel"):
        probed(hub)
    assert hub.server is None


def test_a_kernel_that_says_nothing() -> None:
    hub = Hub(answer=None)
    with pytest.raises(ProbeError, match="Could not run a cell in time"):
        probed(hub, seconds=0.7)
    assert hub.server is None


def test_a_hub_that_does_not_answer() -> None:
    config = Config("http://127.0.0.1:9/hub", "http://127.0.0.1:9", "hub-probe", "", 5, 5)
    with pytest.raises(ProbeError, match=r"Could not ask the hub: .*refused"):
        asyncio.run(probe.run(config, "the-token"))


def test_a_hub_that_is_stopped_has_no_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    config = Config("", "", "hub-probe", str(token), 5, 5)
    with pytest.raises(ProbeError, match="The hub does not run"):
        read_token(config)
    token.write_text("the-token\n")
    assert read_token(config) == "the-token"


def test_a_probe_that_is_told_to_stop_leaves_no_server() -> None:
    hub = Hub(becomes_ready=False)

    async def stop() -> None:
        while not hub.server:
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(ProbeError, match="told to stop"):
        probed(hub, meanwhile=stop)
    assert hub.server is None


def test_what_code_raises_counts_as_its_output() -> None:
    content = {"ename": "NameError", "evalue": "no"}
    assert printed({"msg_type": "error", "content": content}) == "NameError: no"
    assert printed({"msg_type": "status", "content": {"execution_state": "busy"}}) == ""
    assert execution("1")["header"]["msg_id"] != execution("1")["header"]["msg_id"]

"""``jupyterhub-probe``: do what a person does at the hub, and see that it works.

Starts a server for a user of its own, has a kernel compute something, and stops the server.
"""

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect

from .config import section

_REQUEST_SECONDS = 30
_PAUSE_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """What is probed.

    Attributes:
        hub_url: The hub.
        proxy_url: Where people's servers are found.
        user: The user that a server is started for.
        token_file: Where the token for that lies.
        seconds: How long everything may take but stopping the server.
        stop_seconds: How long that may take.
    """

    hub_url: str
    proxy_url: str
    user: str
    token_file: str
    seconds: int
    stop_seconds: int


class ProbeError(Exception):
    """Something that does not work."""


class Probe:
    """A try.

    Args:
        config: What is probed.
        token: What permits it.
    """

    def __init__(self, config: Config, token: str) -> None:
        self._server_api = f"{config.hub_url}/api/users/{config.user}/server"
        self._user_api = f"{config.hub_url}/api/users/{config.user}"
        self._kernels = f"{config.proxy_url}/user/{config.user}/api/kernels"
        self._stop_seconds = config.stop_seconds
        self._headers = {"Authorization": f"token {token}"}
        # What it is doing, for whoever reads why it did not get further.
        self.step = "ask the hub"

    async def run(self) -> None:
        """Start a server, compute, stop it.

        Raises:
            ProbeError: An answer is not what it should be.
        """
        # One may be left of a try that was killed.
        await self.stop()
        try:
            await self._start()
            await self._compute()
        finally:
            async with asyncio.timeout(self._stop_seconds):
                await self.stop()

    async def stop(self) -> None:
        """Stop the server, and wait until it is gone."""
        if not await self._servers():
            return
        before, self.step = self.step, "stop the server"
        # One that is still starting cannot be stopped yet.
        while await self._servers():
            await self._ask("DELETE", self._server_api, {202, 204, 400, 404})
            await asyncio.sleep(_PAUSE_SECONDS)
        self.step = before

    async def _start(self) -> None:
        self.step = "start a server"
        await self._ask("POST", self._server_api, {201, 202})
        while True:
            servers = await self._servers()
            if not servers:
                raise ProbeError("the server ended before it was ready")
            if servers[0]["ready"]:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _compute(self) -> None:
        self.step = "start a kernel"
        kernel = json.loads((await self._ask("POST", self._kernels, {201}, {})).body)
        self.step = "connect to the kernel"
        url = f"{self._kernels}/{kernel['id']}/channels".replace("http", "ws", 1)
        channel = await websocket_connect(HTTPRequest(url, headers=self._headers))
        try:
            self.step = "run a cell"
            one, other = secrets.randbelow(10**6), secrets.randbelow(10**6)
            message = execution(f"print({one} * {other})")
            await channel.write_message(json.dumps(message))
            output = ""
            while (received := await channel.read_message()) is not None:
                answer = json.loads(received)
                if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                output += printed(answer)
                if answer["content"].get("execution_state") == "idle":
                    break
        finally:
            channel.close()
        if output.strip() != str(one * other):
            raise ProbeError(f"{one} * {other} is {output.strip()!r} to the kernel")

    async def _servers(self) -> list[dict[str, Any]]:
        user = json.loads((await self._ask("GET", self._user_api, {200})).body)
        return list(user["servers"].values())

    async def _ask(
        self, method: str, url: str, expected: set[int], body: object = None
    ) -> HTTPResponse:
        request = HTTPRequest(
            url,
            method,
            self._headers,
            body=None if body is None and method != "POST" else json.dumps(body or {}),
            request_timeout=_REQUEST_SECONDS,
            follow_redirects=False,
        )
        response = await AsyncHTTPClient().fetch(request, raise_error=False)
        # The client's own number for an answer that does not come.
        if response.code == 599:  # noqa: PLR2004
            raise ProbeError(str(response.error))
        if response.code not in expected:
            text = response.body.decode(errors="replace")[:500]
            raise ProbeError(f"{method} {url} is answered with {response.code}: {text}")
        return response


def execution(code: str) -> dict[str, Any]:
    """The message that asks a kernel to run code."""
    return {
        "channel": "shell",
        "header": {
            "msg_id": secrets.token_hex(16),
            "msg_type": "execute_request",
            "session": secrets.token_hex(16),
            "username": "",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        },
    }


def printed(message: dict[str, Any]) -> str:
    """What a kernel's message says that code has printed, or raised."""
    content = message["content"]
    if message["msg_type"] == "error":
        return f"{content['ename']}: {content['evalue']}"
    return content["text"] if message["msg_type"] == "stream" else ""


def read_token(config: Config) -> str:
    """The token that permits probing.

    Raises:
        ProbeError: It is not there: it goes when the hub is stopped.
    """
    try:
        return Path(config.token_file).read_text().strip()
    except FileNotFoundError as error:
        raise ProbeError(f"The hub does not run, or has no secrets: {error}") from error


async def run(config: Config, token: str) -> None:
    """Probe within the time that there is for it.

    Raises:
        ProbeError: Something does not work.
    """
    # The unit may be stopped; the server is, too, then.
    probe = Probe(config, token)
    probing = asyncio.create_task(probe.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, probing.cancel)
    try:
        async with asyncio.timeout(config.seconds):
            await probing
    except asyncio.CancelledError as error:
        raise ProbeError(f"It was told to stop when it was about to {probe.step}.") from error
    except TimeoutError as error:
        raise ProbeError(f"Could not {probe.step} in time.") from error
    except (ProbeError, HTTPClientError, OSError) as error:
        raise ProbeError(f"Could not {probe.step}: {error}") from error


def main() -> None:
    """Probe the hub."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    config = Config(**section("probe"))
    started = time.monotonic()
    try:
        asyncio.run(run(config, read_token(config)))
    except ProbeError as error:
        sys.exit(f"jupyterhub-probe: {error}")
    seconds = round(time.monotonic() - started, 1)
    Path(os.environ["RUNTIME_DIRECTORY"], "values.json").write_text(
        json.dumps({"ProbeSeconds": seconds})
    )
    _log.info("A cell was run on a server that was started for it, in %s seconds.", seconds)


if __name__ == "__main__":
    main()

"""The platform's PyGrid node: where it is, and requests to it over TLS."""

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from lambda_common.environment import Environment, required
from lambda_common.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient

    from lambda_common.secret import Secret

_KEPT_SECONDS = 60
_CONNECT_SECONDS = 3
_READ_SECONDS = 10
# API Gateway waits 29 seconds for a function.
_WHOLE_SECONDS = 20
_CHUNK_BYTES = 256 * 1024
_UNAUTHORIZED = 401


class NodeError(ApiError):
    """The node does not answer, or not as it should."""

    def __init__(self, description: str):
        super().__init__(502, "node_failed", description)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where the node's address is published, and the name of its service token."""

    ssm_path: str
    token_secret: str

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises `SettingsError`, which names the variable."""
        return cls(
            ssm_path=required(environment, "NODE_SSM_PATH"),
            token_secret=required(environment, "NODE_TOKEN_SECRET"),
        )


class Answer:
    """The node's answer, whose body is read once by `chunks` or `read`."""

    def __init__(self, response: http.client.HTTPResponse, deadline: float):
        self._response, self._deadline = response, deadline
        self.status = response.status
        self.headers = response.headers

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        """Yield the body piece by piece. Raises `NodeError` if it is longer or breaks off."""
        size = 0
        while chunk := self._read():
            size += len(chunk)
            if size > max_bytes:
                raise NodeError(f"the node's answer has more than {max_bytes} bytes")
            if time.monotonic() > self._deadline:
                raise NodeError("the node's answer takes too long")
            yield chunk
        if self._response.length:
            raise NodeError("the node's answer broke off")

    def read(self, max_bytes: int) -> bytes:
        """Return the whole body. Raises `NodeError` as `chunks` does."""
        return b"".join(self.chunks(max_bytes))

    def _read(self) -> bytes:
        with _reported():
            return self._response.read1(_CHUNK_BYTES)


class Node:
    """The node, as its parameters in SSM describe it; they are read when needed and kept briefly.

    `pygrid/host` is its bare host name. It must answer with the certificate `pygrid/certificate`
    where that is published, and otherwise with one that a public authority signed. A request takes
    no more than `seconds`.
    """

    def __init__(
        self,
        ssm: "SSMClient",
        token: "Secret",
        *,
        ssm_path: str,
        seconds: float = _WHOLE_SECONDS,
        clock: "Callable[[], float]" = time.monotonic,
    ):
        self._ssm, self._token, self._seconds, self._clock = ssm, token, seconds, clock
        self._names = [f"{ssm_path}/pygrid/host", f"{ssm_path}/pygrid/certificate"]
        self._published: tuple[str | None, str | None] = (None, None)
        self._read_at: float | None = None

    def host(self) -> str | None:
        """Return the node's bare host name, None while there is no node."""
        return self._parameters()[0]

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Iterator[Answer]:
        """Send a request with the service token, and yield the answer, of whatever status.

        Raises:
            NodeError: There is no node, or it cannot be reached.
        """
        deadline = time.monotonic() + self._seconds
        target = f"{path}?{urlencode(query)}" if query else path
        with self._connection() as connection:
            response = self._send(connection, method, target, body)
            if response.status == _UNAUTHORIZED and self._token.changed():
                connection.close()
                response = self._send(connection, method, target, body)
            yield Answer(response, deadline)

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPSConnection]:
        host, certificate = self._parameters()
        if host is None:
            raise NodeError("there is no node: deploy one")
        # None of an earlier call: a process of Lambda sleeps between calls, and connections die.
        connection = http.client.HTTPSConnection(
            host, timeout=_CONNECT_SECONDS, context=ssl.create_default_context(cadata=certificate)
        )
        try:
            yield connection
        finally:
            connection.close()

    def _send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        target: str,
        body: Mapping[str, object] | None,
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token.value()}", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body)
        with _reported():
            connection.connect()
            connection.sock.settimeout(_READ_SECONDS)
            connection.request(method, target, content, headers)
            return connection.getresponse()

    def _parameters(self) -> tuple[str | None, str | None]:
        now = self._clock()
        if self._read_at is None or now - self._read_at >= _KEPT_SECONDS:
            answer = self._ssm.get_parameters(Names=self._names)
            found = {entry["Name"]: entry["Value"] for entry in answer.get("Parameters", [])}
            host, certificate = (found.get(name) for name in self._names)
            self._published = (host, certificate)
            self._read_at = now
        return self._published


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        cause = str(error) or type(error).__name__
        raise NodeError(f"the node cannot be reached: {cause}") from error

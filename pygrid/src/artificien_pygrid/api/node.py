"""What the requests of one server process share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from ..errors import TooManyRequests
from ..security.access import Access
from ..security.limits import ConcurrencyLimiter, RateLimiter
from ..security.networks import client_key, peer_of
from ..security.worker_tokens import WorkerTokens
from ..settings import Settings
from ..storage.database import Database
from .sockets import Sockets

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


@dataclass(frozen=True, slots=True)
class Node:
    """The settings, the database, and who may do what how often."""

    settings: Settings
    database: Database
    access: Access
    worker_tokens: WorkerTokens
    requests: RateLimiter
    speed_tests: ConcurrencyLimiter
    socket_places: ConcurrencyLimiter
    buffers: ConcurrencyLimiter
    sockets: Sockets

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """A node whose database is not opened yet."""
        return cls(
            settings=settings,
            database=Database(settings),
            access=Access(settings),
            worker_tokens=WorkerTokens(settings),
            requests=RateLimiter(settings.requests_per_second, settings.request_burst),
            speed_tests=ConcurrencyLimiter(settings.speed_tests_per_client, settings.speed_tests),
            socket_places=ConcurrencyLimiter(settings.sockets_per_client),
            buffers=ConcurrencyLimiter(settings.buffered_bytes_per_client, settings.buffered_bytes),
            sockets=Sockets(),
        )

    def count_request(self, scope: Mapping[str, Any]) -> None:
        """Count a request of the client.

        Raises:
            TooManyRequests: The client has made too many.
        """
        if not self.requests.allow(client_of(scope)):
            raise TooManyRequests


def node_of(connection: "HTTPConnection") -> Node:
    """The node that serves a request or socket."""
    return cast("Node", connection.app.state.node)


def client_of(scope: Mapping[str, Any]) -> str:
    """What limits per client count by."""
    return client_key(peer_of(scope))

"""uvicorn, set up for the application."""

from typing import Any

import uvicorn

from ..settings import Settings
from .socket_protocol import SocketProtocol

_APP = "artificien_pygrid.api.app:create_app"


def configuration(settings: Settings, app: Any = None) -> uvicorn.Config:
    """How uvicorn serves the node.

    Args:
        settings: The node's.
        app: An application; ``None`` for one that each process makes from the environment.
    """
    return uvicorn.Config(
        _APP if app is None else app,
        factory=app is None,
        host=settings.host,
        port=settings.port,
        workers=settings.processes,
        http="httptools",
        ws=SocketProtocol,
        ws_max_size=settings.max_body_bytes,
        # Blobs hardly shrink, and a small message could unpack to one of any size.
        ws_per_message_deflate=False,
        # Whom to believe about addresses is decided in security.networks alone.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.shutdown_seconds) or 1,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        lifespan="on",
        # Each request has its own context, and with it its own id in the logs.
        reset_contextvars=True,
    )

"""Probes for load balancers and supervisors."""

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Unavailable
from .http import json_response
from .node import node_of

_log = structlog.get_logger(__name__)


async def _alive(_request: Request) -> Response:
    return json_response({"status": "ok"})


async def _ready(request: Request) -> Response:
    try:
        await node_of(request).database.ping()
    except Unavailable as error:
        _log.warning("not ready", error=error.text)
        return json_response({"status": "unavailable", "error": error.text}, 503)
    return json_response({"status": "ok"})


ROUTES = [
    Route("/healthz", _alive, methods=["GET"]),
    Route("/readyz", _ready, methods=["GET"]),
]

"""The application: routes, middleware, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .. import logs, progress
from ..cycles import timer
from ..settings import Settings, load
from . import health, http, metrics, speed_test, status, websocket
from .middleware import Requests
from .node import Node


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application of one server process.

    Args:
        settings: ``None`` for a process of its own: they are loaded, and logs are set up.
    """
    if settings is None:
        settings = load()
        logs.configure(settings.log_level)
    node = Node.from_settings(settings)
    app = Starlette(
        routes=[
            *http.ROUTES,
            *speed_test.ROUTES,
            *websocket.ROUTES,
            *health.ROUTES,
            *status.routes,
            *metrics.routes,
        ],
        middleware=[Middleware(Requests, node=node)],
        exception_handlers={HTTPException: _no_such_page},
        lifespan=_lifespan,
    )
    # A redirect would lose the body of a POST in many clients.
    app.router.redirect_slashes = False
    app.state.node = node
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    database = app.state.node.database
    stop = asyncio.Event()
    async with database, asyncio.TaskGroup() as group:
        group.create_task(timer.run(database, stop))
        group.create_task(progress.run(database, stop))
        try:
            yield
        finally:
            stop.set()


async def _no_such_page(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for no other
    text = f"{error.status_code} {error.detail}"
    page = f"<!doctype html>\n<html lang=en><title>{text}</title><h1>{text}</h1></html>\n"
    return HTMLResponse(page, error.status_code, headers=error.headers)

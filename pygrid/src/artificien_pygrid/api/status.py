"""The status of the node: a page for people, and the same as JSON.

Whoever may not look learns only that the node runs: clients use ``GET /`` to see whether it does.
"""

import base64
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..cycles.overview import overview
from ..errors import Unavailable
from .chart import contributions
from .looking import may_look
from .node import node_of

# The page grows with the models; the JSON has them all.
_SHOWN_MODELS = 50


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)


_PACKAGE = "artificien_pygrid.api"
_STYLE = files(_PACKAGE).joinpath("templates/style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_TEMPLATES = Environment(
    loader=PackageLoader(_PACKAGE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["style"] = Markup(_STYLE)  # noqa: S704 - the package's own file
_TEMPLATES.filters["utc"] = _utc

_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = _NO_STORE | {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_ASK = {"WWW-Authenticate": 'Basic realm="PyGrid node", charset="UTF-8"'}


async def page(request: Request) -> Response:
    """``GET /``."""
    node = node_of(request)
    if not await may_look(node.access, request):
        return _page("running.html", 200, problem=None)
    try:
        now = await overview(node.database)
    except Unavailable as error:
        return _page("running.html", 503, problem=error.text)
    models = now.models[:_SHOWN_MODELS]
    charts = {model.id: contributions(model.cycles, model.max_diffs) for model in models}
    values = {"overview": now, "models": models, "charts": charts}
    return _page("status.html", 200, node_id=node.settings.node_id, **values)


async def sign_in(request: Request) -> Response:
    """``GET /status``: makes a browser ask for the token, then leads to the page."""
    if await may_look(node_of(request).access, request):
        return RedirectResponse("./", 303, headers=_NO_STORE)
    return Response(
        "Sign in with any name and the status token as password.",
        401,
        headers=_NO_STORE | _ASK,
        media_type="text/plain",
    )


async def as_json(request: Request) -> Response:
    """``GET /api/status``."""
    node = node_of(request)
    found: dict[str, Any] = {"status": "running"}
    status_code = 200
    if await may_look(node.access, request):
        try:
            found |= {"node_id": node.settings.node_id} | asdict(await overview(node.database))
        except Unavailable as error:
            found["error"] = error.text
            status_code = 503
    content = json.dumps(found, default=datetime.isoformat, separators=(",", ":"))
    return Response(content, status_code, headers=_NO_STORE, media_type="application/json")


routes = (
    Route("/", page, methods=["GET"]),
    Route("/status", sign_in, methods=["GET"]),
    Route("/api/status", as_json, methods=["GET"]),
)


def _page(template: str, status_code: int, **values: Any) -> Response:
    content = _TEMPLATES.get_template(template).render(values)
    return HTMLResponse(content, status_code, headers=_PAGE_HEADERS)

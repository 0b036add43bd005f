"""Answers a request by the function of its route, and logs what came of it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from lambda_common.logs import LOGGER
from lambda_common.requests import Request
from lambda_common.responses import ApiError, Response, error

type Route = Callable[[Request], Response]


def answer(event: Mapping[str, Any], context: Any, routes: Mapping[str, Route]) -> Response:
    """Return the answer of the route that the event names, whatever happens.

    An `ApiError` becomes the answer that it describes. What else is raised is a fault of the
    platform: it is logged, and its answer tells nothing of it.
    """
    start = time.monotonic()
    request = Request.from_event(event)
    fields: dict[str, object] = {"request_id": context.aws_request_id, "route": request.route}
    try:
        response = _route(request, routes)(request)
    except ApiError as refusal:
        fields["error"] = refusal.code
        response = error(refusal.status, refusal.code, refusal.description)
    except Exception:
        LOGGER.exception("request failed", extra={"fields": fields})
        response = error(
            500, "internal_error", "the platform failed to answer: try again in a minute"
        )
    fields |= {
        "status": response["statusCode"],
        "seconds": round(time.monotonic() - start, 3),
    }
    LOGGER.info("request answered", extra={"fields": fields})
    return response


def _route(request: Request, routes: Mapping[str, Route]) -> Route:
    try:
        return routes[request.route]
    except KeyError:
        raise ApiError(404, "not_found", f"{request.route} is no route of this API") from None

"""Entry point of the function: requests to the API for what a link leads to.

The README beside this file describes them. Neither tokens nor the URLs are logged.
"""

import os
from collections.abc import Mapping
from typing import Any

from lambda_common.logs import LOGGER, configure_logging
from lambda_common.requests import Request
from lambda_common.responses import CORS_HEADERS, Response
from lambda_common.routes import answer

from downloads.logic import LinkStore, find_download
from downloads.settings import Settings
from downloads.store import Store

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: LinkStore = Store.connect(SETTINGS)


def lambda_handler(event: Mapping[str, Any], context: Any) -> Response:
    """Handle one request."""
    return answer(event, context, {"GET /downloads/{token}": _redirect})


def _redirect(request: Request) -> Response:
    download = find_download(request.path_parameters["token"], STORE)
    LOGGER.info("model downloaded", extra={"fields": {"model_id": download.model_id}})
    headers = {
        "Location": download.url,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return {"statusCode": 302, "headers": CORS_HEADERS | headers, "body": ""}

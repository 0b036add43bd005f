"""The PyGrid node: it is ready, by TLS and where devices find it, and passes the API on."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from smoke import web
from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

# Clients append them to the bare name of the host.
DEVICE_PORT, API_PORT = 5000, 5001
# How nginx answers plain requests to a port that is not plain.
SPEAKS_TLS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.BAD_REQUEST)


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the node."""
    url, host = platform.published("pygrid/url"), platform.published("pygrid/host")
    certificate = platform.find("pygrid/certificate")

    def is_ready(_stack: ExitStack) -> None:
        status = web.request("GET", f"{url}/readyz", authority=certificate).status
        require(status == HTTPStatus.OK, f"{url}/readyz answers {status}")

    def serves_devices(_stack: ExitStack) -> None:
        path = f"{host}:{DEVICE_PORT}/readyz"
        status = web.request("GET", f"http://{path}").status
        if status in SPEAKS_TLS:
            status = web.request("GET", f"https://{path}", authority=certificate).status
        require(status == HTTPStatus.OK, f"{path} answers {status}")

    def passes_on(_stack: ExitStack) -> None:
        status = web.request("GET", f"http://{host}:{API_PORT}/test").status
        require(status == HTTPStatus.OK, f"port {API_PORT} answers {status}")

    on_host = (
        "on the host, systemctl status nginx pygrid 'pygrid-worker@*'; make deploy TAGS=pygrid."
    )
    yield Check("it is ready", is_ready, on_host)
    yield Check(f"devices reach it at {DEVICE_PORT}", serves_devices, on_host)
    no_api = "" if platform.find("api/base_url") else "there is no API"
    yield Check(f"old clients reach the API at {API_PORT}", passes_on, on_host, no_api)

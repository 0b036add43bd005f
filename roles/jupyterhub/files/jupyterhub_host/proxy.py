"""The proxy of the hub, with room for all of its users.

configurable-http-proxy asks the hub and the servers by tornado's client, which by default has ten
requests under way and refuses answers of more than 100 MB.
"""

import os

from configurable_http_proxy.cli import main
from tornado.httpclient import AsyncHTTPClient

_MAX_REQUESTS = 1000
_MIB = 1 << 20


def widen(max_download_mib: int) -> None:
    """Set the limits of every client that is made from now on.

    Args:
        max_download_mib: The largest answer, which is held in memory, in MiB.
    """
    largest = max_download_mib * _MIB
    AsyncHTTPClient.configure(
        None, max_clients=_MAX_REQUESTS, max_body_size=largest, max_buffer_size=largest
    )


if __name__ == "__main__":
    widen(int(os.environ["JUPYTERHUB_MAX_DOWNLOAD_MIB"]))
    main()

"""Whether the emulator answers."""

import http.client
import json

PATH = "/_ministack/health"


def is_healthy(host: str, port: int, timeout_seconds: float = 2.0) -> bool:
    """Tell whether an emulator at this address answers its health check."""
    # No proxy and no redirect: the question is about this address.
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        answer = json.load(response)
        return (
            response.status == http.HTTPStatus.OK
            and isinstance(answer, dict)
            and "services" in answer
        )
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()

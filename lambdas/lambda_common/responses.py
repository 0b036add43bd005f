"""Answers of the API's functions, as the proxy integration of API Gateway takes them."""

import json
from collections.abc import Mapping
from typing import Any

type Response = dict[str, Any]

# Pages of every origin may read the answers: none depends on cookies.
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "POST, PUT, GET, HEAD, OPTIONS",
}
_JSON_HEADERS = CORS_HEADERS | {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class ApiError(Exception):
    """A request that is refused: its status, a word for programs and a sentence for people."""

    def __init__(self, status: int, code: str, description: str):
        super().__init__(description)
        self.status, self.code, self.description = status, code, description


def respond(status: int, body: Mapping[str, object]) -> Response:
    """Return the answer with `body` as JSON."""
    return {
        "statusCode": status,
        "headers": dict(_JSON_HEADERS),
        "body": json.dumps(body, allow_nan=False),
    }


def error(status: int, code: str, description: str) -> Response:
    """Return the answer that refuses a request: a word for programs, a sentence for people."""
    return respond(status, {"error": code, "description": description})

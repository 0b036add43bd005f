"""Requests to the API's functions, as the proxy integration of API Gateway passes them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from lambda_common.responses import ApiError

MAX_BODY_BYTES = 64 * 1024
# As long as a key of DynamoDB may be.
MAX_TEXT_BYTES = 2048
MAX_ENTRIES = 1000
_SHOWN_CHARACTERS = 80


class Fields:
    """The named values that a request brings. What is wrong with one raises `ApiError` 400."""

    def __init__(self, values: Mapping[str, object]):
        self._values = values

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        return _text(name, self._required(name))

    def optional_text(self, name: str) -> str | None:
        """Return a text that is not empty, None if the field is missing or null."""
        value = self._values.get(name)
        return None if value is None else _text(name, value)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, at least one."""
        value = self._required(name)
        if not isinstance(value, list) or not 0 < len(value) <= MAX_ENTRIES:
            raise _refused(name, value, f"a list of 1 to {MAX_ENTRIES} texts")
        return [_text(f"{name}[{index}]", entry) for index, entry in enumerate(value)]

    def number(self, name: str, largest: float) -> float:
        """Return a finite number, from minus `largest` to `largest`."""
        value = self._required(name)
        # Neither NaN nor a whole number that no float can hold passes the comparison.
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not -largest <= value <= largest
        ):
            raise _refused(name, value, f"a number from {-largest:g} to {largest:g}")
        return float(value)

    def whole(self, name: str, smallest: int, largest: int) -> int:
        """Return a whole number from `smallest` to `largest`."""
        value = self._required(name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not smallest <= value <= largest
        ):
            raise _refused(name, value, f"a whole number from {smallest} to {largest}")
        return value

    def _required(self, name: str) -> object:
        if name not in self._values:
            raise ApiError(400, "invalid_request", f"{name} is missing: add it to the request")
        return self._values[name]


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `headers` are by their names in lower case."""

    route: str
    headers: Mapping[str, str]
    query: Fields
    path_parameters: Mapping[str, str]
    claims: Mapping[str, Any]
    content: bytes

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Return the request in an event; its `route` is like `GET /downloads/{token}`."""
        content = (event.get("body") or "").encode(errors="surrogatepass")
        return cls(
            route=f"{event['httpMethod']} {event['resource']}",
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            query=Fields(event.get("queryStringParameters") or {}),
            path_parameters=event.get("pathParameters") or {},
            claims=(event["requestContext"].get("authorizer") or {}).get("claims") or {},
            content=base64.b64decode(content) if event.get("isBase64Encoded") else content,
        )

    def caller(self) -> str:
        """Return the user name that Cognito vouches for. Raises `ApiError` 401 if it does not."""
        # Access tokens name it `username`, identity tokens `cognito:username`.
        name = self.claims.get("username") or self.claims.get("cognito:username")
        if not name:
            raise ApiError(
                401, "unauthorized", "nobody is signed in: send an access token as Authorization"
            )
        return str(name)

    def body(self) -> Fields:
        """Return the fields of the JSON object. Raises `ApiError` 400 if there is none."""
        if len(self.content) > MAX_BODY_BYTES:
            raise ApiError(
                400,
                "invalid_request",
                f"the body has {len(self.content)} bytes: send {MAX_BODY_BYTES} at most",
            )
        try:
            values = json.loads(self.content)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise ApiError(400, "invalid_request", "the body is no JSON object: send one")
        return Fields(values)


def same_name(first: str, second: str) -> bool:
    """Whether two user names are one account's: the pool tells none apart by case alone.

    Only A to Z are folded: more rules than the pool has would make one of two people's names.
    """
    if first.isascii() and second.isascii():
        return first.lower() == second.lower()
    return first == second


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value:
        try:
            if len(value.encode()) <= MAX_TEXT_BYTES:
                return value
        except UnicodeEncodeError:
            # Half a character, which JSON can escape and nothing can store.
            pass
    raise _refused(name, value, f"a text of 1 to {MAX_TEXT_BYTES} bytes")


def _refused(name: str, value: object, wanted: str) -> ApiError:
    shown = json.dumps(value)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = f"{shown[:_SHOWN_CHARACTERS]}..."
    return ApiError(400, "invalid_request", f"{name} is {shown}: send {wanted}")

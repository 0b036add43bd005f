"""Requests of API Gateway, what is wrong with them, and the answers of the routes."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from lambda_common.logs import configure_logging
from lambda_common.requests import MAX_BODY_BYTES, Fields, Request, same_name
from lambda_common.responses import CORS_HEADERS, ApiError, Response, error, respond
from lambda_common.routes import answer

CONTEXT = SimpleNamespace(aws_request_id="request-1")


def event(body: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return an event as the proxy integration sends it."""
    return {
        "resource": "/thing/{name}",
        "path": "/thing/a",
        "httpMethod": "POST",
        "headers": {"Api_Key": "k"},
        "queryStringParameters": {"version": "1"},
        "pathParameters": {"name": "a"},
        "requestContext": {"authorizer": {"claims": {"username": "ada"}}},
        "body": body,
        "isBase64Encoded": False,
    } | changes


def fields(text: str) -> Fields:
    return Request.from_event(event(text)).body()


def test_a_request() -> None:
    request = Request.from_event(event('{"a": "ä"}'))
    assert request.route == "POST /thing/{name}"
    assert request.headers == {"api_key": "k"}
    assert request.query.text("version") == "1"
    assert request.path_parameters == {"name": "a"}
    assert request.caller() == "ada"
    assert request.body().text("a") == "ä"


def test_what_api_gateway_leaves_out_is_null() -> None:
    empty = dict.fromkeys(("headers", "queryStringParameters", "pathParameters"))
    request = Request.from_event(event(**empty, requestContext={}))
    assert (request.headers, request.path_parameters) == ({}, {})
    assert request.query.optional_text("version") is None


def test_a_body_in_base64() -> None:
    encoded = base64.b64encode(b'{"a": "b"}').decode()
    assert Request.from_event(event(encoded, isBase64Encoded=True)).body().text("a") == "b"


@pytest.mark.parametrize(
    ("claims", "caller"),
    [({"username": "ada"}, "ada"), ({"cognito:username": "Ada"}, "Ada")],
)
def test_caller(claims: dict[str, str], caller: str) -> None:
    context = {"authorizer": {"claims": claims}}
    assert Request.from_event(event(requestContext=context)).caller() == caller


@pytest.mark.parametrize(
    "context",
    [{}, {"authorizer": None}, {"authorizer": {}}, {"authorizer": {"claims": {"email": "a@b.c"}}}],
)
def test_no_caller(context: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="nobody is signed in: send an access token") as raised:
        Request.from_event(event('{"username": "ada"}', requestContext=context)).caller()
    assert raised.value.status == 401


@pytest.mark.parametrize(
    "body", [None, "", "{", "[]", "1", "null", '"text"', "[" * 60_000, "\ud800", "1" * 10_000]
)
def test_no_json_object(body: str | None) -> None:
    with pytest.raises(ApiError, match="the body is no JSON object: send one") as raised:
        Request.from_event(event(body)).body()
    assert (raised.value.status, raised.value.code) == (400, "invalid_request")


def test_a_body_that_is_too_long() -> None:
    assert fields(json.dumps({"a": "b"}).ljust(MAX_BODY_BYTES)).text("a") == "b"
    with pytest.raises(ApiError, match="the body has 65537 bytes: send 65536 at most"):
        fields("{}".ljust(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('""', '""'),
        ("1", "1"),
        ("null", "null"),
        ('["a"]', '["a"]'),
        ('"\\ud800"', '"\\ud800"'),
        (f'"{"ä" * 1025}"', f'"{"\\u00e4" * 13}\\...'),
    ],
)
def test_no_text(value: str, shown: str) -> None:
    with pytest.raises(ApiError) as raised:
        fields(f'{{"a": {value}}}').text("a")
    assert raised.value.status == 400
    assert str(raised.value) == f"a is {shown}: send a text of 1 to 2048 bytes"


def test_texts() -> None:
    assert fields('{"a": "x", "b": null}').optional_text("a") == "x"
    assert fields('{"a": "x", "b": null}').optional_text("b") is None
    assert fields('{"a": ["x", "y"]}').texts("a") == ["x", "y"]
    with pytest.raises(ApiError, match=r"^a is missing: add it to the request$"):
        fields("{}").text("a")


@pytest.mark.parametrize("value", ["[]", '"x"', "null", "{}", json.dumps(["x"] * 1001)])
def test_no_list(value: str) -> None:
    with pytest.raises(ApiError, match=r"^a is .*: send a list of 1 to 1000 texts$"):
        fields(f'{{"a": {value}}}').texts("a")


def test_no_text_in_a_list() -> None:
    with pytest.raises(ApiError, match=r"^a\[1\] is 2: send a text"):
        fields('{"a": ["x", 2]}').texts("a")


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e400", "10.5", "-11", "9" * 400, "true", '"1"', "null"],
)
def test_no_number(value: str) -> None:
    with pytest.raises(ApiError, match=r"^a is .*: send a number from -10 to 10$"):
        fields(f'{{"a": {value}}}').number("a", 10)


@pytest.mark.parametrize(("value", "number"), [("-1", -1.0), ("0.1", 0.1), ("10", 10.0)])
def test_number(value: str, number: float) -> None:
    assert fields(f'{{"a": {value}}}').number("a", 10) == number


@pytest.mark.parametrize("value", ["-1", "101", "50.0", "true", '"50"', "null", "9" * 400])
def test_no_whole_number(value: str) -> None:
    with pytest.raises(ApiError, match=r"^a is .*: send a whole number from 0 to 100$"):
        fields(f'{{"a": {value}}}').whole("a", 0, 100)


def test_whole_number() -> None:
    assert fields('{"a": 100}').whole("a", 0, 100) == 100


def test_same_name() -> None:
    assert same_name("Ada", "ada")
    assert not same_name("ada", "ada2")
    assert same_name("straße", "straße")
    assert not same_name("straße", "strasse")
    assert not same_name("\N{KELVIN SIGN}im", "kim")


def test_answers_can_be_read_by_any_page() -> None:
    response = respond(200, {"a": "ä"})
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"a": "ä"}
    assert response["headers"].items() >= CORS_HEADERS.items()
    assert response["headers"]["Content-Type"] == "application/json"
    assert CORS_HEADERS == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "POST, PUT, GET, HEAD, OPTIONS",
    }
    assert json.loads(error(409, "word", "text")["body"]) == {
        "error": "word",
        "description": "text",
    }


def refuse(request: Request) -> Response:
    return respond(200, {"a": request.body().text("a")})


def fail(_request: Request) -> Response:
    raise ConnectionError("DynamoDB of ada is down")


@pytest.mark.parametrize(
    ("route", "body", "status", "code"),
    [
        (refuse, '{"a": "b"}', 200, None),
        (refuse, "{}", 400, "invalid_request"),
        (fail, "{}", 500, "internal_error"),
    ],
)
def test_every_request_is_answered_and_logged(
    capsys: pytest.CaptureFixture[str], route: Any, body: str, status: int, code: str | None
) -> None:
    configure_logging("INFO")
    response = answer(event(body), CONTEXT, {"POST /thing/{name}": route})
    assert response["statusCode"] == status
    assert json.loads(response["body"]).get("error") == code
    assert "DynamoDB" not in response["body"]
    *before, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["status"], line["route"]) == (status, "POST /thing/{name}")
    assert line["request_id"] == "request-1"
    assert [entry["exception"].splitlines()[-1] for entry in before] == (
        ["ConnectionError: DynamoDB of ada is down"] if status == 500 else []
    )


def test_unknown_route() -> None:
    response = answer(event("{}", httpMethod="PUT"), CONTEXT, {})
    assert response["statusCode"] == 404
    assert json.loads(response["body"])["description"].startswith("PUT /thing/{name} is no route")

"""Requests and answers over HTTP, as botocore's model of the service describes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from local_cloud.amplify_fake.checks import faults
from local_cloud.amplify_fake.errors import RefusalError, bad_request

SERVICE = "amplify"
MODEL = ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)
# By its own name in each answer, since AWS sends no such header.
HEADERS = {"Content-Type": "application/json", "X-Fake": "AWS Amplify"}


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One operation, and the parameters that a client gave it."""

    operation: OperationModel
    params: dict[str, Any]

    @property
    def name(self) -> str:
        """The operation's name, such as CreateApp."""
        return str(self.operation.name)


def parse(method: str, target: str, body: bytes) -> Call:
    """Return the call that a request is.

    Raises:
        RefusalError: no operation has this address, or a parameter is not as it should be.
    """
    url = urlsplit(target)
    operation, params = _route(method, url.path)
    query, content = parse_qs(url.query, keep_blank_values=True), _content(body)
    shape: Any = operation.input_shape
    for member, value_shape in shape.members.items():
        place = value_shape.serialization.get("location")
        name = value_shape.serialization.get("name", member)
        if place == "querystring" and name in query:
            params[member] = _from_query(query.pop(name), value_shape)
        elif place is None and name in content:
            params[member] = content.pop(name)
    unknown = [*query, *content]
    wrong = [f"unknown parameter {name}" for name in unknown] + faults(params, shape)
    if wrong:
        raise bad_request("; ".join(wrong))
    return Call(operation, params)


def _route(method: str, path: str) -> tuple[OperationModel, dict[str, Any]]:
    parts = path.strip("/").split("/")
    for name in MODEL.operation_names:
        operation = MODEL.operation_model(name)
        template = operation.http["requestUri"].strip("/").split("/")
        if operation.http["method"] != method or len(template) != len(parts):
            continue
        pairs = list(zip(template, parts, strict=True))
        if all(wanted.startswith("{") or wanted == part for wanted, part in pairs):
            labels = {
                wanted.strip("{}"): unquote(part)
                for wanted, part in pairs
                if wanted.startswith("{")
            }
            return operation, _members(operation, labels)
    raise RefusalError("UnknownOperationException", f"No operation is {method} {path}.")


def _members(operation: OperationModel, labels: dict[str, str]) -> dict[str, Any]:
    shape: Any = operation.input_shape
    names = {
        value.serialization.get("name", member): member
        for member, value in shape.members.items()
        if value.serialization.get("location") == "uri"
    }
    return {names[label]: value for label, value in labels.items()}


def _content(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        raise bad_request("The body is not JSON.") from None
    if not isinstance(content, dict):
        raise bad_request("The body is not a JSON object.")
    # Like AWS, which takes null for what was not sent.
    return {name: value for name, value in content.items() if value is not None}


def _from_query(values: list[str], shape: Any) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name == "integer":
        try:
            return int(values[0])
        except ValueError:
            raise bad_request(f"{values[0]!r} is not a number.") from None
    return values[0]


def answer(call: Call, output: dict[str, Any]) -> Answer:
    """Return an answer that clients understand.

    Raises:
        ValueError: the model does not allow this answer, which is a fault of the fake.
    """
    shape: Any = call.operation.output_shape
    wrong = faults(output, shape)
    if wrong:
        raise ValueError(f"{call.name} answers what its model does not allow: {'; '.join(wrong)}")
    status = int(call.operation.http.get("responseCode", 200))
    return Answer(status, json.dumps(output).encode(), HEADERS)


def refusal(error: RefusalError) -> Answer:
    """Return the answer to a request that is refused."""
    shapes = {shape.name: shape.metadata["error"] for shape in MODEL.error_shapes}
    status = int(shapes.get(error.code, {}).get("httpStatusCode", error.status))
    headers = {**HEADERS, "X-Amzn-ErrorType": error.code}
    return Answer(status, json.dumps({"message": error.message}).encode(), headers)

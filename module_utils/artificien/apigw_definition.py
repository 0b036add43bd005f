"""OpenAPI documents with API Gateway's extensions: document to models of an API's parts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_schema import model_schema, refer
from ansible.module_utils.artificien.reconcile import Model, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Iterator

X = "x-amazon-apigateway-"
VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY_VERB = f"{X}any-method"
PROXIES = {"AWS_PROXY", "HTTP_PROXY"}
LOCATIONS = {"query": "querystring", "header": "header", "path": "path"}
API_KEY_HEADER = "x-api-key"  # pragma: allowlist secret
COGNITO = "cognito_user_pools"
# What is read of each place where extensions may stand.
EXTENSIONS = {
    "document": {
        *(f"{X}binary-media-types", f"{X}gateway-responses"),
        *(f"{X}request-validators", f"{X}request-validator"),
    },
    "path": {ANY_VERB},
    "operation": {f"{X}integration", f"{X}request-validator"},
    "security scheme": {f"{X}authtype", f"{X}authorizer"},
}
# Fields of a model by member of the extension that describes an integration.
INTEGRATION: dict[str, tuple[str, Any]] = {
    "type": ("type", ""),
    "httpMethod": ("http_method", ""),
    "uri": ("uri", ""),
    "credentials": ("credentials", ""),
    "passthroughBehavior": ("passthrough", "WHEN_NO_MATCH"),
    "contentHandling": ("content_handling", ""),
    "timeoutInMillis": ("timeout_milliseconds", 29000),
    "requestParameters": ("request_parameters", {}),
    "requestTemplates": ("request_templates", {}),
}
UPPER_CASE = {"type", "passthroughBehavior", "contentHandling"}


def desired_parts(definition: dict[str, Any]) -> dict[str, Model]:
    """Return the models of everything that `definition` describes, by name.

    A method is named `GET /path`, all else by its kind and its own name.

    Raises:
        ReconcileError: the document says something that this module or AWS does not understand.
    """
    if not str(definition.get("openapi", "")).startswith("3.0."):
        raise ReconcileError(
            f"definition: openapi is {definition.get('openapi')!r}; give a document of OpenAPI "
            "3.0, the version that API Gateway reads."
        )
    _check_extensions("definition", "document", definition)
    authorizers = _authorizers(definition)
    methods = dict(_methods(definition, {name: named for name, (named, _) in authorizers.items()}))
    return {
        **_validators(definition),
        **_models(definition),
        **{f"authorizer {named}": model for named, model in authorizers.values()},
        **{f"resource {path}": {} for name in methods for path in _ancestors(name.split()[1])},
        **methods,
        **_gateway_responses(definition),
    }


def binary_media_types(definition: dict[str, Any]) -> list[str]:
    """Return the media types whose bodies are bytes."""
    return sorted(definition.get(f"{X}binary-media-types", []))


def _check_extensions(place: str, kind: str, element: dict[str, Any]) -> None:
    known = EXTENSIONS[kind]
    for word in element:
        if word.startswith(X) and word not in known:
            raise ReconcileError(
                f"{place}: {word} is not supported there. Known are: {', '.join(sorted(known))}."
            )


def _validators(definition: dict[str, Any]) -> dict[str, Model]:
    return {
        f"validator {name}": {
            "body": bool(validator.get("validateRequestBody")),
            "parameters": bool(validator.get("validateRequestParameters")),
        }
        for name, validator in definition.get(f"{X}request-validators", {}).items()
    }


def _gateway_responses(definition: dict[str, Any]) -> dict[str, Model]:
    return {
        f"response {name}": {
            "status": str(response["statusCode"]) if "statusCode" in response else None,
            "parameters": response.get("responseParameters", {}),
            "templates": response.get("responseTemplates"),
        }
        for name, response in definition.get(f"{X}gateway-responses", {}).items()
    }


def _schemes(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = definition.get("components", {}).get("securitySchemes", {})
    return found


def _authorizers(definition: dict[str, Any]) -> dict[str, tuple[str, Model]]:
    """Return the authorizers' own names and models, by the names of their security schemes.

    An authorizer's name tells its content, so a changed one is a new one: until the next
    deployment the old one serves the methods that are deployed.
    """
    made = {}
    for name, scheme in _schemes(definition).items():
        place = f"securitySchemes {name}"
        _check_extensions(place, "security scheme", scheme)
        authorizer = scheme.get(f"{X}authorizer")
        if authorizer is None:
            continue
        if authorizer.get("type") != COGNITO or not authorizer.get("providerARNs"):
            raise ReconcileError(
                f"{place}: its authorizer is of type {authorizer.get('type')!r}; give {COGNITO} "
                "with the ARNs of the pools in providerARNs."
            )
        model = {
            "type": COGNITO.upper(),
            "user_pools": sorted(authorizer["providerARNs"]),
            "identity_source": f"method.request.{scheme['in']}.{scheme['name']}",
        }
        digest = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()
        made[name] = (f"{name}-{digest[:8]}", model)
    return made


def _operations(
    definition: dict[str, Any],
) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Yield each operation's name and description, and the parameters of its path."""
    for path, item in definition.get("paths", {}).items():
        _check_extensions(path, "path", item)
        for verb in (*VERBS, ANY_VERB):
            if verb in item:
                name = f"{'ANY' if verb == ANY_VERB else verb.upper()} {path}"
                _check_extensions(name, "operation", item[verb])
                yield name, item[verb], item.get("parameters", [])


def _methods(
    definition: dict[str, Any], authorizers: dict[str, str]
) -> Iterator[tuple[str, Model]]:
    for name, operation, shared in _operations(definition):
        if f"{X}integration" not in operation:
            raise ReconcileError(
                f"{name}: {X}integration is missing. Say what answers the call: a function, "
                "another service or a mock."
            )
        validators = definition.get(f"{X}request-validators", {})
        validator = operation.get(f"{X}request-validator", definition.get(f"{X}request-validator"))
        if validator is not None and validator not in validators:
            raise ReconcileError(
                f"{name}: there is no request validator {validator!r}. Describe it under "
                f"{X}request-validators."
            )
        integration = _integration(name, operation[f"{X}integration"])
        proxied = integration["type"] in PROXIES
        yield (
            name,
            {
                **_authorization(name, definition, operation, authorizers),
                "operation": operation.get("operationId", ""),
                "parameters": _parameters(definition, [*shared, *operation.get("parameters", [])]),
                "models": _request_models(name, operation),
                "validator": validator or "",
                "responses": {} if proxied else _responses(operation),
                "integration": integration,
            },
        )


def _authorization(
    name: str, definition: dict[str, Any], operation: dict[str, Any], authorizers: dict[str, str]
) -> Model:
    schemes = _schemes(definition)
    alternatives = operation.get("security", definition.get("security", []))
    required = {scheme for alternative in alternatives for scheme in alternative}
    for scheme in sorted(required - schemes.keys()):
        raise ReconcileError(
            f"{name}: there is no security scheme {scheme!r}. Describe it under "
            "components.securitySchemes."
        )
    guards = required & authorizers.keys()
    if guards and (len(alternatives) > 1 or len(guards) > 1):
        raise ReconcileError(
            f"{name}: security names several ways in. API Gateway knows one authorizer for each "
            "method; name one."
        )
    guard = next(iter(guards), None)
    return {
        "authorization": COGNITO.upper() if guard else "NONE",
        "authorizer": authorizers[guard] if guard else "",
        "scopes": sorted(alternatives[0][guard]) if guard else [],
        "api_key_required": any(
            schemes[scheme].get("name", "").lower() == API_KEY_HEADER for scheme in required
        ),
    }


def _parameters(definition: dict[str, Any], described: list[dict[str, Any]]) -> dict[str, bool]:
    parameters = {}
    for entry in described:
        parameter = refer(definition, entry["$ref"]) if "$ref" in entry else entry
        location = LOCATIONS.get(parameter["in"])
        if location:
            name = f"method.request.{location}.{parameter['name']}"
            parameters[name] = bool(parameter.get("required"))
    return parameters


def _body_schema(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return schema


def _request_models(name: str, operation: dict[str, Any]) -> dict[str, str]:
    schema = _body_schema(operation)
    if schema is None:
        return {}
    if "$ref" not in schema:
        raise ReconcileError(
            f"{name}: the schema of its body has no name. Describe it under components.schemas and "
            "refer to it by $ref; API Gateway keeps it as a model of that name."
        )
    return {"application/json": schema["$ref"].rsplit("/", 1)[1]}


def _models(definition: dict[str, Any]) -> dict[str, Model]:
    bodies = [_body_schema(operation) for _, operation, _ in _operations(definition)]
    references = {schema["$ref"] for schema in bodies if schema is not None and "$ref" in schema}
    return {
        f"model {reference.rsplit('/', 1)[1]}": {
            "content_type": "application/json",
            "schema": model_schema(definition, reference),
        }
        for reference in references
    }


def _responses(operation: dict[str, Any]) -> Model:
    """Return the responses that an integration which is no proxy may give."""
    return {
        str(status): {
            f"method.response.header.{header}": False for header in response.get("headers", {})
        }
        for status, response in operation.get("responses", {}).items()
        if str(status).isdigit()
    }


def _integration(name: str, described: dict[str, Any]) -> Model:
    for word in described.keys() - INTEGRATION.keys() - {"responses"}:
        raise ReconcileError(
            f"{name}: {word} of {X}integration is not supported. Known are: "
            f"{', '.join([*INTEGRATION, 'responses'])}."
        )
    model: Model = {}
    for member, (field, unset) in INTEGRATION.items():
        value = described.get(member, unset)
        model[field] = value.upper() if member in UPPER_CASE else value
    if model["type"] == "MOCK":
        # A mock calls nothing; AWS answers without a method, others make one up.
        model["http_method"] = ""
    model["responses"] = {
        str(response["statusCode"]): {
            "pattern": "" if pattern == "default" else str(pattern),
            "parameters": response.get("responseParameters", {}),
            "templates": response.get("responseTemplates", {}),
            "content_handling": response.get("contentHandling", "").upper(),
        }
        for pattern, response in described.get("responses", {}).items()
    }
    return model


def _ancestors(path: str) -> list[str]:
    """Return the paths of the resources that lead to `path`, itself included, but the root."""
    steps = [step for step in path.split("/") if step]
    return ["/" + "/".join(steps[: depth + 1]) for depth in range(len(steps))]

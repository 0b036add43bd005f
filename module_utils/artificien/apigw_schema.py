"""Schemas of OpenAPI 3.0 in the words of JSON Schema draft 4, which API Gateway's models speak."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.artificien.reconcile import ReconcileError

DRAFT = "http://json-schema.org/draft-04/schema#"
# Words of OpenAPI that say nothing about what is valid, and that AWS refuses.
LEFT_OUT = {
    *("deprecated", "discriminator", "example", "externalDocs"),
    *("nullable", "readOnly", "writeOnly", "xml"),
}


def refer(definition: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return what `reference` of a document names.

    Raises:
        ReconcileError: it names nothing in this document.
    """
    found: Any = definition
    document, *steps = reference.split("/")
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    if document != "#" or not isinstance(found, dict):
        raise ReconcileError(
            f"definition: $ref {reference!r} names nothing. Give one such as "
            "#/components/schemas/Order that the document describes."
        )
    return found


def model_schema(definition: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return the schema that `reference` names as one that needs no other.

    Raises:
        ReconcileError: a schema contains itself, or a reference leads nowhere.
    """
    schema: dict[str, Any] = _translated(definition, {"$ref": reference}, ())
    return {"$schema": DRAFT, **schema}


def _translated(definition: dict[str, Any], schema: Any, within: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_translated(definition, entry, within) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in within:
            raise ReconcileError(
                f"definition: {reference} contains itself. A model of API Gateway is written out "
                "in full; describe the inner level without a schema of its own."
            )
        return _translated(definition, refer(definition, reference), (*within, reference))
    plain = {word: value for word, value in schema.items() if word not in LEFT_OUT}
    if schema.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return {
        word: _properties(definition, value, within)
        if word == "properties"
        else value
        if word in {"enum", "default", "required"}
        else _translated(definition, value, within)
        for word, value in plain.items()
    }


def _properties(
    definition: dict[str, Any], properties: dict[str, Any], within: tuple[str, ...]
) -> dict[str, Any]:
    """Translate what stands below the names of properties, which may be any word."""
    return {name: _translated(definition, schema, within) for name, schema in properties.items()}

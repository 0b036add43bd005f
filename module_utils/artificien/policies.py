"""Policies of AWS, compared by what they mean."""

from __future__ import annotations

import json
import re
from typing import Any


def canonical_policy(policy: dict[str, Any]) -> dict[str, Any]:
    """Return the one form of all policies that mean the same as `policy`.

    The order of statements and of values does not matter to AWS, nor whether one value stands in
    a list.
    """
    if not policy:
        return {}
    statements = policy.get("Statement", [])
    return {
        # The version that AWS assumes where none is given.
        "Version": "2008-10-17",
        **policy,
        "Statement": sorted(
            (
                {element: _canonical_element(element, value) for element, value in item.items()}
                for item in (statements if isinstance(statements, list) else [statements])
            ),
            key=lambda statement: json.dumps(statement, sort_keys=True),
        ),
    }


def _canonical_element(element: str, value: Any) -> Any:
    if element == "Condition":
        return {
            operator: {key: _canonical_values(values) for key, values in keys.items()}
            for operator, keys in value.items()
        }
    if element in {"Principal", "NotPrincipal"} and isinstance(value, dict):
        principals = {kind: _canonical_values(names) for kind, names in value.items()}
        return "*" if principals == {"AWS": "*"} else principals
    return _canonical_values(value)


def _canonical_values(values: Any) -> str | list[str]:
    texts = {_canonical_text(value) for value in (values if isinstance(values, list) else [values])}
    return texts.pop() if len(texts) == 1 else sorted(texts)


def _canonical_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # An account and its root user are the same principal; S3 may turn one into the other.
    account = re.fullmatch(r"arn:[^:]+:iam::(\d{12}):root", str(value))
    return account[1] if account else str(value)

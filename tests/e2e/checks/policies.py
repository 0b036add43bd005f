"""What policies grant, and to whom."""

from __future__ import annotations

import json
from typing import Any

from tests.policies import as_list

PUBLIC = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def statements(policy: Any) -> list[dict[str, Any]]:
    """Return the statements of a policy, which AWS gives as text or as it is; None has none."""
    document = json.loads(policy) if isinstance(policy, str) else policy or {}
    return as_list(document.get("Statement", []))


def actions(policy: Any) -> list[str]:
    """Return the actions that a policy allows."""
    return [
        action
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    ]


def is_public(policy: Any) -> bool:
    """Tell whether a policy of a resource allows anything to everybody."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] in PUBLIC
        and "Condition" not in statement
        for statement in statements(policy)
    )


def other_accounts(policy: Any, account: str) -> list[str]:
    """Return the principals of other accounts whom a policy of a resource allows anything."""
    return [
        principal
        for statement in statements(policy)
        if statement["Effect"] == "Allow" and isinstance(statement["Principal"], dict)
        for principal in as_list(statement["Principal"].get("AWS", []))
        if account not in principal
    ]


def demands_tls(policy: Any) -> bool:
    """Tell whether a policy of a resource denies everybody what is not sent over TLS."""
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] in PUBLIC
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in statements(policy)
    )

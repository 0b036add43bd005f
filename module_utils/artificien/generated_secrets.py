"""Secrets that nobody chooses: random values, made once where they are kept."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.reconcile import Model, Plan, make_plan
from ansible.module_utils.artificien.secrets import (
    delete_secret,
    read_secret,
    read_secret_tags,
    set_secret_tags,
    store_secret,
)

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# 256 bits, as 43 letters, digits, dashes and underscores.
_RANDOM_BYTES = 32


def read_generated(client: SecretsManagerClient, name: str) -> Model | None:
    """Read the tags of a secret that has a value; None means that there is none."""
    if not read_secret(client, name):
        return None
    return {"tags": read_secret_tags(client, name)}


def plan_generated(
    name: str, current: Model | None, tags: dict[str, str] | None, *, purge_tags: bool
) -> Plan:
    """Plan a secret; a value that exists is never another one afterwards."""
    return make_plan(name, current, {"tags": tags}, merged=[] if purge_tags else ["tags"])


def apply_generated(client: SecretsManagerClient, plan: Plan, description: Any) -> None:
    """Carry out the plan of one secret; its value is known to nobody but Secrets Manager."""
    if plan.after is None:
        delete_secret(client, plan.name)
    elif plan.action == "create":
        value, tags = secrets.token_urlsafe(_RANDOM_BYTES), plan.after.get("tags", {})
        store_secret(client, plan.name, value, description, tags)
        # A secret that was there without a value, or was going, keeps the tags that it had.
        set_secret_tags(client, plan.name, tags)
    else:
        set_secret_tags(client, plan.name, plan.after["tags"])

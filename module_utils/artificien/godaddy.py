"""DNS records at the registrar GoDaddy, through the library Lexicon."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from ansible.module_utils.artificien.aws import aws_call
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from lexicon.client import Client
from lexicon.config import ConfigResolver
from lexicon.exceptions import LexiconError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_secretsmanager import SecretsManagerClient

CREDENTIALS = ("key", "secret")


@aws_call("read the secret {0}")
def read_credentials(client: SecretsManagerClient, name: str) -> dict[str, str]:
    """Read the key pair of GoDaddy's API from Secrets Manager.

    Raises:
        ReconcileError: the secret is no object with both of them.
    """
    text = client.get_secret_value(SecretId=name).get("SecretString", "")
    try:
        found = json.loads(text)
        pair = {field: found[field] for field in CREDENTIALS}
    except (json.JSONDecodeError, KeyError, TypeError):
        # The cause would quote the secret.
        pair = {}
    if not all(isinstance(value, str) and value for value in pair.values()) or not pair:
        raise ReconcileError(
            f'{name}: the secret shall be {{"key": "…", "secret": "…"}}, the key pair of '
            "GoDaddy's API for production."
        )
    return pair


@contextmanager
def session(zone: str, credentials: dict[str, str], ttl_seconds: int) -> Iterator[Any]:
    """Open the zone, and tell what goes wrong in one message.

    Raises:
        ReconcileError: GoDaddy refuses or does not answer.
    """
    configuration = ConfigResolver().with_dict(  # type: ignore[no-untyped-call] # it has no types
        {
            "provider_name": "godaddy",
            "domain": zone,
            "ttl": ttl_seconds,
            "godaddy": {
                "auth_key": credentials["key"],
                "auth_secret": credentials["secret"],
            },
        }
    )
    try:
        with Client(configuration) as operations:
            yield operations
    except (requests.RequestException, LexiconError) as error:
        raise ReconcileError(
            f"GoDaddy's API refuses to work on {zone}: {error}. It takes a key pair for production "
            "of the account that the domain is in, and only of accounts that may use its API."
        ) from error


def title(record: dict[str, str]) -> str:
    """Return what one entry of the module's `records` option is called in plans."""
    return f"{record['type']} {record['name'].rstrip('.')}"


def check_records(zone: str, records: list[dict[str, str]], *, absent: bool) -> None:
    """Check that every record lies below the zone, and has a value unless it shall go.

    Raises:
        ReconcileError: one does not, stands where the zone's own name does, or has no value.
    """
    for record in records:
        name = record["name"].rstrip(".")
        if not name.endswith(f".{zone}"):
            raise ReconcileError(
                f"{title(record)} is not below {zone}. GoDaddy has no aliases for the name of a "
                "zone itself; choose a name within the zone."
            )
        if not absent and not record["value"]:
            raise ReconcileError(f"{title(record)} has no value.")


def read_records(operations: Any, records: list[dict[str, str]]) -> dict[str, Model | None]:
    """Read what stands at each of the names, by title; None where nothing does."""
    found: dict[str, Model | None] = {}
    for record in records:
        listed = operations.list_records(record["type"], record["name"].rstrip("."))
        values = sorted(entry["content"].rstrip(".") for entry in listed)
        found[title(record)] = {"values": values} if values else None
    return found


def plan_records(
    records: list[dict[str, str]], present: dict[str, Model | None], *, absent: bool
) -> list[Plan]:
    """Plan the records: each name has the one value that is listed, or with `absent` none."""
    return [
        make_plan(
            title(record),
            present[title(record)],
            None if absent else {"values": [record["value"].rstrip(".")]},
        )
        for record in records
    ]


def apply_record(operations: Any, plan: Plan) -> None:
    """Carry out the plan of one name.

    An update replaces the first value, since two of a kind may not be allowed at a name.
    """
    kind, name = plan.name.split(" ", 1)
    after = (plan.after or {"values": []})["values"]
    present = operations.list_records(kind, name)
    surplus = [entry["id"] for entry in present if entry["content"].rstrip(".") not in after]
    if len(surplus) == len(present):
        for value in after:
            if surplus:
                operations.update_record(surplus.pop(0), kind, name, value)
            else:
                operations.create_record(kind, name, value)
    for identifier in surplus:
        operations.delete_record(identifier)

"""The secrets of Cognito clients: where the current one is stored, and how it is rotated.

Stored is a JSON object with `client_id`, `client_secret` and, once it was rotated,
`client_secret_id`. Functions that read it return everything but the secret itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import aws_call, none_if_missing
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError
from ansible.module_utils.artificien.secrets import read_secret, store_secret

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import ClientSecretDescriptorTypeTypeDef
    from mypy_boto3_secretsmanager import SecretsManagerClient

# Stands in plans for the id of a secret that Cognito has yet to generate.
NEW_SECRET = "(new)"  # noqa: S105 - no secret


@dataclass(frozen=True)
class Stored:
    """Whose secret is stored; `secret_id` is None for the one that a client was created with."""

    client_id: str
    secret_id: str | None


def read_stored(client: SecretsManagerClient, name: str) -> Stored | None:
    """Return whose secret the secret `name` of Secrets Manager holds; None if there is none.

    Raises:
        ReconcileError: it holds something else, which must not be overwritten or deleted.
    """
    value = read_secret(client, name)
    if value is None:
        return None
    try:
        content = json.loads(value)
        return Stored(content["client_id"], content.get("client_secret_id"))
    except (ValueError, TypeError, KeyError):
        # Without the cause, whose message may quote the value.
        raise ReconcileError(
            f"Secret {name} holds something else than the credentials of a Cognito client. Give "
            "secret_name another name, or delete that secret yourself if nothing uses it."
        ) from None


def store_credentials(
    client: SecretsManagerClient,
    name: str,
    stored: Stored,
    client_secret: str,
    tags: dict[str, str],
) -> None:
    """Store the secret of a client under `name`, with `tags` if that is new."""
    content = {"client_id": stored.client_id, "client_secret": client_secret}
    if stored.secret_id is not None:
        content["client_secret_id"] = stored.secret_id
    description = f"Credentials of the Cognito client {stored.client_id}"
    store_secret(client, name, json.dumps(content), description, tags)


@aws_call("list the secrets of Cognito client {1}")
# What a public client may be answered with.
@none_if_missing("InvalidParameterException")
def _list(
    client: CognitoIdentityProviderClient, pool_id: str, client_id: str
) -> list[ClientSecretDescriptorTypeTypeDef]:
    # AWS answers with all of them, at most two, and never with a token for more.
    return client.list_user_pool_client_secrets(UserPoolId=pool_id, ClientId=client_id)[
        "ClientSecrets"
    ]


def list_secrets(client: CognitoIdentityProviderClient, pool_id: str, client_id: str) -> list[str]:
    """Return the ids of a client's secrets, the oldest first; none if the client is public."""
    found = _list(client, pool_id, client_id) or []
    found.sort(key=lambda secret: (secret["ClientSecretCreateDate"], secret["ClientSecretId"]))
    return [secret["ClientSecretId"] for secret in found]


def read_rotation(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    pool_id: str,
    client_id: str,
    secret_name: str,
) -> Model:
    """Read which secrets a client has, the oldest first, and which of them is stored."""
    present = list_secrets(cognito, pool_id, client_id)
    stored = read_stored(secrets, secret_name)
    if stored is None or stored.client_id != client_id or not present:
        return {"secrets": present, "stored": None}
    stored_id = stored.secret_id or present[0]
    return {"secrets": present, "stored": stored_id if stored_id in present else None}


def plan_rotation(name: str, current: Model | None) -> Plan:
    """Plan to add a secret and store it, beside the one that services use so far.

    The value of a secret is told only once. So one that a broken-off run added without storing it
    is of no use to anybody, and is replaced.

    Raises:
        ReconcileError: the client has no secret at all, or two that may both be in use.
    """
    if current is None:
        return Plan(name, None, {"secrets": [NEW_SECRET], "stored": NEW_SECRET})
    present, stored = current["secrets"], current["stored"]
    if not present:
        raise ReconcileError(
            f"{name}: the client has no secret, and AWS gives one to new clients only. Delete the "
            "client and create it with generate_secret."
        )
    kept = present
    if len(present) > 1:
        *kept, newest = present
        if stored == newest:
            raise ReconcileError(
                f"{name}: the client has two secrets already, of which {newest} is stored. See "
                "that every service has taken it up, retire the other with state=retired, then "
                "rotate."
            )
        if stored is None:
            raise ReconcileError(
                f"{name}: the client has two secrets, {' and '.join(present)}, and neither is "
                "stored, so it is unknown which one services use. Delete the one that none uses "
                "(aws cognito-idp delete-user-pool-client-secret), then rotate."
            )
    return Plan(name, current, {"secrets": [*kept, NEW_SECRET], "stored": NEW_SECRET})


def plan_retirement(name: str, current: Model | None) -> Plan:
    """Plan to delete the older secret of a client, which a rotation has left valid.

    Raises:
        ReconcileError: services cannot know the newer one, since it is not stored.
    """
    if current is None or len(current["secrets"]) < 2:  # noqa: PLR2004 - two at most
        return Plan(name, current, current)
    newest = current["secrets"][-1]
    if current["stored"] != newest:
        raise ReconcileError(
            f"{name}: the newest secret, {newest}, is not the stored one, which is "
            f"{current['stored']}. Rotate first with state=rotated, which stores a new one."
        )
    return Plan(name, current, {"secrets": [newest], "stored": newest})


@aws_call("delete secret {2} of Cognito client {1}")
def _delete(
    client: CognitoIdentityProviderClient, pool_id: str, client_id: str, secret_id: str
) -> None:
    client.delete_user_pool_client_secret(
        UserPoolId=pool_id, ClientId=client_id, ClientSecretId=secret_id
    )


@aws_call("add a secret to Cognito client {1}")
def _add(
    client: CognitoIdentityProviderClient, pool_id: str, client_id: str
) -> ClientSecretDescriptorTypeTypeDef:
    return client.add_user_pool_client_secret(UserPoolId=pool_id, ClientId=client_id)[
        "ClientSecretDescriptor"
    ]


def apply_rotation(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    pool_id: str,
    client_id: str,
    plan: Plan,
    *,
    secret_name: str,
) -> str:
    """Carry out one plan, and return the id of the secret that is then stored."""
    before, after = plan.before or {}, plan.after or {}
    for secret_id in before["secrets"]:
        if secret_id not in after["secrets"]:
            _delete(cognito, pool_id, client_id, secret_id)
    if after["stored"] != NEW_SECRET:
        return str(after["stored"])
    added = _add(cognito, pool_id, client_id)
    stored = Stored(client_id, added["ClientSecretId"])
    store_credentials(secrets, secret_name, stored, added["ClientSecretValue"], {})
    return added["ClientSecretId"]

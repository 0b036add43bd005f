"""A second secret of an app client, so that it can be changed without an interruption.

The emulator knows one secret, in the record of the client. That stays the newest one; all of them
are kept in the record of the pool.
"""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from local_cloud.patches.known import ERROR_PARAMETERS, known

MOST_SECRETS = 2

# pragma: allowlist nextline secret
_NO_SECRET = "none"  # noqa: S105 - it is nobody's

Record = dict[str, Any]


class RefusalError(Exception):
    """A request that AWS would refuse: the name of its error, and a message."""


def patch(cognito: ModuleType) -> None:
    """Add the operations on the secrets of app clients, and let each secret fetch tokens.

    Args:
        cognito: the emulator's module ``ministack.services.cognito``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _add_operations(cognito)
    _accept_every_secret(cognito)
    _forget_secrets_of_deleted_clients(cognito)


def secrets_of(pool: Record, client: Record) -> list[Record]:
    """Return the secrets of a client, oldest first."""
    if not client.get("ClientSecret"):
        return []
    kept: dict[str, list[Record]] = pool.setdefault("_client_secrets", {})
    first = _secret(client, client["ClientSecret"], client["CreationDate"])
    return kept.setdefault(client["ClientId"], [first])


def _secret(client: Record, value: str, created: float) -> Record:
    # Not in whole seconds as on AWS, so that two secrets never have the same id.
    return {"id": f"{client['ClientId']}--{created * 1000:.0f}", "value": value, "created": created}


def _descriptor(secret: Record) -> Record:
    return {"ClientSecretId": secret["id"], "ClientSecretCreateDate": secret["created"]}


def add_secret(
    pool: Record, client: Record, data: Record, generate: Callable[[], str], now: float
) -> Record:
    """Answer AddUserPoolClientSecret."""
    secrets = secrets_of(pool, client)
    if not secrets:
        raise RefusalError("InvalidParameterException", "The app client has no client secret.")
    if len(secrets) >= MOST_SECRETS:
        raise RefusalError(
            "LimitExceededException", "The app client has two client secrets already."
        )
    given = data.get("ClientSecret")
    added = _secret(client, given or generate(), now)
    secrets.append(added)
    client["ClientSecret"] = added["value"]
    # A secret that the caller chose is not repeated to it.
    shown = {} if given else {"ClientSecretValue": added["value"]}
    return {"ClientSecretDescriptor": _descriptor(added) | shown}


def list_secrets(pool: Record, client: Record) -> Record:
    """Answer ListUserPoolClientSecrets."""
    return {"ClientSecrets": [_descriptor(secret) for secret in secrets_of(pool, client)]}


def delete_secret(pool: Record, client: Record, data: Record) -> Record:
    """Answer DeleteUserPoolClientSecret."""
    secrets = secrets_of(pool, client)
    remaining = [each for each in secrets if each["id"] != data.get("ClientSecretId")]
    if len(remaining) == len(secrets):
        raise RefusalError("ResourceNotFoundException", "The client secret does not exist.")
    if not remaining:
        raise RefusalError("InvalidParameterException", "The last client secret cannot be deleted.")
    secrets[:] = remaining
    client["ClientSecret"] = remaining[-1]["value"]
    return {}


def _add_operations(cognito: Any) -> None:
    dispatch = known(cognito, "_dispatch_idp", ["action", "data"])
    run = known(cognito, "_run_idp_handler", ["handler", "action", "data"])
    resolve_pool = known(cognito, "_resolve_pool", ["pool_id"])
    generate = known(cognito, "_client_secret", [])
    answer_json = known(cognito, "json_response", ["data", "status", "content_type"])
    refuse = known(cognito, "error_response_json", ERROR_PARAMETERS)
    operations: dict[str, Callable[[Record, Record, Record], Record]] = {
        "AddUserPoolClientSecret": lambda pool, client, data: add_secret(
            pool, client, data, generate, time.time()
        ),
        "ListUserPoolClientSecrets": lambda pool, client, _: list_secrets(pool, client),
        "DeleteUserPoolClientSecret": delete_secret,
    }

    def answer(operation: Callable[[Record, Record, Record], Record], data: Record) -> Any:
        pool, missing = resolve_pool(data.get("UserPoolId"))
        if missing:
            return missing
        client = pool["_clients"].get(data.get("ClientId"))
        if client is None:
            return refuse("ResourceNotFoundException", "User pool client does not exist.", 400)
        try:
            return answer_json(operation(pool, client, data))
        except RefusalError as refusal:
            return refuse(*refusal.args)

    async def dispatch_more(action: str, data: Record) -> Any:
        operation = operations.get(action)
        if operation is None:
            return await dispatch(action, data)
        return run(lambda found: answer(operation, found), action, data)

    cognito._dispatch_idp = dispatch_more


def _accept_every_secret(cognito: Any) -> None:
    authenticate = known(cognito, "_authenticate_client", ["headers", "form"])
    find = known(cognito, "_find_pool_by_client_id", ["client_id"])

    def authenticate_by_any(headers: Record, form: Record) -> tuple[str, str]:
        client_id, shown = authenticate(headers, form)
        _, pool, client = find(client_id)
        if client and any(secret["value"] == shown for secret in secrets_of(pool, client)):
            # The emulator compares with the newest one only.
            shown = client["ClientSecret"]
        # When tokens are refreshed it lets a secret be left out, though not be a wrong one.
        return client_id, shown or _NO_SECRET

    cognito._authenticate_client = authenticate_by_any


def _forget_secrets_of_deleted_clients(cognito: Any) -> None:
    delete = known(cognito, "_delete_user_pool_client", ["data"])

    def delete_with_secrets(data: Record) -> Any:
        answer = delete(data)
        pool, missing = cognito._resolve_pool(data.get("UserPoolId"))
        if not missing and data.get("ClientId") not in pool["_clients"]:
            pool.get("_client_secrets", {}).pop(data.get("ClientId"), None)
        return answer

    cognito._delete_user_pool_client = delete_with_secrets

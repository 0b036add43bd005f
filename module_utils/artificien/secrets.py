"""Secrets in AWS Secrets Manager, whose values never leave the module that writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import (
    accepted,
    aws_call,
    error_code,
    from_tag_list,
    none_if_missing,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

_IN_DELETION = "InvalidRequestException"
_MISSING = "ResourceNotFoundException"
_CURRENT = "AWSCURRENT"
# AWS deletes in the background, even without a recovery window.
_NAME_TIMEOUT_SECONDS = 60


@aws_call("read secret {0}")
@none_if_missing(_MISSING, _IN_DELETION)
def read_secret(client: SecretsManagerClient, name: str) -> str | None:
    """Return the current value of a secret; None if there is none, or it is going.

    Raises:
        ReconcileError: the value is binary.
    """
    value = client.get_secret_value(SecretId=name)
    if "SecretString" not in value:
        raise ReconcileError(
            f"Secret {name} holds binary data, so it is not one of ours. Choose another name, or "
            "delete it yourself if nothing uses it."
        )
    return value["SecretString"]


@none_if_missing(_MISSING)
def _describe(client: SecretsManagerClient, name: str) -> DescribeSecretResponseTypeDef:
    return client.describe_secret(SecretId=name)


@aws_call("read the version of secret {0}")
def read_secret_version(client: SecretsManagerClient, name: str) -> str | None:
    """Return the id of a secret's current value; None if there is none, or it is going."""
    present = _describe(client, name)
    if present is None or "DeletedDate" in present:
        return None
    versions = present.get("VersionIdsToStages", {})
    return next((each for each, stages in versions.items() if _CURRENT in stages), None)


@aws_call("store secret {0}")
def store_secret(
    client: SecretsManagerClient, name: str, value: str, description: str, tags: dict[str, str]
) -> None:
    """Make `value` the current one of the secret `name`, whether or not there is one already.

    A new secret gets `description` and `tags`; those of an existing one stay.
    """
    present = _describe(client, name)
    if present is None:
        wait_until(
            accepted(
                lambda: client.create_secret(
                    Name=name, Description=description, SecretString=value, Tags=to_tag_list(tags)
                ),
                _name_is_not_free_yet,
            ),
            f"the deletion of the former secret {name}",
            _NAME_TIMEOUT_SECONDS,
        )
        return
    if "DeletedDate" in present:
        client.restore_secret(SecretId=name)
    client.put_secret_value(SecretId=name, SecretString=value)


def _name_is_not_free_yet(error: ClientError) -> bool:
    return error_code(error) == _IN_DELETION and "deletion" in str(error)


@aws_call("read the tags of secret {0}")
def read_secret_tags(client: SecretsManagerClient, name: str) -> dict[str, str]:
    """Return the tags of a secret; none if there is no such secret."""
    present = _describe(client, name)
    return {} if present is None else from_tag_list(present.get("Tags", []))


@aws_call("tag secret {0}")
def set_secret_tags(client: SecretsManagerClient, name: str, tags: dict[str, str]) -> None:
    """Give a secret exactly `tags`; those of AWS stay."""
    present = read_secret_tags(client, name)
    added = {key: value for key, value in tags.items() if present.get(key) != value}
    removed = sorted(present.keys() - tags.keys())
    if removed:
        client.untag_resource(SecretId=name, TagKeys=removed)
    if added:
        client.tag_resource(SecretId=name, Tags=to_tag_list(added))


@aws_call("generate a password")
def generate_password(client: SecretsManagerClient) -> str:
    """Return a random password of 32 characters with every class of them."""
    return client.get_random_password(
        ExcludeCharacters="\"'`\\ ", PasswordLength=32, RequireEachIncludedType=True
    )["RandomPassword"]


@aws_call("delete secret {0}")
@none_if_missing(_MISSING)
def delete_secret(client: SecretsManagerClient, name: str) -> None:
    """Delete the secret `name` for good, if there is one: what it opened is gone."""
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

#!/usr/bin/python
"""Rotate the secret of a Cognito client."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_client_secret
short_description: Rotate the secret of a Cognito client
version_added: "0.1.0"
description:
  - Rotates the secret of a confidential client of a Cognito user pool in two steps, between which
    services take up the new one. Both secrets are valid meanwhile.
  - The secret goes straight to Secrets Manager, as a JSON object with C(client_id),
    C(client_secret) and C(client_secret_id), and never into a result, a diff or an error.
  - Cognito tells a new secret only once. If a run breaks off before it is stored, the next
    I(state=rotated) replaces it.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the ids of the client's secrets before and after.
options:
  user_pool:
    description: Name of the user pool.
    type: str
    required: true
  client:
    description: Name of the client.
    type: str
    required: true
  secret_name:
    description: Name of the secret in Secrets Manager that keeps the client's secret.
    type: str
    required: true
  state:
    description:
      - V(rotated) adds a secret and stores it. Each run does so. It fails while an earlier rotation
        is not completed by V(retired).
      - V(retired) deletes the older secret, if there are two. Run it when every service has taken
        up the new one.
    type: str
    choices: [rotated, retired]
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Give the wiki a new secret
  cognito_client_secret:
    user_pool: shop
    client: wiki
    secret_name: shop/wiki-client
    state: rotated

- name: Delete the former secret of the wiki
  cognito_client_secret:
    user_pool: shop
    client: wiki
    secret_name: shop/wiki-client
    state: retired
"""

RETURN = r"""
secret_id:
  description:
    - Id that Cognito knows the stored secret by.
    - It is null in check mode for one that is yet to be added, and when none is stored.
  returned: success
  type: str
  sample: 1example23456789--1767225600
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.cognito_client import client_id, existing_client, list_clients
from ansible.module_utils.artificien.cognito_client_secret import (
    NEW_SECRET,
    apply_rotation,
    plan_retirement,
    plan_rotation,
    read_rotation,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARGUMENT_SPEC = {
    "user_pool": {"type": "str", "required": True},
    "client": {"type": "str", "required": True},
    "secret_name": {"type": "str", "required": True, "no_log": False},
    "state": {"type": "str", "choices": ["rotated", "retired"], "required": True},
}


def find(
    cognito: CognitoIdentityProviderClient, params: dict[str, Any]
) -> tuple[str | None, str | None]:
    """Return the ids of the pool and of the client, None for what is not there."""
    pool_id = find_pool(cognito, params["user_pool"])
    if pool_id is None:
        return None, None
    return pool_id, client_id(list_clients(cognito, pool_id), params["client"])


def plan_secret(
    cognito: CognitoIdentityProviderClient, secrets: SecretsManagerClient, params: dict[str, Any]
) -> Plan:
    """Plan to add a secret, or with I(state=retired) to delete the older one."""
    pool_id, found = find(cognito, params)
    current = None
    if pool_id is not None and found is not None:
        current = read_rotation(cognito, secrets, pool_id, found, params["secret_name"])
    plan = plan_rotation if params["state"] == "rotated" else plan_retirement
    return plan(params["client"], current)


def apply_secret(
    cognito: CognitoIdentityProviderClient,
    secrets: SecretsManagerClient,
    params: dict[str, Any],
    plan: Plan,
) -> str:
    """Carry out the plan, and return the id of the secret that is then stored."""
    pool_id, found = find(cognito, params)
    pool_id = existing_pool(pool_id, params["user_pool"])
    found = existing_client(found, params["client"])
    return apply_rotation(cognito, secrets, pool_id, found, plan, secret_name=params["secret_name"])


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    cognito, secrets = client(module, "cognito-idp"), client(module, "secretsmanager")
    ids: list[str] = []
    plans = converge(
        module,
        lambda: [plan_secret(cognito, secrets, module.params)],
        lambda plan: ids.append(apply_secret(cognito, secrets, module.params, plan)),
    )
    planned = (plans[0].after or {"stored": None})["stored"]
    secret_id = ids[0] if ids else planned
    module.exit_json(secret_id=None if secret_id == NEW_SECRET else secret_id, **result(plans))


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Converge clients of a Cognito user pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_user_pool_client
short_description: Converge clients of a Cognito user pool
version_added: "0.1.0"
description:
  - Creates clients of a Cognito user pool, and updates existing ones in place. Clients that are not
    listed are left alone, and so are options that are not given.
  - The secret of a confidential client goes straight to Secrets Manager, as a JSON object with
    C(client_id) and C(client_secret), and never into a result, a diff or an error.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing clients before and after, without secrets.
options:
  user_pool:
    description: Name of the user pool.
    type: str
    required: true
  clients:
    description: The clients to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the client.
        type: str
        required: true
      generate_secret:
        description:
          - Whether the client has a secret. Without it a new client has none.
          - Cognito decides on it when the client is created; a difference later fails.
        type: bool
      secret_name:
        description:
          - Name of the secret in Secrets Manager that keeps the client's secret. Required with
            I(generate_secret).
          - With I(state=absent), the secret that is deleted together with the client.
          - A secret of this name that holds anything else is refused.
        type: str
      auth_flows:
        description: Ways in which users may sign in through the API.
        type: list
        elements: str
        choices: [admin_user_password, custom, refresh_token, user, user_password, user_srp]
      oauth_flows:
        description:
          - Grants of the OAuth endpoints.
          - An empty list switches OAuth off, together with its scopes and URLs.
        type: list
        elements: str
        choices: [code, implicit, client_credentials]
      oauth_scopes:
        description: Scopes that the client may ask for.
        type: list
        elements: str
      callback_urls:
        description: URLs that users may be led to after they signed in.
        type: list
        elements: str
      logout_urls:
        description: URLs that users may be led to after they signed out.
        type: list
        elements: str
      default_redirect_url:
        description: The one of I(callback_urls) that is taken if a request names none.
        type: str
      identity_providers:
        description:
          - Where users may come from, by the names of the providers in the pool.
          - Without it a new client takes V(COGNITO), the users of the pool itself.
        type: list
        elements: str
      access_token_validity_minutes:
        description: How long an access token is valid, 5 to 1440 minutes.
        type: int
      id_token_validity_minutes:
        description: How long an ID token is valid, 5 to 1440 minutes.
        type: int
      refresh_token_validity_days:
        description: How long a refresh token is valid, 1 to 3650 days.
        type: int
      auth_session_validity_minutes:
        description: How long a user has to answer a challenge, 3 to 15 minutes.
        type: int
      token_revocation:
        description: Whether refresh tokens can be revoked.
        type: bool
      prevent_user_existence_errors:
        description: Whether errors keep to themselves that a user does not exist.
        type: bool
      read_attributes:
        description:
          - Attributes of a user that the client may read.
          - An empty list stands for the standard attributes, as in a new client.
        type: list
        elements: str
      write_attributes:
        description:
          - Attributes of a user that the client may write.
          - An empty list stands for the standard attributes, as in a new client.
        type: list
        elements: str
      refresh_token_rotation:
        description:
          - Whether using a refresh token also replaces it.
          - It excludes the V(refresh_token) flow.
        type: dict
        suboptions:
          enabled:
            description: Whether refresh tokens are replaced.
            type: bool
            required: true
          retry_grace_period_seconds:
            description: How long a replaced token stays valid, up to 60 seconds.
            type: int
            default: 0
  secret_tags:
    description: Tags of the secrets in Secrets Manager.
    type: dict
  purge_tags:
    description: Whether tags that are not listed in I(secret_tags) are removed.
    type: bool
    default: true
  state:
    description: Whether the clients exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the clients of the shop
  cognito_user_pool_client:
    user_pool: shop
    clients:
      - name: web
        auth_flows: [user_srp, refresh_token]
        prevent_user_existence_errors: true
      - name: wiki
        generate_secret: true
        secret_name: shop/wiki-client
        oauth_flows: [code]
        oauth_scopes: [openid, email]
        callback_urls: [https://wiki.example.com/oauth_callback]
        logout_urls: [https://wiki.example.com]
    secret_tags:
      owner: shop

- name: Delete the wiki's client and its secret
  cognito_user_pool_client:
    user_pool: shop
    state: absent
    clients:
      - name: wiki
        secret_name: shop/wiki-client
"""

RETURN = r"""
clients:
  description: The clients by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  contains:
    client_id:
      description: Id of the client; null in check mode for one that does not exist yet.
      returned: always
      type: str
    secret_name:
      description: Name of the secret in Secrets Manager that keeps the client's secret.
      returned: when the client has a secret
      type: str
  sample:
    web:
      client_id: 1example23456789
      generate_secret: false
      auth_flows: [refresh_token, user_srp]
      prevent_user_existence_errors: true
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.cognito_client import (
    AUTH_FLOWS,
    apply_client,
    apply_deletion,
    client_id,
    desired_client,
    known_secret,
    list_clients,
    plan_client,
    read_client,
    read_leftover,
)
from ansible.module_utils.artificien.cognito_client_checks import (
    check_model,
    check_options,
    check_unique,
)
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

STRINGS = {"type": "list", "elements": "str"}
MINUTES = {"type": "int", "no_log": False}
ROTATION = {
    "enabled": {"type": "bool", "required": True},
    "retry_grace_period_seconds": {"type": "int", "default": 0},
}
CLIENT = {
    "name": {"type": "str", "required": True},
    "generate_secret": {"type": "bool"},
    "secret_name": {"type": "str", "no_log": False},
    "auth_flows": {**STRINGS, "choices": sorted(AUTH_FLOWS)},
    "oauth_flows": {**STRINGS, "choices": ["code", "implicit", "client_credentials"]},
    "oauth_scopes": STRINGS,
    "callback_urls": STRINGS,
    "logout_urls": STRINGS,
    "default_redirect_url": {"type": "str"},
    "identity_providers": STRINGS,
    "access_token_validity_minutes": MINUTES,
    "id_token_validity_minutes": MINUTES,
    "refresh_token_validity_days": {"type": "int", "no_log": False},
    "auth_session_validity_minutes": {"type": "int"},
    "token_revocation": {"type": "bool"},
    "prevent_user_existence_errors": {"type": "bool"},
    "read_attributes": STRINGS,
    "write_attributes": STRINGS,
    "refresh_token_rotation": {"type": "dict", "options": ROTATION, "no_log": False},
}
ARGUMENT_SPEC = {
    "user_pool": {"type": "str", "required": True},
    "clients": {"type": "list", "elements": "dict", "required": True, "options": CLIENT},
    "secret_tags": {"type": "dict", "no_log": False},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_clients(
    cognito: CognitoIdentityProviderClient, secrets: SecretsManagerClient, params: dict[str, Any]
) -> list[Plan]:
    """Plan the listed clients: as wanted, or with I(state=absent) gone."""
    check_unique(params["clients"])
    pool_id = find_pool(cognito, params["user_pool"])
    ids = {} if pool_id is None else list_clients(cognito, pool_id)
    plans = []
    for option in params["clients"]:
        name, found = option["name"], client_id(ids, option["name"])
        current = None
        if pool_id is not None and found is not None:
            current = read_client(cognito, secrets, pool_id, found, option["secret_name"])
        if params["state"] == "absent":
            leftover = current or read_leftover(secrets, option["secret_name"])
            plans.append(make_plan(name, leftover, None))
            continue
        plan = plan_present(option, current, params)
        if pool_id is not None and found is not None and plan.changes("secret_stored"):
            known_secret(cognito, pool_id, found, name)
        plans.append(plan)
    return plans


def plan_present(option: dict[str, Any], current: Model | None, params: dict[str, Any]) -> Plan:
    """Plan one client as wanted."""
    check_options(option)
    desired = desired_client(option, params["secret_tags"])
    plan = plan_client(option["name"], current, desired, purge_tags=params["purge_tags"])
    check_model(plan.name, plan.after or {})
    return plan


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    cognito, secrets = client(module, "cognito-idp"), client(module, "secretsmanager")
    pool = module.params["user_pool"]
    ids: dict[str, str] = {}

    def apply(plan: Plan) -> None:
        pool_id = find_pool(cognito, pool)
        if plan.action == "delete":
            apply_deletion(cognito, secrets, pool_id, plan)
        else:
            ids[plan.name] = apply_client(cognito, secrets, existing_pool(pool_id, pool), plan)

    plans = converge(module, lambda: plan_clients(cognito, secrets, module.params), apply)
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    clients = {plan.name: {"client_id": ids.get(plan.name)} | (plan.after or {}) for plan in plans}
    module.exit_json(clients=clients, **result(plans))


if __name__ == "__main__":
    main()

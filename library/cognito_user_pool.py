#!/usr/bin/python
"""Converge a Cognito user pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cognito_user_pool
short_description: Converge a Cognito user pool
version_added: "0.1.0"
description:
  - Creates a Cognito user pool, and updates the one that has the name in place.
  - An option that is not given leaves its setting alone. Settings that the module has no option
    for keep their values, although UpdateUserPool resets what is not sent.
  - A pool is never replaced. A change that only a new pool could have fails with the remedy.
  - Neither amazon.aws nor community.aws has a module for user pools.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of the pool before and after, if it changes.
options:
  name:
    description:
      - Name of the pool, by which it is found.
      - Cognito allows several pools of one name. The module refuses to choose between them.
    type: str
    required: true
  username_case_sensitive:
    description:
      - Whether V(Ada) and V(ada) are two users. Cannot be changed later.
      - Cognito tells them apart unless this is V(false).
    type: bool
  alias_attributes:
    description:
      - Attributes that a user can sign in with instead of the user name. Cannot be changed later.
      - Excludes O(username_attributes).
    type: list
    elements: str
    choices: [email, phone_number, preferred_username]
  username_attributes:
    description: Attributes that users sign up with as their user name. Cannot be changed later.
    type: list
    elements: str
    choices: [email, phone_number]
  schema:
    description:
      - Attributes of the users, standard ones that differ from Cognito's default and custom ones.
      - Attributes that the list does not name are left alone. A pool never loses an attribute.
      - An existing pool takes further custom attributes. Nothing else of the schema can be changed
        later.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the attribute; that of a custom one begins with C(custom:).
        type: str
        required: true
      type:
        description: Type of the value. Required for a custom attribute.
        type: str
        choices: [string, number, datetime, boolean]
      required:
        description:
          - Whether a user must have the attribute. Cognito requires standard attributes only.
          - A new attribute is not required without it.
        type: bool
      mutable:
        description: Whether the value can change. Without it that of a new attribute can.
        type: bool
      min_length:
        description: Least length of a string.
        type: int
      max_length:
        description: Greatest length of a string.
        type: int
      min_value:
        description: Least value of a number.
        type: int
      max_value:
        description: Greatest value of a number.
        type: int
  auto_verified_attributes:
    description: Attributes that Cognito verifies by sending a code.
    type: list
    elements: str
    choices: [email, phone_number]
  attributes_require_verification_before_update:
    description:
      - Attributes that keep their value until the new one is verified.
      - Each has to be one of O(auto_verified_attributes) too.
    type: list
    elements: str
    choices: [email, phone_number]
  password_policy:
    description:
      - What a password has to be. What is not given keeps its value.
      - A new pool gets Cognito's default for it, which is 8 characters of all kinds and 7 days.
    type: dict
    suboptions:
      minimum_length:
        description: Least number of characters, from 6 to 99.
        type: int
      require_lowercase:
        description: Whether a lower-case letter is needed.
        type: bool
      require_uppercase:
        description: Whether an upper-case letter is needed.
        type: bool
      require_numbers:
        description: Whether a digit is needed.
        type: bool
      require_symbols:
        description: Whether a symbol is needed.
        type: bool
      temporary_password_validity_days:
        description: Days within which an invited user has to sign in.
        type: int
      password_history_size:
        description: Number of former passwords that are refused. Needs tier ESSENTIALS or PLUS.
        type: int
  mfa:
    description:
      - Whether a second factor is needed to sign in.
      - V(off) also takes the SMS and e-mail factors away, which Cognito refuses to keep then.
    type: str
    choices: ["off", optional, "on"]
  totp:
    description: Whether the codes of an authenticator app are a second factor.
    type: bool
  tier:
    description: Feature plan, which is what AWS charges for.
    type: str
    choices: [LITE, ESSENTIALS, PLUS]
  threat_protection:
    description: Whether risky sign-ins are recorded, or also acted on. Needs tier PLUS.
    type: str
    choices: ["off", audit, enforced]
  self_sign_up:
    description: Whether people can sign up by themselves.
    type: bool
  account_recovery:
    description:
      - Where the code for a forgotten password goes, in the order in which it is tried.
      - V(admin_only) stands alone.
    type: list
    elements: str
    choices: [verified_email, verified_phone_number, admin_only]
  verification_email:
    description: The mail with the verification code. A pool that sends links sends codes then.
    type: dict
    suboptions:
      subject:
        description: Subject of the mail.
        type: str
      body:
        description:
          - Text of the mail, with C({####}) in place of the code.
          - A playbook has to say C({{ '{####}' }}), since C({####}) is a comment of Jinja.
        type: str
  invitation_email:
    description: The mail to a user whom an administrator creates.
    type: dict
    suboptions:
      subject:
        description: Subject of the mail.
        type: str
      body:
        description:
          - Text of the mail, with C({username}) in place of the name and C({####}) in place of the
            temporary password.
          - A playbook has to say C({{ '{####}' }}), since C({####}) is a comment of Jinja.
        type: str
  email_sending:
    description:
      - Who sends the mails. V(cognito) sends up to 50 a day for nothing.
      - V(ses) needs O(email_source_arn).
    type: str
    choices: [cognito, ses]
  email_source_arn:
    description: ARN of the verified SES identity that sends. An empty string removes it.
    type: str
  email_from:
    description: Sender, such as C(Shop <shop@example.com>). An empty string removes it.
    type: str
  email_reply_to:
    description: Address that answers go to. An empty string removes it.
    type: str
  email_configuration_set:
    description: Name of the SES configuration set. An empty string removes it.
    type: str
  deletion_protection:
    description: Whether Cognito refuses to delete the pool.
    type: bool
  lambda_triggers:
    description:
      - ARNs of the functions that Cognito invokes. The pool gets exactly these, so that an empty
        dictionary removes all.
      - Custom senders and inbound federation, which have no option here, are left alone.
    type: dict
    suboptions:
      pre_sign_up:
        description: Accepts or refuses a sign-up.
        type: str
      custom_message:
        description: Writes the messages.
        type: str
      post_confirmation:
        description: Takes note of a confirmed user.
        type: str
      pre_authentication:
        description: Accepts or refuses a sign-in.
        type: str
      post_authentication:
        description: Takes note of a sign-in.
        type: str
      define_auth_challenge:
        description: Chooses the next challenge of a custom flow.
        type: str
      create_auth_challenge:
        description: Makes a challenge of a custom flow.
        type: str
      verify_auth_challenge_response:
        description: Checks the answer to a challenge of a custom flow.
        type: str
      pre_token_generation:
        description: Changes the claims of a token. The version of its event stays as it is.
        type: str
      user_migration:
        description: Brings a user in from elsewhere at the first sign-in.
        type: str
  tags:
    description: Tags of the pool.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description:
      - V(present) converges the pool.
      - V(absent) deletes it with its hosted domains, unless it is protected against deletion or,
        with O(delete_users=false), holds users.
    type: str
    choices: [present, absent]
    default: present
  delete_users:
    description: Whether O(state=absent) also deletes a pool that holds users.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the user pool of the shop
  cognito_user_pool:
    name: shop-users
    username_case_sensitive: false
    alias_attributes: [email]
    schema:
      - name: email
        required: true
        mutable: false
      - name: custom:plan
        type: string
        max_length: 20
    auto_verified_attributes: [email]
    mfa: optional
    totp: true
    account_recovery: [verified_email]
    verification_email:
      subject: Your code for the shop
      body: "Your verification code is {{ '{####}' }}"
    deletion_protection: true
    tags:
      owner: shop

- name: Delete the user pool of the shop unless it holds users
  cognito_user_pool:
    name: shop-users
    state: absent
"""

RETURN = r"""
user_pool:
  description:
    - The pool as it is now, or in check mode would be, in the words of the options.
    - Beside them it has C(other_mfa_factors), C(id), C(arn), C(domain) and C(custom_domain), which
      in check mode are null for a pool that does not exist yet.
  returned: when O(state=present)
  type: dict
  sample:
    id: us-east-1_AbCdEfGhI
    arn: arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbCdEfGhI
    domain: shop
    custom_domain: null
    mfa: optional
    totp: true
    other_mfa_factors: []
    tags: {owner: shop}
kept:
  description: Name of the pool if it stays, because it holds users or is protected.
  returned: success
  type: list
  elements: str
  sample: [shop-users]
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.cognito_pool import apply_pool, has_users, read_pool
from ansible.module_utils.artificien.cognito_pool_plan import desired_pool, plan_pool
from ansible.module_utils.artificien.cognito_pool_words import (
    ATTRIBUTE_TYPES,
    CONSTRAINTS,
    TRIGGERS,
)
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model, Plan
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

ATTRIBUTE = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": [*ATTRIBUTE_TYPES]},
    "required": {"type": "bool"},
    "mutable": {"type": "bool"},
    **{constraint: {"type": "int"} for constraint in CONSTRAINTS},
}
PASSWORD_POLICY = {
    "minimum_length": {"type": "int"},
    "require_lowercase": {"type": "bool"},
    "require_uppercase": {"type": "bool"},
    "require_numbers": {"type": "bool"},
    "require_symbols": {"type": "bool"},
    "temporary_password_validity_days": {"type": "int", "no_log": False},
    "password_history_size": {"type": "int", "no_log": False},
}
MAIL = {"type": "dict", "options": {"subject": {"type": "str"}, "body": {"type": "str"}}}
# What Cognito can send a code to.
CONTACTS = ["email", "phone_number"]
SENDERS = ["cognito", "ses"]
RECOVERY = ["verified_email", "verified_phone_number", "admin_only"]


def _list_of(choices: list[str]) -> dict[str, Any]:
    return {"type": "list", "elements": "str", "choices": choices}


ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "username_case_sensitive": {"type": "bool"},
    "alias_attributes": _list_of([*CONTACTS, "preferred_username"]),
    "username_attributes": _list_of(CONTACTS),
    "schema": {"type": "list", "elements": "dict", "options": ATTRIBUTE},
    "auto_verified_attributes": _list_of(CONTACTS),
    "attributes_require_verification_before_update": _list_of(CONTACTS),
    "password_policy": {"type": "dict", "options": PASSWORD_POLICY, "no_log": False},
    "mfa": {"type": "str", "choices": ["off", "optional", "on"]},
    "totp": {"type": "bool"},
    "tier": {"type": "str", "choices": ["LITE", "ESSENTIALS", "PLUS"]},
    "threat_protection": {"type": "str", "choices": ["off", "audit", "enforced"]},
    "self_sign_up": {"type": "bool"},
    "account_recovery": _list_of(RECOVERY),
    "verification_email": MAIL,
    "invitation_email": MAIL,
    "email_sending": {"type": "str", "choices": SENDERS},
    "email_source_arn": {"type": "str"},
    "email_from": {"type": "str"},
    "email_reply_to": {"type": "str"},
    "email_configuration_set": {"type": "str"},
    "deletion_protection": {"type": "bool"},
    "lambda_triggers": {
        "type": "dict",
        "options": {trigger: {"type": "str", "no_log": False} for trigger in TRIGGERS},
    },
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "delete_users": {"type": "bool", "default": False},
}
UNKNOWN = dict.fromkeys(("id", "arn", "domain", "custom_domain", "other_mfa_factors"))


def plan_user_pool(client: CognitoIdentityProviderClient, params: dict[str, Any]) -> Plan:
    """Plan the pool: as wanted, or with O(state=absent) gone unless something keeps it."""
    name = params["name"]
    current = read_pool(client, name)
    if params["state"] == "present":
        return plan_pool(name, current, desired_pool(params), purge_tags=params["purge_tags"])
    kept = current and (
        current["deletion_protection"]
        or (not params["delete_users"] and has_users(client, current["id"]))
    )
    return make_plan(name, current, current if kept else None)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    cognito = client(module, "cognito-idp")
    created: Model = {}

    def apply(plan: Plan) -> None:
        apply_pool(cognito, plan)
        if plan.action == "create":  # its id, and what it did not ask for, come from AWS
            created.update(read_pool(cognito, plan.name) or {})

    plans = converge(module, lambda: [plan_user_pool(cognito, module.params)], apply)
    after = plans[0].after
    if module.params["state"] == "absent":
        module.exit_json(kept=[module.params["name"]] if after else [], **result(plans))
    module.exit_json(user_pool=UNKNOWN | (after or {}) | created, kept=[], **result(plans))


if __name__ == "__main__":
    main()

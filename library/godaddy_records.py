#!/usr/bin/python
"""Converge DNS records at the registrar GoDaddy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: godaddy_records
short_description: Converge DNS records at the registrar GoDaddy
version_added: "0.1.0"
description:
  - Makes, changes and deletes single DNS records in a zone that GoDaddy serves, through the library
    Lexicon (C(dns-lexicon) on PyPI). Reads before it writes, and writes only what differs.
  - The credentials come from Secrets Manager and appear in no output.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the changing records before and after.
options:
  zone:
    description: The registered domain, without a dot at its end.
    type: str
    required: true
  credentials_secret:
    description: >-
      Name of the secret in Secrets Manager that holds the key pair of GoDaddy's API as
      C({"key": "…", "secret": "…"}).
    type: str
    required: true
  records:
    description: >-
      The records to converge, so that a name has no other value of the same type afterwards. With
      I(state=absent), names that lose all of their values of the type.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Full name of the record, below the zone.
        type: str
        required: true
      type:
        description: Type of the record.
        type: str
        choices: [A, AAAA, CNAME, TXT]
        required: true
      value:
        description: Its value. Required with I(state=present).
        type: str
  ttl_seconds:
    description: How long resolvers may keep a record that this module makes, 600 to 604800.
    type: int
    default: 600
  state:
    description: Whether the records exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Lead the name of the API to API Gateway
  godaddy_records:
    zone: example.com
    credentials_secret: shop-godaddy  # pragma: allowlist secret
    records:
      - name: api.example.com
        type: CNAME
        value: d-a1b2c3d4e5.execute-api.us-east-1.amazonaws.com

- name: Take it away
  godaddy_records:
    zone: example.com
    credentials_secret: shop-godaddy  # pragma: allowlist secret
    records:
      - name: api.example.com
        type: CNAME
    state: absent
"""

RETURN = r"""
records:
  description: The values at each name as they are now, or in check mode would be, by type and name.
  returned: always
  type: dict
  sample:
    CNAME api.example.com: [d-a1b2c3d4e5.execute-api.us-east-1.amazonaws.com]
"""

from typing import Any

from ansible.module_utils.artificien.aws import AwsError, client, converge, result
from ansible.module_utils.artificien.godaddy import (
    apply_record,
    check_records,
    plan_records,
    read_credentials,
    read_records,
    session,
)
from ansible.module_utils.artificien.reconcile import ReconcileError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

RECORD = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["A", "AAAA", "CNAME", "TXT"], "required": True},
    "value": {"type": "str"},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "zone": {"type": "str", "required": True},
    "credentials_secret": {"type": "str", "required": True, "no_log": False},
    "records": {"type": "list", "elements": "dict", "required": True, "options": RECORD},
    "ttl_seconds": {"type": "int", "default": 600},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    secrets = client(module, "secretsmanager")
    zone, records, absent = params["zone"], params["records"], params["state"] == "absent"
    try:
        check_records(zone, records, absent=absent)
        credentials = read_credentials(secrets, params["credentials_secret"])
        with session(zone, credentials, params["ttl_seconds"]) as operations:
            plans = converge(
                module,
                lambda: plan_records(records, read_records(operations, records), absent=absent),
                lambda plan: apply_record(operations, plan),
            )
    except (AwsError, ReconcileError) as error:
        module.fail_json(msg=str(error))
    values = {plan.name: (plan.after or {"values": []})["values"] for plan in plans}
    module.exit_json(records=values, **result(plans))


if __name__ == "__main__":
    main()

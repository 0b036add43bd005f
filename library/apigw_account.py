#!/usr/bin/python
"""Let API Gateway write the logs of an account's APIs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigw_account
short_description: Let API Gateway write the logs of an account's APIs
version_added: "0.1.0"
description:
  - Sets the role by which API Gateway writes the access and execution logs of all APIs of the
    account in the region. Without one AWS refuses a stage that shall have logs.
  - A role that is set already serves other APIs as well. It is left alone and returned.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the role before and after, if it changes.
options:
  log_role:
    description: ARN of the IAM role, which trusts C(apigateway.amazonaws.com).
    type: str
    required: true
  state:
    description:
      - Whether there shall be a role.
      - With V(absent) the role is taken away if it is I(log_role), and stays if it is another one.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout_seconds:
    description: How long to wait until API Gateway knows of a new role.
    type: int
    default: 120
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let API Gateway write logs
  apigw_account:
    log_role: arn:aws:iam::111122223333:role/apigateway-logs

- name: Let API Gateway write no more logs
  apigw_account:
    log_role: arn:aws:iam::111122223333:role/apigateway-logs
    state: absent
"""

RETURN = r"""
log_role:
  description: >-
    The role that writes the logs now, or in check mode would; empty if there is none.
  returned: always
  type: str
  sample: arn:aws:iam::111122223333:role/apigateway-logs
"""

from ansible.module_utils.artificien.apigw_account import (
    apply_account,
    plan_account,
    read_account_role,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

ARGUMENT_SPEC = {
    "log_role": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout_seconds": {"type": "int", "default": 120},
}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    gateway = client(module, "apigateway")
    absent = params["state"] == "absent"
    plans = converge(
        module,
        lambda: [plan_account(read_account_role(gateway), params["log_role"], absent=absent)],
        lambda plan: apply_account(gateway, plan, params["wait_timeout_seconds"]),
    )
    module.exit_json(**(plans[0].after or {}), **result(plans))


if __name__ == "__main__":
    main()

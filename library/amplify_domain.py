#!/usr/bin/python
"""Converge a custom domain of an app of AWS Amplify Hosting."""

from __future__ import annotations

DOCUMENTATION = r"""
module: amplify_domain
short_description: Converge a custom domain of an app of AWS Amplify Hosting
version_added: "0.1.0"
description:
  - Connects a domain with branches of an app of AWS Amplify Hosting, and updates a connected one in
    place. Options that are not given are left alone.
  - It waits until Amplify tells which DNS records the domain needs, and returns them. It does not
    make them, nor wait until the domain is served.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of a changing domain before and after.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  domain:
    description: The domain.
    type: str
    required: true
  sub_domains:
    description: The branches by their addresses below I(domain). Required with I(state=present).
    type: list
    elements: dict
    suboptions:
      prefix:
        description: What stands before the domain; empty for the domain itself.
        type: str
        required: true
      branch:
        description: Name of the branch.
        type: str
        required: true
  certificate:
    description: V(managed) for a certificate that Amplify makes, or the ARN of one of ACM.
    type: str
  auto_sub_domains:
    description: Whether branches that are connected by themselves get an address.
    type: bool
  auto_sub_domain_patterns:
    description: Patterns of the names of these branches.
    type: list
    elements: str
  auto_sub_domain_role:
    description: ARN of the role by which Amplify makes their DNS records.
    type: str
  state:
    description: Whether the domain is connected.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Serve the shop at its domain
  amplify_domain:
    app: shop
    domain: shop.example.com
    sub_domains:
      - prefix: ""
        branch: main
      - prefix: next
        branch: next
  register: domain

- name: Disconnect the domain
  amplify_domain:
    app: shop
    domain: shop.example.com
    state: absent
"""

RETURN = r"""
domain:
  description: The domain as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    sub_domains: {"": main, next: next}
    certificate: managed
status:
  description: State of the domain in the words of Amplify; empty in check mode for a new one.
  returned: when I(state=present)
  type: str
  sample: PENDING_VERIFICATION
records:
  description: The DNS records that the domain needs; none in check mode for a new one.
  returned: when I(state=present)
  type: list
  elements: dict
  sample:
    - {name: next.shop.example.com, type: CNAME, value: d111111abcdef8.cloudfront.net}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.amplify import existing_app, find_app
from ansible.module_utils.artificien.amplify_domain import (
    apply_domain,
    desired_domain,
    domain_model,
    domain_records,
    find_domain,
    wait_for_records,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_amplify import AmplifyClient

SUB_DOMAIN = {
    "prefix": {"type": "str", "required": True},
    "branch": {"type": "str", "required": True},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "domain": {"type": "str", "required": True},
    "sub_domains": {"type": "list", "elements": "dict", "options": SUB_DOMAIN},
    "certificate": {"type": "str"},
    "auto_sub_domains": {"type": "bool"},
    "auto_sub_domain_patterns": {"type": "list", "elements": "str"},
    "auto_sub_domain_role": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_domain(client: AmplifyClient, params: dict[str, Any], seen: dict[str, Any]) -> list[Plan]:
    """Plan the domain: as wanted, or with I(state=absent) gone.

    What there is now is left in `seen` for the result.
    """
    app_id, domain = find_app(client, params["app"]), params["domain"]
    found = None if app_id is None else find_domain(client, app_id, domain)
    seen["domain"] = found
    current = None if found is None else domain_model(found)
    if params["state"] == "absent":
        return [make_plan(domain, current, None)]
    return [make_plan(domain, current, desired_domain(params))]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["sub_domains"])],
        supports_check_mode=True,
    )
    amplify = client(module, "amplify")
    app, domain = module.params["app"], module.params["domain"]
    seen: dict[str, Any] = {}

    def apply(plan: Plan) -> None:
        app_id = existing_app(find_app(amplify, app), app)
        apply_domain(amplify, app_id, plan)
        if plan.action != "delete":
            seen["domain"] = wait_for_records(amplify, app_id, domain)

    plans = converge(module, lambda: plan_domain(amplify, module.params, seen), apply)
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    found = seen["domain"]
    module.exit_json(
        domain=plans[0].after,
        status=found["domainStatus"] if found else "",
        records=domain_records(found) if found else [],
        **result(plans),
    )


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Converge a custom domain name of a REST API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigw_domain
short_description: Converge a custom domain name of a REST API
version_added: "0.1.0"
description:
  - Has API Gateway answer at a name of yours, with a certificate of ACM, for one stage of one REST
    API. The record that leads the name to API Gateway is a task of its own.
  - C(community.aws.api_gateway_domain) has no check mode, sets no tags and returns no diff.
  - The name has a regional endpoint that takes TLS 1.2 and later. One of another kind fails with
    the remedy.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of the domain name before and after.
options:
  name:
    description: The domain name.
    type: str
    required: true
  certificate_arn:
    description:
      - ARN of the certificate of ACM for the name, in the same region, which must be issued.
      - Required with I(state=present).
    type: str
  api:
    description:
      - Name of the REST API. In check mode it may not exist yet.
      - Required with I(state=present).
    type: str
  stage:
    description:
      - Stage of the API that answers all paths. Other mappings of the name are removed.
      - Required with I(state=present).
    type: str
  tags:
    description: Tags of the domain name.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the domain name exists. V(absent) removes its mappings, too.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Have the API of the shop answer at its own name
  apigw_domain:
    name: api.shop.example.com
    certificate_arn: arn:aws:acm:us-east-1:111122223333:certificate/1234abcd
    api: shop-prod
    stage: prod
    tags:
      owner: shop

- name: Take the name away
  apigw_domain:
    name: api.shop.example.com
    state: absent
"""

RETURN = r"""
domain:
  description:
    - The domain name as it is now, or in check mode would be.
    - In check mode C(regional_domain_name) and C(regional_hosted_zone_id), to which its record
      leads, are C(to-come) for a new one.
  returned: when I(state=present)
  type: dict
  sample:
    certificate_arn: arn:aws:acm:us-east-1:111122223333:certificate/1234abcd
    endpoint_types: [REGIONAL]
    security_policy: TLS_1_2
    mappings: {(none): a1b2c3d4e5/prod}
    tags: {owner: shop}
    regional_domain_name: d-a1b2c3d4e5.execute-api.us-east-1.amazonaws.com
    regional_hosted_zone_id: Z1UJRXOUMOOFQ8
"""

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.apigw_domain import (
    TO_COME,
    apply_domain,
    desired_domain,
    plan_domain,
    read_domain,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model, Plan

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "certificate_arn": {"type": "str"},
    "api": {"type": "str"},
    "stage": {"type": "str"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
UNKNOWN = {"regional_domain_name": TO_COME, "regional_hosted_zone_id": TO_COME}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["certificate_arn", "api", "stage"])],
        supports_check_mode=True,
    )
    gateway, params = client(module, "apigateway"), module.params
    absent, name = params["state"] == "absent", params["name"]
    created: Model = {}

    def apply(plan: Plan) -> None:
        apply_domain(gateway, plan)
        if plan.action == "create":  # where it answers comes from AWS
            created.update(read_domain(gateway, name) or {})

    plans = converge(
        module,
        lambda: [
            plan_domain(
                name,
                read_domain(gateway, name),
                None if absent else desired_domain(gateway, params),
                purge=params["purge_tags"],
            )
        ],
        apply,
    )
    if absent:
        module.exit_json(**result(plans))
    module.exit_json(domain=UNKNOWN | (plans[0].after or {}) | created, **result(plans))


if __name__ == "__main__":
    main()

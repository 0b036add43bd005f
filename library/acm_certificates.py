#!/usr/bin/python
"""Converge certificates of ACM that are validated by a DNS record."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_certificates
short_description: Converge certificates of ACM that are validated by a DNS record
version_added: "0.1.0"
description:
  - Requests a public certificate for each domain, and tells the DNS record by which AWS validates
    and renews it. To make that record, and to wait until the certificate is issued, are tasks of
    their own.
  - C(community.aws.acm_certificate) only imports certificates, and requests none.
  - One that AWS gave up, because its record was missing for 72 hours, is requested anew.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing certificates before and after.
options:
  certificates:
    description: The certificates to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      domain:
        description: Name that the certificate is for.
        type: str
        required: true
      tags:
        description: Tags of the certificate.
        type: dict
  owner_tags:
    description:
      - Tags that tell whose a certificate is; each gets them beside its I(tags). An account can
        hold several certificates for one domain, and those without these tags are left alone.
    type: dict
    required: true
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: >-
      Whether the certificates exist. V(absent) waits until nothing uses them any more, and deletes
      those too that were never issued.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Request the certificate of the shop
  acm_certificates:
    certificates:
      - domain: shop.example.com
        tags:
          owner: shop
    owner_tags:
      owner: shop

- name: Delete it
  acm_certificates:
    certificates:
      - domain: shop.example.com
    owner_tags:
      owner: shop
    state: absent
"""

RETURN = r"""
certificates:
  description:
    - The certificates by domain as they are now. With I(state=absent), those that were there.
    - In check mode one that would be requested has C(to-come) in each place.
  returned: always
  type: dict
  sample:
    shop.example.com:
      arn: arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab
      domain: shop.example.com
      status: PENDING_VALIDATION
      validation_record:
        name: _1a2b3c.shop.example.com
        type: CNAME
        value: _4d5e6f.acm-validations.aws
      tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.acm import (
    apply_certificate,
    certificate_to_come,
    plan_certificate,
    read_certificates,
    usable,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import Model, Plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient

CERTIFICATE = {
    "domain": {"type": "str", "required": True},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "certificates": {"type": "list", "elements": "dict", "required": True, "options": CERTIFICATE},
    "owner_tags": {"type": "dict", "required": True},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_certificates(
    client: ACMClient, params: dict[str, Any], found: dict[str, Model]
) -> list[Plan]:
    """Plan the listed certificates, and note in `found` those that are there, by domain."""
    plans = []
    for certificate in params["certificates"]:
        domain = certificate["domain"]
        present = read_certificates(client, domain, params["owner_tags"])
        current = usable(present)
        if current:
            found[domain] = current
        if params["state"] == "absent":
            plans += [Plan(arn, model, None) for arn, model in present.items()]
        else:
            owner, purge = params["owner_tags"], params["purge_tags"]
            plans.append(plan_certificate(current, certificate, owner, purge_tags=purge))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    acm, params = client(module, "acm"), module.params
    found: dict[str, Model] = {}

    def apply(plan: Plan) -> None:
        apply_certificate(acm, plan)
        if plan.action == "create":  # its ARN and its validation record come from AWS
            requested = usable(read_certificates(acm, plan.name, params["owner_tags"]))
            found[plan.name] = requested or certificate_to_come(plan.name)

    plans = converge(module, lambda: plan_certificates(acm, params, found), apply)
    if params["state"] == "absent":
        module.exit_json(certificates=found, **result(plans))
    known = {
        plan.name: certificate_to_come(plan.name) | found.get(plan.name, {}) | (plan.after or {})
        for plan in plans
    }
    module.exit_json(certificates=known, **result(plans))


if __name__ == "__main__":
    main()

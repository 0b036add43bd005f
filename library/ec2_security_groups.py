#!/usr/bin/python
"""Converge a set of security groups of one VPC."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_security_groups
short_description: Converge a set of security groups of one VPC
version_added: "0.1.0"
description:
  - Creates security groups with their rules and tags, and updates existing ones in place. Rules
    are replaced as a whole, and what is missing is allowed before the rest is forbidden.
  - The VPC is given by name and need not exist in check mode. C(amazon.aws.ec2_security_group)
    needs its id, so that it cannot plan an empty account.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing security groups before and after.
options:
  vpc:
    description: Name of the VPC, which is its tag C(Name).
    type: str
    required: true
  groups:
    description:
      - The security groups to converge, or with I(state=absent) to delete, last one first.
      - A group that the rules of others name must exist or stand before them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the group, unique in the VPC.
        type: str
        required: true
      description:
        description: What the group is for. It cannot be changed later. Required for a new group.
        type: str
      ingress:
        description: All rules of what may come in. V([]) removes them.
        type: list
        elements: dict
        suboptions: &rule
          protocol:
            description: Protocol that the rule allows.
            type: str
            choices: [tcp, udp, all]
            default: tcp
          port:
            description: Port that the rule allows, or the first one of a range.
            type: int
          to_port:
            description: Last port of a range.
            type: int
          cidrs:
            description: Networks at the other end, of IPv4 or IPv6.
            type: list
            elements: str
            default: []
          groups:
            description: Names of groups of the VPC at the other end.
            type: list
            elements: str
            default: []
          description:
            description: What the rule is for.
            type: str
            default: ""
      egress:
        description:
          - All rules of what may go out. V([]) removes them.
          - Without it, a new group lets everything out.
        type: list
        elements: dict
        suboptions: *rule
      tags:
        description: Tags of the group.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  wait_timeout_seconds:
    description: How long I(state=absent) waits for network interfaces that use a group to go.
    type: int
    default: 300
  state:
    description: Whether the security groups exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the world reach the shop by HTTPS, and the shop its database
  ec2_security_groups:
    vpc: mall-prod
    groups:
      - name: mall-prod-shop
        description: Hosts of the shop
        ingress:
          - port: 443
            cidrs: [0.0.0.0/0, "::/0"]
            description: HTTPS
        egress:
          - port: 5432
            cidrs: [10.0.0.0/16]
            description: PostgreSQL
        tags:
          owner: shop
      - name: mall-prod-database
        description: Database of the shop
        ingress:
          - port: 5432
            groups: [mall-prod-shop]
        egress: []

- name: Delete the group of the database
  ec2_security_groups:
    vpc: mall-prod
    groups:
      - name: mall-prod-database
    state: absent
"""

RETURN = r"""
groups:
  description:
    - The security groups by name as they are now, or in check mode would be. Rules are named by
      protocol, ports and the other end, with their descriptions.
    - The C(id) is null in check mode where the group does not exist yet.
  returned: when I(state=present)
  type: dict
  sample:
    mall-prod-shop:
      id: sg-0123456789abcdef0
      description: Hosts of the shop
      ingress: {"tcp 443 0.0.0.0/0": HTTPS, "tcp 443 ::/0": HTTPS}
      egress: {"tcp 5432 10.0.0.0/16": PostgreSQL}
      tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.ec2_security_groups import (
    apply_group,
    desired_group,
    read_groups,
)
from ansible.module_utils.artificien.reconcile import ReconcileError, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_ec2 import EC2Client

RULE = {
    "protocol": {"type": "str", "choices": ["tcp", "udp", "all"], "default": "tcp"},
    "port": {"type": "int"},
    "to_port": {"type": "int"},
    "cidrs": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "description": {"type": "str", "default": ""},
}
GROUP = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "ingress": {"type": "list", "elements": "dict", "options": RULE},
    "egress": {"type": "list", "elements": "dict", "options": RULE},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "vpc": {"type": "str", "required": True},
    "groups": {"type": "list", "elements": "dict", "required": True, "options": GROUP},
    "purge_tags": {"type": "bool", "default": True},
    "wait_timeout_seconds": {"type": "int", "default": 300},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def _names(params: dict[str, Any]) -> list[str]:
    return [group["name"] for group in params["groups"]]


def plan_present(client: EC2Client, params: dict[str, Any]) -> list[Plan]:
    """Plan every listed group as wanted.

    Raises:
        ReconcileError: a new group has no description, or a rule is refused.
    """
    current = read_groups(client, params["vpc"], _names(params))
    for group in params["groups"]:
        if group["name"] not in current and not group["description"]:
            raise ReconcileError(f"{group['name']}: a new group needs a description; give one.")
    return [
        make_plan(
            group["name"],
            current.get(group["name"]),
            desired_group(group),
            create_only=["description"],
            merged=[] if params["purge_tags"] else ["tags"],
        )
        for group in params["groups"]
    ]


def plan_absent(client: EC2Client, params: dict[str, Any]) -> list[Plan]:
    """Plan the deletion of the listed groups, those that name others before these."""
    names = _names(params)
    current = read_groups(client, params["vpc"], names)
    return [make_plan(name, current.get(name), None) for name in reversed(names)]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    ec2, params = client(module, "ec2"), module.params
    make_plans = plan_present if params["state"] == "present" else plan_absent
    created: dict[str, Any] = {}

    def apply(plan: Plan) -> None:
        apply_group(ec2, params["vpc"], plan, params["wait_timeout_seconds"])
        if plan.action == "create":  # its id, and what it did not ask for, come from EC2
            created.update(read_groups(ec2, params["vpc"], [plan.name]))

    plans = converge(module, lambda: make_plans(ec2, params), apply)
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    groups = {plan.name: {"id": None} | (plan.after or {}) for plan in plans} | created
    module.exit_json(groups=groups, **result(plans))


if __name__ == "__main__":
    main()

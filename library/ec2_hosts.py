#!/usr/bin/python
"""Converge hosts on EC2."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_hosts
short_description: Converge hosts on EC2
version_added: "0.1.0"
description:
  - Makes hosts, each of a launch template, one instance and an Elastic IP, which all bear its name.
  - Root volumes are encrypted and of type gp3. Instance metadata is given to IMDSv2 only.
  - Tags, security groups, instance profile, metadata options and termination protection of an
    existing instance are changed in place, and a stopped one is started. Whatever else differs is
    reported, and a new instance gets it. An instance is replaced only by I(replace).
  - In the modules of amazon.aws, subnets, groups and instances go by ids, which a plan of an empty
    account cannot know. Here they go by names.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - Subnet, security groups and instance profile may be missing as long as nothing is made.
  diff_mode:
    support: full
    description: Returns the models of the changing hosts before and after.
options:
  hosts:
    description: The hosts to converge, or with I(state=absent) to terminate for good.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the host and of its launch template, and value of the tag Name of its instance
            and its Elastic IP.
          - Two instances of the same name are refused.
        type: str
        required: true
      image_owner:
        description: AWS account that offers the image. Required with I(state=present).
        type: str
      image_name:
        description: Full name of the image. Required with I(state=present).
        type: str
      instance_type:
        description: Type of the instance. Required with I(state=present).
        type: str
      key_name:
        description: Name of the key pair whose owner may log in first.
        type: str
      subnet:
        description: Value of the tag Name of the subnet. Required with I(state=present).
        type: str
      security_groups:
        description: Names of security groups in the subnet's VPC. Required with I(state=present).
        type: list
        elements: str
      instance_profile:
        description: Name of the instance profile. Required with I(state=present).
        type: str
      volume_size_gib:
        description: Size of the root volume in GiB. Without it a new one is as big as the image.
        type: int
      metadata_hop_limit:
        description: Hops that an answer of the instance metadata may go. 1 keeps it on the host.
        type: int
        default: 1
      termination_protection:
        description:
          - Whether AWS refuses to terminate the instance.
          - A protected host is not made absent unless this is false.
        type: bool
      tags:
        description: Tags of launch template, instance and address, and of a new root volume.
        type: dict
  replace:
    description:
      - Whether every host gets a new instance. The data of the present one is gone.
      - The new instance is launched first, takes over the address and has to answer on it, then the
        present one is terminated, also a protected one.
    type: bool
    default: false
  ssh_timeout_seconds:
    description: How long a new instance may take until it answers by SSH; 0 does not wait.
    type: int
    default: 300
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the hosts exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the host of the shop
  ec2_hosts:
    hosts:
      - name: shop
        image_owner: "136693071363"
        image_name: debian-12-amd64-20250316-2053
        instance_type: t3.small
        subnet: mall-public-a
        security_groups: [shop]
        instance_profile: shop
        volume_size_gib: 20
        termination_protection: true
        tags:
          owner: shop

- name: Terminate the host of the shop and release its address
  ec2_hosts:
    state: absent
    hosts:
      - name: shop
        termination_protection: false
"""

RETURN = r"""
hosts:
  description: Where the hosts are. In check mode both are null for a host that does not exist yet.
  returned: when I(state=present)
  type: dict
  sample:
    shop:
      instance_id: i-0123456789abcdef0
      address: 192.0.2.10
differences:
  description: By host, what its instance has otherwise than wanted, and only a new one could have.
  returned: when I(state=present)
  type: dict
  sample:
    shop: ["instance_type is t3.small, not t3.medium"]
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.ec2_host import (
    apply_host,
    desired_host,
    differences,
    plan_host,
    plan_removal,
    read_host,
    whereabouts,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model, Plan
    from mypy_boto3_ec2 import EC2Client

HOST = {
    "name": {"type": "str", "required": True},
    "image_owner": {"type": "str"},
    "image_name": {"type": "str"},
    "instance_type": {"type": "str"},
    "key_name": {"type": "str", "no_log": False},
    "subnet": {"type": "str"},
    "security_groups": {"type": "list", "elements": "str"},
    "instance_profile": {"type": "str"},
    "volume_size_gib": {"type": "int"},
    "metadata_hop_limit": {"type": "int", "default": 1},
    "termination_protection": {"type": "bool"},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "hosts": {"type": "list", "elements": "dict", "required": True, "options": HOST},
    "replace": {"type": "bool", "default": False},
    "ssh_timeout_seconds": {"type": "int", "default": 300},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_hosts(
    client: EC2Client, params: dict[str, Any], differing: dict[str, list[str]]
) -> list[Plan]:
    """Plan the listed hosts: as wanted, or with I(state=absent) gone; fill in what differs."""
    plans = []
    for host in params["hosts"]:
        name = host["name"]
        if params["state"] == "absent":
            protected = host["termination_protection"]
            plans.append(plan_removal(name, read_host(client, name), protected=protected))
            continue
        desired: Model = desired_host(client, host)
        plan = plan_host(
            name,
            read_host(client, name),
            desired,
            replace=params["replace"],
            purge_tags=params["purge_tags"],
        )
        differing[name] = differences(plan, desired)
        plans.append(plan)
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    ec2 = client(module, "ec2")
    images = {host["name"]: (host["image_owner"], host["image_name"]) for host in params["hosts"]}
    differing: dict[str, list[str]] = {}
    applied: dict[str, dict[str, Any]] = {}
    plans = converge(
        module,
        lambda: plan_hosts(ec2, params, differing),
        lambda plan: applied.update(
            {plan.name: apply_host(ec2, plan, images[plan.name], params["ssh_timeout_seconds"])}
        ),
    )
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    hosts = {plan.name: applied.get(plan.name) or whereabouts(plan) for plan in plans}
    module.exit_json(hosts=hosts, differences=differing, **result(plans))


if __name__ == "__main__":
    main()

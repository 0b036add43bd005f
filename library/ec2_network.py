#!/usr/bin/python
"""Converge a VPC with its subnets, routes, endpoints and flow logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_network
short_description: Converge a VPC with its subnets, routes, endpoints and flow logs
version_added: "0.1.0"
description:
  - Creates a VPC with an internet gateway and a route table that leads to it, subnets, gateway
    endpoints and flow logs, and updates what exists in place. What a former run left half done is
    completed, and half deleted is deleted.
  - Parts are found by the VPC and the tag C(Name), which this module sets. The route table is
    called like the VPC with C(-public) behind it, an endpoint with its service.
  - Several VPCs of the name fail, as does another network for a VPC or a subnet that exists.
  - The modules of C(amazon.aws) for these parts need the ids of each other, so that they cannot
    plan an empty account, and cost as much time each as this one.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of the network before and after.
options:
  name:
    description: Name of the VPC, which is its tag C(Name).
    type: str
    required: true
  cidr:
    description: Network of the VPC. It cannot be changed later. Required for a new VPC.
    type: str
  dns_support:
    description: Whether the VPC resolves names.
    type: bool
  dns_hostnames:
    description: Whether hosts with a public address get a public name.
    type: bool
  close_default_security_group:
    description:
      - Whether the security group that comes with the VPC loses all rules, so that nothing is
        reachable by oversight. V(false) leaves it alone.
    type: bool
  subnets:
    description: All subnets of the VPC. Others are deleted, unless something uses them.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the subnet, unique in the VPC.
        type: str
        required: true
      cidr:
        description: Network of the subnet. It cannot be changed later.
        type: str
        required: true
      zone:
        description: Availability zone of the subnet. It cannot be changed later.
        type: str
        required: true
      public:
        description: Whether the internet gateway is reached from the subnet.
        type: bool
        default: true
  gateway_endpoints:
    description:
      - The services that are reached from all subnets without the internet gateway. V([]) removes
        the endpoints.
    type: list
    elements: dict
    suboptions:
      service:
        description: The service.
        type: str
        choices: [dynamodb, s3]
        required: true
      policy:
        description: What may pass the endpoint. V({}) lets everything through.
        type: dict
  flow_logs:
    description: Where CloudWatch keeps a record of all connections.
    type: dict
    suboptions:
      log_group:
        description: Name of the log group.
        type: str
        required: true
      role:
        description: ARN of the role by which EC2 writes to the log group.
        type: str
        required: true
      traffic:
        description: Which connections are recorded.
        type: str
        choices: [ACCEPT, REJECT, ALL]
        default: ALL
  tags:
    description: Tags of every part, beside C(Name).
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  wait_timeout_seconds:
    description:
      - How long I(state=absent) waits for network interfaces and security groups in the VPC to go.
        It deletes nothing before they are gone.
    type: int
    default: 300
  state:
    description: Whether the network exists.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the network of the mall
  ec2_network:
    name: mall-prod
    cidr: 10.20.0.0/16
    dns_support: true
    dns_hostnames: true
    close_default_security_group: true
    subnets:
      - name: mall-prod-public-a
        cidr: 10.20.0.0/24
        zone: us-east-1a
      - name: mall-prod-internal-a
        cidr: 10.20.128.0/24
        zone: us-east-1a
        public: false
    gateway_endpoints:
      - service: s3
    flow_logs:
      log_group: /mall/prod/flow-logs
      role: arn:aws:iam::111122223333:role/mall-prod-flow-logs
    tags:
      owner: mall

- name: Delete the network of the mall
  ec2_network:
    name: mall-prod
    state: absent
"""

RETURN = r"""
network:
  description:
    - The network as it is now, or in check mode would be.
    - The C(id) is null, and subnets have none, in check mode where they do not exist yet.
  returned: when I(state=present)
  type: dict
  sample:
    id: vpc-0123456789abcdef0
    cidr: 10.20.0.0/16
    dns_support: true
    dns_hostnames: true
    close_default_security_group: true
    internet_gateway: true
    public_route_table: true
    subnets:
      mall-prod-public-a:
        id: subnet-0123456789abcdef0
        cidr: 10.20.0.0/24
        zone: us-east-1a
        public: true
    gateway_endpoints:
      s3: {policy: {}, in_all_route_tables: true}
    flow_logs:
      log_group: /mall/prod/flow-logs
      role: arn:aws:iam::111122223333:role/mall-prod-flow-logs
      traffic: ALL
    tags:
      vpc: {owner: mall}
      internet_gateway: {owner: mall}
      public_route_table: {owner: mall}
      subnet/mall-prod-public-a: {owner: mall}
      gateway_endpoint/s3: {owner: mall}
      flow_logs: {owner: mall}
"""

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.ec2_network import plan_network, read_network
from ansible.module_utils.artificien.ec2_network_changes import apply_network
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model, Plan

SUBNET = {
    "name": {"type": "str", "required": True},
    "cidr": {"type": "str", "required": True},
    "zone": {"type": "str", "required": True},
    "public": {"type": "bool", "default": True},
}
ENDPOINT = {
    "service": {"type": "str", "choices": ["dynamodb", "s3"], "required": True},
    "policy": {"type": "dict"},
}
FLOW_LOGS = {
    "log_group": {"type": "str", "required": True},
    "role": {"type": "str", "required": True},
    "traffic": {"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "cidr": {"type": "str"},
    "dns_support": {"type": "bool"},
    "dns_hostnames": {"type": "bool"},
    "close_default_security_group": {"type": "bool"},
    "subnets": {"type": "list", "elements": "dict", "options": SUBNET},
    "gateway_endpoints": {"type": "list", "elements": "dict", "options": ENDPOINT},
    "flow_logs": {"type": "dict", "options": FLOW_LOGS},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "wait_timeout_seconds": {"type": "int", "default": 300},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    ec2, params = client(module, "ec2"), module.params
    name = params["name"]
    made: Model = {}

    def apply(plan: Plan) -> None:
        apply_network(ec2, plan, params["wait_timeout_seconds"])
        made.update(read_network(ec2, name) or {})  # ids, and what was not asked for

    plans = converge(module, lambda: [plan_network(name, read_network(ec2, name), params)], apply)
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    network = {"id": None} | (plans[0].after or {}) | made
    module.exit_json(network=network, **result(plans))


if __name__ == "__main__":
    main()

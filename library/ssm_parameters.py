#!/usr/bin/python
"""Publish values as SSM parameters below one path."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_parameters
short_description: Publish values as SSM parameters below one path
version_added: "0.1.0"
description:
  - Makes the parameters below a path exactly those that are listed. Writes only what differs.
  - Parameters are plain strings that everybody who reads the path may see. A secret or a list
    below the path fails with the remedy.
  - C(community.aws.ssm_parameter) takes one parameter per task, and does not remove what a
    component no longer publishes.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns all parameters below the path before and after.
options:
  path:
    description:
      - Path that belongs to one publisher alone, such as V(/project/env/component).
      - A path of fewer than three names is refused, since it would hold the parameters of others.
    type: str
    required: true
  parameters:
    description:
      - The values by their keys below the path. A key may contain slashes.
      - Whole numbers and booleans are written as text, V(true) and V(false) in lower case.
      - Required with I(state=present).
    type: dict
  tags:
    description: Tags of the listed parameters.
    type: dict
  purge_tags:
    description: Whether tags of the listed parameters that are not in I(tags) are removed.
    type: bool
    default: true
  purge:
    description: Whether parameters below the path that are not listed are deleted.
    type: bool
    default: true
  state:
    description: V(absent) deletes all parameters below the path.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Publish where the shop is
  ssm_parameters:
    path: /mall/prod/shop
    parameters:
      url: https://shop.example.com
      port: 443
      buckets/invoices: mall-prod-invoices
    tags:
      owner: shop

- name: Publish nothing any more
  ssm_parameters:
    path: /mall/prod/shop
    state: absent
"""

RETURN = r"""
parameters:
  description: All parameters below the path as they are now, or in check mode would be.
  returned: always
  type: dict
  sample:
    url: https://shop.example.com
    port: "443"
    buckets/invoices: mall-prod-invoices
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.ssm import (
    apply_parameters,
    check_path,
    desired_parameters,
    plan_parameters,
    read_parameters,
    read_tags,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_ssm import SSMClient

ARGUMENT_SPEC = {
    "path": {"type": "str", "required": True},
    "parameters": {"type": "dict"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "purge": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
# Project, environment and component: a shorter path holds the parameters of other components.
LEVELS = 3


def plan_present(client: SSMClient, params: dict[str, Any]) -> Plan:
    """Plan the listed parameters, and with `purge` the deletion of all others."""
    path, tags = params["path"], params["tags"]
    check_path(path, levels=LEVELS)
    parameters = desired_parameters(params["parameters"])
    current: dict[str, Any] = {"parameters": read_parameters(client, path)}
    if tags is not None:
        present = [key for key in parameters if key in current["parameters"]]
        current["tags"] = {key: read_tags(client, f"{path}/{key}") for key in present}
    return plan_parameters(
        path,
        current,
        parameters,
        tags,
        purge=params["purge"],
        purge_tags=params["purge_tags"],
    )


def plan_absent(client: SSMClient, params: dict[str, Any]) -> Plan:
    """Plan the deletion of all parameters below the path."""
    path = params["path"]
    check_path(path, levels=LEVELS)
    current = {"parameters": read_parameters(client, path)}
    return plan_parameters(path, current, {}, None, purge=True, purge_tags=False)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["parameters"])],
        supports_check_mode=True,
    )
    ssm = client(module, "ssm")
    plan_path = plan_present if module.params["state"] == "present" else plan_absent
    plans = converge(
        module,
        lambda: [plan_path(ssm, module.params)],
        lambda plan: apply_parameters(ssm, plan),
    )
    after = plans[0].after or {}
    module.exit_json(parameters=after["parameters"], **result(plans))


if __name__ == "__main__":
    main()

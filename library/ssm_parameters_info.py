#!/usr/bin/python
"""Read the SSM parameters below one path."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_parameters_info
short_description: Read the SSM parameters below one path
version_added: "0.1.0"
description:
  - Reads the values that C(ssm_parameters) has published below a path, flat and as a tree.
  - A path without parameters is no error; the results are empty then.
  - A secret or a list below the path, and a parameter below another one, fail with the remedy.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing, so there is no diff.
options:
  path:
    description: Path of one publisher, such as V(/project/env/component), or of several.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Read what the shop has published
  ssm_parameters_info:
    path: /mall/prod/shop
  register: __shop

- name: Show a bucket of the shop
  ansible.builtin.debug:
    var: __shop.tree.buckets.invoices
"""

RETURN = r"""
parameters:
  description: The values by their keys below the path.
  returned: success
  type: dict
  sample:
    url: https://shop.example.com
    buckets/invoices: mall-prod-invoices
tree:
  description: The same values, nested by the slashes in their keys.
  returned: success
  type: dict
  sample:
    url: https://shop.example.com
    buckets: {invoices: mall-prod-invoices}
"""

from ansible.module_utils.artificien.aws import AwsError, client
from ansible.module_utils.artificien.reconcile import ReconcileError
from ansible.module_utils.artificien.ssm import check_path, read_parameters, to_tree
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

ARGUMENT_SPEC = {"path": {"type": "str", "required": True}}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    path = module.params["path"]
    try:
        check_path(path, levels=1)
        parameters = read_parameters(client(module, "ssm"), path)
        tree = to_tree(parameters)
    except (AwsError, ReconcileError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, parameters=parameters, tree=tree)


if __name__ == "__main__":
    main()

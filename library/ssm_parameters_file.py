#!/usr/bin/python
"""Write the SSM parameters below one path to a JSON file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_parameters_file
short_description: Write the SSM parameters below one path to a JSON file
version_added: "0.1.0"
description:
  - Writes the values that C(ssm_parameters) has published below a path as one JSON object, nested
    by the slashes in their keys.
  - A path without parameters is no error; the object has then only what I(content) gives.
  - A secret or a list below the path, and a parameter below another one, fail with the remedy.
  - The file and its folder are made where they are missing; only their owner can read the file.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports whether the file would change without writing it.
  diff_mode:
    support: full
    description: Returns the content of the file before and after.
options:
  path:
    description: Path of one publisher, such as V(/project/env/component), or of several.
    type: str
    required: true
  dest:
    description: The file.
    type: path
    required: true
  content:
    description: What the object holds besides; a published value of the same key replaces it.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Write down where everything of the mall is
  ssm_parameters_file:
    path: /mall/prod
    dest: build/mall.json
    content:
      region: us-east-1
"""

RETURN = r"""
content:
  description: The content of the file, as it is now or in check mode would be.
  returned: success
  type: dict
  sample:
    region: us-east-1
    shop: {url: "https://shop.example.com", buckets: {invoices: mall-prod-invoices}}
"""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan
from ansible.module_utils.artificien.ssm import check_path, read_parameters, to_tree
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

ARGUMENT_SPEC = {
    "path": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "content": {"type": "dict", "default": {}},
}


def read_file(file: Path) -> Model | None:
    """Read the object in `file`; `None` means that there is no file, or none that holds one."""
    try:
        content = json.loads(file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return {"content": content}


def desired_file(client: SSMClient, path: str, content: Model) -> Model:
    """Return what the file shall hold."""
    check_path(path, levels=1)
    return {"content": content | to_tree(read_parameters(client, path))}


def apply_file(plan: Plan) -> None:
    """Write the file, all of it or nothing.

    Raises:
        ReconcileError: it cannot be written.
    """
    file, content = Path(plan.name), (plan.after or {})["content"]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner only, from its first byte.
        handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w") as stream:
                stream.write(json.dumps(content, indent=2) + "\n")
            Path(unfinished).replace(file)
        except BaseException:
            Path(unfinished).unlink()
            raise
    except OSError as error:
        raise ReconcileError(f"dest is {file}, which cannot be written: {error}.") from error


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    ssm, params = client(module, "ssm"), module.params
    (plan,) = plans = converge(
        module,
        lambda: [
            make_plan(
                params["dest"],
                read_file(Path(params["dest"])),
                desired_file(ssm, params["path"], params["content"]),
            )
        ],
        apply_file,
    )
    module.exit_json(content=(plan.after or {})["content"], **result(plans))


if __name__ == "__main__":
    main()

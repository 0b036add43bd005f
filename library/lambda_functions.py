#!/usr/bin/python
"""Converge a set of Lambda functions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_functions
short_description: Converge a set of Lambda functions
version_added: "0.1.0"
description:
  - Builds the deployment package of each function from its source folder, the folders that it
    shares with other functions and its pinned dependencies, and creates or updates the function
    with it.
  - The same sources give the same package on every machine, and a function whose package and
    settings are as wanted is left alone.
  - C(amazon.aws.lambda) reports a change on every run with a package in S3, has neither reserved
    concurrency nor ephemeral storage, and cannot empty a description.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything in AWS.
      - Packages are built in I(build_dir) also in check mode, since their hashes tell what would
        change.
  diff_mode:
    support: full
    description: Returns the models of the changing functions before and after.
options:
  functions:
    description: The functions to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the function.
        type: str
        required: true
      source:
        description:
          - Path of the folder with the code. Required with I(state=present).
          - It is placed in the package under its own name, without tests, hidden files,
            C(README.md) and C(requirements*). Symbolic links are refused.
          - Its C(requirements.txt), if any, pins each dependency with hashes and names them all,
            since none is added.
        type: path
      shared:
        description:
          - Paths of folders with code that the function shares with others.
          - Each is placed in the package beside I(source), under its own name and by the same
            rules. What they depend on is pinned in the C(requirements.txt) of I(source).
        type: list
        elements: path
      handler:
        description:
          - Dotted path of the function to call, beginning with the name of the source folder.
          - Required with I(state=present).
        type: str
      role:
        description:
          - ARN of the IAM role of the function, in the account of the function.
          - Required with I(state=present).
        type: str
      runtime:
        description: Runtime of the function, for which its dependencies are chosen.
        type: str
        choices: [python3.12, python3.13, python3.14]
        default: python3.13
      architecture:
        description: Processor of the function, for which its dependencies are chosen.
        type: str
        choices: [x86_64, arm64]
        default: x86_64
      description:
        description: What the function is for. An empty text removes it.
        type: str
      timeout_seconds:
        description: How long one call may take.
        type: int
      memory_mib:
        description: Memory of the function, which also sets its share of a processor.
        type: int
      ephemeral_storage_mib:
        description: Size of C(/tmp), 512 or more.
        type: int
      environment:
        description:
          - All environment variables of the function. Others that it has are removed.
          - They are shown in the output. Give the ARN of a secret, never a secret.
        type: dict
      reserved_concurrency:
        description:
          - How many calls may run at a time, reserved from those of the account.
          - V(0) stops the function, V(-1) removes the reservation.
        type: int
      tracing:
        description: Whether X-Ray samples every call or only those that are already traced.
        type: str
        choices: [Active, PassThrough]
      kms_key:
        description: ARN of the KMS key that encrypts the environment, or V(aws_managed).
        type: str
      tags:
        description: Tags of the function.
        type: dict
  artifacts_bucket:
    description:
      - Name of the bucket through which packages go, at C(lambda/<name>/<sha256>.zip).
      - Required with I(state=present). A package is uploaded only when it is to be deployed, and
        none is deleted.
    type: str
  build_dir:
    description:
      - Path of the folder in which packages and dependencies are built and kept for the next run.
      - Required with I(state=present).
    type: path
  purge_tags:
    description: Whether tags that are not listed are removed.
    type: bool
    default: true
  state:
    description: Whether the functions shall exist.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout_seconds:
    description: How long to wait for each change of a function, and for a new role to be known.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Deploy the thumbnail function
  lambda_functions:
    artifacts_bucket: shop-artifacts
    build_dir: "{{ playbook_dir }}/build/lambda"
    functions:
      - name: shop-thumbnail
        source: "{{ playbook_dir }}/lambdas/thumbnail"
        shared: ["{{ playbook_dir }}/lambdas/shop_common"]
        handler: thumbnail.handler.lambda_handler
        role: arn:aws:iam::111122223333:role/shop-thumbnail
        description: Makes a thumbnail of each product image.
        timeout_seconds: 30
        memory_mib: 512
        reserved_concurrency: 5
        environment:
          BUCKET: shop-images
        tags:
          owner: shop

- name: Delete the thumbnail function
  lambda_functions:
    state: absent
    functions:
      - name: shop-thumbnail
"""

RETURN = r"""
functions:
  description: The functions by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    shop-thumbnail:
      arn: arn:aws:lambda:us-east-1:111122223333:function:shop-thumbnail
      version: $LATEST
      code_sha256: eFMhpcMRlQCnyqw1qCVDQpJiHRyDl7YmHh4wbyCmW1M=
      handler: thumbnail.handler.lambda_handler
      runtime: python3.13
      architecture: x86_64
      role: arn:aws:iam::111122223333:role/shop-thumbnail
      description: Makes a thumbnail of each product image.
      timeout_seconds: 30
      memory_mib: 512
      ephemeral_storage_mib: 512
      environment: {BUCKET: shop-images}
      reserved_concurrency: 5
      tracing: PassThrough
      kms_key: aws_managed
      tags: {owner: shop}
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.lambda_function import (
    LATEST,
    apply_function,
    code_location,
    deploys_code,
    desired_function,
    function_arn,
    plan_function,
    read_function,
    upload_package,
)
from ansible.module_utils.artificien.lambda_package import Package, build_package
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionCodeTypeDef

FUNCTION = {
    "name": {"type": "str", "required": True},
    "source": {"type": "path"},
    "shared": {"type": "list", "elements": "path"},
    "handler": {"type": "str"},
    "role": {"type": "str"},
    "runtime": {
        "type": "str",
        "choices": ["python3.12", "python3.13", "python3.14"],
        "default": "python3.13",
    },
    "architecture": {"type": "str", "choices": ["x86_64", "arm64"], "default": "x86_64"},
    "description": {"type": "str"},
    "timeout_seconds": {"type": "int"},
    "memory_mib": {"type": "int"},
    "ephemeral_storage_mib": {"type": "int"},
    "environment": {"type": "dict"},
    "reserved_concurrency": {"type": "int"},
    "tracing": {"type": "str", "choices": ["Active", "PassThrough"]},
    "kms_key": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "functions": {"type": "list", "elements": "dict", "required": True, "options": FUNCTION},
    "artifacts_bucket": {"type": "str"},
    "build_dir": {"type": "path"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout_seconds": {"type": "int", "default": 300},
}


def build_packages(params: dict[str, Any]) -> dict[str, Package]:
    """Return the package of each listed function by the function's name."""
    for function in params["functions"]:
        for field in ("source", "handler"):
            if not function[field]:
                raise ReconcileError(f"{function['name']}: {field} is missing.")
        if not (function["role"] or "").startswith("arn:"):
            raise ReconcileError(
                f"{function['name']}: role is {function['role']!r}; give the ARN of an IAM role."
            )
    return {
        function["name"]: build_package(
            Path(function["source"]),
            function["runtime"],
            function["architecture"],
            Path(params["build_dir"]),
            [Path(folder) for folder in function["shared"] or []],
        )
        for function in params["functions"]
    }


def plan_present(
    client: LambdaClient, params: dict[str, Any], packages: dict[str, Package]
) -> list[Plan]:
    """Plan every listed function as wanted."""
    return [
        plan_function(
            function["name"],
            read_function(client, function["name"]),
            desired_function(function, packages[function["name"]].code_sha256),
            purge_tags=params["purge_tags"],
        )
        for function in params["functions"]
    ]


def plan_absent(client: LambdaClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the deletion of the listed functions."""
    names = [function["name"] for function in params["functions"]]
    return [make_plan(name, read_function(client, name), None) for name in names]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[("state", "present", ["artifacts_bucket", "build_dir"])],
    )
    functions = client(module, "lambda")
    packages: dict[str, Package] = {}

    def plans() -> list[Plan]:
        if module.params["state"] == "absent":
            return plan_absent(functions, module.params)
        packages.update(build_packages(module.params))
        return plan_present(functions, module.params, packages)

    def apply(plan: Plan) -> None:
        location: FunctionCodeTypeDef = {}
        if deploys_code(plan):
            package = packages[plan.name]
            location = code_location(module.params["artifacts_bucket"], plan.name, package)
            upload_package(client(module, "s3"), package, location)
        apply_function(functions, plan, location, module.params["wait_timeout_seconds"])

    made = converge(module, plans, apply)
    if module.params["state"] == "absent":
        module.exit_json(**result(made))
    module.exit_json(
        functions={
            plan.name: {
                "arn": function_arn(functions, plan.after["role"], plan.name),
                "version": LATEST,
                **plan.after,
            }
            for plan in made
            if plan.after is not None
        },
        **result(made),
    )


if __name__ == "__main__":
    main()

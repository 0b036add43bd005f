#!/usr/bin/python
"""Converge branches of an app of AWS Amplify Hosting."""

from __future__ import annotations

DOCUMENTATION = r"""
module: amplify_branch
short_description: Converge branches of an app of AWS Amplify Hosting
version_added: "0.1.0"
description:
  - Connects branches of a repository with an app of AWS Amplify Hosting, and updates connected ones
    in place. Branches that are not listed are left alone, and so are options that are not given.
  - The credentials of the basic authentication come from Secrets Manager, and never into a result,
    a diff or an error.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing branches before and after, without secrets.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  branches:
    description: The branches to converge, or with I(state=absent) to disconnect.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the branch in the repository.
        type: str
        required: true
      stage:
        description: What the branch is for.
        type: str
        choices: [PRODUCTION, BETA, DEVELOPMENT, EXPERIMENTAL, PULL_REQUEST]
      description:
        description: What the branch is.
        type: str
      display_name:
        description: First label of the branch's address, by default made of its name.
        type: str
      framework:
        description: Name of the framework that the branch is built with.
        type: str
      build_spec:
        description: The build specification in YAML, in place of the app's.
        type: str
      environment:
        description:
          - Environment variables of the builds, beside those of the app. Everybody who may read the
            branch sees them.
          - Whole numbers and booleans are written as text, V(true) and V(false) in lower case.
        type: dict
      auto_build:
        description: Whether each push is built. A new branch without it is.
        type: bool
      build:
        description:
          - Whether a build of the newest commit is started where there has been none yet, or where
            this run changes I(environment), I(build_spec) or I(framework).
          - Nobody waits for its end.
        type: bool
        default: false
      notification:
        description: Whether Amplify tells of builds by mail.
        type: bool
      performance_mode:
        description: Whether what is served may be cached for longer.
        type: bool
      skew_protection:
        description: Whether a browser goes on getting the files of the build that it began with.
        type: bool
      pull_request_preview:
        description: Whether pull requests to the branch get a site of their own.
        type: bool
      pull_request_environment:
        description: Name of the back end that such a site uses.
        type: str
      cache_ttl_seconds:
        description: How long what is served is cached.
        type: int
      compute_role:
        description: ARN of the role that a rendering server works under.
        type: str
      basic_auth_secret:
        description:
          - Name of the secret in Secrets Manager whose text is C(user:password), which the branch
            then asks for.
          - An empty name switches that off.
        type: str
      tags:
        description: Tags of the branch.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the branches are connected.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Connect the branches of the shop
  amplify_branch:
    app: shop
    branches:
      - name: main
        stage: PRODUCTION
        build: true
        environment:
          SHOP_CURRENCY: EUR
      - name: next
        stage: BETA
        basic_auth_secret: shop/preview-login

- name: Disconnect a branch
  amplify_branch:
    app: shop
    state: absent
    branches:
      - name: next
"""

RETURN = r"""
branches:
  description:
    - The branches by name as they are now, or in check mode would be.
    - Of a branch that is connected in this run, only the settings that were given.
  returned: when I(state=present)
  type: dict
  sample:
    main:
      stage: PRODUCTION
      built: true
      environment: {SHOP_CURRENCY: EUR}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.amplify import existing_app, find_app
from ansible.module_utils.artificien.amplify_branch import (
    apply_branch,
    check_unique,
    desired_branch,
    plan_branch,
    read_branch,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_amplify import AmplifyClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

BRANCH: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "stage": {
        "type": "str",
        "choices": ["PRODUCTION", "BETA", "DEVELOPMENT", "EXPERIMENTAL", "PULL_REQUEST"],
    },
    "description": {"type": "str"},
    "display_name": {"type": "str"},
    "framework": {"type": "str"},
    "build_spec": {"type": "str"},
    "environment": {"type": "dict"},
    "auto_build": {"type": "bool"},
    "build": {"type": "bool", "default": False},
    "notification": {"type": "bool"},
    "performance_mode": {"type": "bool"},
    "skew_protection": {"type": "bool"},
    "pull_request_preview": {"type": "bool"},
    "pull_request_environment": {"type": "str"},
    "cache_ttl_seconds": {"type": "int"},
    "compute_role": {"type": "str"},
    "basic_auth_secret": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "branches": {"type": "list", "elements": "dict", "required": True, "options": BRANCH},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_branches(
    amplify: AmplifyClient, secrets: SecretsManagerClient, params: dict[str, Any]
) -> list[Plan]:
    """Plan the listed branches: as wanted, or with I(state=absent) gone."""
    check_unique(params["branches"])
    app_id = find_app(amplify, params["app"])
    plans = []
    for option in params["branches"]:
        name, current = option["name"], None
        if app_id is not None:
            current = read_branch(amplify, secrets, app_id, name, option["basic_auth_secret"])
        if params["state"] == "absent":
            plans.append(make_plan(name, current, None))
        else:
            desired = desired_branch(option)
            plans.append(plan_branch(name, current, desired, purge_tags=params["purge_tags"]))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    amplify, secrets = client(module, "amplify"), client(module, "secretsmanager")
    app, options = module.params["app"], module.params["branches"]

    def apply(plan: Plan) -> None:
        app_id = existing_app(find_app(amplify, app), app)
        (option,) = (option for option in options if option["name"] == plan.name)
        apply_branch(amplify, secrets, app_id, plan, option)

    plans = converge(module, lambda: plan_branches(amplify, secrets, module.params), apply)
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(branches={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()

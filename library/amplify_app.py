#!/usr/bin/python
"""Converge an app of AWS Amplify Hosting."""

from __future__ import annotations

DOCUMENTATION = r"""
module: amplify_app
short_description: Converge an app of AWS Amplify Hosting
version_added: "0.1.0"
description:
  - Creates an app of AWS Amplify Hosting, connects it with its repository, and updates it in place.
    Options that are not given are left alone.
  - The token of the repository and the credentials of the basic authentication come from Secrets
    Manager, and never into a result, a diff or an error.
  - Amplify never tells the token that it has. The tag C(repository-token-version) of the app holds
    which version of the secret that was, so that another one is noticed.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the model of a changing app before and after, without secrets.
options:
  name:
    description: Name of the app. Of several apps with this name none is taken.
    type: str
    required: true
  description:
    description: What the app is.
    type: str
  repository:
    description: URL of the Git repository that is built.
    type: str
  token_secret:
    description:
      - Name of the secret in Secrets Manager whose text is the token by which Amplify reaches
        I(repository). CodeCommit needs none.
      - It is sent when the app is connected, and when it or the repository is another one.
    type: str
  platform:
    description: V(WEB) serves files, V(WEB_COMPUTE) and V(WEB_DYNAMIC) render on a server.
    type: str
    choices: [WEB, WEB_COMPUTE, WEB_DYNAMIC]
  service_role:
    description: ARN of the role that builds work under.
    type: str
  compute_role:
    description: ARN of the role that a rendering server works under.
    type: str
  build_spec:
    description: The build specification in YAML, in place of C(amplify.yml) in the repository.
    type: str
  environment:
    description:
      - Environment variables of the builds of all branches. Everybody who may read the app sees
        them.
      - Whole numbers and booleans are written as text, V(true) and V(false) in lower case.
    type: dict
  custom_rules:
    description: Rewrites and redirects, of which the first that fits is taken.
    type: list
    elements: dict
    suboptions:
      source:
        description: Path of a request, or a pattern of it.
        type: str
        required: true
      target:
        description: Where it leads.
        type: str
        required: true
      status:
        description:
          - V(200) rewrites, V(301) and V(302) redirect, V(404) and V(404-200) serve a path that is
            missing.
        type: str
        choices: ["200", "301", "302", "404", "404-200"]
        required: true
      condition:
        description: Condition, such as a country code.
        type: str
  custom_headers:
    description: HTTP headers of what is served, in YAML.
    type: str
  auto_build:
    description: Whether branches that are connected later are built at each push.
    type: bool
  auto_branch_deletion:
    description: Whether a branch that is deleted in the repository is disconnected.
    type: bool
  auto_branch_creation:
    description: Whether branches of the repository are connected by themselves.
    type: bool
  auto_branch_creation_patterns:
    description: Patterns of the names of these branches.
    type: list
    elements: str
  basic_auth_secret:
    description:
      - Name of the secret in Secrets Manager whose text is C(user:password), which all branches
        then ask for.
      - An empty name switches that off.
    type: str
  build_instance:
    description: Size of the machine that builds.
    type: str
    choices: [STANDARD_8GB, LARGE_16GB, XLARGE_72GB]
  cache:
    description: Whether cookies are part of the cache's key.
    type: str
    choices: [AMPLIFY_MANAGED, AMPLIFY_MANAGED_NO_COOKIES]
  tags:
    description: Tags of the app.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the app exists. With it go its branches and domains.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the app of the shop
  amplify_app:
    name: shop
    repository: https://github.com/example/shop
    token_secret: shop/github-token
    platform: WEB
    environment:
      SHOP_CURRENCY: EUR
    custom_rules:
      - source: /<*>
        target: /index.html
        status: 404-200
    basic_auth_secret: shop/preview-login
    tags:
      owner: shop

- name: Delete the app
  amplify_app:
    name: shop
    state: absent
"""

RETURN = r"""
app_id:
  description:
    - Id of the app, with I(state=absent) of the deleted one.
    - Null where there is none, and in check mode for one that does not exist yet.
  returned: always
  type: str
  sample: d1example23456
default_domain:
  description:
    - The domain below which Amplify serves each branch.
    - Null as I(app_id) is.
  returned: always
  type: str
  sample: d1example23456.amplifyapp.com
app:
  description:
    - The app as it is now, or in check mode would be.
    - Of an app that is made in this run, only the settings that were given.
  returned: when I(state=present)
  type: dict
  sample:
    repository: https://github.com/example/shop
    platform: WEB
    basic_auth: true
    credentials_current: true
    token_version: 1a2b3c4d-example
    tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.amplify import find_app
from ansible.module_utils.artificien.amplify_app import (
    apply_app,
    desired_app,
    plan_app,
    read_app,
    wanted_token_version,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_amplify import AmplifyClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

RULE = {
    "source": {"type": "str", "required": True},
    "target": {"type": "str", "required": True},
    "status": {
        "type": "str",
        "choices": ["200", "301", "302", "404", "404-200"],
        "required": True,
    },
    "condition": {"type": "str"},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "repository": {"type": "str"},
    "token_secret": {"type": "str", "no_log": False},
    "platform": {"type": "str", "choices": ["WEB", "WEB_COMPUTE", "WEB_DYNAMIC"]},
    "service_role": {"type": "str"},
    "compute_role": {"type": "str"},
    "build_spec": {"type": "str"},
    "environment": {"type": "dict"},
    "custom_rules": {"type": "list", "elements": "dict", "options": RULE},
    "custom_headers": {"type": "str"},
    "auto_build": {"type": "bool"},
    "auto_branch_deletion": {"type": "bool"},
    "auto_branch_creation": {"type": "bool"},
    "auto_branch_creation_patterns": {"type": "list", "elements": "str"},
    "basic_auth_secret": {"type": "str", "no_log": False},
    "build_instance": {"type": "str", "choices": ["STANDARD_8GB", "LARGE_16GB", "XLARGE_72GB"]},
    "cache": {"type": "str", "choices": ["AMPLIFY_MANAGED", "AMPLIFY_MANAGED_NO_COOKIES"]},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_one(
    amplify: AmplifyClient, secrets: SecretsManagerClient, params: dict[str, Any]
) -> list[Plan]:
    """Plan the app: as wanted, or with I(state=absent) gone."""
    name = params["name"]
    app_id = find_app(amplify, name)
    current = None
    if app_id is not None:
        current = read_app(amplify, secrets, app_id, params["basic_auth_secret"])
    if params["state"] == "absent":
        return [make_plan(name, current, None)]
    desired = desired_app(params, wanted_token_version(secrets, params["token_secret"]))
    return [plan_app(name, current, desired, purge_tags=params["purge_tags"])]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    amplify, secrets = client(module, "amplify"), client(module, "secretsmanager")
    known: dict[str, Any] = {}

    def apply(plan: Plan) -> None:
        known.update(apply_app(amplify, secrets, plan, module.params))

    plans = converge(module, lambda: plan_one(amplify, secrets, module.params), apply)
    known.update(plans[0].before or {})
    identity = {field: known.get(field) for field in ("app_id", "default_domain")}
    if module.params["state"] == "absent":
        module.exit_json(**identity, **result(plans))
    module.exit_json(app=plans[0].after, **identity, **result(plans))


if __name__ == "__main__":
    main()

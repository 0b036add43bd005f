#!/usr/bin/python
"""Converge a REST API of API Gateway on an OpenAPI document."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigw_rest_api
short_description: Converge a REST API of API Gateway on an OpenAPI document
version_added: "0.1.0"
description:
  - Creates a regional REST API with the resources, methods, integrations, authorizers, models,
    request validators and gateway responses that an OpenAPI document describes, and one stage that
    serves it. What the document no longer describes is deleted.
  - The API is deployed exactly when its content changed. The hash of what was deployed is kept in
    the description of the deployment, so that a run that stopped half-way is made up for.
  - Other stages of the API are left alone, and serve what they were deployed with.
  - C(community.aws.api_gateway) reports a change on every run, and makes a new API each time that
    it is not given the id of one.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: >-
      Returns the models of the changing parts before and after, each method by its verb and path.
options:
  name:
    description: Name of the API, which no other API of the account and region may have.
    type: str
    required: true
  definition:
    description:
      - The document, of OpenAPI 3.0 with the extensions of API Gateway, as a dictionary. Required
        with I(state=present).
      - Each operation has C(x-amazon-apigateway-integration). Of other extensions those for request
        validators, gateway responses, binary media types and any method are known; any other is
        refused.
      - A security scheme with C(x-amazon-apigateway-authorizer) of the type C(cognito_user_pools)
        becomes an authorizer, and the scopes with which an operation names it those of the method.
        A scheme of the header C(x-api-key) asks for a key of API Gateway. Other schemes are what
        the function behind the method looks at itself.
      - The schema of a request body is a C($ref) to C(components.schemas), and becomes a model.
      - Responses are documentation where the integration is a proxy.
    type: dict
  stage:
    description: The stage that serves the API. Required with I(state=present).
    type: dict
    suboptions:
      name:
        description: Name of the stage, the first step of each path.
        type: str
        required: true
      description:
        description: What the stage is for.
        type: str
      variables:
        description: All variables of the stage. Others that it has are removed.
        type: dict
      access_log_group:
        description:
          - ARN of the log group that gets a line for each call, or empty for none.
          - AWS needs the account's role for logs before, see C(apigw_account).
        type: str
      access_log_format:
        description: The format of such a line. Required with I(access_log_group).
        type: str
      log_level:
        description: What the execution log tells of each call.
        type: str
        choices: ["OFF", ERROR, INFO]
      metrics:
        description: Whether there are metrics for each method.
        type: bool
      tracing:
        description: Whether X-Ray samples the calls.
        type: bool
      rate_limit:
        description: How many calls a second each method takes in the long run.
        type: float
      burst_limit:
        description: How many calls each method takes at once.
        type: int
      methods:
        description: Limits of single methods. Limits of methods that are not listed are removed.
        type: list
        elements: dict
        suboptions:
          verb:
            description: HTTP method, in capitals.
            type: str
            required: true
          path:
            description: Path of the resource as in the document.
            type: str
            required: true
          rate_limit:
            description: How many calls a second the method takes in the long run.
            type: float
          burst_limit:
            description: How many calls the method takes at once.
            type: int
  deployments_kept:
    description: How many deployments are kept to go back to, with the present one.
    type: int
    default: 5
  tags:
    description: Tags of the API and of the stage.
    type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the API shall exist. With V(absent) it is deleted with all its stages.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Deploy the API of the shop
  apigw_rest_api:
    name: shop
    definition: "{{ lookup('ansible.builtin.template', 'openapi.yml.j2') | from_yaml }}"
    stage:
      name: prod
      access_log_group: arn:aws:logs:us-east-1:111122223333:log-group:/aws/apigateway/shop
      access_log_format: '{"id":"$context.requestId","status":"$context.status"}'
      log_level: ERROR
      metrics: true
      tracing: true
      rate_limit: 100
      burst_limit: 200
      methods:
        - verb: POST
          path: /orders
          rate_limit: 10
          burst_limit: 20
    tags:
      owner: shop

- name: Delete the API of the shop
  apigw_rest_api:
    name: shop
    state: absent
"""

RETURN = r"""
id:
  description: Id of the API, empty if there is none.
  returned: always
  type: str
  sample: a1b2c3d4e5
parts:
  description: The parts of the API by name as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    validator all:
      body: true
      parameters: true
    resource /orders: {}
stage:
  description: The stage as it is now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    description: ""
    variables: {}
    access_log: {}
    tracing: true
    methods:
      all methods: {log_level: ERROR, metrics: true, rate_limit: 100.0, burst_limit: 200}
    tags: {owner: shop}
    content: 4f9d7e1d2b8c4f0f9e6a1c3b5d7f90ab4f9d7e1d2b8c4f0f9e6a1c3b5d7f90ab
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.apigw_definition import binary_media_types, desired_parts
from ansible.module_utils.artificien.apigw_parts import apply_api, apply_part, plan_parts
from ansible.module_utils.artificien.apigw_read import Ids, find_api, read_api, read_parts
from ansible.module_utils.artificien.apigw_stage import (
    LOG_LEVELS,
    apply_stage,
    content_hash,
    desired_stage,
    plan_stage,
    read_stage,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

METHOD = {
    "verb": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "rate_limit": {"type": "float"},
    "burst_limit": {"type": "int"},
}
STAGE = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "variables": {"type": "dict"},
    "access_log_group": {"type": "str"},
    "access_log_format": {"type": "str"},
    "log_level": {"type": "str", "choices": LOG_LEVELS},
    "metrics": {"type": "bool"},
    "tracing": {"type": "bool"},
    "rate_limit": {"type": "float"},
    "burst_limit": {"type": "int"},
    "methods": {"type": "list", "elements": "dict", "options": METHOD},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "definition": {"type": "dict"},
    "stage": {"type": "dict", "options": STAGE},
    "deployments_kept": {"type": "int", "default": 5},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_present(client: APIGatewayClient, ids: Ids, params: dict[str, Any]) -> list[Plan]:
    """Plan the API as a whole, its parts and its stage, and note the ids of what there is."""
    name, definition, stage = params["name"], params["definition"], params["stage"]["name"]
    present = find_api(client, name)
    if present is not None:
        ids.api = present["id"]
    kinds, desired = binary_media_types(definition), desired_parts(definition)
    whole = make_plan(
        f"api {name}",
        None if present is None else read_api(client, present),
        {
            "description": definition.get("info", {}).get("description", ""),
            "binary_media_types": kinds,
            "tags": params["tags"],
        },
        merged=[] if params["purge_tags"] else ["tags"],
    )
    parts = plan_parts({} if present is None else read_parts(client, ids), desired)
    served = plan_stage(
        stage,
        None if present is None else read_stage(client, ids.api, stage),
        desired_stage(params["stage"], params["tags"], content_hash(kinds, desired)),
        purge_tags=params["purge_tags"],
    )
    return [whole, *parts, served]


def plan_absent(client: APIGatewayClient, ids: Ids, params: dict[str, Any]) -> list[Plan]:
    """Plan the deletion of the API, and note its id."""
    present = find_api(client, params["name"])
    if present is None:
        return []
    ids.api = present["id"]
    return [make_plan(f"api {params['name']}", read_api(client, present), None)]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[("state", "present", ["definition", "stage"])],
    )
    params = module.params
    gateway = client(module, "apigateway")
    ids = Ids()

    def apply(plan: Plan) -> None:
        kind, _, name = plan.name.partition(" ")
        if kind == "api":
            apply_api(gateway, ids, plan, name)
        elif kind == "stage":
            apply_stage(gateway, ids.api, name, plan, params["deployments_kept"])
        else:
            apply_part(gateway, ids, plan)

    absent = params["state"] == "absent"
    plan_api = plan_absent if absent else plan_present
    plans = converge(module, lambda: plan_api(gateway, ids, params), apply)
    if absent:
        module.exit_json(id=ids.api, **result(plans))
    parts = {plan.name: plan.after for plan in plans[1:-1] if plan.after is not None}
    module.exit_json(id=ids.api, parts=parts, stage=plans[-1].after, **result(plans))


if __name__ == "__main__":
    main()

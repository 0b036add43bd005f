#!/usr/bin/python
"""Converge a set of S3 buckets with all their settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_buckets
short_description: Converge a set of S3 buckets with all their settings
version_added: "0.1.0"
description:
  - Creates S3 buckets and sets their encryption, versioning, ownership, public access block,
    policy, lifecycle, CORS rules and tags.
  - Settings that are not given are left alone. The policy, the lifecycle rules and the CORS rules
    are replaced as a whole.
  - A bucket of another account or another region fails with the remedy. A run that was
    interrupted after creating a bucket is completed by the next one, and leaves nothing public.
  - C(amazon.aws.s3_bucket) and C(community.aws.s3_lifecycle) are skipped in check mode.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing buckets before and after.
options:
  buckets:
    description: The buckets to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the bucket, unique among all accounts of AWS.
        type: str
        required: true
      versioning:
        description: Whether S3 keeps the former versions of each object.
        type: bool
      kms_key:
        description:
          - ARN of the KMS key that encrypts new objects, or V(aws_s3) for the keys of S3 itself.
          - With a KMS key, a bucket key saves most of the calls to KMS.
        type: str
      block_public_access:
        description: Whether all four settings that keep the public out are on, or all off.
        type: bool
      object_ownership:
        description: Who owns an object; V(BucketOwnerEnforced) also switches access lists off.
        type: str
        choices: [BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter]
      tls_only:
        description:
          - Whether the policy also refuses every request that is not sent over TLS.
          - The statement is added to I(policy), which counts as empty where it is not given.
        type: bool
      policy:
        description:
          - The whole policy of the bucket. V({}) removes it.
          - Policies are compared by meaning. The order of statements and values does not count.
        type: dict
      lifecycle_rules:
        description: All lifecycle rules of the bucket. V([]) removes them.
        type: list
        elements: dict
        suboptions:
          id:
            description: Name of the rule, unique in the bucket.
            type: str
            required: true
          prefix:
            description: Beginning of the keys that the rule is for.
            type: str
            default: ""
          noncurrent_days:
            description: Days after which a version that was replaced or deleted is removed.
            type: int
          expiration_days:
            description: Days after which an object is deleted.
            type: int
          abort_multipart_days:
            description: Days after which an unfinished multipart upload is removed.
            type: int
          expired_delete_markers:
            description:
              - Whether delete markers without any version behind them are removed.
              - Not together with I(expiration_days), which S3 refuses.
            type: bool
      cors_rules:
        description: All CORS rules of the bucket, the first that fits applies. V([]) removes them.
        type: list
        elements: dict
        suboptions:
          allowed_origins:
            description: Origins that browsers may call from.
            type: list
            elements: str
            required: true
          allowed_methods:
            description: HTTP methods that browsers may use.
            type: list
            elements: str
            choices: [GET, PUT, POST, DELETE, HEAD]
            required: true
          allowed_headers:
            description: Headers that browsers may send.
            type: list
            elements: str
            default: []
          expose_headers:
            description: Headers of the response that browsers may read.
            type: list
            elements: str
            default: []
          max_age_seconds:
            description: How long browsers may remember the answer to a preflight request.
            type: int
      tags:
        description: Tags of the bucket.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed.
    type: bool
    default: true
  state:
    description:
      - V(present) converges the buckets.
      - V(absent) deletes them, unless they hold objects and I(delete_objects=false).
    type: str
    choices: [present, absent]
    default: present
  delete_objects:
    description:
      - Whether I(state=absent) also deletes buckets that hold objects, versions of objects or
        delete markers, with all of these and with unfinished uploads.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the bucket of the invoices
  s3_buckets:
    buckets:
      - name: shop-prod-invoices
        versioning: true
        kms_key: aws_s3
        block_public_access: true
        object_ownership: BucketOwnerEnforced
        lifecycle_rules:
          - id: tidy
            noncurrent_days: 90
            abort_multipart_days: 7
            expired_delete_markers: true
        policy:
          Version: "2012-10-17"
          Statement:
            - Sid: RefusePlainHttp
              Effect: Deny
              Principal: "*"
              Action: s3:*
              Resource:
                - arn:aws:s3:::shop-prod-invoices
                - arn:aws:s3:::shop-prod-invoices/*
              Condition: {Bool: {"aws:SecureTransport": "false"}}
        tags:
          owner: shop

- name: Delete the bucket of the invoices if it is empty
  s3_buckets:
    state: absent
    buckets:
      - name: shop-prod-invoices
"""

RETURN = r"""
buckets:
  description:
    - The buckets by name as they are now, or in check mode would be.
    - Of a bucket that is made in this run, only the settings that were given.
    - What a lifecycle rule says beyond the options of this module stands under C(other). Where
      only some of the four public access settings are on, C(block_public_access) lists them.
  returned: when I(state=present)
  type: dict
  sample:
    shop-prod-invoices:
      block_public_access: true
      object_ownership: BucketOwnerEnforced
      encryption: {algorithm: AES256}
      versioning: true
      lifecycle_rules:
        - id: tidy
          prefix: ""
          noncurrent_days: 90
          abort_multipart_days: 7
          expired_delete_markers: true
      cors_rules: []
      tags: {owner: shop}
      policy: {}
kept:
  description: Names of the buckets that stay because they hold objects.
  returned: success
  type: list
  elements: str
  sample: [shop-prod-invoices]
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, read_account, result
from ansible.module_utils.artificien.reconcile import Plan, make_plan
from ansible.module_utils.artificien.s3 import (
    apply_bucket,
    desired_bucket,
    has_objects,
    read_bucket,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LIFECYCLE_RULE = {
    "id": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
    "noncurrent_days": {"type": "int"},
    "expiration_days": {"type": "int"},
    "abort_multipart_days": {"type": "int"},
    "expired_delete_markers": {"type": "bool"},
}
CORS_RULE = {
    "allowed_origins": {"type": "list", "elements": "str", "required": True},
    "allowed_methods": {
        "type": "list",
        "elements": "str",
        "choices": ["GET", "PUT", "POST", "DELETE", "HEAD"],
        "required": True,
    },
    "allowed_headers": {"type": "list", "elements": "str", "default": []},
    "expose_headers": {"type": "list", "elements": "str", "default": []},
    "max_age_seconds": {"type": "int"},
}
BUCKET = {
    "name": {"type": "str", "required": True},
    "versioning": {"type": "bool"},
    "kms_key": {"type": "str", "no_log": False},
    "block_public_access": {"type": "bool"},
    "object_ownership": {
        "type": "str",
        "choices": ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
    },
    "tls_only": {"type": "bool"},
    "policy": {"type": "dict"},
    "lifecycle_rules": {"type": "list", "elements": "dict", "options": LIFECYCLE_RULE},
    "cors_rules": {"type": "list", "elements": "dict", "options": CORS_RULE},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "buckets": {"type": "list", "elements": "dict", "required": True, "options": BUCKET},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "delete_objects": {"type": "bool", "default": False},
}


def plan_present(client: S3Client, account: str, params: dict[str, Any]) -> list[Plan]:
    """Plan every listed bucket as wanted."""
    return [
        make_plan(
            bucket["name"],
            read_bucket(client, bucket["name"], account),
            desired_bucket(bucket),
            merged=[] if params["purge_tags"] else ["tags"],
        )
        for bucket in params["buckets"]
    ]


def plan_absent(client: S3Client, account: str, params: dict[str, Any]) -> list[Plan]:
    """Plan the deletion of the listed buckets, but for those that hold objects to keep."""
    plans = []
    for bucket in params["buckets"]:
        name = bucket["name"]
        current = read_bucket(client, name, account)
        keep = current is not None and not params["delete_objects"] and has_objects(client, name)
        plans.append(make_plan(name, current, current if keep else None))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    s3, sts = client(module, "s3"), client(module, "sts")
    make_plans = plan_present if module.params["state"] == "present" else plan_absent
    plans = converge(
        module,
        lambda: make_plans(s3, read_account(sts), module.params),
        lambda plan: apply_bucket(s3, plan, delete_objects=module.params["delete_objects"]),
    )
    buckets = {plan.name: plan.after for plan in plans if plan.after is not None}
    if module.params["state"] == "absent":
        module.exit_json(kept=sorted(buckets), **result(plans))
    module.exit_json(kept=[], buckets=buckets, **result(plans))


if __name__ == "__main__":
    main()

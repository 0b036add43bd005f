#!/usr/bin/python
"""Converge the files of a folder into an S3 bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_files
short_description: Converge the files of a folder into an S3 bucket
version_added: "0.1.0"
description:
  - Makes the files of a local folder objects of a bucket, under the names that they have in the
    folder. Writes only what differs, by a hash of the content that each object bears.
  - Deletes objects that it wrote earlier and whose file is gone. Objects of others below the same
    prefix are left alone, but for one that has the name of a file, which is replaced.
  - It is for some files, not for many or large ones. Each object below the prefix is asked for what
    it is, and each file is read as a whole.
  - C(community.aws.s3_sync) deletes whatever is not in the folder, and asks for the bucket in check
    mode.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description:
      - Reports what would change without changing anything.
      - A bucket that does not exist is taken for one that the same playbook creates before.
        Outside check mode it is an error.
  diff_mode:
    support: full
    description: Returns hashes, types and sets of the changing objects before and after.
options:
  name:
    description: Name of the set of files, which its objects bear. Only those are ever deleted.
    type: str
    required: true
  bucket:
    description: Name of the bucket, in the account of the credentials.
    type: str
    required: true
  prefix:
    description: What the keys begin with. It ends with a slash, or is empty.
    type: str
    default: ""
  source:
    description:
      - Path of the folder. Required with I(state=present).
      - Files and folders whose name begins with a dot are left out, and symbolic links refused.
    type: path
  content_types:
    description: Types of content by the ends of names, such as V(.ipynb), beside the usual ones.
    type: dict
    default: {}
  purge:
    description: Whether objects of the set are deleted whose file is gone.
    type: bool
    default: true
  state:
    description: V(absent) deletes all objects of the set below the prefix.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Put the price lists into the bucket of the shop
  s3_files:
    name: price-lists
    bucket: shop-prod-downloads
    prefix: prices/
    source: files/prices
    content_types:
      .price: text/plain

- name: Delete the price lists
  s3_files:
    name: price-lists
    bucket: shop-prod-downloads
    prefix: prices/
    state: absent
"""

RETURN = r"""
files:
  description: The objects of the files by key as they are now, or in check mode would be.
  returned: when I(state=present)
  type: dict
  sample:
    prices/spring.price:
      sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      content_type: text/plain
      file_set: price-lists
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, read_account, result
from ansible.module_utils.artificien.s3_files import (
    apply_file,
    check_prefix,
    desired_files,
    plan_files,
    read_files,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_s3 import S3Client

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "bucket": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
    "source": {"type": "path"},
    "content_types": {"type": "dict", "default": {}},
    "purge": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_set(client: S3Client, account: str, params: dict[str, Any]) -> list[Plan]:
    """Plan the files as objects, or with I(state=absent) all objects of the set gone."""
    name, prefix = params["name"], params["prefix"]
    check_prefix(prefix)
    absent = params["state"] == "absent"
    desired = (
        {} if absent else desired_files(params["source"], prefix, name, params["content_types"])
    )
    current = read_files(client, params["bucket"], prefix, account)
    return plan_files(name, current, desired, purge=absent or params["purge"])


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["source"])],
        supports_check_mode=True,
    )
    params = module.params
    s3, sts = client(module, "s3"), client(module, "sts")
    account = cache(lambda: read_account(sts))

    def apply(plan: Plan) -> None:
        path = Path(params["source"] or "", plan.name.removeprefix(params["prefix"]))
        apply_file(s3, params["bucket"], plan, path, account())

    plans = converge(module, lambda: plan_set(s3, account(), params), apply)
    if params["state"] == "absent":
        module.exit_json(**result(plans))
    files = {plan.name: plan.after for plan in plans if plan.after is not None}
    module.exit_json(files=files, **result(plans))


if __name__ == "__main__":
    main()

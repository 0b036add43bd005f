#!/usr/bin/python
"""Make users, datasets and models to try the platform with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: demo_data
short_description: Make users, datasets and models to try the platform with
version_added: "0.1.0"
description:
  - Writes items of the user, dataset and model tables as files of JSON lines, for C(dynamodb_seed).
  - The items refer to one another. Each dataset has an owner, purchases are counted, and each model
    is made on a dataset that its owner has bought.
  - The same options give the same files on every machine and on every day.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports whether the files would be made without making them.
  diff_mode:
    support: full
    description: Returns what the files were and will be made of.
options:
  folder:
    description: Folder of the files. It is made if need be and is not removed.
    type: path
    required: true
  users:
    description: Number of users.
    type: int
    default: 0
  datasets:
    description: Number of datasets besides the platform's own. They need a user to own them.
    type: int
    default: 0
  models:
    description: Number of models. They need a dataset to be made on.
    type: int
    default: 0
  seed:
    description: Start of the random numbers, 0 or more. Another seed gives other data.
    type: int
    default: 0
  state:
    description: V(absent) removes the files.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Make demo data
  demo_data:
    folder: build/local/demo_data
    users: 20
    datasets: 8
    models: 30
"""

RETURN = r"""
files:
  description: Path of each file by what it holds.
  returned: success
  type: dict
  sample:
    users: build/local/demo_data/users.jsonl
    datasets: build/local/demo_data/datasets.jsonl
    models: build/local/demo_data/models.jsonl
"""

from pathlib import Path

from ansible.module_utils.artificien.demo_files import (
    delete_data,
    desired_data,
    paths,
    read_data,
    write_data,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff, make_plan
from ansible.module_utils.basic import AnsibleModule

ARGUMENT_SPEC = {
    "folder": {"type": "path", "required": True},
    "users": {"type": "int", "default": 0},
    "datasets": {"type": "int", "default": 0},
    "models": {"type": "int", "default": 0},
    "seed": {"type": "int", "default": 0},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def apply(folder: Path, plan: Plan) -> None:
    """Make or remove the files."""
    if plan.after is None:
        delete_data(folder)
    else:
        write_data(folder, plan.after)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    folder = Path(module.params["folder"])
    try:
        plan = make_plan(str(folder), read_data(folder), desired_data(module.params))
        if plan.changed and not module.check_mode:
            apply(folder, plan)
    except ImportError as error:
        module.fail_json(
            msg=f"Failed to make demo data: {error}. Run make setup, and Ansible from its "
            "environment, which has pandas and Faker."
        )
    except (ReconcileError, OSError) as error:
        module.fail_json(msg=f"Failed to make demo data in {folder}: {error}")
    module.exit_json(changed=plan.changed, files=paths(folder), diff=diff([plan]))


if __name__ == "__main__":
    main()

"""Parameters of Systems Manager below one path: option words to models, and API to models."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    from_tag_list,
    to_tag_list,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ssm import SSMClient

NAME = r"[A-Za-z0-9_.-]+"
# What DeleteParameters takes in one request.
BATCH = 10


def check_path(path: str, *, levels: int) -> None:
    """Check the form of `path`, and that it has at least so many `levels`.

    Raises:
        ReconcileError: it is refused.
    """
    if not re.fullmatch(rf"(/{NAME}){{{levels},}}", path):
        raise ReconcileError(
            f"path is {path!r}; give at least {levels} names of letters, digits, '_', '.' and '-', "
            "each with a slash before it and none after the last, such as /project/env/component."
        )


def desired_parameters(parameters: dict[str, Any]) -> dict[str, str]:
    """Render the module's `parameters` option as SSM stores it.

    Raises:
        ReconcileError: SSM would refuse a key or a value, or no tree could be made of them.
    """
    rendered = {key: _text(key, value) for key, value in parameters.items()}
    to_tree(rendered)
    return rendered


def _text(key: str, value: Any) -> str:
    if not re.fullmatch(rf"{NAME}(/{NAME})*", key):
        raise ReconcileError(
            f"parameters has the key {key!r}; use letters, digits, '_', '.' and '-', and single "
            "slashes between them."
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ReconcileError(
            f"parameters.{key} is {value!r}; SSM takes only text that is not empty. Give a string, "
            "a whole number or a boolean, or leave the key out."
        )
    return value


def to_tree(parameters: dict[str, str]) -> dict[str, Any]:
    """Nest `parameters` by the slashes in their keys.

    Raises:
        ReconcileError: a key has a value and also keys below it.
    """
    tree: dict[str, Any] = {}
    # Sorted, a key comes before all that are below it.
    for key in sorted(parameters):
        *branches, leaf = key.split("/")
        node = tree
        for depth, branch in enumerate(branches, start=1):
            node = node.setdefault(branch, {})
            if not isinstance(node, dict):
                raise ReconcileError(
                    f"parameter {key} lies below {'/'.join(branches[:depth])}, which has a value "
                    "itself; rename one of them."
                )
        node[leaf] = parameters[key]
    return tree


@aws_call("read the parameters below {0}")
def read_parameters(client: SSMClient, path: str) -> dict[str, str]:
    """Read all values below `path` by their keys relative to it.

    Raises:
        ReconcileError: a parameter is no plain string.
    """
    parameters: dict[str, str] = {}
    for page in client.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True):
        for parameter in page["Parameters"]:
            name = parameter["Name"]
            if parameter["Type"] != "String":
                raise ReconcileError(
                    f"{name} is a {parameter['Type']}; below {path} only plain strings are read "
                    "and written. Move a secret to Secrets Manager and a list to a path of its "
                    "own, then delete this parameter."
                )
            parameters[name.removeprefix(f"{path}/")] = parameter["Value"]
    return parameters


@aws_call("read the tags of parameter {0}")
def read_tags(client: SSMClient, name: str) -> dict[str, str]:
    """Read the tags of one parameter."""
    listed = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    return from_tag_list(listed["TagList"])


def plan_parameters(
    path: str,
    current: Model,
    parameters: dict[str, str],
    tags: dict[str, str] | None,
    *,
    purge: bool,
    purge_tags: bool,
) -> Plan:
    """Plan all parameters below `path`; a key of `parameters` gets `tags`, the others keep theirs.

    `current` holds the parameters and, of those that shall have tags, the present ones.
    """
    desired: Model = {"parameters": parameters}
    if tags is not None:
        kept = {} if purge_tags else current["tags"]
        desired["tags"] = {key: {**kept.get(key, {}), **tags} for key in parameters}
    return make_plan(path, current, desired, merged=[] if purge else ["parameters"])


def apply_parameters(client: SSMClient, plan: Plan) -> None:
    """Carry out the plan of one path: values and tags first, deletions last."""
    before, after = plan.before or {}, plan.after or {}
    present, wanted = before["parameters"], after["parameters"]
    for key, value in wanted.items():
        name = f"{plan.name}/{key}"
        tags_before, tags_after = (side.get("tags", {}).get(key, {}) for side in (before, after))
        if key not in present:
            _create(client, name, value, tags_after)
            continue
        if value != present[key]:
            _overwrite(client, name, value)
        if tags_before != tags_after:
            _tag(client, name, Plan(name, {"tags": tags_before}, {"tags": tags_after}))
    removed = [key for key in present if key not in wanted]
    for keys in itertools.batched(removed, BATCH, strict=False):
        _delete(client, plan.name, keys)


@aws_call("create parameter {0}")
def _create(client: SSMClient, name: str, value: str, tags: dict[str, str]) -> None:
    client.put_parameter(Name=name, Value=value, Type="String", Tags=to_tag_list(tags))


@aws_call("set parameter {0}")
def _overwrite(client: SSMClient, name: str, value: str) -> None:
    client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


@aws_call("tag parameter {0}")
def _tag(client: SSMClient, name: str, plan: Plan) -> None:
    tags, removed = changed_tags(plan)
    if removed:
        client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=removed)
    if tags:
        client.add_tags_to_resource(
            ResourceType="Parameter", ResourceId=name, Tags=to_tag_list(tags)
        )


@aws_call("delete parameters below {0}")
def _delete(client: SSMClient, path: str, keys: Sequence[str]) -> None:
    client.delete_parameters(Names=[f"{path}/{key}" for key in keys])

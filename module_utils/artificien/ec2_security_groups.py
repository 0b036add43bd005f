"""Security groups of a VPC: option words to models, API to models, and the calls of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, from_tag_list, to_tag_list
from ansible.module_utils.artificien.ec2_common import (
    find_interfaces,
    label_interface,
    wait_until_unused,
    when_free,
    when_known,
)
from ansible.module_utils.artificien.ec2_lookup import find_vpc, in_vpc, set_tags
from ansible.module_utils.artificien.ec2_rules import (
    EGRESS,
    INGRESS,
    check_description,
    desired_rules,
    list_rules,
    read_rules,
    set_rules,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DEFAULT_GROUP = "default"


def desired_group(group: dict[str, Any]) -> Model:
    """Turn one entry of the module's `groups` option into a model.

    Raises:
        ReconcileError: EC2 would refuse a rule, or answer with another one.
    """
    check_description(group["name"], group["description"] or "")
    return {
        "description": group["description"],
        INGRESS: desired_rules(f"{group['name']} {INGRESS}", group[INGRESS]),
        EGRESS: desired_rules(f"{group['name']} {EGRESS}", group[EGRESS]),
        "tags": group["tags"],
    }


def _describe(client: EC2Client, vpc_id: str) -> dict[str, Any]:
    pages = client.get_paginator("describe_security_groups").paginate(Filters=in_vpc(vpc_id))
    return {group["GroupName"]: group for page in pages for group in page["SecurityGroups"]}


@aws_call("read the security groups of VPC {0}")
def read_groups(client: EC2Client, vpc: str, names: list[str]) -> dict[str, Model]:
    """Read those of the security groups `names` that the VPC has."""
    found = find_vpc(client, vpc)
    groups = _describe(client, found["VpcId"]) if found else {}
    wanted = {name: groups[name] for name in names if name in groups}
    if not wanted:
        return {}
    rules = list_rules(client, [group["GroupId"] for group in wanted.values()])
    names_by_id = {group["GroupId"]: name for name, group in groups.items()}
    return {
        name: {
            "id": group["GroupId"],
            "description": group["Description"],
            INGRESS: read_rules(rules, group["GroupId"], INGRESS, names_by_id),
            EGRESS: read_rules(rules, group["GroupId"], EGRESS, names_by_id),
            "tags": from_tag_list(group.get("Tags", [])),
        }
        for name, group in wanted.items()
    }


def list_users(client: EC2Client, vpc_id: str, group_id: str | None = None) -> list[str]:
    """Return what uses a group, or without one what uses the VPC beyond what comes with it."""
    users = [
        label_interface(interface)
        for interface in find_interfaces(client, vpc_id)
        if group_id in (None, *(group["GroupId"] for group in interface["Groups"]))
    ]
    if group_id is None:
        users += [
            f"{group['GroupId']} (security group {name})"
            for name, group in _describe(client, vpc_id).items()
            if name != DEFAULT_GROUP
        ]
    return users


def close_default_group(client: EC2Client, vpc_id: str) -> None:
    """Remove all rules of the group that comes with the VPC."""
    group_id = _describe(client, vpc_id)[DEFAULT_GROUP]["GroupId"]
    for direction in (INGRESS, EGRESS):
        set_rules(client, group_id, direction, {}, {})


def default_group_is_closed(client: EC2Client, vpc_id: str) -> bool:
    """Return whether the group that comes with the VPC has no rules."""
    return not list_rules(client, [_describe(client, vpc_id)[DEFAULT_GROUP]["GroupId"]])


def apply_group(client: EC2Client, vpc: str, plan: Plan, timeout_seconds: float) -> None:
    """Carry out the plan of one security group.

    Raises:
        ReconcileError: the VPC is missing, or something still uses a group to be deleted.
    """
    found = find_vpc(client, vpc)
    if found is None:
        raise ReconcileError(
            f"{plan.name}: there is no VPC {vpc}. Create it with ec2_network before its groups."
        )
    if plan.action == "delete":
        _delete(client, plan.name, found["VpcId"], plan, timeout_seconds)
        return
    if plan.action == "create":
        _create(client, plan.name, found["VpcId"], plan.after or {})
    _set(client, plan.name, found["VpcId"], plan)


@aws_call("create security group {0}")
def _create(client: EC2Client, name: str, vpc_id: str, after: Model) -> None:
    request: Any = {
        "GroupName": name,
        "Description": after["description"],
        "VpcId": vpc_id,
    }
    if after.get("tags"):
        tags = to_tag_list(after["tags"])
        request["TagSpecifications"] = [{"ResourceType": "security-group", "Tags": tags}]
    group_id = when_known(lambda: client.create_security_group(**request))["GroupId"]
    client.get_waiter("security_group_exists").wait(GroupIds=[group_id])


@aws_call("set the rules and tags of security group {0}")
def _set(client: EC2Client, name: str, vpc_id: str, plan: Plan) -> None:
    groups = _describe(client, vpc_id)
    names = {group["GroupId"]: name for name, group in groups.items()}
    group_id = groups[name]["GroupId"]
    for direction in (INGRESS, EGRESS):
        if plan.changes(direction):
            set_rules(client, group_id, direction, (plan.after or {})[direction], names)
    if plan.action == "update" and plan.changes("tags"):
        set_tags(client, group_id, (plan.before or {})["tags"], (plan.after or {})["tags"])


@aws_call("delete security group {0}")
def _delete(client: EC2Client, name: str, vpc_id: str, plan: Plan, timeout_seconds: float) -> None:
    group_id = (plan.before or {})["id"]
    wait_until_unused(
        f"security group {name}", lambda: list_users(client, vpc_id, group_id), timeout_seconds
    )
    when_free(lambda: client.delete_security_group(GroupId=group_id))

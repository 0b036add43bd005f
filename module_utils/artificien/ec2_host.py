"""Hosts on EC2: an instance with the template that it is made by and an address that stays."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import wait_until
from ansible.module_utils.artificien.ec2_host_address import (
    attach_address,
    read_address,
    release_address,
)
from ansible.module_utils.artificien.ec2_host_instance import (
    launch_instance,
    read_instance,
    terminate_instance,
    update_instance,
)
from ansible.module_utils.artificien.ec2_host_template import (
    delete_template,
    put_template,
    read_template,
    to_data,
)
from ansible.module_utils.artificien.ec2_lookup import find_groups, find_image, find_subnet
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

REQUIRED = [
    *("image_owner", "image_name", "instance_type", "subnet", "security_groups"),
    "instance_profile",
]
# What only a new instance can have otherwise.
_FIXED = ["image_id", "instance_type", "key_name", "subnet", "volume"]
_CHANGEABLE = ["security_groups", "instance_profile", "metadata", "termination_protection", "tags"]
_SSH_PORT = 22


def desired_host(client: EC2Client, host: dict[str, Any]) -> Model:
    """Turn one entry of the module's `hosts` option into a model.

    Raises:
        ReconcileError: an option is missing, or there is no such image.
    """
    for option in REQUIRED:
        if not host[option]:
            raise ReconcileError(f"{host['name']}: {option} is missing; a host cannot be without.")
    return {
        "image_id": find_image(client, host["image_owner"], host["image_name"])["ImageId"],
        "instance_type": host["instance_type"],
        "key_name": host["key_name"],
        "subnet": host["subnet"],
        "security_groups": sorted(host["security_groups"]),
        "instance_profile": host["instance_profile"],
        "volume": {"size_gib": host["volume_size_gib"], "type": "gp3", "encrypted": True},
        "metadata": {"tokens": "required", "hop_limit": host["metadata_hop_limit"]},
        "termination_protection": host["termination_protection"],
        "tags": host["tags"],
    }


def read_host(client: EC2Client, name: str) -> Model | None:
    """Read launch template, instance and address of the host `name`."""
    parts = {
        "launch_template": read_template(client, name),
        "instance": read_instance(client, name),
        "address": read_address(client, name),
    }
    present = {part: model for part, model in parts.items() if model is not None}
    return present or None


def _merged(current: Model | None, wanted: Model, *, purge_tags: bool) -> Model:
    """Return `current` with what is given in `wanted`, of dictionaries key by key."""
    merged = dict(current or {})
    for field, value in wanted.items():
        if isinstance(value, dict):
            given = {key: item for key, item in value.items() if item is not None}
            keep = field != "tags" or not purge_tags
            merged[field] = {**(merged.get(field) or {} if keep else {}), **given}
        elif value is not None:
            merged[field] = value
    merged.setdefault("tags", {})
    return merged


def plan_host(
    name: str, current: Model | None, desired: Model, *, replace: bool, purge_tags: bool
) -> Plan:
    """Plan a host. An existing instance is replaced only by `replace`; then it loses its id."""
    before = current or {}
    settings = {
        field: value
        for field, value in desired.items()
        if field not in {"subnet", "termination_protection"}
    }
    template = _merged(before.get("launch_template"), settings, purge_tags=purge_tags)
    instance = before.get("instance")
    if instance is None or replace:
        made = _merged(template, desired, purge_tags=purge_tags)
        made.setdefault("termination_protection", False)
        after = {**made, "running": True}
    else:
        wanted = {field: desired[field] for field in _CHANGEABLE}
        if "metadata" not in instance:
            # The emulator does not tell them.
            del wanted["metadata"]
        after = _merged(instance, wanted, purge_tags=purge_tags) | {"running": True}
    address = _merged(before.get("address"), {"tags": desired["tags"]}, purge_tags=purge_tags)
    address["instance"] = after.get("id", "the new one")
    return Plan(name, current, {"launch_template": template, "instance": after, "address": address})


def plan_removal(name: str, current: Model | None, *, protected: bool | None) -> Plan:
    """Plan the end of a host.

    Raises:
        ReconcileError: it is protected, and `protected` does not say that it no longer shall be.
    """
    instance = (current or {}).get("instance", {})
    if instance.get("termination_protection") and protected is not False:
        raise ReconcileError(
            f"{name}: {instance['id']} is protected against termination, and its data would be "
            "gone. If that is meant, run it again with termination_protection false."
        )
    return Plan(name, current, None)


def differences(plan: Plan, desired: Model) -> list[str]:
    """Return what the instance that stays has otherwise than wanted."""
    instance = (plan.after or {})["instance"]
    if "id" not in instance:
        return []
    found = []
    for field in _FIXED:
        wanted, present = desired[field], instance.get(field)
        if isinstance(wanted, dict):
            wanted = {key: value for key, value in wanted.items() if value is not None}
            present = {key: (present or wanted)[key] for key in wanted}
        elif wanted is None:
            continue
        if wanted != present:
            found.append(f"{field} is {present}, not {wanted}")
    return found


def apply_host(
    client: EC2Client, plan: Plan, image: tuple[str, str], ssh_timeout_seconds: float
) -> dict[str, Any]:
    """Carry out the plan of one host; return where it is.

    A replaced instance is terminated last, once the new one answers at the address.
    """
    before, after = plan.before or {}, plan.after
    if after is None:
        _remove(client, plan.name, before)
        return {}
    template, instance = after["launch_template"], after["instance"]
    former: Model | None = before.get("instance")
    if before.get("launch_template") != template:
        vpc_id = find_subnet(client, instance["subnet"])["VpcId"]
        groups = find_groups(client, vpc_id, template["security_groups"])
        root_device = find_image(client, *image)["RootDeviceName"]
        data = to_data(template, groups, root_device)
        put_template(client, plan.name, before.get("launch_template"), template, data)
    if "id" in instance:
        update_instance(client, plan.name, before["instance"], instance)
        ip = attach_address(client, plan.name, instance["id"], after["address"]["tags"])
        return {"instance_id": instance["id"], "address": ip}
    instance_id = launch_instance(client, plan.name, instance)
    ip = attach_address(client, plan.name, instance_id, after["address"]["tags"])
    if ssh_timeout_seconds:
        wait_until(lambda: _answers_ssh(ip), f"SSH of {plan.name} at {ip}", ssh_timeout_seconds, 1)
    if former is not None:
        terminate_instance(client, plan.name, former)
    return {"instance_id": instance_id, "address": ip}


def _answers_ssh(address: str) -> bool:
    try:
        with socket.create_connection((address, _SSH_PORT), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _remove(client: EC2Client, name: str, before: Model) -> None:
    if "instance" in before:
        terminate_instance(client, name, before["instance"])
    if "address" in before:
        release_address(client, name)
    if "launch_template" in before:
        delete_template(client, name)


def whereabouts(plan: Plan) -> dict[str, Any]:
    """Return where a host is that was not touched: its instance and its address, if any."""
    before = plan.before or {}
    return {
        "instance_id": before.get("instance", {}).get("id"),
        "address": before.get("address", {}).get("ip"),
    }

"""Elastic IPs of hosts: the address that stays when the host is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.artificien.aws import aws_call, to_tag_list
from ansible.module_utils.artificien.ec2_common import when_known
from ansible.module_utils.artificien.ec2_lookup import named, only, set_tags, unnamed

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import AddressTypeDef


@aws_call("find the Elastic IP of {0}")
def _describe(client: EC2Client, name: str) -> AddressTypeDef | None:
    addresses = client.describe_addresses()["Addresses"]
    return only(addresses, name, "Elastic IPs", "AllocationId")


def read_address(client: EC2Client, name: str) -> Model | None:
    """Read the Elastic IP of the host `name`, and which instance has it."""
    address = _describe(client, name)
    if address is None:
        return None
    return {
        "ip": address["PublicIp"],
        "instance": address.get("InstanceId") or None,
        "tags": unnamed(address.get("Tags", [])),
    }


@aws_call("give {0} its Elastic IP")
def attach_address(client: EC2Client, name: str, instance_id: str, tags: dict[str, str]) -> str:
    """Make sure that the instance has the host's Elastic IP and that it is tagged; return it."""
    address = _describe(client, name)
    if address is None:
        allocated = client.allocate_address(
            Domain="vpc",
            TagSpecifications=[
                {"ResourceType": "elastic-ip", "Tags": to_tag_list(named(name, tags))}
            ],
        )
        allocation, ip = allocated["AllocationId"], allocated["PublicIp"]
        attached = None
    else:
        allocation, ip = address["AllocationId"], address["PublicIp"]
        attached = address.get("InstanceId")
        set_tags(client, allocation, unnamed(address.get("Tags", [])), tags)
    if attached != instance_id:
        when_known(
            lambda: client.associate_address(
                AllocationId=allocation, InstanceId=instance_id, AllowReassociation=True
            )
        )
    return ip


@aws_call("release the Elastic IP of {0}")
def release_address(client: EC2Client, name: str) -> None:
    """Give the host's Elastic IP back to AWS, if there is one."""
    address = _describe(client, name)
    if address is None:
        return
    if "AssociationId" in address:
        client.disassociate_address(AssociationId=address["AssociationId"])
    client.release_address(AllocationId=address["AllocationId"])

"""Networks, and the instances in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.state.canonical import Found
from tests.state.services import or_none, pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud

PARTS = (
    ("subnet", "describe_subnets", "Subnets", "SubnetId"),
    ("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("nat gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("network acl", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    ("endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("flow log", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("interface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("address", "describe_addresses", "Addresses", "AllocationId"),
    ("volume", "describe_volumes", "Volumes", "VolumeId"),
)


def _name(resource: dict[str, Any]) -> str:
    named = [tag["Value"] for tag in resource.get("Tags") or [] if tag["Key"] == "Name"]
    return named[0] if named else ""


def _place(resource: dict[str, Any]) -> str:
    # Of what has no name, that of the network it is in tells whose it is.
    return _name(resource) or resource.get("VpcId", "")


def vpcs(cloud: Cloud) -> Iterator[Found]:
    """Yield the VPCs."""
    ec2 = service(cloud, "ec2")
    for vpc in pages(ec2, "describe_vpcs", "Vpcs"):
        content = vpc | {
            attribute: or_none(ec2.describe_vpc_attribute, VpcId=vpc["VpcId"], Attribute=attribute)
            for attribute in ("enableDnsSupport", "enableDnsHostnames")
        }
        blocks = [each["AssociationId"] for each in vpc["CidrBlockAssociationSet"]]
        yield Found("vpc", _name(vpc), content, (vpc["VpcId"], *blocks))


def parts(cloud: Cloud) -> Iterator[Found]:
    """Yield what networks consist of."""
    ec2 = service(cloud, "ec2")
    for kind, operation, key, identity in PARTS:
        for part in pages(ec2, operation, key):
            associations = part.get("Associations") or []
            ids = (
                part[identity],
                part.get("AssociationId", ""),
                *(each.get("NetworkAclAssociationId", "") for each in associations),
            )
            yield Found(kind, _place(part), part, ids)


def route_tables(cloud: Cloud) -> Iterator[Found]:
    """Yield the route tables."""
    ec2 = service(cloud, "ec2")
    for table in pages(ec2, "describe_route_tables", "RouteTables"):
        associations = [each["RouteTableAssociationId"] for each in table["Associations"]]
        yield Found("route table", _place(table), table, (table["RouteTableId"], *associations))


def security_groups(cloud: Cloud) -> Iterator[Found]:
    """Yield the security groups with their rules."""
    ec2 = service(cloud, "ec2")
    for group in pages(ec2, "describe_security_groups", "SecurityGroups"):
        name = f"{group['GroupName']} of {group.get('VpcId')}"
        yield Found("security group", name, group, (group["GroupId"],))


def instances(cloud: Cloud) -> Iterator[Found]:
    """Yield the instances that are not gone, and the templates that they are made from."""
    ec2 = service(cloud, "ec2")
    for reservation in pages(ec2, "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                yield Found("instance", _name(instance), instance, (instance["InstanceId"],))
    for template in pages(ec2, "describe_launch_templates", "LaunchTemplates"):
        name = template["LaunchTemplateName"]
        latest = ec2.describe_launch_template_versions(
            LaunchTemplateName=name, Versions=["$Latest"]
        )["LaunchTemplateVersions"]
        content = {"Tags": template.get("Tags"), "data": latest[0]["LaunchTemplateData"]}
        yield Found("launch template", name, content, (template["LaunchTemplateId"],))
    for pair in pages(ec2, "describe_key_pairs", "KeyPairs"):
        yield Found("key pair", pair["KeyName"], pair, (pair["KeyPairId"],))


READERS = (vpcs, parts, route_tables, security_groups, instances)

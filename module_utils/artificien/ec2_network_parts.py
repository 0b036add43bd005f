"""The parts of a network, found in EC2 by their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call
from ansible.module_utils.artificien.ec2_lookup import by_name, find_vpc, in_vpc, name_of, only
from ansible.module_utils.artificien.ec2_security_groups import default_group_is_closed

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model
    from mypy_boto3_ec2 import EC2Client

VPC = "vpc"
GATEWAY = "internet_gateway"
ROUTE_TABLE = "public_route_table"
SUBNET = "subnet"
ENDPOINT = "gateway_endpoint"
FLOW_LOGS = "flow_logs"
# Of each kind of part, the field of its id, and what its tags call it.
KINDS = {
    VPC: ("VpcId", "vpc"),
    GATEWAY: ("InternetGatewayId", "internet-gateway"),
    ROUTE_TABLE: ("RouteTableId", "route-table"),
    SUBNET: ("SubnetId", "subnet"),
    ENDPOINT: ("VpcEndpointId", "vpc-endpoint"),
    FLOW_LOGS: ("FlowLogId", "vpc-flow-log"),
}
EVERYWHERE = "0.0.0.0/0"
ENDPOINT_SERVICES = ["dynamodb", "s3"]
GONE = {"deleting", "deleted"}


@dataclass
class Network:
    """What there is of a network: its parts as EC2 describes them, and what describes the VPC.

    A part's label is its kind, and for subnets and endpoints a slash and its name.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    route_tables: list[str] = field(default_factory=list)
    settings: Model = field(default_factory=dict)

    def id(self, label: str) -> str | None:
        """Return the id of a part, or `None` if there is none."""
        part = self.parts.get(label)
        return str(part[KINDS[kind_of(label)][0]]) if part else None

    def named(self, kind: str) -> dict[str, Any]:
        """Return the parts of a kind that has several, by their names."""
        return {
            label.removeprefix(f"{kind}/"): part
            for label, part in self.parts.items()
            if label.startswith(f"{kind}/")
        }


def kind_of(label: str) -> str:
    """Return the kind of the part with the label."""
    return label.partition("/")[0]


@aws_call("read network {0}")
def find_network(client: EC2Client, name: str) -> Network:
    """Find the parts of the network `name`, as many as there are.

    Raises:
        ReconcileError: there are several that could be meant.
    """
    vpc = find_vpc(client, name)
    gateway = _find_gateway(client, name, vpc)
    parts = {GATEWAY: gateway} if gateway else {}
    if vpc is None:
        return Network(parts)
    vpc_id = vpc["VpcId"]
    tables = [
        table
        for page in client.get_paginator("describe_route_tables").paginate(Filters=in_vpc(vpc_id))
        for table in page["RouteTables"]
    ]
    found = {
        VPC: vpc,
        ROUTE_TABLE: _only(ROUTE_TABLE, tables, f"{name}-public", "route tables"),
        **_find_subnets(client, vpc_id),
        **_find_endpoints(client, name, vpc_id),
        FLOW_LOGS: _find_flow_logs(client, name, vpc_id),
    }
    return Network(
        parts | {label: part for label, part in found.items() if part},
        [table["RouteTableId"] for table in tables],
        _read_settings(client, vpc_id),
    )


def _only(kind: str, resources: list[Any], name: str, what: str) -> Any | None:
    return only(resources, name, what, KINDS[kind][0])


def _find_gateway(client: EC2Client, name: str, vpc: Any) -> Any | None:
    pages = client.get_paginator("describe_internet_gateways").paginate(Filters=by_name(name))
    gateways = [gateway for page in pages for gateway in page["InternetGateways"]]
    attached = [gateway for gateway in gateways if vpc and is_attached(gateway, vpc["VpcId"])]
    # One that a run made before it was interrupted, or took off before it was.
    detached = [gateway for gateway in gateways if not gateway.get("Attachments")]
    return _only(GATEWAY, attached or detached, name, "internet gateways")


def is_attached(gateway: Any, vpc_id: str) -> bool:
    """Return whether an internet gateway is attached to the VPC."""
    return any(attachment["VpcId"] == vpc_id for attachment in gateway.get("Attachments", []))


def _find_subnets(client: EC2Client, vpc_id: str) -> dict[str, Any]:
    pages = client.get_paginator("describe_subnets").paginate(Filters=in_vpc(vpc_id))
    subnets = [subnet for page in pages for subnet in page["Subnets"]]
    for name in filter(None, map(name_of, subnets)):
        _only(SUBNET, subnets, name, "subnets of one VPC")
    return {f"{SUBNET}/{name_of(subnet) or subnet['SubnetId']}": subnet for subnet in subnets}


def _find_endpoints(client: EC2Client, name: str, vpc_id: str) -> dict[str, Any]:
    pages = client.get_paginator("describe_vpc_endpoints").paginate(Filters=in_vpc(vpc_id))
    endpoints = [
        endpoint
        for page in pages
        for endpoint in page["VpcEndpoints"]
        if endpoint["VpcId"] == vpc_id and endpoint["State"].lower() not in GONE
    ]
    return {
        f"{ENDPOINT}/{service}": _only(
            ENDPOINT, endpoints, f"{name}-{service}", "endpoints of one VPC"
        )
        for service in ENDPOINT_SERVICES
    }


def _find_flow_logs(client: EC2Client, name: str, vpc_id: str) -> Any | None:
    # The one operation whose filters are called so.
    filters: Any = {"Filter": [{"Name": "resource-id", "Values": [vpc_id]}]}
    pages = client.get_paginator("describe_flow_logs").paginate(**filters)
    logs = [log for page in pages for log in page["FlowLogs"]]
    return _only(FLOW_LOGS, logs, name, "flow logs")


def _read_settings(client: EC2Client, vpc_id: str) -> Model:
    support = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
    hostnames = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    return {
        "dns_support": support["EnableDnsSupport"]["Value"],
        "dns_hostnames": hostnames["EnableDnsHostnames"]["Value"],
        "close_default_security_group": default_group_is_closed(client, vpc_id),
    }


def default_target(table: Any) -> str | None:
    """Return where a route table leads beyond the VPC, or `None` if nowhere."""
    routes = [
        route
        for route in table.get("Routes", [])
        if route.get("DestinationCidrBlock") == EVERYWHERE
    ]
    return routes[0].get("GatewayId", "") if routes else None


def association(table: Any | None, subnet_id: str) -> str | None:
    """Return the id of the association of a subnet with the route table, or `None`."""
    for each in table.get("Associations", []) if table else []:
        if each.get("SubnetId") == subnet_id:
            return str(each["RouteTableAssociationId"])
    return None

"""Networks: the calls that carry out a plan, in the order in which parts need each other."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import AwsError, aws_call, error_code, to_tag_list
from ansible.module_utils.artificien.ec2_common import (
    eventually,
    find_interfaces,
    label_interface,
    wait_until_unused,
    when_free,
    when_known,
)
from ansible.module_utils.artificien.ec2_lookup import in_vpc, named, set_tags
from ansible.module_utils.artificien.ec2_network_parts import (
    ENDPOINT,
    EVERYWHERE,
    FLOW_LOGS,
    GATEWAY,
    KINDS,
    ROUTE_TABLE,
    SUBNET,
    VPC,
    Network,
    association,
    default_target,
    find_network,
    is_attached,
    kind_of,
)
from ansible.module_utils.artificien.ec2_security_groups import close_default_group, list_users

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_ec2 import EC2Client

# Of a role that IAM made a moment ago.
NOT_ASSUMED = "Unable to assume given IAM role"


def apply_network(client: EC2Client, plan: Plan, timeout_seconds: float) -> None:
    """Carry out the plan of one network.

    Raises:
        ReconcileError: something that is no part of a network to be deleted still uses it.
    """
    network = find_network(client, plan.name)
    if plan.action == "delete":
        _delete(client, plan, network, timeout_seconds)
        return
    if VPC not in network.parts:
        _create_vpc(client, plan, network)
    for field in SETTERS:
        if plan.changes(field):
            _set(client, plan, field, network)


@aws_call("set {1} of network {0.name}")
def _set(client: EC2Client, plan: Plan, field: str, network: Network) -> None:
    SETTERS[field](client, plan, network)


def _tags(plan: Plan, label: str, name: str) -> Any:
    tags = named(name, (plan.after or {})["tags"][label])
    return [{"ResourceType": KINDS[kind_of(label)][1], "Tags": to_tag_list(tags)}]


@aws_call("create VPC {0.name}")
def _create_vpc(client: EC2Client, plan: Plan, network: Network) -> None:
    vpc = client.create_vpc(
        CidrBlock=(plan.after or {})["cidr"], TagSpecifications=_tags(plan, VPC, plan.name)
    )["Vpc"]
    client.get_waiter("vpc_exists").wait(VpcIds=[vpc["VpcId"]])
    client.get_waiter("vpc_available").wait(VpcIds=[vpc["VpcId"]])
    network.parts[VPC] = vpc


def _set_dns_support(client: EC2Client, plan: Plan, network: Network) -> None:
    value = (plan.after or {})["dns_support"]
    client.modify_vpc_attribute(VpcId=_vpc(network), EnableDnsSupport={"Value": value})


def _set_dns_hostnames(client: EC2Client, plan: Plan, network: Network) -> None:
    value = (plan.after or {})["dns_hostnames"]
    client.modify_vpc_attribute(VpcId=_vpc(network), EnableDnsHostnames={"Value": value})


def _vpc(network: Network) -> str:
    return str(network.id(VPC))


def _close_default_group(client: EC2Client, _plan: Plan, network: Network) -> None:
    close_default_group(client, _vpc(network))


def _set_gateway(client: EC2Client, plan: Plan, network: Network) -> None:
    if GATEWAY not in network.parts:
        network.parts[GATEWAY] = client.create_internet_gateway(
            TagSpecifications=_tags(plan, GATEWAY, plan.name)
        )["InternetGateway"]
    gateway_id, vpc_id = str(network.id(GATEWAY)), _vpc(network)
    if not is_attached(network.parts[GATEWAY], vpc_id):
        when_known(
            lambda: client.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
        )


def _set_route_table(client: EC2Client, plan: Plan, network: Network) -> None:
    if ROUTE_TABLE not in network.parts:
        network.parts[ROUTE_TABLE] = when_known(
            lambda: client.create_route_table(
                VpcId=_vpc(network),
                TagSpecifications=_tags(plan, ROUTE_TABLE, f"{plan.name}-public"),
            )
        )["RouteTable"]
    call = (
        client.create_route
        if default_target(network.parts[ROUTE_TABLE]) is None
        else client.replace_route
    )
    route: Any = {
        "RouteTableId": network.id(ROUTE_TABLE),
        "DestinationCidrBlock": EVERYWHERE,
        "GatewayId": network.id(GATEWAY),
    }
    when_known(lambda: call(**route))


def _set_subnets(client: EC2Client, plan: Plan, network: Network) -> None:
    wanted, present = (plan.after or {})["subnets"], network.named(SUBNET)
    for name, subnet in present.items():
        if name not in wanted:
            _delete_unused_subnet(client, network, name, subnet["SubnetId"])
    for name, subnet in wanted.items():
        part = present.get(name) or _create_subnet(client, plan, network, name, subnet)
        _set_public(client, network, part["SubnetId"], public=subnet["public"])


def _delete_unused_subnet(client: EC2Client, network: Network, name: str, subnet_id: str) -> None:
    def users() -> list[str]:
        return [
            label_interface(interface)
            for interface in find_interfaces(client, _vpc(network))
            if interface["SubnetId"] == subnet_id
        ]

    wait_until_unused(f"subnet {name}", users, timeout_seconds=0)
    _delete_subnet(client, subnet_id)


def _create_subnet(client: EC2Client, plan: Plan, network: Network, name: str, subnet: Any) -> Any:
    return when_known(
        lambda: client.create_subnet(
            VpcId=_vpc(network),
            CidrBlock=subnet["cidr"],
            AvailabilityZone=subnet["zone"],
            TagSpecifications=_tags(plan, f"{SUBNET}/{name}", name),
        )
    )["Subnet"]


def _set_public(client: EC2Client, network: Network, subnet_id: str, *, public: bool) -> None:
    table_id = str(network.id(ROUTE_TABLE))
    associated = association(network.parts[ROUTE_TABLE], subnet_id)
    if public and not associated:
        when_known(lambda: client.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id))
    elif associated and not public:
        client.disassociate_route_table(AssociationId=associated)


def _set_endpoints(client: EC2Client, plan: Plan, network: Network) -> None:
    wanted, present = (plan.after or {})["gateway_endpoints"], network.named(ENDPOINT)
    _delete_endpoints(
        client,
        [part["VpcEndpointId"] for service, part in present.items() if service not in wanted],
    )
    # EC2 need not list yet what was created a moment ago.
    tables = sorted({str(network.id(ROUTE_TABLE)), *_list_route_tables(client, _vpc(network))})
    for service, endpoint in wanted.items():
        policy = json.dumps(endpoint["policy"]) if endpoint["policy"] else None
        if service in present:
            _modify_endpoint(client, present[service], tables, policy)
            continue
        request: Any = {
            "VpcId": _vpc(network),
            "VpcEndpointType": "Gateway",
            "ServiceName": f"com.amazonaws.{client.meta.region_name}.{service}",
            "RouteTableIds": tables,
            "TagSpecifications": _tags(plan, f"{ENDPOINT}/{service}", f"{plan.name}-{service}"),
            **({"PolicyDocument": policy} if policy else {}),
        }
        when_known(functools.partial(client.create_vpc_endpoint, **request))


def _modify_endpoint(client: EC2Client, part: Any, tables: list[str], policy: str | None) -> None:
    change: Any = {"PolicyDocument": policy} if policy else {"ResetPolicy": True}
    if missing := [table for table in tables if table not in part["RouteTableIds"]]:
        change["AddRouteTableIds"] = missing
    client.modify_vpc_endpoint(VpcEndpointId=part["VpcEndpointId"], **change)


def _list_route_tables(client: EC2Client, vpc_id: str) -> list[str]:
    pages = client.get_paginator("describe_route_tables").paginate(Filters=in_vpc(vpc_id))
    return [table["RouteTableId"] for page in pages for table in page["RouteTables"]]


def _set_flow_logs(client: EC2Client, plan: Plan, network: Network) -> None:
    # Flow logs cannot be changed, and EC2 refuses a second one to the same log group.
    _delete_flow_logs(client, network)
    wanted = (plan.after or {})[FLOW_LOGS]
    answer = eventually(
        lambda: client.create_flow_logs(
            ResourceIds=[_vpc(network)],
            ResourceType="VPC",
            TrafficType=wanted["traffic"],
            LogDestinationType="cloud-watch-logs",
            LogGroupName=wanted["log_group"],
            DeliverLogsPermissionArn=wanted["role"],
            TagSpecifications=_tags(plan, FLOW_LOGS, plan.name),
        ),
        lambda error: NOT_ASSUMED in str(error) or error_code(error).endswith(".NotFound"),
        f"IAM to know the role {wanted['role']} everywhere",
    )
    _check_unsuccessful(answer)


def _check_unsuccessful(answer: Any) -> None:
    """Raise the first error of an answer that tells failures of single resources as success."""
    for failed in answer.get("Unsuccessful", []):
        error = failed["Error"]
        raise AwsError(
            f"EC2 refused {failed.get('ResourceId')}: {error.get('Code')}: {error.get('Message')}"
        )


def _set_tags(client: EC2Client, plan: Plan, network: Network) -> None:
    after = (plan.after or {})["tags"]
    for label, before in ((plan.before or {}).get("tags") or {}).items():
        part = network.id(label)
        if part and label in after:  # what is new has its tags already
            set_tags(client, part, before, after[label])


# By the field of the model, in the order in which parts need each other.
SETTERS: dict[str, Callable[[EC2Client, Plan, Network], None]] = {
    "dns_support": _set_dns_support,
    "dns_hostnames": _set_dns_hostnames,
    "close_default_security_group": _close_default_group,
    GATEWAY: _set_gateway,
    ROUTE_TABLE: _set_route_table,
    "subnets": _set_subnets,
    "gateway_endpoints": _set_endpoints,
    FLOW_LOGS: _set_flow_logs,
    "tags": _set_tags,
}


@aws_call("delete network {0.name}")
def _delete(client: EC2Client, plan: Plan, network: Network, timeout_seconds: float) -> None:
    vpc_id, table_id, gateway_id = (network.id(label) for label in (VPC, ROUTE_TABLE, GATEWAY))
    if vpc_id:
        wait_until_unused(f"VPC {plan.name}", lambda: list_users(client, vpc_id), timeout_seconds)
    _delete_flow_logs(client, network)
    _delete_endpoints(client, [part["VpcEndpointId"] for part in network.named(ENDPOINT).values()])
    for subnet in network.named(SUBNET).values():
        _delete_subnet(client, subnet["SubnetId"])
    if table_id:
        when_free(lambda: client.delete_route_table(RouteTableId=table_id))
    if gateway_id:
        if vpc_id and is_attached(network.parts[GATEWAY], vpc_id):
            when_free(
                lambda: client.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
            )
        when_free(lambda: client.delete_internet_gateway(InternetGatewayId=gateway_id))
    if vpc_id:
        when_free(lambda: client.delete_vpc(VpcId=vpc_id))


def _delete_flow_logs(client: EC2Client, network: Network) -> None:
    if log_id := network.id(FLOW_LOGS):
        _check_unsuccessful(client.delete_flow_logs(FlowLogIds=[log_id]))
        del network.parts[FLOW_LOGS]


def _delete_endpoints(client: EC2Client, endpoint_ids: list[str]) -> None:
    if endpoint_ids:
        _check_unsuccessful(client.delete_vpc_endpoints(VpcEndpointIds=endpoint_ids))


def _delete_subnet(client: EC2Client, subnet_id: str) -> None:
    when_free(lambda: client.delete_subnet(SubnetId=subnet_id))

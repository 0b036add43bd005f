"""Networks: a VPC with all that belongs to it, from option words and parts to models and plans."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.ec2_lookup import unnamed
from ansible.module_utils.artificien.ec2_network_parts import (
    ENDPOINT,
    FLOW_LOGS,
    GATEWAY,
    ROUTE_TABLE,
    SUBNET,
    VPC,
    Network,
    association,
    default_target,
    find_network,
    is_attached,
)
from ansible.module_utils.artificien.policies import canonical_policy
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# What EC2 lets through an endpoint that was given no policy.
OPEN_POLICY = canonical_policy(
    {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)


def read_network(client: EC2Client, name: str) -> Model | None:
    """Read everything that the module manages of the network `name`.

    Raises:
        ReconcileError: there are several parts of one name, so that none can be meant.
    """
    return to_model(find_network(client, name))


def to_model(network: Network) -> Model | None:
    """Turn what there is of a network into its model, or `None` if there is nothing."""
    if not network.parts:
        return None
    vpc_id = network.id(VPC)
    gateway, table = network.parts.get(GATEWAY), network.parts.get(ROUTE_TABLE)
    model: Model = {
        "id": vpc_id,
        GATEWAY: bool(gateway and vpc_id and is_attached(gateway, vpc_id)),
        ROUTE_TABLE: bool(table and gateway and default_target(table) == network.id(GATEWAY)),
        "subnets": {
            name: {
                "id": subnet["SubnetId"],
                "cidr": subnet["CidrBlock"],
                "zone": subnet["AvailabilityZone"],
                "public": association(table, subnet["SubnetId"]) is not None,
            }
            for name, subnet in network.named(SUBNET).items()
        },
        "gateway_endpoints": {
            service: _endpoint_model(endpoint, network)
            for service, endpoint in network.named(ENDPOINT).items()
        },
        "tags": {label: unnamed(part.get("Tags", [])) for label, part in network.parts.items()},
    }
    if vpc_id:
        model |= {"cidr": network.parts[VPC]["CidrBlock"], **network.settings}
    if log := network.parts.get(FLOW_LOGS):
        model[FLOW_LOGS] = {
            "log_group": log.get("LogGroupName"),
            "role": log.get("DeliverLogsPermissionArn"),
            "traffic": log["TrafficType"],
        }
    return model


def _endpoint_model(endpoint: Any, network: Network) -> Model:
    policy = canonical_policy(json.loads(endpoint.get("PolicyDocument") or "{}"))
    reached = set(network.route_tables) <= set(endpoint["RouteTableIds"])
    return {
        "policy": {} if _is_open(policy) else policy,
        "in_all_route_tables": reached and ROUTE_TABLE in network.parts,
    }


def _is_open(policy: Model) -> bool:
    return bool(policy.get("Statement") == OPEN_POLICY["Statement"])


def desired_network(params: dict[str, Any], current: Model | None) -> Model:
    """Turn the module's options into a model; what they leave open is as in `current`.

    Raises:
        ReconcileError: EC2 would refuse a network.
    """
    current = current or {}
    _check_networks(params)
    subnets, endpoints = params["subnets"], params["gateway_endpoints"]
    return {
        "cidr": params["cidr"],
        "dns_support": params["dns_support"],
        "dns_hostnames": params["dns_hostnames"],
        "close_default_security_group": params["close_default_security_group"] or None,
        GATEWAY: True,
        ROUTE_TABLE: True,
        "subnets": None
        if subnets is None
        else {
            subnet["name"]: current.get("subnets", {}).get(subnet["name"], {})
            | {key: subnet[key] for key in ("cidr", "zone", "public")}
            for subnet in subnets
        },
        "gateway_endpoints": None
        if endpoints is None
        else {
            endpoint["service"]: _desired_endpoint(
                endpoint, current.get("gateway_endpoints", {}).get(endpoint["service"], {})
            )
            for endpoint in endpoints
        },
        FLOW_LOGS: params["flow_logs"],
    }


def _desired_endpoint(endpoint: dict[str, Any], current: Model) -> Model:
    policy = endpoint["policy"]
    if policy is None:
        policy = current.get("policy", {})
    policy = canonical_policy(policy)
    return {"policy": {} if _is_open(policy) else policy, "in_all_route_tables": True}


def _check_networks(params: dict[str, Any]) -> None:
    vpc = _network("cidr", params["cidr"]) if params["cidr"] else None
    taken: list[ipaddress.IPv4Network] = []
    for subnet in params["subnets"] or []:
        option = f"subnet {subnet['name']}: cidr"
        network = _network(option, subnet["cidr"])
        if vpc and not network.subnet_of(vpc):
            raise ReconcileError(f"{option} is {network}, which is no part of {vpc}; give a part.")
        for other in taken:
            if network.overlaps(other):
                raise ReconcileError(f"{option} is {network}, which overlaps with {other}.")
        taken.append(network)


def _network(option: str, cidr: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ReconcileError(
            f"{option} is {cidr!r}: {error}. Give an IPv4 network such as 10.0.0.0/16."
        ) from error


def plan_network(name: str, current: Model | None, params: dict[str, Any]) -> Plan:
    """Plan the network `name` as wanted, or with I(state=absent) gone.

    Raises:
        ReconcileError: what is wanted needs a new VPC or subnet, or EC2 would refuse it.
    """
    if params["state"] == "absent":
        return make_plan(name, current, None)
    exists = current is not None and current["id"] is not None
    if not exists and not params["cidr"]:
        raise ReconcileError(f"{name}: a new network needs a cidr; give one, such as 10.0.0.0/16.")
    desired = desired_network(params, current)
    plan = make_plan(name, current, desired, create_only=["cidr"] if exists else [])
    for subnet, wanted in (plan.after or {}).get("subnets", {}).items():
        before = (current or {}).get("subnets", {}).get(subnet)
        make_plan(f"subnet {subnet}", before, wanted, create_only=["cidr", "zone"])
    return Plan(name, current, (plan.after or {}) | {"tags": _plan_tags(plan, params)})


def _plan_tags(plan: Plan, params: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the tags of every part that there will be."""
    after = plan.after or {}
    labels = [VPC, GATEWAY, ROUTE_TABLE]
    labels += [f"{SUBNET}/{name}" for name in after.get("subnets", {})]
    labels += [f"{ENDPOINT}/{service}" for service in after.get("gateway_endpoints", {})]
    labels += [FLOW_LOGS] if after.get(FLOW_LOGS) else []
    current = (plan.before or {}).get("tags", {})
    if params["tags"] is None:
        return {label: current.get(label, {}) for label in labels}
    kept = {} if params["purge_tags"] else current
    return {label: kept.get(label, {}) | params["tags"] for label in labels}

"""`ec2_network` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "mall"
SUBNET_A, SUBNET_B = f"{NAME}-public-a", f"{NAME}-internal-b"
ROLE = "arn:aws:iam::000000000000:role/mall-flow-logs"
MALL: dict[str, Any] = {
    "name": NAME,
    "cidr": "10.20.0.0/16",
    "dns_support": True,
    "dns_hostnames": True,
    "close_default_security_group": True,
    "subnets": [
        {"name": SUBNET_A, "cidr": "10.20.0.0/24", "zone": "us-east-1a"},
        {"name": SUBNET_B, "cidr": "10.20.1.0/24", "zone": "us-east-1b", "public": False},
    ],
    "gateway_endpoints": [{"service": "s3"}, {"service": "dynamodb"}],
    "flow_logs": {"log_group": "/mall/flow-logs", "role": ROLE},
    "tags": {"owner": "mall"},
}
BY_NAME: Any = [{"Name": "tag:Name", "Values": [NAME]}]


def vpcs(cloud: Cloud) -> list[Any]:
    """Return the VPCs of these tests."""
    found: list[Any] = cloud.client("ec2").describe_vpcs(Filters=BY_NAME)["Vpcs"]
    return found


def route_table(cloud: Cloud) -> Any:
    """Return the route table of the public subnets."""
    filters = [{"Name": "tag:Name", "Values": [f"{NAME}-public"]}]
    (table,) = cloud.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return table


def endpoints(cloud: Cloud) -> dict[str, Any]:
    """Return the endpoints by the last word of their services."""
    found = cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    return {endpoint["ServiceName"].rpartition(".")[2]: endpoint for endpoint in found}


def flow_logs(cloud: Cloud) -> list[Any]:
    """Return all flow logs."""
    found: list[Any] = cloud.client("ec2").describe_flow_logs()["FlowLogs"]
    return found


def tag(resource: Any, key: str) -> str | None:
    """Return the value of a tag."""
    return next((tag["Value"] for tag in resource["Tags"] if tag["Key"] == key), None)


@pytest.fixture(autouse=True)
def _no_network(run_module: ModuleRunner) -> Iterator[None]:
    yield
    run_module("ec2_network", name=NAME, state="absent")


def test_a_network_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    network = run_module.four_runs("ec2_network", **MALL)["network"]
    (vpc,) = vpcs(cloud)
    assert (vpc["VpcId"], vpc["CidrBlock"]) == (network["id"], "10.20.0.0/16")
    ec2 = cloud.client("ec2")
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=network["id"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True
    filters = [{"Name": "vpc-id", "Values": [network["id"]]}]
    (default,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert default["IpPermissions"] == default["IpPermissionsEgress"] == []
    (gateway,) = ec2.describe_internet_gateways(Filters=BY_NAME)["InternetGateways"]
    table = route_table(cloud)
    assert table["Routes"][1]["GatewayId"] == gateway["InternetGatewayId"]
    ids = {subnet: network["subnets"][subnet]["id"] for subnet in (SUBNET_A, SUBNET_B)}
    assert [each["SubnetId"] for each in table["Associations"]] == [ids[SUBNET_A]]
    tables = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    for endpoint in endpoints(cloud).values():
        assert set(endpoint["RouteTableIds"]) == {each["RouteTableId"] for each in tables}
    (log,) = flow_logs(cloud)
    assert (log["ResourceId"], log["TrafficType"]) == (network["id"], "ALL")
    assert {tag(part, "owner") for part in (vpc, gateway, table, log, *endpoints(cloud).values())}
    run_module.gone_twice("ec2_network", name=NAME)
    assert vpcs(cloud) == flow_logs(cloud) == []
    assert endpoints(cloud) == {}
    assert ec2.describe_internet_gateways(Filters=BY_NAME)["InternetGateways"] == []


def test_a_network_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    before = run_module("ec2_network", **MALL)["network"]
    subnet_c = {"name": f"{NAME}-public-c", "cidr": "10.20.2.0/24", "zone": "us-east-1c"}
    changed = MALL | {
        "dns_hostnames": False,
        "subnets": [MALL["subnets"][0] | {"public": False}, subnet_c],
        "gateway_endpoints": [{"service": "s3"}],
        "flow_logs": {"log_group": "/mall/other", "role": f"{ROLE}-2", "traffic": "REJECT"},
        "tags": {"team": "web"},
    }
    after = run_module.four_runs("ec2_network", **changed)["network"]
    assert after["id"] == before["id"]
    assert after["subnets"][SUBNET_A]["id"] == before["subnets"][SUBNET_A]["id"]
    assert set(after["subnets"]) == {SUBNET_A, subnet_c["name"]}
    new_id = after["subnets"][subnet_c["name"]]["id"]
    assert [each["SubnetId"] for each in route_table(cloud)["Associations"]] == [new_id]
    assert set(endpoints(cloud)) == {"s3"}
    (log,) = flow_logs(cloud)
    assert (log["TrafficType"], tag(log, "team"), tag(log, "owner")) == ("REJECT", "web", None)
    assert after["flow_logs"]["role"] == f"{ROLE}-2"
    (vpc,) = vpcs(cloud)
    assert (tag(vpc, "team"), tag(vpc, "owner"), tag(vpc, "Name")) == ("web", None, NAME)
    left = run_module("ec2_network", name=NAME)
    assert left["changed"] is False


def test_what_is_half_there_is_completed_or_deleted(cloud: Cloud, run_module: ModuleRunner) -> None:
    network = run_module("ec2_network", **MALL)["network"]
    ec2, table = cloud.client("ec2"), route_table(cloud)
    ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    gateway = {"InternetGatewayId": table["Routes"][1]["GatewayId"]}
    ec2.detach_internet_gateway(VpcId=network["id"], **gateway)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoints(cloud)["s3"]["VpcEndpointId"]])
    ec2.delete_flow_logs(FlowLogIds=[flow_logs(cloud)[0]["FlowLogId"]])
    ec2.delete_subnet(SubnetId=network["subnets"][SUBNET_B]["id"])
    checked = run_module("ec2_network", check=True, **MALL)
    before = checked["diff"]["before"][NAME]
    assert before["internet_gateway"] is before["public_route_table"] is False
    run_module.four_runs("ec2_network", **MALL)
    assert route_table(cloud)["Routes"][1]["GatewayId"] == gateway["InternetGatewayId"]
    ec2.detach_internet_gateway(VpcId=network["id"], **gateway)
    ec2.delete_route_table(RouteTableId=route_table(cloud)["RouteTableId"])
    run_module.gone_twice("ec2_network", name=NAME)
    ec2.create_internet_gateway(
        TagSpecifications=[
            {"ResourceType": "internet-gateway", "Tags": [{"Key": "Name", "Value": NAME}]}
        ]
    )
    run_module.gone_twice("ec2_network", name=NAME)


def test_an_endpoint_has_the_policy_that_is_given(run_module: ModuleRunner) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    endpoint = {"service": "s3", "policy": policy}
    run_module("ec2_network", **MALL)
    run_module.four_runs("ec2_network", name=NAME, gateway_endpoints=[endpoint])
    kept = run_module("ec2_network", name=NAME, gateway_endpoints=[{"service": "s3"}])
    assert kept["changed"] is False
    assert kept["network"]["gateway_endpoints"]["s3"]["policy"] == policy
    opened = [endpoint | {"policy": {}}]
    run_module.four_runs("ec2_network", name=NAME, gateway_endpoints=opened)


def test_what_cannot_be_done_is_told(cloud: Cloud, run_module: ModuleRunner) -> None:
    failed = run_module("ec2_network", fails=True, name=NAME)
    assert "a new network needs a cidr" in failed["msg"]
    subnets = run_module("ec2_network", **MALL)["network"]["subnets"]
    failed = run_module("ec2_network", fails=True, **MALL | {"cidr": "10.0.0.0/8"})
    assert "cidr is '10.20.0.0/16' and cannot be changed to '10.0.0.0/8'" in failed["msg"]
    moved = [MALL["subnets"][0] | {"zone": "us-east-1c"}]
    failed = run_module("ec2_network", fails=True, **MALL | {"subnets": moved})
    assert f"subnet {SUBNET_A}: zone is 'us-east-1a' and cannot be changed" in failed["msg"]
    ec2 = cloud.client("ec2")
    interface = ec2.create_network_interface(
        SubnetId=subnets[SUBNET_B]["id"], Description="of a host"
    )["NetworkInterface"]["NetworkInterfaceId"]
    fewer = MALL | {"subnets": MALL["subnets"][:1]}
    failed = run_module("ec2_network", fails=True, **fewer)
    assert f"subnet {SUBNET_B} is still used by {interface} (of a host)" in failed["msg"]
    gone: dict[str, Any] = {"name": NAME, "state": "absent", "wait_timeout_seconds": 1}
    failed = run_module("ec2_network", fails=True, **gone)
    assert f"VPC {NAME} is still used by {interface} (of a host)" in failed["msg"]
    assert len(endpoints(cloud)) == 2
    ec2.delete_network_interface(NetworkInterfaceId=interface)


def test_two_networks_of_one_name_are_refused(cloud: Cloud, run_module: ModuleRunner) -> None:
    ec2 = cloud.client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": NAME}]}]
    made = [
        ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
        for _ in range(2)
    ]
    for options in (MALL, {"name": NAME, "state": "absent"}):
        failed = run_module("ec2_network", fails=True, **options)
        assert f"2 VPCs have the name {NAME}" in failed["msg"]
    ec2.delete_vpc(VpcId=made[0])

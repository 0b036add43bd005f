"""Checks of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.checks.policies import statements
from tests.policies import as_list

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check


def endpoints(account: Account) -> list[Any]:
    """Return the endpoints of all VPCs."""
    return account.in_vpcs("describe_vpc_endpoints", "VpcEndpoints")


def test_vpc_endpoint_connections_trust_boundaries(account: Account, check: Check) -> None:
    results = {}
    for endpoint in endpoints(account):
        service = endpoint["ServiceName"].rsplit(".", 1)[-1]
        policy = statements(endpoint.get("PolicyDocument"))
        results[service] = bool(policy) and not any(
            statement["Effect"] == "Allow"
            and "*" in as_list(statement["Principal"])
            and "Condition" not in statement
            for statement in policy
        )
    check(results)


def test_vpc_endpoint_for_ec2_enabled(account: Account, check: Check) -> None:
    present = {
        (each["VpcId"], each["ServiceName"].rsplit(".", 1)[-1]) for each in endpoints(account)
    }
    check({name: (vpc["VpcId"], "ec2") in present for name, vpc in account.vpcs.items()})


def test_vpc_flow_logs_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-VPC7."""
    logged = {
        log["ResourceId"]
        for log in account.pages("ec2", "describe_flow_logs", "FlowLogs")
        if log["TrafficType"] == "ALL" and log["FlowLogStatus"] == "ACTIVE"
    }
    check({name: vpc["VpcId"] in logged for name, vpc in account.vpcs.items()})


def test_vpc_subnet_different_az(account: Account, check: Check) -> None:
    check(
        {
            name: len(
                {
                    subnet["AvailabilityZone"]
                    for subnet in account.subnets.values()
                    if subnet["VpcId"] == vpc["VpcId"]
                }
            )
            > 1
            for name, vpc in account.vpcs.items()
        }
    )


def test_vpc_subnet_no_public_ip_by_default(account: Account, check: Check) -> None:
    check({name: not each["MapPublicIpOnLaunch"] for name, each in account.subnets.items()})


def test_vpc_subnet_separate_private_public(account: Account, check: Check) -> None:
    public = {
        association.get("SubnetId")
        for table in account.in_vpcs("describe_route_tables", "RouteTables")
        if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
        for association in table["Associations"]
    }
    check(
        {
            name: {
                each["SubnetId"] in public
                for each in account.subnets.values()
                if each["VpcId"] == vpc["VpcId"]
            }
            == {True, False}
            for name, vpc in account.vpcs.items()
        }
    )

"""The network: it is there, and lets in no more than it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

WORLD = {"0.0.0.0/0", "::/0"}
# Web, devices that train, and old clients of the API.
OPEN_PORTS = {80, 443, 5000, 5001}


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the network."""
    ec2 = platform.client("ec2")
    vpc = platform.published("network/vpc_id")

    def exists(_stack: ExitStack) -> None:
        (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        require(found["State"] == "available", f"{vpc} is {found['State']}")

    def is_closed(_stack: ExitStack) -> None:
        groups = platform.published("network/security_group_ids").values()
        for group in ec2.describe_security_groups(GroupIds=list(groups))["SecurityGroups"]:
            for rule in group["IpPermissions"]:
                sources = {entry["CidrIp"] for entry in rule.get("IpRanges", [])}
                sources |= {entry["CidrIpv6"] for entry in rule.get("Ipv6Ranges", [])}
                ports = range(rule.get("FromPort", 0), rule.get("ToPort", 65535) + 1)
                require(
                    not sources & WORLD or set(ports) <= OPEN_PORTS,
                    f"{group['GroupName']} lets the world in at {ports[0]}-{ports[-1]}",
                )

    remedy = "make deploy TAGS=network."
    yield Check("the VPC is available", exists, remedy)
    yield Check("only ports of services are open", is_closed, remedy)

"""`ec2_security_groups` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

VPC = "shop-of-groups"
WEB: dict[str, Any] = {
    "name": "web",
    "description": "Hosts of the shop",
    "ingress": [
        {"port": 443, "cidrs": ["0.0.0.0/0", "::/0"], "description": "HTTPS"},
        {"protocol": "udp", "port": 8000, "to_port": 8010, "cidrs": ["10.0.0.0/8"]},
    ],
    "egress": [{"port": 443, "cidrs": ["0.0.0.0/0"]}],
    "tags": {"owner": "shop"},
}
DATABASE: dict[str, Any] = {
    "name": "database",
    "description": "Database of the shop",
    "ingress": [{"port": 5432, "groups": ["web", "database"]}],
    "egress": [],
}
HTTPS_V4, HTTPS_V6, GAME = "tcp 443 0.0.0.0/0", "tcp 443 ::/0", "udp 8000-8010 10.0.0.0/8"


@pytest.fixture(autouse=True)
def vpc_id(cloud: Cloud) -> Iterator[str]:
    """Return a VPC of the test's own."""
    ec2 = cloud.client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": VPC}]}]
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    yield vpc
    for group in groups(cloud, vpc).values():
        ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=vpc)


def groups(cloud: Cloud, vpc_id: str) -> dict[str, Any]:
    """Return the groups of the VPC by name, but for the one that it came with."""
    found = cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )["SecurityGroups"]
    return {group["GroupName"]: group for group in found if group["GroupName"] != "default"}


def ports(permissions: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """Return the protocol and the first port of rules."""
    return {(rule["IpProtocol"], rule["FromPort"]) for rule in permissions}


def test_groups_are_created_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner, vpc_id: str
) -> None:
    first = run_module.four_runs("ec2_security_groups", vpc=VPC, groups=[WEB, DATABASE])
    found = groups(cloud, vpc_id)
    assert {name: group["GroupId"] for name, group in found.items()} == {
        name: group["id"] for name, group in first["groups"].items()
    }
    web, database = found["web"], found["database"]
    assert web["Tags"] == [{"Key": "owner", "Value": "shop"}]
    assert ports(web["IpPermissions"]) == {("tcp", 443), ("udp", 8000)}
    assert ports(web["IpPermissionsEgress"]) == {("tcp", 443)}
    assert database["IpPermissionsEgress"] == []
    sources = [
        pair["GroupId"] for rule in database["IpPermissions"] for pair in rule["UserIdGroupPairs"]
    ]
    assert sorted(sources) == sorted([web["GroupId"], database["GroupId"]])
    run_module.gone_twice(
        "ec2_security_groups", vpc=VPC, groups=[{"name": "web"}, {"name": "database"}]
    )
    assert groups(cloud, vpc_id) == {}


def test_rules_become_exactly_the_listed_ones(
    cloud: Cloud, run_module: ModuleRunner, vpc_id: str
) -> None:
    created = run_module("ec2_security_groups", vpc=VPC, groups=[WEB])["groups"]["web"]
    cloud.client("ec2").authorize_security_group_ingress(
        GroupId=created["id"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    checked = run_module("ec2_security_groups", check=True, vpc=VPC, groups=[WEB])
    assert "tcp 22 0.0.0.0/0" in checked["diff"]["before"]["web"]["ingress"]
    changed = WEB | {
        "ingress": [{"port": 443, "cidrs": ["0.0.0.0/0"], "description": "The shop"}],
        "tags": {"team": "web"},
    }
    run_module.four_runs("ec2_security_groups", vpc=VPC, groups=[changed])
    web = groups(cloud, vpc_id)["web"]
    assert web["GroupId"] == created["id"]
    assert web["Tags"] == [{"Key": "team", "Value": "web"}]
    assert [rule["IpRanges"] for rule in web["IpPermissions"]] == [
        [{"CidrIp": "0.0.0.0/0", "Description": "The shop"}]
    ]


def test_options_that_are_not_given_are_left_alone(run_module: ModuleRunner) -> None:
    run_module("ec2_security_groups", vpc=VPC, groups=[WEB])
    left = run_module("ec2_security_groups", vpc=VPC, groups=[{"name": "web"}])
    assert left["changed"] is False
    assert left["groups"]["web"]["ingress"] == {HTTPS_V4: "HTTPS", HTTPS_V6: "HTTPS", GAME: ""}
    more = {"name": "web", "tags": {"team": "web"}}
    run_module.four_runs("ec2_security_groups", vpc=VPC, groups=[more], purge_tags=False)
    kept = run_module("ec2_security_groups", vpc=VPC, groups=[{"name": "web"}])
    assert kept["groups"]["web"]["tags"] == {"owner": "shop", "team": "web"}


def test_groups_of_a_vpc_to_come_can_be_planned(run_module: ModuleRunner) -> None:
    planned = run_module("ec2_security_groups", check=True, vpc="to-come", groups=[WEB])
    assert planned["changed"] is True
    assert planned["groups"]["web"]["id"] is None
    failed = run_module("ec2_security_groups", fails=True, vpc="to-come", groups=[WEB])
    assert "there is no VPC to-come" in failed["msg"]
    gone = run_module("ec2_security_groups", vpc="to-come", groups=[WEB], state="absent")
    assert gone["changed"] is False


def test_what_cannot_be_done_is_told(cloud: Cloud, run_module: ModuleRunner, vpc_id: str) -> None:
    run_module("ec2_security_groups", vpc=VPC, groups=[WEB])
    renamed = WEB | {"description": "Hosts"}
    failed = run_module("ec2_security_groups", fails=True, vpc=VPC, groups=[renamed])
    assert "web: description is 'Hosts of the shop' and cannot be changed" in failed["msg"]
    unknown = WEB | {"ingress": [{"port": 22, "groups": ["operators"]}]}
    failed = run_module("ec2_security_groups", fails=True, vpc=VPC, groups=[unknown])
    assert "the VPC has no security group 'operators'" in failed["msg"]
    ec2, web = cloud.client("ec2"), groups(cloud, vpc_id)["web"]
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(
        SubnetId=subnet, Groups=[web["GroupId"]], Description="of a host"
    )["NetworkInterface"]["NetworkInterfaceId"]
    options: dict[str, Any] = {"vpc": VPC, "groups": [{"name": "web"}], "state": "absent"}
    failed = run_module("ec2_security_groups", fails=True, wait_timeout_seconds=1, **options)
    assert f"security group web is still used by {interface} (of a host)" in failed["msg"]
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet)
    assert run_module("ec2_security_groups", **options)["changed"] is True

"""Checks of hosts, their launch templates, and who reaches them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check

WORLD = ("0.0.0.0/0", "::/0")

INSTANCE_PORTS = {
    "ec2_instance_port_cassandra_exposed_to_internet": (7000, 7001, 7199, 9042, 9160),
    "ec2_instance_port_cifs_exposed_to_internet": (139, 445),
    "ec2_instance_port_elasticsearch_kibana_exposed_to_internet": (9200, 9300, 5601),
    "ec2_instance_port_ftp_exposed_to_internet": (20, 21),
    "ec2_instance_port_kafka_exposed_to_internet": (9092,),
    "ec2_instance_port_kerberos_exposed_to_internet": (88, 464, 749, 750),
    "ec2_instance_port_ldap_exposed_to_internet": (389, 636),
    "ec2_instance_port_memcached_exposed_to_internet": (11211,),
    "ec2_instance_port_mongodb_exposed_to_internet": (27017, 27018),
    "ec2_instance_port_mysql_exposed_to_internet": (3306,),
    "ec2_instance_port_oracle_exposed_to_internet": (1521, 2483, 2484),
    "ec2_instance_port_postgresql_exposed_to_internet": (5432,),
    "ec2_instance_port_rdp_exposed_to_internet": (3389,),
    "ec2_instance_port_redis_exposed_to_internet": (6379,),
    "ec2_instance_port_sqlserver_exposed_to_internet": (1433, 1434),
    "ec2_instance_port_ssh_exposed_to_internet": (22,),
    "ec2_instance_port_telnet_exposed_to_internet": (23,),
}

FROM_INTERNET = "ec2_securitygroup_allow_ingress_from_internet_to"
GROUP_PORTS = {
    f"{FROM_INTERNET}_high_risk_tcp_ports": (
        *(25, 110, 135, 143, 445, 3000, 4333, 5000, 5500, 8080, 8088),
    ),
    f"{FROM_INTERNET}_tcp_port_22": (22,),
    f"{FROM_INTERNET}_tcp_port_3389": (3389,),
    f"{FROM_INTERNET}_tcp_port_cassandra_7199_9160_8888": (7199, 9160, 8888),
    f"{FROM_INTERNET}_tcp_port_elasticsearch_kibana_9200_9300_5601": (9200, 9300, 5601),
    f"{FROM_INTERNET}_tcp_port_ftp_20_21": (20, 21),
    f"{FROM_INTERNET}_tcp_port_kafka_9092": (9092,),
    f"{FROM_INTERNET}_tcp_port_memcached_11211": (11211,),
    f"{FROM_INTERNET}_tcp_port_mongodb_27017_27018": (27017, 27018),
    f"{FROM_INTERNET}_tcp_port_mysql_3306": (3306,),
    f"{FROM_INTERNET}_tcp_port_oracle_1521_2483": (1521, 2483),
    f"{FROM_INTERNET}_tcp_port_postgres_5432": (5432,),
    f"{FROM_INTERNET}_tcp_port_redis_6379": (6379,),
    f"{FROM_INTERNET}_tcp_port_sql_server_1433_1434": (1433, 1434),
    f"{FROM_INTERNET}_tcp_port_telnet_23": (23,),
}


def networks(rule: Any) -> list[str]:
    """Return the networks of a rule of a security group."""
    return [
        *(each["CidrIp"] for each in rule.get("IpRanges", [])),
        *(each["CidrIpv6"] for each in rule.get("Ipv6Ranges", [])),
    ]


def open_to_the_world(group: Any) -> set[range]:
    """Return the ports that a security group opens to everybody."""
    return {
        range(rule["FromPort"], rule["ToPort"] + 1) if rule["IpProtocol"] != "-1" else range(65536)
        for rule in group["IpPermissions"]
        if set(networks(rule)) & {*WORLD}
    }


def reaches(group: Any, ports: tuple[int, ...]) -> bool:
    """Tell whether everybody reaches one of the ports."""
    return any(port in opened for opened in open_to_the_world(group) for port in ports)


@pytest.mark.parametrize("ports", INSTANCE_PORTS.values(), ids=INSTANCE_PORTS)
def test_port_of_an_instance(account: Account, check: Check, ports: tuple[int, ...]) -> None:
    # Of every VPC, since an instance may be where it should not.
    groups = account.pages("ec2", "describe_security_groups", "SecurityGroups")
    reached = {group["GroupId"] for group in groups if reaches(group, ports)}
    check(
        {
            name: not reached & {group["GroupId"] for group in instance["SecurityGroups"]}
            for name, instance in account.instances.items()
        }
    )


@pytest.mark.parametrize("ports", GROUP_PORTS.values(), ids=GROUP_PORTS)
def test_port_of_a_security_group(account: Account, check: Check, ports: tuple[int, ...]) -> None:
    groups = account.security_groups.items()
    check({name: not reaches(group, ports) for name, group in groups})


def test_ec2_securitygroup_allow_ingress_from_internet_to_all_ports(
    account: Account, check: Check
) -> None:
    groups = account.security_groups.items()
    check({n: not any(len(r) > 60000 for r in open_to_the_world(group)) for n, group in groups})


def test_ec2_securitygroup_allow_ingress_from_internet_to_any_port(
    account: Account, check: Check
) -> None:
    """AwsSolutions-EC23."""
    groups = account.security_groups.items()
    check({name: not open_to_the_world(group) for name, group in groups})


def test_the_world_reaches_no_port_but_those_of_the_services(account: Account) -> None:
    opened = {
        name: {port for ports in open_to_the_world(group) for port in ports}
        for name, group in account.security_groups.items()
    }
    assert opened == {"default": set(), "jupyterhub": {80, 443}, "pygrid": {80, 443, 5000, 5001}}


def public_networks(group: Any, *directions: str) -> list[Any]:
    """Return the networks of the internet, and not all of it, that the rules of a group name."""
    named = [
        ipaddress.ip_network(network)
        for direction in directions
        for rule in group[direction]
        for network in networks(rule)
        if network not in WORLD
    ]
    return [network for network in named if network.is_global]


def test_ec2_securitygroup_allow_ingress_from_internet_to_any_port_from_ip(
    account: Account, check: Check
) -> None:
    groups = account.security_groups.items()
    check({name: not public_networks(group, "IpPermissions") for name, group in groups})


def test_ec2_securitygroup_allow_wide_open_public_ipv4(account: Account, check: Check) -> None:
    results = {}
    for name, group in account.security_groups.items():
        named = public_networks(group, "IpPermissions", "IpPermissionsEgress")
        results[name] = all(network.prefixlen >= 24 for network in named)
    check(results)


def test_ec2_securitygroup_default_restrict_traffic(account: Account, check: Check) -> None:
    check(
        {
            name: not group["IpPermissions"] and not group["IpPermissionsEgress"]
            for name, group in account.security_groups.items()
            if name == "default"
        }
    )


def test_ec2_securitygroup_from_launch_wizard(account: Account, check: Check) -> None:
    check({name: "launch-wizard-" not in name for name in account.security_groups})


def test_ec2_securitygroup_not_used(account: Account, check: Check) -> None:
    used = {
        group["GroupId"]
        for instance in account.instances.values()
        for group in instance["SecurityGroups"]
    }
    groups = account.security_groups.items()
    check({name: name == "default" or group["GroupId"] in used for name, group in groups})


def test_ec2_securitygroup_with_many_ingress_egress_rules(account: Account, check: Check) -> None:
    check(
        {
            name: max(len(group["IpPermissions"]), len(group["IpPermissionsEgress"])) <= 50
            for name, group in account.security_groups.items()
        }
    )


def test_aws_solutions_ec27(account: Account, check: Check) -> None:
    """Groups and their rules tell what they are for."""
    described = {
        name: bool(group["Description"])
        and all(
            each.get("Description")
            for rule in [*group["IpPermissions"], *group["IpPermissionsEgress"]]
            for each in rule.get("IpRanges", [])
        )
        for name, group in account.security_groups.items()
    }
    check(described)


def test_ec2_ebs_volume_encryption(account: Account, check: Check) -> None:
    """AwsSolutions-EC26. Of the launch template: hosts of the local cloud have no volumes."""
    check(
        {
            name: all(device["Ebs"]["Encrypted"] for device in template["BlockDeviceMappings"])
            for name, template in account.launch_templates.items()
        }
    )


def test_ec2_ebs_volume_protected_by_backup_plan(account: Account, check: Check) -> None:
    resources = account.pages("backup", "list_protected_resources", "Results")
    protected = [resource["ResourceArn"].rsplit("/", 1)[-1] for resource in resources]
    check({name: i["InstanceId"] in protected for name, i in account.instances.items()})


def test_ec2_ebs_volume_snapshots_exists(account: Account, check: Check) -> None:
    snapshots = account.pages("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"])
    check({name: bool(snapshots) for name in account.instances})


def test_ec2_elastic_ip_unassigned(account: Account, check: Check) -> None:
    addresses = account.pages("ec2", "describe_addresses", "Addresses")
    check({address["PublicIp"]: bool(address.get("InstanceId")) for address in addresses})


def test_ec2_instance_detailed_monitoring_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-EC28."""
    instances = account.instances.items()
    check({name: instance["Monitoring"]["State"] == "enabled" for name, instance in instances})


def uses_tokens(account: Account) -> dict[str, bool]:
    """Return which launch templates give metadata to IMDSv2 only, at one hop."""
    return {
        name: template["MetadataOptions"]["HttpTokens"] == "required"
        and template["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        for name, template in account.launch_templates.items()
    }


def test_ec2_instance_imdsv2_enabled(account: Account, check: Check) -> None:
    """Each instance is made by the launch template that has its name."""
    assert set(account.instances) == set(account.launch_templates)
    check(uses_tokens(account))


def test_ec2_launch_template_imdsv2_required(account: Account, check: Check) -> None:
    check(uses_tokens(account))


def test_ec2_launch_template_no_public_ip(account: Account, check: Check) -> None:
    """Its address is an Elastic IP, which outlives it."""
    check(
        {
            name: not any(
                interface.get("AssociatePublicIpAddress")
                for interface in template.get("NetworkInterfaces", [])
            )
            for name, template in account.launch_templates.items()
        }
    )


def test_ec2_launch_template_no_secrets(account: Account, check: Check) -> None:
    """There are no user data that could hold one."""
    templates = account.launch_templates.items()
    check({name: "UserData" not in template for name, template in templates})


def attributes(account: Account, attribute: str) -> dict[str, Any]:
    """Return what AWS answers about an attribute of each instance."""
    return {
        name: account.answer(
            "ec2",
            "describe_instance_attribute",
            InstanceId=instance["InstanceId"],
            Attribute=attribute,
        )
        for name, instance in account.instances.items()
    }


def test_ec2_instance_secrets_user_data(account: Account, check: Check) -> None:
    answers = attributes(account, "userData").items()
    check({name: not answer.get("UserData", {}).get("Value") for name, answer in answers})


def test_ec2_instance_profile_attached(account: Account, check: Check) -> None:
    check({name: "IamInstanceProfile" in each for name, each in account.instances.items()})


def test_ec2_instance_internet_facing_with_instance_profile(account: Account, check: Check) -> None:
    check(
        {
            name: not ("IamInstanceProfile" in instance and instance.get("PublicIpAddress"))
            for name, instance in account.instances.items()
        }
    )


def test_ec2_instance_public_ip(account: Account, check: Check) -> None:
    check({name: not each.get("PublicIpAddress") for name, each in account.instances.items()})


def test_ec2_instance_managed_by_ssm(account: Account, check: Check) -> None:
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    check({name: core in account.role_policies.get(name, []) for name in account.instances})


def test_ec2_instance_paravirtual_type(account: Account, check: Check) -> None:
    instances = account.instances.items()
    check({name: each.get("VirtualizationType", "hvm") == "hvm" for name, each in instances})


def test_ec2_instance_uses_single_eni(account: Account, check: Check) -> None:
    instances = account.instances.items()
    check({name: len(each.get("NetworkInterfaces", [])) <= 1 for name, each in instances})


def test_aws_solutions_ec29(account: Account, check: Check) -> None:
    """Instances are protected against termination."""
    answers = attributes(account, "disableApiTermination").items()
    check({name: answer["DisableApiTermination"]["Value"] for name, answer in answers})


def opens(account: Account, *ports: int) -> dict[str, bool]:
    """Return which network ACLs do not let everybody reach every port, or one of those."""
    results = {}
    for acl in account.in_vpcs("describe_network_acls", "NetworkAcls"):
        opened = [
            entry.get("PortRange", {"From": 0, "To": 65535})
            for entry in acl["Entries"]
            if entry["RuleAction"] == "allow"
            and not entry["Egress"]
            and {entry.get("CidrBlock"), entry.get("Ipv6CidrBlock")} & {*WORLD}
        ]
        results["default" if acl["IsDefault"] else acl["NetworkAclId"]] = not any(
            all(each["From"] <= port <= each["To"] for port in ports or (0, 65535))
            for each in opened
        )
    return results


def test_ec2_networkacl_allow_ingress_any_port(account: Account, check: Check) -> None:
    check(opens(account))


def test_ec2_networkacl_allow_ingress_tcp_port_22(account: Account, check: Check) -> None:
    check(opens(account, 22))


def test_ec2_networkacl_allow_ingress_tcp_port_3389(account: Account, check: Check) -> None:
    check(opens(account, 3389))


def test_ec2_networkacl_unused(account: Account, check: Check) -> None:
    """AwsSolutions-VPC3 wants none but the default one."""
    acls = account.in_vpcs("describe_network_acls", "NetworkAcls")
    check({acl["NetworkAclId"]: acl["IsDefault"] for acl in acls})

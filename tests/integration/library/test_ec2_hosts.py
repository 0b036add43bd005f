"""`ec2_hosts` against the emulator, whose instances are records here: nothing boots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "hosts-shop"
# An image that the emulator offers, and launches as a record.
IMAGE = {
    "image_owner": "099720109477",
    "image_name": "ubuntu/images/hvm-ssd/ubuntu-22.04-amd64-server",
}
HOST: dict[str, Any] = {
    "name": NAME,
    **IMAGE,
    "instance_type": "t3.small",
    "subnet": "hosts-public-a",
    "security_groups": [NAME],
    "instance_profile": NAME,
    "volume_size_gib": 20,
    "tags": {"component": "shop"},
}
NOWAIT: dict[str, Any] = {"ssh_timeout_seconds": 0}


def instances(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the host's live instances."""
    found = cloud.client("ec2").describe_instances(
        Filters=[
            {"Name": "tag:Name", "Values": [NAME]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    return [item for reservation in found["Reservations"] for item in reservation["Instances"]]


def templates(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the launch templates that have the host's name."""
    found = cloud.client("ec2").describe_launch_templates(LaunchTemplateNames=[NAME])
    listed: list[dict[str, Any]] = found["LaunchTemplates"]
    return listed


def addresses(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the Elastic IPs of the account."""
    listed: list[dict[str, Any]] = cloud.client("ec2").describe_addresses()["Addresses"]
    return listed


@pytest.fixture(autouse=True)
def _network(cloud: Cloud, run_module: ModuleRunner) -> Iterator[None]:
    """Make what a host stands in, and take everything away again."""
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24")["Subnet"]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "Name", "Value": "hosts-public-a"}])
    group = ec2.create_security_group(VpcId=vpc, GroupName=NAME, Description="of a test")["GroupId"]
    iam.create_instance_profile(InstanceProfileName=NAME)
    yield
    run_module("ec2_hosts", state="absent", hosts=[{"name": NAME}])
    iam.delete_instance_profile(InstanceProfileName=NAME)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def test_a_host_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    first = run_module.four_runs("ec2_hosts", hosts=[HOST], **NOWAIT)
    (instance,) = instances(cloud)
    (address,) = addresses(cloud)
    assert first["hosts"][NAME] == {
        "instance_id": instance["InstanceId"],
        "address": address["PublicIp"],
    }
    assert address["InstanceId"] == instance["InstanceId"]
    assert instance["InstanceType"] == "t3.small"
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == [NAME]
    assert instance["IamInstanceProfile"]["Arn"].endswith(f"/{NAME}")
    assert {"Key": "component", "Value": "shop"} in instance["Tags"]
    versions = cloud.client("ec2").describe_launch_template_versions(LaunchTemplateName=NAME)
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    ebs = data["BlockDeviceMappings"][0]["Ebs"]
    assert ebs["Encrypted"] is True
    assert (ebs["VolumeType"], ebs["VolumeSize"]) == ("gp3", 20)
    run_module.gone_twice("ec2_hosts", hosts=[{"name": NAME}])
    assert instances(cloud) == []
    assert addresses(cloud) == []


def test_a_host_is_planned_before_there_is_a_network(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    host = HOST | {"subnet": "nowhere", "security_groups": ["none"], "instance_profile": "none"}
    planned = run_module("ec2_hosts", check=True, hosts=[host])
    assert planned["changed"] is True
    assert planned["hosts"][NAME] == {"instance_id": None, "address": None}
    failed = run_module("ec2_hosts", hosts=[host], fails=True)
    assert "subnet is 'nowhere', which does not exist. Deploy the network" in failed["msg"]
    assert instances(cloud) == []


def test_another_type_is_reported_and_replaces_the_host_only_when_told(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("ec2_hosts", hosts=[HOST], **NOWAIT)
    (before,) = instances(cloud)
    bigger = HOST | {"instance_type": "t3.large", "tags": {"component": "shop", "owner": "ada"}}
    told = run_module("ec2_hosts", hosts=[bigger], **NOWAIT)
    assert told["changed"] is True
    assert run_module("ec2_hosts", hosts=[bigger], **NOWAIT)["changed"] is False
    assert "instance_type is t3.small, not t3.large" in told["differences"][NAME]
    (kept,) = instances(cloud)
    assert kept["InstanceId"] == before["InstanceId"]
    assert {"Key": "owner", "Value": "ada"} in kept["Tags"]
    checked = run_module("ec2_hosts", check=True, hosts=[bigger], replace=True)
    assert checked["changed"] is True
    assert [item["InstanceId"] for item in instances(cloud)] == [before["InstanceId"]]
    replaced = run_module("ec2_hosts", hosts=[bigger], replace=True, **NOWAIT)
    (new,) = instances(cloud)
    assert new["InstanceId"] != before["InstanceId"]
    assert new["InstanceType"] == "t3.large"
    assert replaced["differences"][NAME] == []
    (address,) = addresses(cloud)
    assert address["InstanceId"] == new["InstanceId"]
    assert (
        replaced["hosts"][NAME]["address"] == address["PublicIp"] == told["hosts"][NAME]["address"]
    )


def test_tags_of_everything_that_a_host_is_made_of_change(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    first = {"component": "shop", "owner": "ada"}
    run_module("ec2_hosts", hosts=[HOST | {"tags": first}], **NOWAIT)
    # One has another value, one is removed, and one is new.
    second = {"component": "market", "stage": "test"}
    run_module.four_runs("ec2_hosts", hosts=[HOST | {"tags": second}], **NOWAIT)
    (template,), (instance,), (address,) = templates(cloud), instances(cloud), addresses(cloud)
    named = second | {"Name": NAME}
    for resource, identifier, expected in (
        (template, template["LaunchTemplateId"], second),
        (instance, instance["InstanceId"], named),
        (address, address["AllocationId"], named),
    ):
        filters = [{"Name": "resource-id", "Values": [identifier]}]
        listed = cloud.client("ec2").describe_tags(Filters=filters)["Tags"]
        for tags in (resource["Tags"], listed):
            assert {tag["Key"]: tag["Value"] for tag in tags} == expected


def test_a_host_that_was_lost_comes_back_at_its_address(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    run_module("ec2_hosts", hosts=[HOST], **NOWAIT)
    (lost,), (address,) = instances(cloud), addresses(cloud)
    cloud.client("ec2").terminate_instances(InstanceIds=[lost["InstanceId"]])
    assert run_module("ec2_hosts", hosts=[HOST], **NOWAIT)["changed"] is True
    (instance,), (kept,) = instances(cloud), addresses(cloud)
    assert kept["PublicIp"] == address["PublicIp"]
    assert kept["InstanceId"] == instance["InstanceId"]


def test_what_is_wrong_is_named(cloud: Cloud, run_module: ModuleRunner) -> None:
    failed = run_module("ec2_hosts", hosts=[HOST | {"image_name": "debian-11"}], fails=True)
    assert "image_name is 'debian-11', but account 099720109477 offers no such" in failed["msg"]
    failed = run_module("ec2_hosts", hosts=[{"name": NAME}], fails=True)
    assert f"{NAME}: image_owner is missing" in failed["msg"]
    run_module("ec2_hosts", hosts=[HOST], **NOWAIT)
    (instance,) = instances(cloud)
    ec2 = cloud.client("ec2")
    second = ec2.run_instances(ImageId=instance["ImageId"], MinCount=1, MaxCount=1)
    twin = second["Instances"][0]["InstanceId"]
    ec2.create_tags(Resources=[twin], Tags=[{"Key": "Name", "Value": NAME}])
    failed = run_module("ec2_hosts", hosts=[HOST], fails=True)
    assert f"2 hosts have the name {NAME}: " in failed["msg"]
    assert twin in failed["msg"]
    ec2.terminate_instances(InstanceIds=[twin])

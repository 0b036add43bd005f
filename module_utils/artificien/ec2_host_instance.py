"""Instances of hosts: what is read of them, and the calls that make, change and end them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    accepted,
    aws_call,
    error_code,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.ec2_lookup import (
    by_name,
    find_groups,
    find_subnet,
    named,
    only,
    set_tags,
    subnet_name,
    unnamed,
)

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model
    from botocore.exceptions import ClientError
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

_ALIVE = ["pending", "running", "stopping", "stopped"]
# What may still be on its way through AWS after its role was made.
_PROFILE_TIMEOUT_SECONDS = 60
_WAITER: Any = {"Delay": 5, "MaxAttempts": 120}


@aws_call("find the instance of {0}")
def _describe(client: EC2Client, name: str) -> InstanceTypeDef | None:
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[*by_name(name), {"Name": "instance-state-name", "Values": _ALIVE}]
    )
    instances = (
        instance
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    )
    return only(instances, name, "hosts", "InstanceId")


def read_instance(client: EC2Client, name: str) -> Model | None:
    """Read the instance of the host `name`; what EC2 does not tell of it is left out."""
    instance = _describe(client, name)
    if instance is None:
        return None
    model: Model = {
        "id": instance["InstanceId"],
        "running": instance["State"]["Name"] in {"pending", "running"},
        "image_id": instance["ImageId"],
        "instance_type": instance["InstanceType"],
        "key_name": instance.get("KeyName") or None,
        "subnet": subnet_name(client, instance["SubnetId"]),
        "security_groups": sorted(group["GroupName"] for group in instance["SecurityGroups"]),
        "instance_profile": instance.get("IamInstanceProfile", {}).get("Arn", "").split("/")[-1],
        "termination_protection": _is_protected(client, instance["InstanceId"]),
        "tags": unnamed(instance.get("Tags", [])),
    }
    if "MetadataOptions" in instance:
        model["metadata"] = {
            "tokens": instance["MetadataOptions"]["HttpTokens"],
            "hop_limit": instance["MetadataOptions"]["HttpPutResponseHopLimit"],
        }
    volumes = [mapping["Ebs"]["VolumeId"] for mapping in instance.get("BlockDeviceMappings", [])]
    if volumes:
        model["volume"] = _read_volume(client, volumes[0])
    return model


@aws_call("read the termination protection of {0}")
def _is_protected(client: EC2Client, instance_id: str) -> bool:
    answer = client.describe_instance_attribute(
        InstanceId=instance_id, Attribute="disableApiTermination"
    )
    return answer["DisableApiTermination"].get("Value", False)


@aws_call("read volume {0}")
def _read_volume(client: EC2Client, volume_id: str) -> Model:
    (volume,) = client.describe_volumes(VolumeIds=[volume_id])["Volumes"]
    return {
        "size_gib": volume["Size"],
        "type": volume["VolumeType"],
        "encrypted": volume["Encrypted"],
    }


@aws_call("launch {0}")
def launch_instance(client: EC2Client, name: str, wanted: Model) -> str:
    """Launch an instance by the launch template of the host `name`, and wait until it runs."""
    subnet = find_subnet(client, wanted["subnet"])
    tags = to_tag_list(named(name, wanted["tags"]))
    request: dict[str, Any] = {
        "MinCount": 1,
        "MaxCount": 1,
        "LaunchTemplate": {"LaunchTemplateName": name, "Version": "$Default"},
        "SubnetId": subnet["SubnetId"],
        "DisableApiTermination": wanted["termination_protection"],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")
        ],
        # Equal to the template's, which the emulator stores but does not launch by.
        "ImageId": wanted["image_id"],
        "InstanceType": wanted["instance_type"],
        "IamInstanceProfile": {"Name": wanted["instance_profile"]},
        "SecurityGroupIds": find_groups(client, subnet["VpcId"], wanted["security_groups"]),
    }
    if wanted.get("key_name"):
        request["KeyName"] = wanted["key_name"]
    launched: Any = {}
    wait_until(
        accepted(lambda: launched.update(client.run_instances(**request)), _profile_is_on_its_way),
        f"instance profile {wanted['instance_profile']}",
        _PROFILE_TIMEOUT_SECONDS,
    )
    instance_id: str = launched["Instances"][0]["InstanceId"]
    client.get_waiter("instance_running").wait(InstanceIds=[instance_id], WaiterConfig=_WAITER)
    return instance_id


def _profile_is_on_its_way(error: ClientError) -> bool:
    # That it is invalid, and later that it has no role.
    return error_code(error) == "InvalidParameterValue" and "IAM Instance Profile" in str(error)


def update_instance(client: EC2Client, name: str, before: Model, after: Model) -> None:
    """Change what can be changed of a running instance."""
    instance_id = before["id"]
    set_tags(client, instance_id, before["tags"], after["tags"])
    if before["security_groups"] != after["security_groups"]:
        _set_groups(client, name, instance_id, after)
    if before["instance_profile"] != after["instance_profile"]:
        _set_profile(client, name, instance_id, after["instance_profile"])
    if before.get("metadata") != after.get("metadata"):
        _set_metadata(client, name, instance_id, after["metadata"])
    if before["termination_protection"] != after["termination_protection"]:
        set_protection(client, name, instance_id, protected=after["termination_protection"])
    if not before["running"]:
        _start(client, name, instance_id)


@aws_call("set the security groups of {0}")
def _set_groups(client: EC2Client, _name: str, instance_id: str, after: Model) -> None:
    vpc_id = find_subnet(client, after["subnet"])["VpcId"]
    groups = find_groups(client, vpc_id, after["security_groups"])
    client.modify_instance_attribute(InstanceId=instance_id, Groups=groups)


@aws_call("set the instance profile of {0} to {2}")
def _set_profile(client: EC2Client, _name: str, instance_id: str, profile: str) -> None:
    present = client.describe_iam_instance_profile_associations(
        Filters=[
            {"Name": "instance-id", "Values": [instance_id]},
            {"Name": "state", "Values": ["associated"]},
        ]
    )["IamInstanceProfileAssociations"]
    if present:
        client.replace_iam_instance_profile_association(
            AssociationId=present[0]["AssociationId"], IamInstanceProfile={"Name": profile}
        )
    else:
        client.associate_iam_instance_profile(
            InstanceId=instance_id, IamInstanceProfile={"Name": profile}
        )


@aws_call("set the metadata options of {0}")
def _set_metadata(client: EC2Client, _name: str, instance_id: str, metadata: Model) -> None:
    client.modify_instance_metadata_options(
        InstanceId=instance_id,
        HttpEndpoint="enabled",
        HttpTokens=metadata["tokens"],
        HttpPutResponseHopLimit=metadata["hop_limit"],
    )


@aws_call("set the termination protection of {0}")
def set_protection(client: EC2Client, _name: str, instance_id: str, *, protected: bool) -> None:
    """Protect an instance against termination, or no longer."""
    client.modify_instance_attribute(
        InstanceId=instance_id, DisableApiTermination={"Value": protected}
    )


@aws_call("start {0}")
def _start(client: EC2Client, _name: str, instance_id: str) -> None:
    client.start_instances(InstanceIds=[instance_id])
    client.get_waiter("instance_running").wait(InstanceIds=[instance_id], WaiterConfig=_WAITER)


@aws_call("terminate {0}")
def terminate_instance(client: EC2Client, name: str, instance: Model) -> None:
    """End an instance, also a protected one, and wait until it is gone."""
    if instance["termination_protection"]:
        set_protection(client, name, instance["id"], protected=False)
    client.terminate_instances(InstanceIds=[instance["id"]])
    client.get_waiter("instance_terminated").wait(
        InstanceIds=[instance["id"]], WaiterConfig=_WAITER
    )

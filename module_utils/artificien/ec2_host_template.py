"""Launch templates: what a host is made of, as settings in the words of the module's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    from_tag_list,
    none_if_missing,
    to_tag_list,
)
from ansible.module_utils.artificien.ec2_lookup import group_names, set_tags

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Model
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        LaunchTemplateTypeDef,
        ResponseLaunchTemplateDataTypeDef,
    )

_MISSING = (
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidLaunchTemplateId.NotFoundException",
)


@aws_call("find launch template {0}")
@none_if_missing(*_MISSING)
def _describe(client: EC2Client, name: str) -> LaunchTemplateTypeDef | None:
    found = client.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"]
    return found[0] if found else None


@aws_call("read launch template {0}")
def _read_data(client: EC2Client, name: str) -> ResponseLaunchTemplateDataTypeDef:
    versions = client.describe_launch_template_versions(
        LaunchTemplateName=name, Versions=["$Default"]
    )
    return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def read_template(client: EC2Client, name: str) -> Model | None:
    """Read the settings and tags of the launch template `name`."""
    template = _describe(client, name)
    if template is None:
        return None
    settings = from_data(_read_data(client, name))
    settings["security_groups"] = group_names(client, settings["security_groups"])
    return {**settings, "tags": from_tag_list(template.get("Tags", []))}


def from_data(data: ResponseLaunchTemplateDataTypeDef) -> Model:
    """Return the settings in the data of a launch template, security groups by their ids."""
    mappings: Any = data.get("BlockDeviceMappings") or [{}]
    volume = mappings[0].get("Ebs", {})
    metadata = data.get("MetadataOptions", {})
    return {
        "image_id": data.get("ImageId"),
        "instance_type": data.get("InstanceType"),
        "key_name": data.get("KeyName"),
        "security_groups": data.get("SecurityGroupIds", []),
        "instance_profile": data.get("IamInstanceProfile", {}).get("Name"),
        "volume": {
            "size_gib": volume.get("VolumeSize"),
            "type": volume.get("VolumeType"),
            "encrypted": volume.get("Encrypted"),
        },
        "metadata": {
            "tokens": metadata.get("HttpTokens"),
            "hop_limit": metadata.get("HttpPutResponseHopLimit"),
        },
    }


def to_data(settings: Model, group_ids: list[str], root_device: str) -> dict[str, Any]:
    """Return the data of a launch template with those settings."""
    volume, metadata = settings["volume"], settings["metadata"]
    ebs = {
        "VolumeType": volume["type"],
        "Encrypted": volume["encrypted"],
        "DeleteOnTermination": True,
    }
    if volume.get("size_gib"):
        ebs["VolumeSize"] = volume["size_gib"]
    data = {
        "ImageId": settings["image_id"],
        "InstanceType": settings["instance_type"],
        "SecurityGroupIds": group_ids,
        "IamInstanceProfile": {"Name": settings["instance_profile"]},
        "BlockDeviceMappings": [{"DeviceName": root_device, "Ebs": ebs}],
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": metadata["tokens"],
            "HttpPutResponseHopLimit": metadata["hop_limit"],
        },
    }
    if settings.get("key_name"):
        data["KeyName"] = settings["key_name"]
    return data


def put_template(
    client: EC2Client, name: str, before: Model | None, after: Model, data: dict[str, Any]
) -> None:
    """Create the launch template, or make `data` its new default version, and tag it."""
    if before is None:
        _create(client, name, data, after["tags"])
        return
    if {**before, "tags": None} != {**after, "tags": None}:
        _add_version(client, name, data)
    template = _describe(client, name)
    if template is not None:
        set_tags(client, template["LaunchTemplateId"], before["tags"], after["tags"])


@aws_call("create launch template {0}")
def _create(client: EC2Client, name: str, data: dict[str, Any], tags: dict[str, str]) -> None:
    request: dict[str, Any] = {"LaunchTemplateName": name, "LaunchTemplateData": data}
    if tags:
        request["TagSpecifications"] = [
            {"ResourceType": "launch-template", "Tags": to_tag_list(tags)}
        ]
    client.create_launch_template(**request)


@aws_call("change launch template {0}")
def _add_version(client: EC2Client, name: str, data: Any) -> None:
    version = client.create_launch_template_version(
        LaunchTemplateName=name, LaunchTemplateData=data
    )["LaunchTemplateVersion"]["VersionNumber"]
    client.modify_launch_template(LaunchTemplateName=name, DefaultVersion=str(version))


@aws_call("delete launch template {0}")
@none_if_missing(*_MISSING)
def delete_template(client: EC2Client, name: str) -> None:
    """Delete the launch template `name`, if there is one."""
    client.delete_launch_template(LaunchTemplateName=name)

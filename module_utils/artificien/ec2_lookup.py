"""What EC2 knows by ids, found by the names that people give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, from_tag_list, to_tag_list
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef, SubnetTypeDef

NETWORK_REMEDY = "Deploy the network first (--tags network), or correct the name."


def name_of(resource: Mapping[str, Any]) -> str:
    """Return the `Name` tag of something that EC2 describes, or an empty text."""
    return from_tag_list(resource.get("Tags", [])).get("Name", "")


def only[T: Mapping[str, Any]](
    resources: Iterable[T], name: str, what: str, id_field: str
) -> T | None:
    """Return the one of `resources` whose name is `name`, or `None`.

    Raises:
        ReconcileError: there are several, so that none of them can be meant.
    """
    # The filter of EC2 takes '*' and '?' in a name for wildcards.
    found = [resource for resource in resources if name_of(resource) == name]
    if len(found) > 1:
        raise ReconcileError(
            f"{len(found)} {what} have the name {name}: "
            f"{', '.join(resource[id_field] for resource in found)}. Delete those that are not "
            "wanted, or change their Name tag, then run the playbook again."
        )
    return found[0] if found else None


def named(name: str, tags: dict[str, str] | None) -> dict[str, str]:
    """Return `tags` with the tag that EC2 shows as the name."""
    return {**(tags or {}), "Name": name}


def unnamed(tags: Sequence[Any]) -> dict[str, str]:
    """Return a list of tags as a dictionary, without the name."""
    return {key: value for key, value in from_tag_list(tags).items() if key != "Name"}


def by_name(name: str) -> list[Any]:
    """Return the filter for resources of that name."""
    return [{"Name": "tag:Name", "Values": [name]}]


def in_vpc(vpc_id: str) -> list[Any]:
    """Return the filter for resources of a VPC."""
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


@aws_call("look for VPC {0}")
def find_vpc(client: EC2Client, name: str) -> Any | None:
    """Return the VPC `name` as EC2 describes it, or `None`.

    Raises:
        ReconcileError: there are several.
    """
    pages = client.get_paginator("describe_vpcs").paginate(Filters=by_name(name))
    return only((vpc for page in pages for vpc in page["Vpcs"]), name, "VPCs", "VpcId")


@aws_call("find image {1}")
def find_image(client: EC2Client, owner: str, image: str) -> ImageTypeDef:
    """Return the image of that owner and full name, of which an account has one at most.

    Raises:
        ReconcileError: there is none.
    """
    # A public image is deprecated after two years, and hosts live longer.
    pages = client.get_paginator("describe_images").paginate(
        Owners=[owner], Filters=[{"Name": "name", "Values": [image]}], IncludeDeprecated=True
    )
    for page in pages:
        for found in page["Images"]:
            if found["Name"] == image:
                return found
    raise ReconcileError(
        f"image_name is {image!r}, but account {owner} offers no such image in "
        f"{client.meta.region_name}. This shows what it offers: aws ec2 describe-images "
        f"--owners {owner} --query 'sort_by(Images,&CreationDate)[].Name'"
    )


@aws_call("find subnet {0}")
def find_subnet(client: EC2Client, name: str) -> SubnetTypeDef:
    """Return the subnet of that name.

    Raises:
        ReconcileError: there is none, or there are several.
    """
    pages = client.get_paginator("describe_subnets").paginate(Filters=by_name(name))
    subnets = (subnet for page in pages for subnet in page["Subnets"])
    found = only(subnets, name, "subnets", "SubnetId")
    if found is None:
        raise ReconcileError(f"subnet is {name!r}, which does not exist. {NETWORK_REMEDY}")
    return found


@aws_call("read subnet {0}")
def subnet_name(client: EC2Client, subnet_id: str) -> str:
    """Return the name of a subnet, or its id if it has none."""
    (subnet,) = client.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    return name_of(subnet) or subnet_id


@aws_call("find the security groups of {0}")
def find_groups(client: EC2Client, vpc_id: str, names: Sequence[str]) -> list[str]:
    """Return the ids of the security groups of those names in a VPC.

    Raises:
        ReconcileError: one does not exist.
    """
    pages = client.get_paginator("describe_security_groups").paginate(
        Filters=[*in_vpc(vpc_id), {"Name": "group-name", "Values": list(names)}]
    )
    ids = {
        group["GroupName"]: group["GroupId"] for page in pages for group in page["SecurityGroups"]
    }
    for name in names:
        if name not in ids:
            raise ReconcileError(
                f"security_groups names {name!r}, which does not exist in {vpc_id}. "
                f"{NETWORK_REMEDY}"
            )
    return [ids[name] for name in names]


@aws_call("read the security groups {0}")
def group_names(client: EC2Client, ids: Sequence[str]) -> list[str]:
    """Return the sorted names of security groups; a group that is gone keeps its id."""
    pages = client.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "group-id", "Values": list(ids)}]
    )
    names = {
        group["GroupId"]: group["GroupName"] for page in pages for group in page["SecurityGroups"]
    }
    return sorted(names.get(group, group) for group in ids)


@aws_call("tag {0}")
def set_tags(
    client: EC2Client, resource_id: str, before: dict[str, str], after: dict[str, str]
) -> None:
    """Turn the tags of a resource of EC2 from `before` into `after`."""
    removed = sorted(before.keys() - after.keys())
    added = {key: value for key, value in after.items() if before.get(key) != value}
    if removed:
        client.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed])
    if added:
        client.create_tags(Resources=[resource_id], Tags=to_tag_list(added))

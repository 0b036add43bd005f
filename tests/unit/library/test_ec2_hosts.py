"""`ec2_hosts` without AWS: plans as tables, and the exact calls of each."""

from __future__ import annotations

import copy
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien import ec2_host
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.ec2_host import (
    apply_host,
    desired_host,
    differences,
    plan_host,
    plan_removal,
    read_host,
    whereabouts,
)
from ansible.module_utils.artificien.ec2_host_address import attach_address, release_address
from ansible.module_utils.artificien.ec2_host_instance import launch_instance, update_instance
from ansible.module_utils.artificien.ec2_host_template import from_data, put_template, to_data
from ansible.module_utils.artificien.ec2_lookup import find_groups, find_subnet, group_names
from ansible.module_utils.artificien.reconcile import ReconcileError

from library.ec2_hosts import plan_hosts

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "shop"
IMAGE = ("136693071363", "debian-12")
ID, OTHER_ID = "i-0aaa", "i-0bbb"
TAGGED = [{"Key": "Name", "Value": NAME}, {"Key": "owner", "Value": "ada"}]
ALIVE = ["pending", "running", "stopping", "stopped"]
SETTINGS: dict[str, Any] = {
    "image_id": "ami-1",
    "instance_type": "t3.small",
    "key_name": "ops",
    "security_groups": ["shop"],
    "instance_profile": "shop",
    "volume": {"size_gib": 20, "type": "gp3", "encrypted": True},
    "metadata": {"tokens": "required", "hop_limit": 1},
}
DATA: dict[str, Any] = {
    "ImageId": "ami-1",
    "InstanceType": "t3.small",
    "KeyName": "ops",
    "SecurityGroupIds": ["sg-1"],
    "IamInstanceProfile": {"Name": "shop"},
    "BlockDeviceMappings": [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {
                "VolumeSize": 20,
                "VolumeType": "gp3",
                "Encrypted": True,
                "DeleteOnTermination": True,
            },
        }
    ],
    "MetadataOptions": {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    },
}


def instance(**fields: Any) -> dict[str, Any]:
    """Return the model of an instance with `fields` changed."""
    base = {
        **copy.deepcopy(SETTINGS),
        "id": ID,
        "running": True,
        "subnet": "public-a",
        "termination_protection": False,
        "tags": {"owner": "ada"},
    }
    return base | fields


def present(**fields: Any) -> dict[str, Any]:
    """Return the model of a host whose parts agree with `wanted()`, its parts changed."""
    base = {
        "launch_template": {**copy.deepcopy(SETTINGS), "tags": {"owner": "ada"}},
        "instance": instance(),
        "address": {"ip": "192.0.2.1", "instance": ID, "tags": {"owner": "ada"}},
    }
    return base | fields


def wanted(**fields: Any) -> dict[str, Any]:
    """Return what `desired_host` makes of the options, with `fields` changed."""
    base = {
        **copy.deepcopy(SETTINGS),
        "subnet": "public-a",
        "termination_protection": None,
        "tags": {"owner": "ada"},
    }
    return base | fields


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `hosts` as Ansible passes it."""
    base = {
        "name": NAME,
        "image_owner": IMAGE[0],
        "image_name": IMAGE[1],
        "instance_type": "t3.small",
        "key_name": "ops",
        "subnet": "public-a",
        "security_groups": ["shop"],
        "instance_profile": "shop",
        "volume_size_gib": 20,
        "metadata_hop_limit": 1,
        "termination_protection": None,
        "tags": {"owner": "ada"},
    }
    return base | fields


def plan(current: dict[str, Any] | None, desired: dict[str, Any], **options: bool) -> Any:
    """Return the plan of the host."""
    return plan_host(NAME, current, desired, **({"replace": False, "purge_tags": True} | options))


def add_image(stubber: Stubber) -> None:
    """Make the account answer with one image."""
    stubber.add_response(
        "describe_images",
        {"Images": [{"ImageId": "ami-1", "Name": IMAGE[1], "RootDeviceName": "/dev/xvda"}]},
        {
            "Owners": [IMAGE[0]],
            "Filters": [{"Name": "name", "Values": [IMAGE[1]]}],
            "IncludeDeprecated": True,
        },
    )


def add_subnet(stubber: Stubber) -> None:
    """Make the account find the subnet."""
    stubber.add_response(
        "describe_subnets",
        {
            "Subnets": [
                {
                    "SubnetId": "subnet-1",
                    "VpcId": "vpc-1",
                    "Tags": [{"Key": "Name", "Value": "public-a"}],
                }
            ]
        },
        {"Filters": [{"Name": "tag:Name", "Values": ["public-a"]}]},
    )


def add_groups(stubber: Stubber, *names: str) -> None:
    """Make the account find the security groups of the VPC."""
    stubber.add_response(
        "describe_security_groups",
        {"SecurityGroups": [{"GroupName": name, "GroupId": f"sg-{name}"} for name in names]},
        {
            "Filters": [
                {"Name": "vpc-id", "Values": ["vpc-1"]},
                {"Name": "group-name", "Values": list(names)},
            ]
        },
    )


def add_address(stubber: Stubber, **fields: Any) -> None:
    """Make the account answer with the host's address and one of another host."""
    address = {"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1", "Tags": TAGGED} | fields
    other = {"AllocationId": "eipalloc-2", "PublicIp": "192.0.2.2"}
    stubber.add_response("describe_addresses", {"Addresses": [other, address]}, {})


def add_state(stubber: Stubber, instance_id: str, state: str) -> None:
    """Make a waiter see the instance in that state."""
    stubber.add_response(
        "describe_instances",
        {"Reservations": [{"Instances": [{"InstanceId": instance_id, "State": {"Name": state}}]}]},
        {"InstanceIds": [instance_id]},
    )


def add_host(stubber: Stubber, **fields: Any) -> None:
    """Make the account answer with all parts of the host, the instance's `fields` changed."""
    template = {"LaunchTemplateNames": [NAME]}
    tags = [{"Key": "owner", "Value": "ada"}]
    stubber.add_response(
        "describe_launch_templates",
        {"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "Tags": tags}]},
        template,
    )
    stubber.add_response(
        "describe_launch_template_versions",
        {"LaunchTemplateVersions": [{"LaunchTemplateData": DATA}]},
        {"LaunchTemplateName": NAME, "Versions": ["$Default"]},
    )
    stubber.add_response(
        "describe_security_groups",
        {"SecurityGroups": [{"GroupName": "shop", "GroupId": "sg-1"}]},
        {"Filters": [{"Name": "group-id", "Values": ["sg-1"]}]},
    )
    described = {
        "InstanceId": ID,
        "State": {"Name": "running"},
        "ImageId": "ami-1",
        "InstanceType": "t3.small",
        "KeyName": "ops",
        "SubnetId": "subnet-1",
        "SecurityGroups": [{"GroupName": "shop", "GroupId": "sg-1"}],
        "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/shop"},
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}],
        "Tags": [*TAGGED, {"Key": "aws:ec2launchtemplate:id", "Value": "lt-1"}],
    } | fields
    stubber.add_response(
        "describe_instances",
        {"Reservations": [{"Instances": [described]}]},
        {
            "Filters": [
                {"Name": "tag:Name", "Values": [NAME]},
                {"Name": "instance-state-name", "Values": ALIVE},
            ]
        },
    )
    stubber.add_response(
        "describe_subnets",
        {"Subnets": [{"Tags": [{"Key": "Name", "Value": "public-a"}]}]},
        {"SubnetIds": ["subnet-1"]},
    )
    stubber.add_response(
        "describe_instance_attribute",
        {"DisableApiTermination": {"Value": False}},
        {"InstanceId": ID, "Attribute": "disableApiTermination"},
    )
    if described["BlockDeviceMappings"]:
        stubber.add_response(
            "describe_volumes",
            {"Volumes": [{"Size": 20, "VolumeType": "gp3", "Encrypted": True}]},
            {"VolumeIds": ["vol-1"]},
        )
    add_address(stubber, InstanceId=ID)


def test_a_host_that_is_as_wanted_is_left_alone(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    add_image(stubber)
    add_host(stubber)
    params = {"hosts": [option()], "state": "present", "replace": False, "purge_tags": True}
    differing: dict[str, list[str]] = {}
    (made,) = plan_hosts(client, params, differing)
    assert made.before == present()
    assert not made.changed
    assert differing == {NAME: []}
    assert whereabouts(made) == {"instance_id": ID, "address": "192.0.2.1"}


def test_nothing_is_read_of_a_host_that_is_not_there(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_client_error(
        "describe_launch_templates", "InvalidLaunchTemplateName.NotFoundException"
    )
    stubber.add_response("describe_instances", {"Reservations": []})
    stubber.add_response("describe_addresses", {"Addresses": []})
    assert read_host(client, NAME) is None
    stubber.add_client_error("describe_launch_templates", "UnauthorizedOperation", "not yours")
    with pytest.raises(AwsError, match=f"find launch template {NAME}: UnauthorizedOperation"):
        read_host(client, NAME)


@pytest.mark.parametrize(
    ("current", "desired", "changed"),
    [
        (None, wanted(), ["launch_template", "instance", "address"]),
        (present(), wanted(volume={"size_gib": None, "type": "gp3", "encrypted": True}), []),
        (present(), wanted(key_name=None, tags=None), []),
        (present(), wanted(tags={"owner": "eve"}), ["launch_template", "instance", "address"]),
        (present(), wanted(instance_type="t3.large"), ["launch_template"]),
        (present(), wanted(image_id="ami-2"), ["launch_template"]),
        (present(), wanted(security_groups=["shop", "web"]), ["launch_template", "instance"]),
        (
            present(),
            wanted(metadata={"tokens": "required", "hop_limit": 2}),
            ["launch_template", "instance"],
        ),
        (present(), wanted(termination_protection=True), ["instance"]),
        (present(instance=instance(running=False)), wanted(), ["instance"]),
        (
            present(address={"ip": "192.0.2.1", "instance": OTHER_ID, "tags": {"owner": "ada"}}),
            wanted(),
            ["address"],
        ),
    ],
)
def test_plan(current: dict[str, Any] | None, desired: dict[str, Any], changed: list[str]) -> None:
    made = plan(current, desired)
    parts = ["launch_template", "instance", "address"]
    assert [part for part in parts if made.changes(part)] == changed


def test_only_a_new_instance_gets_what_cannot_be_changed() -> None:
    desired = wanted(instance_type="t3.large", image_id="ami-2")
    kept = plan(present(), desired)
    assert kept.after["instance"] == instance()
    assert kept.after["launch_template"]["instance_type"] == "t3.large"
    assert differences(kept, desired) == [
        "image_id is ami-1, not ami-2",
        "instance_type is t3.small, not t3.large",
    ]
    replaced = plan(present(), desired, replace=True)
    assert "id" not in replaced.after["instance"]
    assert replaced.after["instance"]["instance_type"] == "t3.large"
    assert replaced.changes("address")
    assert differences(replaced, desired) == []


def test_what_is_not_told_of_an_instance_does_not_differ() -> None:
    silent = instance()
    del silent["metadata"], silent["volume"]
    made = plan(present(instance=silent), wanted())
    assert not made.changed
    assert differences(made, wanted()) == []


def test_an_open_volume_is_a_difference() -> None:
    open_volume = {"size_gib": 8, "type": "gp3", "encrypted": False}
    made = plan(present(instance=instance(volume=open_volume)), wanted())
    (difference,) = differences(made, wanted())
    assert difference.startswith("volume is {'size_gib': 8, 'type': 'gp3', 'encrypted': False}")


def test_tags_that_are_not_listed_stay_without_purge() -> None:
    made = plan(present(), wanted(tags={"team": "web"}), purge_tags=False)
    for part in ("launch_template", "instance", "address"):
        assert made.after[part]["tags"] == {"owner": "ada", "team": "web"}


@pytest.mark.parametrize("protected", [None, True])
def test_a_protected_host_is_not_removed(protected: bool | None) -> None:
    current = present(instance=instance(termination_protection=True))
    with pytest.raises(ReconcileError, match=f"{NAME}: {ID} is protected against termination"):
        plan_removal(NAME, current, protected=protected)
    assert plan_removal(NAME, current, protected=False).action == "delete"
    assert plan_removal(NAME, present(), protected=protected).action == "delete"
    assert plan_removal(NAME, None, protected=protected).action == "none"


def test_what_a_host_cannot_be_without_is_asked_for(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    with pytest.raises(ReconcileError, match=f"{NAME}: security_groups is missing"):
        desired_host(client, option(security_groups=[]))
    stubber.add_response("describe_images", {"Images": [{"Name": "debian-123"}]})
    with pytest.raises(
        ReconcileError, match=r"'debian-12', but account 136693071363 offers no such .* us-east-1"
    ):
        desired_host(client, option())


def test_two_instances_of_a_name_are_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response("describe_launch_templates", {"LaunchTemplates": []})
    for instance_id, token in ((ID, "more"), (OTHER_ID, "")):
        twin = {"InstanceId": instance_id, "Tags": [{"Key": "Name", "Value": NAME}]}
        answer: dict[str, Any] = {"Reservations": [{"Instances": [twin]}]}
        stubber.add_response("describe_instances", answer | ({"NextToken": token} if token else {}))
    with pytest.raises(ReconcileError, match=f"2 hosts have the name {NAME}: {ID}, {OTHER_ID}"):
        read_host(client, NAME)


def test_a_network_that_is_missing_is_named(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response("describe_subnets", {"Subnets": []})
    with pytest.raises(ReconcileError, match="subnet is 'public-a', which does not exist"):
        find_subnet(client, "public-a")
    stubber.add_response("describe_security_groups", {"SecurityGroups": []})
    with pytest.raises(ReconcileError, match="names 'shop', which does not exist in vpc-1"):
        find_groups(client, "vpc-1", ["shop"])
    stubber.add_response("describe_security_groups", {"SecurityGroups": []})
    assert group_names(client, ["sg-gone"]) == ["sg-gone"]


def test_settings_survive_their_way_through_a_template() -> None:
    data: Any = to_data(SETTINGS, ["sg-1"], "/dev/xvda")
    assert data == DATA
    assert from_data(data) == SETTINGS | {"security_groups": ["sg-1"]}
    bare = to_data(
        SETTINGS | {"key_name": None, "volume": {"type": "gp3", "encrypted": True}}, [], ""
    )
    assert "KeyName" not in bare
    assert "VolumeSize" not in bare["BlockDeviceMappings"][0]["Ebs"]
    assert from_data({})["volume"] == {"size_gib": None, "type": None, "encrypted": None}


def test_a_changed_template_has_a_new_default_version(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    before = SETTINGS | {"tags": {"owner": "ada"}}
    stubber.add_response(
        "create_launch_template_version",
        {"LaunchTemplateVersion": {"VersionNumber": 7}},
        {"LaunchTemplateName": NAME, "LaunchTemplateData": DATA},
    )
    stubber.add_response(
        "modify_launch_template", {}, {"LaunchTemplateName": NAME, "DefaultVersion": "7"}
    )
    stubber.add_response(
        "describe_launch_templates", {"LaunchTemplates": [{"LaunchTemplateId": "lt-1"}]}
    )
    put_template(client, NAME, before, before | {"instance_type": "t3.large"}, DATA)


def test_new_tags_make_no_new_version(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response(
        "describe_launch_templates", {"LaunchTemplates": [{"LaunchTemplateId": "lt-1"}]}
    )
    stubber.add_response("delete_tags", {}, {"Resources": ["lt-1"], "Tags": [{"Key": "owner"}]})
    stubber.add_response(
        "create_tags", {}, {"Resources": ["lt-1"], "Tags": [{"Key": "team", "Value": "web"}]}
    )
    before = SETTINGS | {"tags": {"owner": "ada"}}
    put_template(client, NAME, before, SETTINGS | {"tags": {"team": "web"}}, DATA)


def add_launch(stubber: Stubber, instance_id: str) -> None:
    """Expect a launch, and let the instance run at once."""
    add_subnet(stubber)
    add_groups(stubber, "shop")
    kinds = ("instance", "volume")
    stubber.add_response(
        "run_instances",
        {"Instances": [{"InstanceId": instance_id}]},
        {
            "MinCount": 1,
            "MaxCount": 1,
            "LaunchTemplate": {"LaunchTemplateName": NAME, "Version": "$Default"},
            "SubnetId": "subnet-1",
            "DisableApiTermination": False,
            "TagSpecifications": [{"ResourceType": kind, "Tags": TAGGED} for kind in kinds],
            "ImageId": "ami-1",
            "InstanceType": "t3.small",
            "IamInstanceProfile": {"Name": "shop"},
            "SecurityGroupIds": ["sg-shop"],
            "KeyName": "ops",
        },
    )
    add_state(stubber, instance_id, "running")


def test_a_host_is_made_template_first(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    add_subnet(stubber)
    add_groups(stubber, "shop")
    add_image(stubber)
    stubber.add_response(
        "create_launch_template",
        {},
        {
            "LaunchTemplateName": NAME,
            "LaunchTemplateData": DATA | {"SecurityGroupIds": ["sg-shop"]},
            "TagSpecifications": [
                {"ResourceType": "launch-template", "Tags": [{"Key": "owner", "Value": "ada"}]}
            ],
        },
    )
    add_launch(stubber, ID)
    stubber.add_response("describe_addresses", {"Addresses": []}, {})
    stubber.add_response(
        "allocate_address",
        {"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1"},
        {
            "Domain": "vpc",
            "TagSpecifications": [{"ResourceType": "elastic-ip", "Tags": TAGGED}],
        },
    )
    stubber.add_response(
        "associate_address",
        {},
        {"AllocationId": "eipalloc-1", "InstanceId": ID, "AllowReassociation": True},
    )
    made = apply_host(client, plan(None, wanted()), IMAGE, 0)
    assert made == {"instance_id": ID, "address": "192.0.2.1"}


def add_move(stubber: Stubber) -> None:
    """Expect that the host's address goes to the other instance."""
    add_address(stubber, InstanceId=ID)
    stubber.add_response(
        "associate_address",
        {},
        {"AllocationId": "eipalloc-1", "InstanceId": OTHER_ID, "AllowReassociation": True},
    )


def test_a_replaced_instance_goes_last(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    add_launch(stubber, OTHER_ID)
    add_move(stubber)
    stubber.add_response(
        "modify_instance_attribute",
        {},
        {"InstanceId": ID, "DisableApiTermination": {"Value": False}},
    )
    stubber.add_response("terminate_instances", {}, {"InstanceIds": [ID]})
    add_state(stubber, ID, "terminated")
    current = present(instance=instance(termination_protection=True))
    made = plan(current, wanted(termination_protection=False), replace=True)
    assert apply_host(client, made, IMAGE, 0)["instance_id"] == OTHER_ID


def test_an_instance_is_kept_until_its_successor_answers(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stubber = stubbed("ec2")
    add_launch(stubber, OTHER_ID)
    add_move(stubber)
    tried: list[str] = []
    monkeypatch.setattr(ec2_host, "_answers_ssh", tried.append)
    with pytest.raises(AwsError, match=r"Waited 0.01 s for SSH of shop at 192\.0\.2\.1"):
        apply_host(client, plan(present(), wanted(), replace=True), IMAGE, 0.01)
    assert tried


@pytest.mark.parametrize(("greeting", "answers"), [(b"SSH-2.0-x\r\n", True), (b"HTTP/1.1", False)])
def test_only_ssh_answers_as_ssh(
    monkeypatch: pytest.MonkeyPatch, greeting: bytes, answers: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(ec2_host, "_SSH_PORT", server.getsockname()[1])

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        assert ec2_host._answers_ssh("127.0.0.1") is answers
        thread.join()
    assert ec2_host._answers_ssh("127.0.0.1") is False


def test_what_can_be_changed_in_place_is(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response("delete_tags", {}, {"Resources": [ID], "Tags": [{"Key": "owner"}]})
    add_subnet(stubber)
    add_groups(stubber, "shop", "web")
    stubber.add_response(
        "modify_instance_attribute", {}, {"InstanceId": ID, "Groups": ["sg-shop", "sg-web"]}
    )
    stubber.add_response(
        "describe_iam_instance_profile_associations",
        {"IamInstanceProfileAssociations": [{"AssociationId": "iip-assoc-1"}]},
        {
            "Filters": [
                {"Name": "instance-id", "Values": [ID]},
                {"Name": "state", "Values": ["associated"]},
            ]
        },
    )
    stubber.add_response(
        "replace_iam_instance_profile_association",
        {},
        {"AssociationId": "iip-assoc-1", "IamInstanceProfile": {"Name": "till"}},
    )
    stubber.add_response(
        "modify_instance_metadata_options",
        {},
        {
            "InstanceId": ID,
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        },
    )
    stubber.add_response(
        "modify_instance_attribute",
        {},
        {"InstanceId": ID, "DisableApiTermination": {"Value": True}},
    )
    stubber.add_response("start_instances", {}, {"InstanceIds": [ID]})
    add_state(stubber, ID, "running")
    before = instance(metadata={"tokens": "optional", "hop_limit": 2}, running=False)
    after = instance(
        tags={},
        security_groups=["shop", "web"],
        instance_profile="till",
        termination_protection=True,
    )
    update_instance(client, NAME, before, after)


def test_an_instance_without_a_profile_gets_one(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response(
        "describe_iam_instance_profile_associations", {"IamInstanceProfileAssociations": []}
    )
    stubber.add_response(
        "associate_iam_instance_profile",
        {},
        {"InstanceId": ID, "IamInstanceProfile": {"Name": "shop"}},
    )
    update_instance(client, NAME, instance(instance_profile=""), instance())


def test_an_instance_profile_may_still_be_on_its_way(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("ec2")
    add_subnet(stubber)
    add_groups(stubber, "shop")
    for message in (
        "Value (shop) for iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        'IAM Instance Profile "arn:aws:iam::1:instance-profile/shop" has no associated IAM Roles',
    ):
        stubber.add_client_error("run_instances", "InvalidParameterValue", message)
    stubber.add_response("run_instances", {"Instances": [{"InstanceId": ID}]})
    add_state(stubber, ID, "running")
    assert launch_instance(client, NAME, instance()) == ID
    add_subnet(stubber)
    add_groups(stubber, "shop")
    stubber.add_client_error("run_instances", "InsufficientInstanceCapacity", "none left")
    with pytest.raises(AwsError, match=f"launch {NAME}: InsufficientInstanceCapacity: none left"):
        launch_instance(client, NAME, instance())


def test_an_address_that_is_there_is_only_tagged(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    add_address(stubber, InstanceId=ID)
    stubber.add_response(
        "create_tags", {}, {"Resources": ["eipalloc-1"], "Tags": [{"Key": "team", "Value": "web"}]}
    )
    assert attach_address(client, NAME, ID, {"owner": "ada", "team": "web"}) == "192.0.2.1"


def test_everything_of_a_host_goes(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response("terminate_instances", {}, {"InstanceIds": [ID]})
    add_state(stubber, ID, "terminated")
    add_address(stubber, AssociationId="eipassoc-1")
    stubber.add_response("disassociate_address", {}, {"AssociationId": "eipassoc-1"})
    stubber.add_response("release_address", {}, {"AllocationId": "eipalloc-1"})
    stubber.add_response("delete_launch_template", {}, {"LaunchTemplateName": NAME})
    apply_host(client, plan_removal(NAME, present(), protected=None), IMAGE, 0)


def test_half_of_a_host_goes_too(stubbed: Stubbed) -> None:
    client, stubber = stubbed("ec2")
    half = {"launch_template": present()["launch_template"]}
    stubber.add_client_error(
        "delete_launch_template", "InvalidLaunchTemplateName.NotFoundException"
    )
    apply_host(client, plan_removal(NAME, half, protected=None), IMAGE, 0)
    stubber.add_response("describe_addresses", {"Addresses": []}, {})
    release_address(client, NAME)

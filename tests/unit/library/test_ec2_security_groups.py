"""`ec2_security_groups` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.ec2_rules import desired_rules, read_rules, set_rules
from ansible.module_utils.artificien.ec2_security_groups import apply_group, read_groups
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.ec2_security_groups import plan_absent, plan_present

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

VPC, VPC_ID = "shop", "vpc-1"
WEB, WEB_ID = "web", "sg-web"
IN_VPC = {"Filters": [{"Name": "vpc-id", "Values": [VPC_ID]}]}
HTTPS = "tcp 443 0.0.0.0/0"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def rule_option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `ingress` or `egress` as Ansible passes it."""
    unset = {"protocol": "tcp", "port": None, "to_port": None, "description": ""}
    return unset | {"cidrs": [], "groups": []} | fields


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `groups` as Ansible passes it."""
    unset = dict.fromkeys(("description", "ingress", "egress", "tags"))
    return unset | {"name": WEB} | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return a group's model with `fields` changed."""
    return {
        "id": WEB_ID,
        "description": "Hosts",
        "ingress": {HTTPS: "HTTPS"},
        "egress": {},
        "tags": {"a": "1"},
    } | fields


def rule(**fields: Any) -> dict[str, Any]:
    """Return a rule as EC2 describes it."""
    return {
        "SecurityGroupRuleId": "sgr-https",
        "GroupId": WEB_ID,
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "CidrIpv4": "0.0.0.0/0",
        "Description": "HTTPS",
    } | fields


def add_vpc(stubber: Stubber, *ids: str) -> None:
    """Make the account answer with VPCs of the name."""
    tags = [{"Key": "Name", "Value": VPC}]
    stubber.add_response(
        "describe_vpcs",
        {"Vpcs": [{"VpcId": vpc_id, "Tags": tags} for vpc_id in ids]},
        {"Filters": [{"Name": "tag:Name", "Values": [VPC]}]},
    )


def add_groups(stubber: Stubber, *names: str, **fields: Any) -> None:
    """Make the VPC answer with groups."""
    groups = [
        {"GroupId": f"sg-{name}", "GroupName": name, "Description": "Hosts"} | fields
        for name in names
    ]
    stubber.add_response("describe_security_groups", {"SecurityGroups": groups}, IN_VPC)


def add_rules(stubber: Stubber, *rules: dict[str, Any]) -> None:
    """Make the group answer with rules."""
    stubber.add_response(
        "describe_security_group_rules",
        {"SecurityGroupRules": [*rules]},
        {"Filters": [{"Name": "group-id", "Values": [WEB_ID]}]},
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (rule_option(port=443, cidrs=["0.0.0.0/0"]), "tcp 443 0.0.0.0/0"),
        (rule_option(port=443, cidrs=["::0/0"]), "tcp 443 ::/0"),
        (rule_option(protocol="udp", port=1, to_port=9, groups=["db"]), "udp 1-9 db"),
        (rule_option(protocol="all", cidrs=["10.0.0.7/32"]), "all all 10.0.0.7/32"),
    ],
)
def test_a_rule_has_one_text(given: dict[str, Any], text: str) -> None:
    assert desired_rules(WEB, [given | {"description": "why"}]) == {text: "why"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (rule_option(port=443, cidrs=["10.0.0.7/8"]), "cidrs has '10.0.0.7/8': .* host bits set"),
        (rule_option(port=443, cidrs=["world"]), "cidrs has 'world'"),
        (rule_option(cidrs=["10.0.0.0/8"]), "ports None to None; give port"),
        (rule_option(port=9, to_port=1), "ports 9 to 1"),
        (rule_option(port=65536), "ports 65536 to 65536"),
        (rule_option(protocol="all", port=443), "all protocols has the port 443"),
        (rule_option(port=443, description="The shop's"), "EC2 takes up to 255 letters"),
    ],
)
def test_a_rule_that_ec2_would_refuse_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"{WEB}: .*{message}"):
        desired_rules(WEB, [given])


def test_rules_are_read_whoever_is_at_the_other_end() -> None:
    others: list[Any] = [
        rule(),
        rule(IsEgress=True),
        rule(GroupId="sg-other"),
        rule(IpProtocol="-1", FromPort=-1, ToPort=-1, CidrIpv4="10.0.0.0/8", Description=""),
        rule(CidrIpv4="", CidrIpv6="::/0"),
        rule(CidrIpv4="", PrefixListId="pl-1"),
        rule(CidrIpv4="", ReferencedGroupInfo={"GroupId": "sg-db"}),
        rule(CidrIpv4="", ReferencedGroupInfo={"GroupId": "sg-of-another-vpc"}),
        rule(IpProtocol="icmp", FromPort=3, ToPort=4),
    ]
    assert read_rules(others, WEB_ID, "ingress", {"sg-db": "db"}) == {
        HTTPS: "HTTPS",
        "all all 10.0.0.0/8": "",
        "tcp 443 ::/0": "HTTPS",
        "tcp 443 pl-1": "HTTPS",
        "tcp 443 db": "HTTPS",
        "tcp 443 sg-of-another-vpc": "HTTPS",
        "icmp 3-4 0.0.0.0/0": "HTTPS",
    }


def test_a_group_is_read_with_its_rules(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, VPC_ID)
    system = {"Key": "aws:cloudformation:stack-name", "Value": "theirs"}
    add_groups(stubber, "default", WEB, Tags=[{"Key": "a", "Value": "1"}, system])
    add_rules(stubber, rule())
    assert read_groups(client, VPC, [WEB, "missing"]) == {WEB: model()}


@pytest.mark.parametrize(
    ("wanted", "purge_tags", "after"),
    [
        (option(), True, model()),
        (option(description="Hosts", ingress=[], egress=[]), True, model(ingress={})),
        (option(tags={"b": "2"}), True, model(tags={"b": "2"})),
        (option(tags={"b": "2"}), False, model(tags={"a": "1", "b": "2"})),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    wanted: dict[str, Any],
    purge_tags: bool,
    after: dict[str, Any],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, VPC_ID)
    add_groups(stubber, WEB, Tags=[{"Key": "a", "Value": "1"}])
    add_rules(stubber, rule())
    params = {"vpc": VPC, "groups": [wanted], "purge_tags": purge_tags}
    assert plan_present(client, params) == [Plan(WEB, model(), after)]


def test_groups_of_a_vpc_to_come_are_planned(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber)
    params = {"vpc": VPC, "groups": [option(description="Hosts")], "purge_tags": True}
    assert plan_present(client, params) == [Plan(WEB, None, {"description": "Hosts"})]
    add_vpc(stubber)
    with pytest.raises(ReconcileError, match=f"{WEB}: a new group needs a description"):
        plan_present(client, params | {"groups": [option()]})


def test_groups_go_before_those_that_they_name(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber)
    params = {"vpc": VPC, "groups": [option(), option(name="db")]}
    assert [plan.name for plan in plan_absent(client, params)] == ["db", WEB]


def test_which_of_two_vpcs_is_meant_is_not_guessed(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, "vpc-1", "vpc-2")
    with pytest.raises(ReconcileError, match="2 VPCs have the name shop"):
        read_groups(client, VPC, [WEB])


def test_rules_are_allowed_before_others_are_forbidden(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_rules(
        stubber,
        rule(),
        rule(SecurityGroupRuleId="sgr-ssh", FromPort=22, ToPort=22),
        rule(SecurityGroupRuleId="sgr-out", IsEgress=True),
    )
    added = {
        "GroupId": WEB_ID,
        "IpPermissions": [
            {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "all"}]},
            {
                "IpProtocol": "udp",
                "FromPort": 1,
                "ToPort": 9,
                "UserIdGroupPairs": [{"GroupId": "sg-db"}],
            },
        ],
    }
    stubber.add_client_error(
        "authorize_security_group_ingress", "InvalidGroup.NotFound", expected_params=added
    )
    stubber.add_response("authorize_security_group_ingress", {}, added)
    described = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "CidrIpv4": "0.0.0.0/0",
        "Description": "The shop",
    }
    stubber.add_response(
        "modify_security_group_rules",
        {},
        {
            "GroupId": WEB_ID,
            "SecurityGroupRules": [
                {"SecurityGroupRuleId": "sgr-https", "SecurityGroupRule": described}
            ],
        },
    )
    stubber.add_response(
        "revoke_security_group_ingress",
        {},
        {"GroupId": WEB_ID, "SecurityGroupRuleIds": ["sgr-ssh"]},
    )
    wanted = {HTTPS: "The shop", "all all ::/0": "all", "udp 1-9 db": ""}
    set_rules(client, WEB_ID, "ingress", wanted, {"sg-db": "db"})


def test_a_group_that_a_rule_names_must_exist(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_rules(stubber)
    with pytest.raises(ReconcileError, match="the VPC has no security group 'db'"):
        set_rules(client, WEB_ID, "egress", {"tcp 5432 db": ""}, {WEB_ID: WEB})


def test_a_new_group_loses_the_rule_that_lets_everything_out(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, VPC_ID)
    request = {
        "GroupName": WEB,
        "Description": "Hosts",
        "VpcId": VPC_ID,
        "TagSpecifications": [
            {"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "1"}]}
        ],
    }
    stubber.add_client_error(
        "create_security_group", "InvalidVpcID.NotFound", expected_params=request
    )
    stubber.add_response("create_security_group", {"GroupId": WEB_ID}, request)
    stubber.add_response("describe_security_groups", {"SecurityGroups": [{"GroupId": WEB_ID}]})
    add_groups(stubber, WEB)
    out = rule(SecurityGroupRuleId="sgr-out", IsEgress=True, IpProtocol="-1")
    add_rules(stubber, out)
    stubber.add_response("authorize_security_group_ingress", {})
    add_rules(stubber, out)
    stubber.add_response(
        "revoke_security_group_egress",
        {},
        {"GroupId": WEB_ID, "SecurityGroupRuleIds": ["sgr-out"]},
    )
    wanted = model()
    del wanted["id"]
    apply_group(client, VPC, Plan(WEB, None, wanted), timeout_seconds=0)


def test_a_group_is_deleted_when_nothing_uses_it_any_more(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    used = {
        "NetworkInterfaceId": "eni-1",
        "VpcId": VPC_ID,
        "Groups": [{"GroupId": WEB_ID}],
        "Attachment": {"InstanceId": "i-1"},
    }
    other = used | {"NetworkInterfaceId": "eni-2", "Groups": [{"GroupId": "sg-other"}]}
    add_vpc(stubber, VPC_ID)
    for interfaces in ([other, used], [other]):
        stubber.add_response(
            "describe_network_interfaces", {"NetworkInterfaces": interfaces}, IN_VPC
        )
    stubber.add_client_error("delete_security_group", "DependencyViolation")
    stubber.add_response("delete_security_group", {}, {"GroupId": WEB_ID})
    apply_group(client, VPC, Plan(WEB, model(), None), timeout_seconds=60)
    add_vpc(stubber, VPC_ID)
    stubber.add_response("describe_network_interfaces", {"NetworkInterfaces": [used]}, IN_VPC)
    with pytest.raises(ReconcileError, match=r"web is still used by eni-1 \(instance i-1\)"):
        apply_group(client, VPC, Plan(WEB, model(), None), timeout_seconds=0)


def test_a_refusal_names_the_group(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, VPC_ID)
    add_groups(stubber, WEB)
    add_rules(stubber, rule())
    stubber.add_client_error("revoke_security_group_ingress", "UnauthorizedOperation", "not yours")
    plan = Plan(WEB, model(), model(ingress={}))
    with pytest.raises(AwsError, match="rules and tags of security group web: Unauth"):
        apply_group(client, VPC, plan, timeout_seconds=0)
    add_vpc(stubber)
    with pytest.raises(ReconcileError, match=f"{WEB}: there is no VPC {VPC}"):
        apply_group(client, VPC, plan, timeout_seconds=0)


def test_tags_are_set_and_removed_one_by_one(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    add_vpc(stubber, VPC_ID)
    add_groups(stubber, WEB)
    stubber.add_response("delete_tags", {}, {"Resources": [WEB_ID], "Tags": [{"Key": "a"}]})
    stubber.add_response(
        "create_tags", {}, {"Resources": [WEB_ID], "Tags": [{"Key": "b", "Value": "2"}]}
    )
    apply_group(client, VPC, Plan(WEB, model(), model(tags={"b": "2"})), timeout_seconds=0)

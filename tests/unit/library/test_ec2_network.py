"""`ec2_network` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.ec2_network import plan_network, read_network
from ansible.module_utils.artificien.ec2_network_changes import apply_network
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.ec2_network import ARGUMENT_SPEC

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME, VPC_ID, SUBNET = "mall", "vpc-1", "mall-a"
ROLE = "arn:aws:iam::111122223333:role/mall-flow-logs"
BY_NAME = [{"Name": "tag:Name", "Values": [NAME]}]
IN_VPC = {"Filters": [{"Name": "vpc-id", "Values": [VPC_ID]}]}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
}
OPEN_POLICY = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
LABELS = (
    *("vpc", "internet_gateway", "public_route_table", f"subnet/{SUBNET}"),
    *("gateway_endpoint/s3", "flow_logs"),
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def options(**fields: Any) -> dict[str, Any]:
    """Return the module's parameters as Ansible passes them."""
    unset = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}  # type: ignore[attr-defined]
    return unset | {"name": NAME} | fields


def subnet_option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `subnets` as Ansible passes it."""
    return {"name": SUBNET, "cidr": "10.0.0.0/24", "zone": "us-east-1a", "public": True} | fields


def all_tagged(**tags: str) -> dict[str, dict[str, str]]:
    """Return the model of the tags of a network whose parts all have the same."""
    return dict.fromkeys(LABELS, tags)


def model(**fields: Any) -> dict[str, Any]:
    """Return a network's model with `fields` changed."""
    return {
        "id": VPC_ID,
        "internet_gateway": True,
        "public_route_table": True,
        "subnets": {SUBNET: subnet_model()},
        "gateway_endpoints": {"s3": {"policy": {}, "in_all_route_tables": True}},
        "tags": all_tagged(a="1"),
        "cidr": "10.0.0.0/16",
        "dns_support": True,
        "dns_hostnames": False,
        "close_default_security_group": True,
        "flow_logs": {"log_group": "/mall", "role": ROLE, "traffic": "ALL"},
    } | fields


def subnet_model(**fields: Any) -> dict[str, Any]:
    """Return a subnet's model with `fields` changed."""
    wanted = {"id": "subnet-a", "cidr": "10.0.0.0/24", "zone": "us-east-1a", "public": True}
    return wanted | fields


def tags(name: str) -> list[dict[str, str]]:
    """Return the tags of a part as EC2 describes them."""
    theirs = {"Key": "aws:cloudformation:stack-name", "Value": "theirs"}
    return [{"Key": "Name", "Value": name}, {"Key": "a", "Value": "1"}, theirs]


def specification(kind: str, name: str) -> list[Any]:
    """Return what gives a new part its tags."""
    both = [{"Key": "Name", "Value": name}, {"Key": "a", "Value": "1"}]
    return [{"ResourceType": kind, "Tags": both}]


class Account:
    """Answers of an account that has one network, of which a test changes some."""

    def __init__(self, stubber: Stubber) -> None:
        self.stubber = stubber
        self.vpcs: list[Any] = [{"VpcId": VPC_ID, "CidrBlock": "10.0.0.0/16", "Tags": tags(NAME)}]
        self.gateways: list[Any] = [
            {
                "InternetGatewayId": "igw-1",
                "Attachments": [{"VpcId": VPC_ID}],
                "Tags": tags(NAME),
            }
        ]
        self.main_table = {"RouteTableId": "rtb-main", "Routes": [], "Associations": []}
        self.table: dict[str, Any] = {
            "RouteTableId": "rtb-1",
            "Tags": tags(f"{NAME}-public"),
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}],
            "Associations": [{"RouteTableAssociationId": "assoc-1", "SubnetId": "subnet-a"}],
        }
        self.subnets: list[Any] = [
            {
                "SubnetId": "subnet-a",
                "CidrBlock": "10.0.0.0/24",
                "AvailabilityZone": "us-east-1a",
                "Tags": tags(SUBNET),
            }
        ]
        self.endpoints: list[Any] = [
            {
                "VpcEndpointId": "vpce-1",
                "VpcId": VPC_ID,
                "State": "available",
                "PolicyDocument": json.dumps(OPEN_POLICY),
                "RouteTableIds": ["rtb-main", "rtb-1"],
                "Tags": tags(f"{NAME}-s3"),
            }
        ]
        self.flow_logs: list[Any] = [
            {
                "FlowLogId": "fl-1",
                "LogGroupName": "/mall",
                "DeliverLogsPermissionArn": ROLE,
                "TrafficType": "ALL",
                "Tags": tags(NAME),
            }
        ]
        self.default_rules: list[Any] = []

    def add(self) -> None:
        """Answer to one look at the whole network."""
        respond = self.stubber.add_response
        respond("describe_vpcs", {"Vpcs": self.vpcs}, {"Filters": BY_NAME})
        respond(
            "describe_internet_gateways",
            {"InternetGateways": self.gateways},
            {"Filters": BY_NAME},
        )
        if not self.vpcs:
            return
        tables = [self.main_table, *([self.table] if self.table else [])]
        respond("describe_route_tables", {"RouteTables": tables}, IN_VPC)
        respond("describe_subnets", {"Subnets": self.subnets}, IN_VPC)
        respond("describe_vpc_endpoints", {"VpcEndpoints": self.endpoints}, IN_VPC)
        respond(
            "describe_flow_logs",
            {"FlowLogs": self.flow_logs},
            {"Filter": [{"Name": "resource-id", "Values": [VPC_ID]}]},
        )
        for attribute, value in (("DnsSupport", True), ("DnsHostnames", False)):
            respond(
                "describe_vpc_attribute",
                {f"Enable{attribute}": {"Value": value}},
                {"VpcId": VPC_ID, "Attribute": f"enable{attribute}"},
            )
        self.add_default_group()
        self.add_default_rules()

    def add_default_group(self) -> None:
        """Answer with the group that comes with the VPC."""
        group = {"GroupId": "sg-default", "GroupName": "default"}
        self.stubber.add_response("describe_security_groups", {"SecurityGroups": [group]}, IN_VPC)

    def add_default_rules(self) -> None:
        """Answer with the rules of that group."""
        self.stubber.add_response(
            "describe_security_group_rules", {"SecurityGroupRules": self.default_rules}
        )


def test_a_network_is_read_with_all_its_parts(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    # The filter takes the name for a pattern, and more than one thing may have a name.
    account.vpcs.append({"VpcId": "vpc-other", "Tags": tags("Mall")})
    gone = account.endpoints[0] | {"State": "Deleting"}
    account.endpoints += [gone, account.endpoints[0] | {"VpcId": "vpc-other"}]
    account.flow_logs.append({"FlowLogId": "fl-of-others", "TrafficType": "ALL"})
    account.add()
    assert read_network(client, NAME) == model()


@pytest.mark.parametrize(
    ("field", "change", "expected"),
    [
        (
            "gateways",
            [{"InternetGatewayId": "igw-1", "Attachments": [], "Tags": tags(NAME)}],
            {"internet_gateway": False},
        ),
        ("table", {}, {"public_route_table": False}),
        ("default_rules", [{}], {"close_default_security_group": False}),
        ("endpoints", [], {"gateway_endpoints": {}}),
    ],
)
def test_what_is_missing_is_seen(
    stubbed: Callable[[str], tuple[Any, Stubber]], field: str, change: Any, expected: dict[str, Any]
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    setattr(account, field, change)
    account.add()
    read = read_network(client, NAME) or {}
    assert {key: read[key] for key in expected} == expected


@pytest.mark.parametrize(
    "routes",
    [[], [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-gone", "State": "blackhole"}]],
)
def test_a_route_to_nowhere_is_seen(
    stubbed: Callable[[str], tuple[Any, Stubber]], routes: list[Any]
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.table["Routes"] = routes
    account.add()
    assert (read_network(client, NAME) or {})["public_route_table"] is False


def test_an_endpoint_that_a_route_table_lacks_is_seen(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.endpoints[0] |= {"RouteTableIds": ["rtb-1"], "PolicyDocument": json.dumps(POLICY)}
    account.add()
    (endpoint,) = (read_network(client, NAME) or {})["gateway_endpoints"].values()
    assert endpoint["in_all_route_tables"] is False
    assert endpoint["policy"]["Statement"] != OPEN_POLICY["Statement"]


def test_nothing_and_leftovers_are_told_apart(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.vpcs = []
    account.add()  # the gateway is attached to a VPC of another name
    assert read_network(client, NAME) is None
    account.gateways[0]["Attachments"] = []
    account.add()
    leftover = read_network(client, NAME) or {}
    assert (leftover["id"], leftover["internet_gateway"]) == (None, False)
    plan = plan_network(NAME, leftover, options(cidr="10.0.0.0/16"))
    assert (plan.after or {})["cidr"] == "10.0.0.0/16"
    account.add()
    stubber.add_response("delete_internet_gateway", {}, {"InternetGatewayId": "igw-1"})
    apply_network(client, Plan(NAME, leftover, None), timeout_seconds=0)


def test_which_of_two_is_meant_is_not_guessed(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    stubber.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "vpc-1", "Tags": tags(NAME)}] * 2})
    with pytest.raises(ReconcileError, match="2 VPCs have the name mall"):
        read_network(client, NAME)
    stubber.add_client_error("describe_vpcs", "UnauthorizedOperation", "not yours")
    with pytest.raises(AwsError, match="look for VPC mall: UnauthorizedOperation: not yours"):
        read_network(client, NAME)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({}, model()),
        ({"cidr": "10.0.0.0/16", "dns_hostnames": True}, model(dns_hostnames=True)),
        ({"close_default_security_group": False}, model()),
        ({"subnets": [subnet_option()]}, model()),
        (
            {"subnets": [subnet_option(public=False)]},
            model(subnets={SUBNET: subnet_model(public=False)}),
        ),
        ({"gateway_endpoints": [{"service": "s3", "policy": None}]}, model()),
        ({"gateway_endpoints": [{"service": "s3", "policy": OPEN_POLICY}]}, model()),
        ({"tags": {"b": "2"}}, model(tags=all_tagged(b="2"))),
        ({"tags": {"b": "2"}, "purge_tags": False}, model(tags=all_tagged(a="1", b="2"))),
        ({"state": "absent"}, None),
    ],
)
def test_only_given_options_are_planned(wanted: dict[str, Any], after: Any) -> None:
    assert plan_network(NAME, model(), options(**wanted)) == Plan(NAME, model(), after)


def test_parts_that_go_lose_their_tags_and_new_ones_get_some() -> None:
    wanted = options(subnets=[subnet_option(name="mall-b")], gateway_endpoints=[], tags={"b": "2"})
    after = plan_network(NAME, model(), wanted).after or {}
    labels = {"vpc", "internet_gateway", "public_route_table", "flow_logs", "subnet/mall-b"}
    assert after["tags"] == {label: {"b": "2"} for label in labels}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"cidr": "10.1.0.0/16"}, "mall: cidr is '10.0.0.0/16' and cannot be changed"),
        ({"cidr": "10.0.0.1/16"}, "cidr is '10.0.0.1/16': .* host bits set"),
        (
            {"subnets": [subnet_option(zone="us-east-1b")]},
            "subnet mall-a: zone is 'us-east-1a' and cannot be changed",
        ),
        (
            {"subnets": [subnet_option(cidr="10.0.1.0/24")]},
            "subnet mall-a: cidr is '10.0.0.0/24' and cannot be changed",
        ),
        (
            {"cidr": "10.0.0.0/16", "subnets": [subnet_option(cidr="10.1.0.0/24")]},
            "subnet mall-a: cidr is 10.1.0.0/24, which is no part of 10.0.0.0/16",
        ),
        (
            {"subnets": [subnet_option(), subnet_option(name="mall-b")]},
            "subnet mall-b: cidr is 10.0.0.0/24, which overlaps",
        ),
    ],
)
def test_what_ec2_would_refuse_is_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=message):
        plan_network(NAME, model(), options(**wanted))


def test_a_new_network_needs_a_cidr() -> None:
    with pytest.raises(ReconcileError, match="mall: a new network needs a cidr"):
        plan_network(NAME, None, options())


def test_a_network_is_created_in_the_order_in_which_parts_need_each_other(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    vpcs, account.vpcs, account.gateways = account.vpcs, [], []
    account.add()
    respond = stubber.add_response
    respond(
        "create_vpc",
        {"Vpc": {"VpcId": VPC_ID}},
        {"CidrBlock": "10.0.0.0/16", "TagSpecifications": specification("vpc", NAME)},
    )
    available = {
        "Vpcs": [vpcs[0] | {"State": "available"}],
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    for _ in ("exists", "is available"):
        respond("describe_vpcs", available, {"VpcIds": [VPC_ID]})
    respond("modify_vpc_attribute", {}, {"VpcId": VPC_ID, "EnableDnsSupport": {"Value": True}})
    respond("modify_vpc_attribute", {}, {"VpcId": VPC_ID, "EnableDnsHostnames": {"Value": False}})
    account.default_rules = [
        {
            "SecurityGroupRuleId": f"sgr-{egress}",
            "GroupId": "sg-default",
            "IsEgress": egress,
            "IpProtocol": "-1",
        }
        for egress in (False, True)
    ]
    account.add_default_group()
    for direction, egress in (("ingress", False), ("egress", True)):
        account.add_default_rules()
        request = {"GroupId": "sg-default", "SecurityGroupRuleIds": [f"sgr-{egress}"]}
        respond(f"revoke_security_group_{direction}", {}, request)
    respond(
        "create_internet_gateway",
        {"InternetGateway": {"InternetGatewayId": "igw-1", "Attachments": []}},
        {"TagSpecifications": specification("internet-gateway", NAME)},
    )
    attached = {"InternetGatewayId": "igw-1", "VpcId": VPC_ID}
    stubber.add_client_error(
        "attach_internet_gateway", "InvalidInternetGatewayID.NotFound", expected_params=attached
    )
    respond("attach_internet_gateway", {}, attached)
    respond(
        "create_route_table",
        {"RouteTable": {"RouteTableId": "rtb-1", "Routes": [], "Associations": []}},
        {
            "VpcId": VPC_ID,
            "TagSpecifications": specification("route-table", f"{NAME}-public"),
        },
    )
    route = {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    respond("create_route", {"Return": True}, route)
    respond(
        "create_subnet",
        {"Subnet": {"SubnetId": "subnet-a"}},
        {
            "VpcId": VPC_ID,
            "CidrBlock": "10.0.0.0/24",
            "AvailabilityZone": "us-east-1a",
            "TagSpecifications": specification("subnet", SUBNET),
        },
    )
    respond("associate_route_table", {}, {"RouteTableId": "rtb-1", "SubnetId": "subnet-a"})
    respond(
        "describe_route_tables",
        {"RouteTables": [{"RouteTableId": "rtb-main"}]},
        IN_VPC,
    )
    respond(
        "create_vpc_endpoint",
        {},
        {
            "VpcId": VPC_ID,
            "VpcEndpointType": "Gateway",
            "ServiceName": "com.amazonaws.us-east-1.s3",
            "RouteTableIds": ["rtb-1", "rtb-main"],
            "PolicyDocument": json.dumps(POLICY),
            "TagSpecifications": specification("vpc-endpoint", f"{NAME}-s3"),
        },
    )
    stubber.add_client_error(
        "create_flow_logs", "InvalidParameter", "Unable to assume given IAM role"
    )
    respond(
        "create_flow_logs",
        {"FlowLogIds": ["fl-1"], "Unsuccessful": []},
        {
            "ResourceIds": [VPC_ID],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs",
            "LogGroupName": "/mall",
            "DeliverLogsPermissionArn": ROLE,
            "TagSpecifications": specification("vpc-flow-log", NAME),
        },
    )
    endpoint = {"policy": POLICY, "in_all_route_tables": True}
    after = model(gateway_endpoints={"s3": endpoint})
    apply_network(client, Plan(NAME, None, after), timeout_seconds=0)


@pytest.mark.parametrize(
    ("after", "calls"),
    [
        (
            {"subnets": {SUBNET: subnet_model(public=False)}},
            [("disassociate_route_table", {"AssociationId": "assoc-1"})],
        ),
        (
            {"gateway_endpoints": {}},
            [("delete_vpc_endpoints", {"VpcEndpointIds": ["vpce-1"]})],
        ),
        (
            {"gateway_endpoints": {"s3": {"policy": POLICY, "in_all_route_tables": True}}},
            [
                (
                    "modify_vpc_endpoint",
                    {"VpcEndpointId": "vpce-1", "PolicyDocument": json.dumps(POLICY)},
                )
            ],
        ),
        (
            {"tags": model()["tags"] | {"vpc": {}, "flow_logs": {"a": "2"}}},
            [
                ("delete_tags", {"Resources": [VPC_ID], "Tags": [{"Key": "a"}]}),
                (
                    "create_tags",
                    {"Resources": ["fl-1"], "Tags": [{"Key": "a", "Value": "2"}]},
                ),
            ],
        ),
    ],
)
def test_a_change_is_made_in_place(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    after: dict[str, Any],
    calls: list[tuple[str, dict[str, Any]]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.add()
    for call, request in calls:
        # Endpoints are changed in sight of the route tables that there are by then.
        if call == "modify_vpc_endpoint":
            tables = [account.main_table, account.table]
            stubber.add_response("describe_route_tables", {"RouteTables": tables}, IN_VPC)
        stubber.add_response(call, {}, request)
        if call == "delete_vpc_endpoints":
            stubber.add_response("describe_route_tables", {"RouteTables": []}, IN_VPC)
    apply_network(client, Plan(NAME, model(), model(**after)), timeout_seconds=0)


def test_what_is_half_there_is_completed(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.table["Routes"][0]["GatewayId"] = "igw-gone"
    account.endpoints[0] |= {"RouteTableIds": ["rtb-1"], "PolicyDocument": json.dumps(POLICY)}
    account.add()
    before = read_network(client, NAME) or {}
    wanted = options(gateway_endpoints=[{"service": "s3", "policy": {}}])
    account.add()
    route = {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    stubber.add_response("replace_route", {}, route)
    tables = {"RouteTables": [account.main_table, account.table]}
    stubber.add_response("describe_route_tables", tables, IN_VPC)
    stubber.add_response(
        "modify_vpc_endpoint",
        {},
        {"VpcEndpointId": "vpce-1", "ResetPolicy": True, "AddRouteTableIds": ["rtb-main"]},
    )
    apply_network(client, plan_network(NAME, before, wanted), timeout_seconds=0)


def test_flow_logs_are_replaced_and_their_failure_is_no_success(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    Account(stubber).add()
    stubber.add_response("delete_flow_logs", {}, {"FlowLogIds": ["fl-1"]})
    refused = {"Error": {"Code": "LogDestinationNotFound", "Message": "none"}, "ResourceId": VPC_ID}
    stubber.add_response("create_flow_logs", {"Unsuccessful": [refused]})
    after = model(flow_logs=model()["flow_logs"] | {"traffic": "REJECT"})
    with pytest.raises(AwsError, match="EC2 refused vpc-1: LogDestinationNotFound: none"):
        apply_network(client, Plan(NAME, model(), after), timeout_seconds=0)


def test_a_network_goes_in_the_reverse_order(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    account = Account(stubber)
    account.add()
    interface = {
        "NetworkInterfaceId": "eni-1",
        "VpcId": VPC_ID,
        "Groups": [],
        "Description": "going",
    }
    for interfaces in ([interface], []):
        stubber.add_response(
            "describe_network_interfaces", {"NetworkInterfaces": interfaces}, IN_VPC
        )
        account.add_default_group()
    respond = stubber.add_response
    respond("delete_flow_logs", {}, {"FlowLogIds": ["fl-1"]})
    respond("delete_vpc_endpoints", {}, {"VpcEndpointIds": ["vpce-1"]})
    respond("delete_subnet", {}, {"SubnetId": "subnet-a"})
    stubber.add_client_error("delete_route_table", "DependencyViolation")
    respond("delete_route_table", {}, {"RouteTableId": "rtb-1"})
    respond("detach_internet_gateway", {}, {"InternetGatewayId": "igw-1", "VpcId": VPC_ID})
    respond("delete_internet_gateway", {}, {"InternetGatewayId": "igw-1"})
    respond("delete_vpc", {}, {"VpcId": VPC_ID})
    apply_network(client, Plan(NAME, model(), None), timeout_seconds=60)


def test_what_is_still_used_stays_whole(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    Account(stubber).add()
    interface = {
        "NetworkInterfaceId": "eni-1",
        "VpcId": VPC_ID,
        "Groups": [],
        "Attachment": {"InstanceId": "i-1"},
    }
    stubber.add_response("describe_network_interfaces", {"NetworkInterfaces": [interface]}, IN_VPC)
    groups = [{"GroupId": "sg-1", "GroupName": "hand-made"}]
    stubber.add_response("describe_security_groups", {"SecurityGroups": groups}, IN_VPC)
    users = r"eni-1 \(instance i-1\), sg-1 \(security group hand-made\)"
    with pytest.raises(ReconcileError, match=f"VPC mall is still used by {users}"):
        apply_network(client, Plan(NAME, model(), None), timeout_seconds=0)


def test_a_subnet_that_is_used_stays(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("ec2")
    Account(stubber).add()
    interface = {"NetworkInterfaceId": "eni-1", "VpcId": VPC_ID, "SubnetId": "subnet-a"}
    stubber.add_response("describe_network_interfaces", {"NetworkInterfaces": [interface]}, IN_VPC)
    with pytest.raises(ReconcileError, match=r"mall-a is still used by eni-1 \(without a desc"):
        apply_network(client, Plan(NAME, model(), model(subnets={})), timeout_seconds=0)


def test_a_refusal_names_what_was_attempted(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("ec2")
    Account(stubber).add()
    stubber.add_client_error("modify_vpc_attribute", "UnauthorizedOperation", "not yours")
    with pytest.raises(AwsError, match="set dns_hostnames of network mall: Unauthorized"):
        apply_network(client, Plan(NAME, model(), model(dns_hostnames=True)), timeout_seconds=0)

"""The patch of flow logs and endpoints finds what it mends, or says that it has moved."""

from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import network_parts

Parameters = dict[str, Any]


class Ec2(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("ec2")
        self._flow_logs: dict[str, Any] = {}
        self._vpc_endpoints: dict[str, Any] = {}
        self.tagged: list[tuple[str, str]] = []
        self._esc = escape
        self._p: Any = self._parameter
        self._parse_tag_specs: Any = self._tag
        self._create_flow_logs: Any = self._create_log
        self._describe_flow_logs: Any = self._describe_logs
        self._create_vpc_endpoint: Any = self._create_endpoint
        self._modify_vpc_endpoint: Any = self._modify_endpoint
        self._vpce_fields_xml: Any = self._fields
        self._ACTION_MAP: dict[str, Any] = dict.fromkeys(
            ("CreateFlowLogs", "DescribeFlowLogs", "CreateVpcEndpoint", "ModifyVpcEndpoint")
        )

    def act(self, action: str, **parameters: str) -> str:
        """Return what the emulator answers to an action."""
        answer: tuple[int, dict[str, str], bytes] = self._ACTION_MAP[action](parameters)
        return answer[2].decode()

    def _parameter(self, params: Parameters, key: str, default: str = "") -> Any:
        return params.get(key, default)

    def _tag(self, p: Parameters, resource_type: str, resource_id: str) -> None:  # noqa: ARG002 - theirs
        self.tagged.append((resource_type, resource_id))

    def _create_log(self, params: Parameters) -> Any:  # noqa: ARG002 - theirs
        self._flow_logs[f"fl-{len(self._flow_logs)}"] = {}
        return 200, {}, b""

    def _describe_logs(self, params: Parameters) -> Any:  # noqa: ARG002 - theirs
        text = "".join(f"<flowLogId>{log_id}</flowLogId>" for log_id in self._flow_logs)
        return 200, {}, text.encode()

    def _create_endpoint(self, p: Parameters) -> Any:  # noqa: ARG002 - theirs
        self._vpc_endpoints["vpce-0"] = {}
        return 200, {}, b""

    def _modify_endpoint(self, p: Parameters) -> Any:
        if "PolicyDocument" in p:
            self._vpc_endpoints[p["VpcEndpointId"]]["PolicyDocument"] = p["PolicyDocument"]
        return 200, {}, b""

    def _fields(self, ep: dict[str, Any], tag: str = "item") -> str:  # noqa: ARG002 - theirs
        return f"<{tag}><routeTableIdSet></routeTableIdSet></{tag}>"


@pytest.fixture
def ec2() -> Ec2:
    """Return a mended stand-in."""
    ec2 = Ec2()
    network_parts.patch(ec2)
    return ec2


def test_a_flow_log_tells_where_it_goes(ec2: Ec2) -> None:
    ec2.act("CreateFlowLogs", LogGroupName="/a&b", DeliverLogsPermissionArn="arn:role")
    ec2.act("CreateFlowLogs")
    assert ec2.tagged == [("vpc-flow-log", "fl-0"), ("vpc-flow-log", "fl-1")]
    assert ec2.act("DescribeFlowLogs") == (
        "<flowLogId>fl-0</flowLogId><deliverLogsPermissionArn>arn:role</deliverLogsPermissionArn>"
        "<logGroupName>/a&amp;b</logGroupName><flowLogId>fl-1</flowLogId>"
    )


def test_an_endpoint_tells_its_policy(ec2: Ec2) -> None:
    def told() -> str:
        return str(ec2._vpce_fields_xml(ec2._vpc_endpoints["vpce-0"], tag="vpcEndpoint"))

    ec2.act("CreateVpcEndpoint", PolicyDocument='{"a": "<b>"}')
    assert '<policyDocument>{"a": "&lt;b&gt;"}</policyDocument><routeTableIdSet>' in told()
    ec2.act("ModifyVpcEndpoint", VpcEndpointId="vpce-0", PolicyDocument="{}")
    assert "<policyDocument>{}</policyDocument>" in told()
    ec2.act("ModifyVpcEndpoint", VpcEndpointId="vpce-0", ResetPolicy="true")
    assert told() == "<vpcEndpoint><routeTableIdSet></routeTableIdSet></vpcEndpoint>"


@pytest.mark.parametrize(
    "name",
    [
        *("_p", "_esc", "_flow_logs", "_vpc_endpoints", "_parse_tag_specs", "_ACTION_MAP"),
        *("_create_flow_logs", "_describe_flow_logs", "_create_vpc_endpoint"),
        *("_modify_vpc_endpoint", "_vpce_fields_xml"),
    ],
)
def test_what_has_moved_is_refused(name: str) -> None:
    ec2 = Ec2()
    delattr(ec2, name)
    with pytest.raises(LocalCloudError, match=name):
        network_parts.patch(ec2)

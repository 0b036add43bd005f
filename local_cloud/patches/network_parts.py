"""Flow logs and gateway endpoints, told as they were made."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

# What the tags of a flow log are for; the emulator knows another word.
_FLOW_LOG = "vpc-flow-log"
_FLOW_LOG_FIELDS = {
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "LogGroupName": "logGroupName",
}

Record = dict[str, Any]
Parameters = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def patch(ec2: ModuleType) -> None:
    """Let descriptions of flow logs and endpoints tell everything that they were made with.

    The emulator loses the tags of a new flow log, its log group and its role, and never tells the
    policy of an endpoint.

    Args:
        ec2: the emulator's module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    known(ec2, "_p", ["params", "key", "default"])
    if not callable(getattr(ec2, "_esc", None)):
        raise moved(f"{ec2.__name__}._esc")
    _tell_flow_logs(ec2)
    _tell_policies(ec2)


def _store(ec2: ModuleType, name: str) -> Any:
    store = getattr(ec2, name, None)
    if not hasattr(store, "values"):
        raise moved(f"{ec2.__name__}.{name}")
    return store


def _replace(ec2: ModuleType, **actions: Callable[[Parameters], Answer]) -> None:
    known_actions: Any = getattr(ec2, "_ACTION_MAP", {})
    for action, mended in actions.items():
        if action not in known_actions:
            raise moved(f"{ec2.__name__}._ACTION_MAP[{action!r}]")
        known_actions[action] = mended


def _tell_flow_logs(ec2: Any) -> None:
    create = known(ec2, "_create_flow_logs", ["params"])
    describe = known(ec2, "_describe_flow_logs", ["params"])
    tag = known(ec2, "_parse_tag_specs", ["p", "resource_type", "resource_id"])
    logs = _store(ec2, "_flow_logs")

    def create_flow_logs(params: Parameters) -> Answer:
        before = set(logs.keys())
        answer: Answer = create(params)
        for log_id in set(logs.keys()) - before:
            tag(params, _FLOW_LOG, log_id)
            logs[log_id].update({field: ec2._p(params, field) for field in _FLOW_LOG_FIELDS})
        return answer

    def describe_flow_logs(params: Parameters) -> Answer:
        status, headers, body = describe(params)
        text = body.decode()
        for log_id, log in logs.items():
            told = "".join(
                f"<{element}>{ec2._esc(log[field])}</{element}>"
                for field, element in _FLOW_LOG_FIELDS.items()
                if log.get(field)
            )
            identifier = f"<flowLogId>{log_id}</flowLogId>"
            text = text.replace(identifier, identifier + told)
        return status, headers, text.encode()

    _replace(ec2, CreateFlowLogs=create_flow_logs, DescribeFlowLogs=describe_flow_logs)


def _tell_policies(ec2: Any) -> None:
    create = known(ec2, "_create_vpc_endpoint", ["p"])
    modify = known(ec2, "_modify_vpc_endpoint", ["p"])
    fields = known(ec2, "_vpce_fields_xml", ["ep", "tag"])
    endpoints = _store(ec2, "_vpc_endpoints")

    def create_vpc_endpoint(p: Parameters) -> Answer:
        before = set(endpoints.keys())
        answer: Answer = create(p)
        for endpoint_id in set(endpoints.keys()) - before:
            endpoints[endpoint_id]["PolicyDocument"] = ec2._p(p, "PolicyDocument")
        return answer

    def modify_vpc_endpoint(p: Parameters) -> Answer:
        endpoint = endpoints.get(ec2._p(p, "VpcEndpointId"))
        if endpoint and ec2._p(p, "ResetPolicy") == "true":
            endpoint["PolicyDocument"] = ""
        answer: Answer = modify(p)
        return answer

    def vpce_fields_xml(ep: Record, tag: str = "item") -> str:
        text: str = fields(ep, tag)
        policy = ep.get("PolicyDocument")
        told = f"<policyDocument>{ec2._esc(policy)}</policyDocument>" if policy else ""
        return text.replace("<routeTableIdSet>", f"{told}<routeTableIdSet>", 1)

    ec2._vpce_fields_xml = vpce_fields_xml
    _replace(ec2, CreateVpcEndpoint=create_vpc_endpoint, ModifyVpcEndpoint=modify_vpc_endpoint)

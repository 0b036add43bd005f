"""The actions and resources of requests as AWS names them, for the evaluation of IAM policies."""

import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved
from local_cloud.patches.ssm_parameters import Arns

_ACTION = ["service", "method", "path", "headers", "body", "query_params"]
_RESOURCE = [*_ACTION, "region", "account_id"]

# Of the calls that AWS has actions of other names for.
_BUDGETS = {
    **dict.fromkeys(("Describe",), "budgets:ViewBudget"),
    **dict.fromkeys(("Create", "Update", "Delete"), "budgets:ModifyBudget"),
}
_MAPPING = re.compile(r"/event-source-mappings/[^/]+/?$")
_MAPPING_ACTIONS = {
    "GET": "lambda:GetEventSourceMapping",
    "PUT": "lambda:UpdateEventSourceMapping",
    "DELETE": "lambda:DeleteEventSourceMapping",
}
_CONCURRENCY_ACTIONS = {
    "GET": "lambda:GetFunctionConcurrency",
    "DELETE": "lambda:DeleteFunctionConcurrency",
}

_ARN_FIELDS = ("ResourceArn", "resourceArn", "ResourceARN")

# By the beginning of an id, what ARNs of EC2 call it.
_EC2_TYPES = {
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
# What calls make, or change without naming it by an id of its own.
_EC2_UNNAMED = {
    "AllocateAddress": "elastic-ip",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateLaunchTemplate": "launch-template",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
    "DisassociateAddress": "elastic-ip",
    "DisassociateRouteTable": "route-table",
    "ReplaceIamInstanceProfileAssociation": "instance",
    "RunInstances": "instance",
}
_EC2_IDS = re.compile(r"^(ResourceId|FlowLogId|VpcEndpointId|LaunchTemplateId)(\.\d+)?$")


def patch(iam_actions: ModuleType, tagging: ModuleType, ec2: ModuleType) -> None:
    """Name the actions and resources that the emulator does not name, or otherwise than AWS.

    Args:
        iam_actions: the emulator's module ``ministack.core.iam_actions``.
        tagging: its module ``ministack.services.tagging``.
        ec2: its module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _name_actions(iam_actions)
    _name_resources(iam_actions, ec2)
    _tell_tags(tagging, ec2)


def _name_actions(iam_actions: Any) -> None:
    extract = known(iam_actions, "extract_iam_action", _ACTION)

    def extract_iam_action(  # noqa: PLR0917 - theirs
        service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> str | None:
        found: str | None = extract(service, method, path, headers, body, query_params)
        if service == "lambda":
            if _MAPPING.search(path):
                return _MAPPING_ACTIONS.get(method, found)
            if path.endswith("/concurrency"):
                return _CONCURRENCY_ACTIONS.get(method, found)
        if service == "budgets" and found:
            verb = re.match(r"[A-Z][a-z]+", found.partition(":")[2])
            return _BUDGETS.get(verb[0], found) if verb else found
        return found

    iam_actions.extract_iam_action = extract_iam_action


def _name_resources(iam_actions: Any, ec2: Any) -> None:
    extract = known(iam_actions, "extract_resource_arn", _RESOURCE)
    templates = _store(ec2, "_launch_templates")

    def template_id(name: str) -> str:
        for template in templates.values():
            if template.get("LaunchTemplateName") == name:
                return str(template["LaunchTemplateId"])
        return "*"

    def extract_resource_arn(  # noqa: PLR0917 - theirs
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        region: str,
        account_id: str,
    ) -> str:
        found: str = extract(service, method, path, headers, body, query_params, region, account_id)
        if service == "s3":  # whose requests name it in their path, and have bodies of any size
            return found
        fields = request_fields(body, query_params)
        place = f"arn:aws:{{}}:{region}:{account_id}:"
        arns = named_resources(service, fields, place, account_id, template_id)
        if service == "lambda" and method == "POST" and path.rstrip("/").endswith("/functions"):
            arns = [f"{place.format('lambda')}function:{fields.get('FunctionName')}"]
        if service == "ec2" and fields.get("Action") in _EC2_UNNAMED:
            arns = [*arns, found]
        return Arns.of([arn for arn in arns if arn != "*"] or [found])

    iam_actions.extract_resource_arn = extract_resource_arn


def request_fields(body: bytes, query_params: Any) -> dict[str, Any]:
    """Return the parameters of a request, from JSON or else from the form."""
    try:
        data = json.loads(body) if body[:1] == b"{" else None
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    return {
        name: value[0] if isinstance(value, list) and value else value
        for name, value in query_params.items()
    }


def named_resources(
    service: str,
    fields: dict[str, Any],
    place: str,
    account_id: str,
    template_id: Callable[[str], str],
) -> list[str]:
    """Return the ARNs of what a request names in a way that the emulator does not look for.

    Args:
        service: the emulator's name of the service.
        fields: the parameters of the request.
        place: what an ARN begins with in this account and region, but for the service.
        account_id: the account.
        template_id: returns the id of a launch template by its name.
    """
    arns = [str(fields[field]) for field in _ARN_FIELDS if fields.get(field)]
    if arns and service not in {"ssm", "rds-data"}:
        return arns
    match service:
        case "iam":
            found = _iam(fields, f"arn:aws:iam::{account_id}:")
        case "monitoring":
            found = _alarms(fields, place.format("cloudwatch"))
        case "ssm":
            found = _path(fields, place.format("ssm"))
        case "budgets":
            found = _budget(fields, f"arn:aws:budgets::{account_id}:")
        case "ec2":
            found = _ec2(fields, place.format("ec2"), template_id)
        case _:
            return []
    return list(found)


def _iam(fields: dict[str, Any], place: str) -> Iterator[str]:
    if fields.get("InstanceProfileName"):
        yield f"{place}instance-profile/{fields['InstanceProfileName']}"
    elif fields.get("Action") == "CreatePolicy":
        yield f"{place}policy/{fields['PolicyName']}"


def _alarms(fields: dict[str, Any], place: str) -> Iterator[str]:
    names = fields.get("AlarmNames") or []
    listed = [value for name, value in fields.items() if name.startswith("AlarmNames.member.")]
    for name in [*names, *listed]:
        yield f"{place}alarm:{name}"
    if not names and not listed and not fields.get("AlarmName"):
        yield f"{place}alarm:*"


def _path(fields: dict[str, Any], place: str) -> Iterator[str]:
    if fields.get("Path"):
        yield f"{place}parameter/{str(fields['Path']).strip('/')}"


def _budget(fields: dict[str, Any], place: str) -> Iterator[str]:
    name = fields.get("BudgetName") or (fields.get("Budget") or {}).get("BudgetName")
    if name:
        yield f"{place}budget/{name}"


def _ec2(fields: dict[str, Any], place: str, template_id: Callable[[str], str]) -> Iterator[str]:
    action = str(fields.get("Action"))
    if action in _EC2_UNNAMED:
        yield f"{place}{_EC2_UNNAMED[action]}/*"
        return
    if action.startswith("Describe"):
        return
    for name, value in fields.items():
        if _EC2_IDS.match(name):
            yield ec2_arn(place, str(value))
    if fields.get("LaunchTemplateName"):
        yield ec2_arn(place, template_id(str(fields["LaunchTemplateName"])))


def ec2_arn(place: str, identifier: str) -> str:
    """Return the ARN of a part of EC2 by its id."""
    kind = _EC2_TYPES.get(identifier.rpartition("-")[0], "*")
    return f"{place}{kind}/{identifier}"


def _store(ec2: Any, name: str) -> Any:
    store: Any = getattr(ec2, name, None)
    if not hasattr(store, "values"):
        raise moved(f"{ec2.__name__}.{name}")
    return store


def _tell_tags(tagging: Any, ec2: Any) -> None:
    collectors: Any = getattr(tagging, "_RESOURCE_TAG_COLLECTORS", None)
    if not isinstance(collectors, dict):
        raise moved(f"{tagging.__name__}._RESOURCE_TAG_COLLECTORS")
    region_of = known(tagging, "get_region", [])
    account_of = known(tagging, "_account", [])
    tags = _store(ec2, "_tags")

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        place = f"arn:aws:ec2:{region_of()}:{account_of()}:"
        for identifier, found in tags.items():
            yield ec2_arn(place, identifier), found or []

    collectors["ec2"] = collect

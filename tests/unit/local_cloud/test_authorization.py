"""What policies are asked for: the actions and resources that AWS names for a request."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import authorization

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = "us-east-1:000000000000"
MAPPING = "/2015-03-31/event-source-mappings/1234"


class Actions(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self, action: str | None = None, resource: str = "*") -> None:
        super().__init__("iam_actions")
        self.action, self.resource = action, resource
        self.extract_iam_action: Any = self._action
        self.extract_resource_arn: Any = self._resource

    def _action(  # noqa: PLR0917 - theirs
        self, service: Any, method: Any, path: Any, headers: Any, body: Any, query_params: Any
    ) -> str | None:
        del service, method, path, headers, body, query_params
        return self.action

    def _resource(  # noqa: PLR0917 - theirs
        self,
        service: Any,
        method: Any,
        path: Any,
        headers: Any,
        body: Any,
        query_params: Any,
        region: Any,
        account_id: Any,
    ) -> str:
        del service, method, path, headers, body, query_params, region, account_id
        return self.resource


class Tagging(ModuleType):
    """Stands in for the emulator's module of tags."""

    def __init__(self) -> None:
        super().__init__("tagging")
        self._RESOURCE_TAG_COLLECTORS: dict[str, Callable[[], Any]] = {}
        self.get_region: Any = lambda: "us-east-1"
        self._account: Any = lambda: "000000000000"


class Ec2(ModuleType):
    """Stands in for the emulator's module of EC2."""

    def __init__(self) -> None:
        super().__init__("ec2")
        self._launch_templates = {
            "lt-1": {"LaunchTemplateName": "shop", "LaunchTemplateId": "lt-1"}
        }
        self._tags = {"vpc-1": [{"Key": "owner", "Value": "shop"}]}


def patched(**found: Any) -> Actions:
    """Return the patched module; without the patch it would find what is given."""
    actions = Actions(**found)
    authorization.patch(actions, Tagging(), Ec2())
    return actions


@pytest.mark.parametrize(
    ("service", "method", "path", "found", "asked"),
    [
        ("budgets", "POST", "/", "budgets:DescribeBudget", "budgets:ViewBudget"),
        ("budgets", "POST", "/", "budgets:CreateNotification", "budgets:ModifyBudget"),
        ("budgets", "POST", "/", "budgets:DeleteBudget", "budgets:ModifyBudget"),
        ("budgets", "POST", "/", "budgets:TagResource", "budgets:TagResource"),
        (
            "lambda",
            "GET",
            MAPPING,
            "lambda:ListEventSourceMappings",
            "lambda:GetEventSourceMapping",
        ),
        ("lambda", "PUT", MAPPING, None, "lambda:UpdateEventSourceMapping"),
        ("lambda", "DELETE", MAPPING, None, "lambda:DeleteEventSourceMapping"),
        ("lambda", "POST", "/2015-03-31/event-source-mappings", "lambda:Create", "lambda:Create"),
        (
            *("lambda", "DELETE", "/2017-10-31/functions/shop/concurrency"),
            *("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"),
        ),
        ("s3", "GET", "/bucket", "s3:ListBucket", "s3:ListBucket"),
        ("s3", "GET", "/bucket", None, None),
    ],
)
def test_actions_have_the_names_of_aws(
    service: str, method: str, path: str, found: str | None, asked: str | None
) -> None:
    actions = patched(action=found)
    assert actions.extract_iam_action(service, method, path, {}, b"", {}) == asked


def resources(service: str, found: str = "*", body: Any = None, **query: Any) -> list[str]:
    """Return every resource that policies are asked about."""
    content = json.dumps(body).encode() if body is not None else b""
    arn = patched(resource=found).extract_resource_arn(
        service, "POST", "/", {}, content, query, "us-east-1", "000000000000"
    )
    return list(arn.every)


TOPIC = f"arn:aws:sns:{PLACE}:shop"


@pytest.mark.parametrize(
    ("service", "request_", "asked"),
    [
        ("sns", {"ResourceArn": TOPIC}, [TOPIC]),
        ("sns", {"ResourceArn": [TOPIC]}, [TOPIC]),
        ("dynamodb", {"body": {"ResourceArn": "arn:table"}}, ["arn:table"]),
        (
            "iam",
            {"Action": "AddRoleToInstanceProfile", "InstanceProfileName": "p", "RoleName": "r"},
            ["arn:aws:iam::000000000000:instance-profile/p"],
        ),
        (
            "iam",
            {"Action": "CreatePolicy", "PolicyName": "p"},
            ["arn:aws:iam::000000000000:policy/p"],
        ),
        (
            "monitoring",
            {"body": {"AlarmNames": ["a", "b"]}},
            [f"arn:aws:cloudwatch:{PLACE}:alarm:{name}" for name in "ab"],
        ),
        (
            "monitoring",
            {"AlarmNames.member.1": "a"},
            [f"arn:aws:cloudwatch:{PLACE}:alarm:a"],
        ),
        ("monitoring", {"body": {}}, [f"arn:aws:cloudwatch:{PLACE}:alarm:*"]),
        ("ssm", {"body": {"Path": "/shop/"}}, [f"arn:aws:ssm:{PLACE}:parameter/shop"]),
        (
            "budgets",
            {"body": {"Budget": {"BudgetName": "b"}}},
            ["arn:aws:budgets::000000000000:budget/b"],
        ),
        ("ec2", {"Action": "CreateVpc"}, [f"arn:aws:ec2:{PLACE}:vpc/*"]),
        (
            "ec2",
            {"Action": "CreateTags", "ResourceId.1": "vpc-1", "ResourceId.2": "eipalloc-2"},
            [f"arn:aws:ec2:{PLACE}:vpc/vpc-1", f"arn:aws:ec2:{PLACE}:elastic-ip/eipalloc-2"],
        ),
        (
            "ec2",
            {"Action": "DeleteLaunchTemplate", "LaunchTemplateName": "shop"},
            [f"arn:aws:ec2:{PLACE}:launch-template/lt-1"],
        ),
        ("ec2", {"Action": "DescribeFlowLogs", "FlowLogId.1": "fl-1"}, ["*"]),
        ("kms", {}, ["*"]),
    ],
)
def test_resources_are_named(service: str, request_: dict[str, Any], asked: list[str]) -> None:
    assert resources(service, **request_) == asked


def test_what_is_made_is_asked_for_beside_where_it_is_made() -> None:
    vpc = f"arn:aws:ec2:{PLACE}:vpc/vpc-1"
    made = resources("ec2", found=vpc, Action="CreateSubnet", VpcId="vpc-1")
    assert made == [f"arn:aws:ec2:{PLACE}:subnet/*", vpc]


def test_what_the_emulator_names_itself_stays() -> None:
    assert resources("sqs", found="arn:aws:sqs:shop", body={"QueueUrl": "shop"}) == [
        "arn:aws:sqs:shop"
    ]


def test_the_body_of_an_object_is_not_read() -> None:
    bucket = patched(resource="arn:aws:s3:::shop/a").extract_resource_arn(
        "s3", "PUT", "/shop/a", {}, b'{"ResourceArn": "b"}', {}, "us-east-1", "000000000000"
    )
    assert bucket == "arn:aws:s3:::shop/a"


def test_tags_of_ec2_are_told() -> None:
    tagging = Tagging()
    authorization.patch(Actions(), tagging, Ec2())
    assert list(tagging._RESOURCE_TAG_COLLECTORS["ec2"]()) == [
        (f"arn:aws:ec2:{PLACE}:vpc/vpc-1", [{"Key": "owner", "Value": "shop"}])
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (0, "extract_iam_action"),
        (0, "extract_resource_arn"),
        (1, "_RESOURCE_TAG_COLLECTORS"),
        (1, "get_region"),
        (2, "_tags"),
        (2, "_launch_templates"),
    ],
)
def test_a_part_that_has_moved_is_an_error(module: int, name: str) -> None:
    modules = [Actions(), Tagging(), Ec2()]
    setattr(modules[module], name, None)
    with pytest.raises(LocalCloudError, match=f"{name}.* has moved"):
        authorization.patch(*modules)

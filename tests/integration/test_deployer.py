"""The role that deploys: made once, and what it may not do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud

PREFIX = "artificien-local"
DEPLOYER = f"{PREFIX}-deployer"
OTHER = "of-somebody-else"
PLAYBOOK = "playbooks/deployer.yml"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return an account that has the role."""
    folder = tmp_path_factory.mktemp("deployer")
    with emulator(folder) as cloud:
        yield Platform.prepared(cloud, folder / "build")


class Deployer:
    """Whoever has taken the role."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        answer = cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::000000000000:role/{DEPLOYER}", RoleSessionName="test"
        )
        self._keys = answer["Credentials"]

    def client(self, service: Any) -> Any:
        """Return a client of a service under the role."""
        return boto3.client(
            service,
            region_name=self._cloud.region,
            endpoint_url=self._cloud.endpoint_url,
            aws_access_key_id=self._keys["AccessKeyId"],
            aws_secret_access_key=self._keys["SecretAccessKey"],
            aws_session_token=self._keys["SessionToken"],
        )

    def is_refused(self, service: Any, call: str, **request: Any) -> bool:
        """Tell whether a call is refused for the lack of a right."""
        try:
            getattr(self.client(service), call)(**request)
        except ClientError as error:
            return error.response["Error"]["Code"] in {
                *("AccessDenied", "AccessDeniedException"),
                *("AuthorizationError", "UnauthorizedOperation"),
            }
        return False


def test_the_role_is_made_once_and_removed_once(account: Platform) -> None:
    absent = ("-e", "deployer_state=absent")
    assert account.play(PLAYBOOK, "--check").changed == 0
    assert account.play(PLAYBOOK, *absent, "--check").changed > 0
    assert account.play(PLAYBOOK, *absent).changed > 0
    assert account.play(PLAYBOOK, *absent).changed == 0
    iam = account.cloud.client("iam")
    assert iam.list_roles()["Roles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert account.play(PLAYBOOK, "--check").changed > 0
    assert iam.list_roles()["Roles"] == []
    assert account.play(PLAYBOOK).changed > 0
    assert account.play(PLAYBOOK, "--check").changed == 0
    assert account.play(PLAYBOOK).changed == 0


def test_the_deployer_makes_what_bears_the_prefix_only(account: Platform) -> None:
    deployer = Deployer(account.cloud)
    role = {"AssumeRolePolicyDocument": TRUST}
    deployer.client("iam").create_role(RoleName=f"{PREFIX}-of-test", **role)
    deployer.client("iam").delete_role(RoleName=f"{PREFIX}-of-test")
    refused: list[tuple[str, str, dict[str, Any]]] = [
        ("iam", "create_role", {"RoleName": OTHER, **role}),
        ("iam", "create_policy", {"PolicyName": "of-else", "PolicyDocument": EVERYTHING}),
        ("iam", "create_user", {"UserName": f"{PREFIX}-of-test"}),
        ("s3", "create_bucket", {"Bucket": OTHER}),
        ("sqs", "create_queue", {"QueueName": OTHER}),
        ("sns", "create_topic", {"Name": OTHER}),
        ("secretsmanager", "create_secret", {"Name": OTHER}),
        ("secretsmanager", "get_secret_value", {"SecretId": OTHER}),
        ("ssm", "get_parameters_by_path", {"Path": "/artificien/prod", "Recursive": True}),
        ("dynamodb", "delete_table", {"TableName": "table_of_somebody_else"}),
        ("lambda", "invoke", {"FunctionName": OTHER}),
        ("logs", "delete_log_group", {"logGroupName": "/of/somebody/else"}),
        ("cloudwatch", "delete_alarms", {"AlarmNames": [f"{PREFIX}-ours", OTHER]}),
        (
            "sts",
            "assume_role",
            {"RoleArn": "arn:aws:iam::000000000000:role/x", "RoleSessionName": "of-test"},
        ),
    ]
    granted = [
        (service, call)
        for service, call, request in refused
        if not deployer.is_refused(service, call, **request)
    ]
    assert granted == []


def test_parts_of_ec2_are_removed_by_the_tags_of_their_owner(account: Platform) -> None:
    deployer = Deployer(account.cloud)
    root = account.cloud.client("ec2")
    tags = {"project": "artificien", "environment": "local"}
    for changed, allowed in (({}, True), ({"environment": "prod"}, False)):
        vpc = root.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        assert deployer.is_refused("ec2", "delete_vpc", VpcId=vpc)
        assert deployer.is_refused(
            "ec2", "create_tags", Resources=[vpc], Tags=[{"Key": "project", "Value": "artificien"}]
        )
        root.create_tags(
            Resources=[vpc],
            Tags=[{"Key": key, "Value": value} for key, value in (tags | changed).items()],
        )
        assert deployer.is_refused("ec2", "delete_vpc", VpcId=vpc) != allowed


def test_the_deployer_does_not_change_itself(account: Platform) -> None:
    deployer = Deployer(account.cloud)
    policy = f"arn:aws:iam::000000000000:policy/{DEPLOYER}-roles"
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("attach_role_policy", {"RoleName": DEPLOYER, "PolicyArn": admin}),
        (
            "put_role_policy",
            {"RoleName": DEPLOYER, "PolicyName": "p", "PolicyDocument": EVERYTHING},
        ),
        ("detach_role_policy", {"RoleName": DEPLOYER, "PolicyArn": policy}),
        ("update_assume_role_policy", {"RoleName": DEPLOYER, "PolicyDocument": TRUST}),
        ("delete_role", {"RoleName": DEPLOYER}),
        ("create_policy_version", {"PolicyArn": policy, "PolicyDocument": EVERYTHING}),
        ("delete_policy", {"PolicyArn": policy}),
    ]
    granted = [call for call, request in calls if not deployer.is_refused("iam", call, **request)]
    assert granted == []

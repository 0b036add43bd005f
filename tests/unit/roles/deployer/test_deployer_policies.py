"""The policies of the role that deploys, as the role renders them."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = Path(__file__).resolve().parents[4] / "roles/deployer"
GROUPS = sorted(path.name.split(".")[0] for path in ROLE.glob("templates/policies/*.json.j2"))
# IAM's limits, white space not counted.
MOST_CHARACTERS = 6144
MOST_POLICIES = 10

ACCOUNT, REGION = "111122223333", "eu-central-1"
VALUES: dict[str, Any] = {
    "deployer_name": "artificien-production-deployer",
    "deployer_account_id": ACCOUNT,
    "deployer_region": REGION,
    "deployer_prefix": "artificien-production",
    "deployer_buckets_prefix": f"artificien-production-{ACCOUNT}",
    "deployer_tables": [
        f"production_{name}_table" for name in ("enterprise", "user", "app", "model", "dataset")
    ]
    + ["artificien-production-downloads"],
    "deployer_ssm_path": "/artificien/production",
    "deployer_owner_tags": {"project": "artificien", "environment": "production"},
    "deployer_dns_zones": ["example.com", "example.org"],
    "deployer_secrets": ["godaddy", "front-end-log-in"],
    "deployer_kms_keys": [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}" for key in "ab"],
}

# Actions that AWS asks for under another name than that of the operation.
OPERATIONS = {
    "budgets:ModifyBudget": "CreateBudget",
    "budgets:ViewBudget": "DescribeBudget",
    "kms:ReEncryptFrom": "ReEncrypt",
    "kms:ReEncryptTo": "ReEncrypt",
    "lambda:InvokeFunction": "Invoke",
    "s3:DeleteObjectVersion": "DeleteObject",
    "s3:GetBucketCORS": "GetBucketCors",
    "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "s3:GetEncryptionConfiguration": "GetBucketEncryption",
    "s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
    "s3:ListBucket": "ListObjectsV2",
    "s3:ListBucketMultipartUploads": "ListMultipartUploads",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:PutBucketCORS": "PutBucketCors",
    "s3:PutBucketPublicAccessBlock": "PutPublicAccessBlock",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption",
    "s3:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration",
}
# Actions that are no operations at all: API Gateway's are the verbs of HTTP, and others are asked
# for beside that of an operation.
WITHOUT_OPERATION = {
    *(f"apigateway:{verb}" for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")),
    "apigateway:AddCertificateToDomain",
    "apigateway:RemoveCertificateFromDomain",
    "iam:PassRole",
}
# Actions that know no resource, or none before it is made.
ON_ANY = {
    *("acm:ListCertificates", "acm:RequestCertificate", "amplify:CreateApp", "amplify:ListApps"),
    *("cognito-identity:CreateIdentityPool", "cognito-identity:ListIdentityPools"),
    *("cognito-identity:SetIdentityPoolRoles", "cognito-identity:SetPrincipalTagAttributeMap"),
    *("cognito-idp:CreateUserPool", "cognito-idp:DescribeUserPoolDomain"),
    *("cognito-idp:ListUserPools", "ec2:DescribeAddresses", "ec2:DescribeFlowLogs"),
    *("ec2:DescribeIamInstanceProfileAssociations", "ec2:DescribeImages", "ec2:DescribeInstances"),
    *("ec2:DescribeInternetGateways", "ec2:DescribeLaunchTemplateVersions"),
    *("ec2:DescribeLaunchTemplates", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables"),
    *("ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
    *("ec2:DescribeVolumes", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "iam:ListPolicies"),
    "iam:ListAccountAliases",
    *("lambda:CreateEventSourceMapping", "lambda:ListEventSourceMappings"),
    *("lambda:ListFunctions", "logs:DescribeLogGroups", "route53:ListHostedZones"),
    *("secretsmanager:GetRandomPassword", "sns:Unsubscribe", "sqs:ListQueues"),
    "ssm:DescribeParameters",
}


def rendered(group: str, values: dict[str, Any] = VALUES) -> dict[str, Any]:
    """Return a policy as Ansible renders it."""
    template = import_module("ansible.template")
    loader = import_module("ansible.parsing.dataloader").DataLoader()
    loader.set_basedir(str(ROLE))
    constants = loader.load_from_file("vars/main.yml", trusted_as_template=True)
    text = template.trust_as_template((ROLE / f"templates/policies/{group}.json.j2").read_text())
    answer = template.Templar(loader, constants | values).template(text)
    document: dict[str, Any] = json.loads(answer) if isinstance(answer, str) else answer
    return document


def as_list(value: Any) -> list[str]:
    """Return what policies write as a list or as its only element."""
    return value if isinstance(value, list) else [value]


def grants() -> Iterator[tuple[str, str]]:
    """Yield each action with each of its resources."""
    for group in GROUPS:
        for statement in rendered(group)["Statement"]:
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource


def test_the_role_attaches_each_policy() -> None:
    listed = import_module("yaml").safe_load((ROLE / "vars/main.yml").read_text())
    assert sorted(listed["__deployer_groups"]) == GROUPS
    assert len(GROUPS) <= MOST_POLICIES


@pytest.mark.parametrize("group", GROUPS)
def test_a_policy_fits(group: str) -> None:
    text = json.dumps(rendered(group))
    assert len(re.sub(r"\s", "", text)) <= MOST_CHARACTERS


@pytest.mark.parametrize("group", GROUPS)
def test_a_policy_fits_where_nothing_optional_is_set(group: str) -> None:
    empty: dict[str, Any] = {"deployer_dns_zones": [], "deployer_secrets": []}
    document = rendered(group, VALUES | empty | {"deployer_kms_keys": []})
    assert all(statement["Resource"] for statement in document["Statement"])


def test_each_action_is_one_of_aws() -> None:
    session = botocore.session.get_session()
    known = {
        service: set(session.get_service_model(service).operation_names)
        for service in {action.split(":")[0] for action, _ in grants()}
    }
    for action in {action for action, _ in grants()} - WITHOUT_OPERATION:
        service, name = action.split(":")
        assert OPERATIONS.get(action, name) in known[service], action


def test_actions_without_a_resource_are_known_one_by_one() -> None:
    assert {action for action, resource in grants() if resource == "*"} == ON_ANY


def test_all_other_resources_are_in_the_account_and_region() -> None:
    for action, resource in grants():
        if resource == "*":
            continue
        partition, service, region, account, name = resource.split(":", 5)[1:]
        assert partition == "aws", action
        assert region == ("" if service in {"iam", "s3", "budgets", "route53"} else REGION), action
        # Names of buckets, and only those, hold the account's id themselves.
        without = {"s3", "apigateway", "route53"}
        images = resource == f"arn:aws:ec2:{REGION}::image/*"
        assert account == ("" if service in without or images else ACCOUNT), action
        assert name not in {"*", ""}, action


def test_roles_are_passed_by_name_each_to_its_service() -> None:
    passing = [
        statement
        for group in GROUPS
        for statement in rendered(group)["Statement"]
        if "iam:PassRole" in as_list(statement["Action"])
    ]
    assert passing
    for statement in passing:
        assert statement["Action"] == "iam:PassRole"
        assert set(statement["Condition"]["StringEquals"]) == {"iam:PassedToService"}
        for resource in as_list(statement["Resource"]):
            assert "*" not in resource
            assert resource.startswith(f"arn:aws:iam::{ACCOUNT}:role/artificien-production-")


def test_what_removes_parts_of_ec2_is_bound_to_the_environment() -> None:
    bound = {
        f"aws:ResourceTag/{name}": value for name, value in VALUES["deployer_owner_tags"].items()
    }
    for statement in rendered("hosts")["Statement"]:
        if any(
            re.match("ec2:(Delete|Terminate|Release)", each)
            for each in as_list(statement["Action"])
        ):
            assert statement["Condition"] == {"StringEquals": bound}

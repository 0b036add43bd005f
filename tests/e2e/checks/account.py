"""The account that the platform is in, as its services describe it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "artificien-local-"


def short(name: str) -> str:
    """Return the name of a resource without what all names have."""
    return name.rsplit(":", 1)[-1].replace(PREFIX, "").replace("000000000000-", "")


@dataclass(frozen=True, eq=False)
class Account:
    """Reads each kind of resource once; every answer is keyed by the short names."""

    client: Callable[[str], Any]

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return all that an operation lists."""
        client = self.client(service)
        if client.can_paginate(operation):
            paginator = client.get_paginator(operation)
            return [each for page in paginator.paginate(**parameters) for each in page[key]]
        listed: list[Any] = getattr(client, operation)(**parameters)[key]
        return listed

    def answer(self, service: str, operation: str, missing: str = "", **parameters: Any) -> Any:
        """Return the answer to a call, or None for the error that says that there is none."""
        try:
            return getattr(self.client(service), operation)(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] != missing:
                raise
            return None

    @cached_property
    def number(self) -> str:
        """Return the number of the account."""
        number: str = self.client("sts").get_caller_identity()["Account"]
        return number

    @cached_property
    def user_pools(self) -> dict[str, Any]:
        """Return the user pools."""
        client = self.client("cognito-idp")
        pools = self.pages("cognito-idp", "list_user_pools", "UserPools", MaxResults=60)
        return {
            short(pool["Name"]): client.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
            for pool in pools
        }

    @cached_property
    def user_pool_clients(self) -> dict[str, Any]:
        """Return the clients of all user pools."""
        clients = {}
        for pool in self.user_pools.values():
            listed = self.pages(
                "cognito-idp", "list_user_pool_clients", "UserPoolClients", UserPoolId=pool["Id"]
            )
            for each in listed:
                described = self.answer(
                    "cognito-idp",
                    "describe_user_pool_client",
                    UserPoolId=pool["Id"],
                    ClientId=each["ClientId"],
                )
                clients[each["ClientName"]] = described["UserPoolClient"]
        return clients

    @cached_property
    def identity_pools(self) -> dict[str, Any]:
        """Return the identity pools."""
        client = self.client("cognito-identity")
        pools = self.pages(
            "cognito-identity", "list_identity_pools", "IdentityPools", MaxResults=60
        )
        return {
            short(pool["IdentityPoolName"]): client.describe_identity_pool(
                IdentityPoolId=pool["IdentityPoolId"]
            )
            for pool in pools
        }

    @cached_property
    def tables(self) -> dict[str, Any]:
        """Return the tables of DynamoDB."""
        client = self.client("dynamodb")
        return {
            short(name): client.describe_table(TableName=name)["Table"]
            for name in self.pages("dynamodb", "list_tables", "TableNames")
        }

    @cached_property
    def buckets(self) -> dict[str, str]:
        """Return the names of the buckets."""
        buckets = self.client("s3").list_buckets()["Buckets"]
        return {short(bucket["Name"]): bucket["Name"] for bucket in buckets}

    @cached_property
    def bucket_policies(self) -> dict[str, Any]:
        """Return the policies of the buckets."""
        answers = {
            name: self.answer("s3", "get_bucket_policy", "NoSuchBucketPolicy", Bucket=bucket)
            for name, bucket in self.buckets.items()
        }
        return {name: answer and answer["Policy"] for name, answer in answers.items()}

    @cached_property
    def functions(self) -> dict[str, Any]:
        """Return the functions."""
        functions = self.pages("lambda", "list_functions", "Functions")
        return {short(function["FunctionName"]): function for function in functions}

    @cached_property
    def apis(self) -> dict[str, Any]:
        """Return the REST APIs."""
        return {
            short(api["name"]): api for api in self.pages("apigateway", "get_rest_apis", "items")
        }

    @cached_property
    def stages(self) -> dict[str, Any]:
        """Return the stages of all REST APIs."""
        client = self.client("apigateway")
        return {
            f"{name}/{stage['stageName']}": stage
            for name, api in self.apis.items()
            for stage in client.get_stages(restApiId=api["id"])["item"]
        }

    @cached_property
    def methods(self) -> dict[str, Any]:
        """Return the methods of all REST APIs."""
        return {
            f"{verb} {resource['path']}": method
            for api in self.apis.values()
            for resource in self.pages(
                "apigateway",
                "get_resources",
                "items",
                restApiId=api["id"],
                embed=["methods"],
            )
            for verb, method in resource.get("resourceMethods", {}).items()
        }

    @cached_property
    def roles(self) -> dict[str, Any]:
        """Return the roles, but for those that AWS makes for itself."""
        roles = self.pages("iam", "list_roles", "Roles")
        return {
            short(role["RoleName"]): role
            for role in roles
            if not role["Path"].startswith("/aws-service-role/")
        }

    @cached_property
    def role_policies(self) -> dict[str, list[str]]:
        """Return the ARNs of the policies that are attached to each role."""
        return {
            name: [
                policy["PolicyArn"]
                for policy in self.pages(
                    "iam",
                    "list_attached_role_policies",
                    "AttachedPolicies",
                    RoleName=role["RoleName"],
                )
            ]
            for name, role in self.roles.items()
        }

    @cached_property
    def policies(self) -> dict[str, Any]:
        """Return the documents of the policies that are not AWS' own."""
        client = self.client("iam")
        return {
            short(policy["PolicyName"]): client.get_policy_version(
                PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"]
            )["PolicyVersion"]["Document"]
            for policy in self.pages("iam", "list_policies", "Policies", Scope="Local")
        }

    @cached_property
    def queues(self) -> dict[str, Any]:
        """Return the attributes of the queues."""
        client = self.client("sqs")
        return {
            short(url.rsplit("/", 1)[-1]): client.get_queue_attributes(
                QueueUrl=url, AttributeNames=["All"]
            )["Attributes"]
            for url in self.pages("sqs", "list_queues", "QueueUrls")
        }

    @cached_property
    def topics(self) -> dict[str, Any]:
        """Return the attributes of the topics."""
        client = self.client("sns")
        return {
            short(topic["TopicArn"]): client.get_topic_attributes(TopicArn=topic["TopicArn"])[
                "Attributes"
            ]
            for topic in self.pages("sns", "list_topics", "Topics")
        }

    @cached_property
    def alarms(self) -> dict[str, Any]:
        """Return the alarms."""
        alarms = self.pages("cloudwatch", "describe_alarms", "MetricAlarms")
        return {short(alarm["AlarmName"]): alarm for alarm in alarms}

    @cached_property
    def log_groups(self) -> dict[str, Any]:
        """Return the log groups."""
        groups = self.pages("logs", "describe_log_groups", "logGroups")
        return {short(group["logGroupName"]): group for group in groups}

    @cached_property
    def secrets(self) -> dict[str, Any]:
        """Return the secrets, without their values."""
        secrets = self.pages("secretsmanager", "list_secrets", "SecretList")
        return {short(secret["Name"]): secret for secret in secrets}

    @cached_property
    def vpcs(self) -> dict[str, Any]:
        """Return the VPCs, but for the one that every account comes with."""
        vpcs = self.pages("ec2", "describe_vpcs", "Vpcs")
        return {_name(vpc): vpc for vpc in vpcs if not vpc["IsDefault"]}

    def in_vpcs(self, operation: str, key: str) -> list[Any]:
        """Return what an operation of EC2 lists of the VPCs."""
        ids = [vpc["VpcId"] for vpc in self.vpcs.values()]
        return [each for each in self.pages("ec2", operation, key) if each["VpcId"] in ids]

    @cached_property
    def subnets(self) -> dict[str, Any]:
        """Return the subnets."""
        return {_name(subnet): subnet for subnet in self.in_vpcs("describe_subnets", "Subnets")}

    @cached_property
    def security_groups(self) -> dict[str, Any]:
        """Return the security groups, the VPC's default one included."""
        groups = self.in_vpcs("describe_security_groups", "SecurityGroups")
        return {short(group["GroupName"]): group for group in groups}

    @cached_property
    def instances(self) -> dict[str, Any]:
        """Return the instances that have not been terminated."""
        reservations = self.pages("ec2", "describe_instances", "Reservations")
        return {
            _name(instance): instance
            for reservation in reservations
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "terminated"
        }

    @cached_property
    def launch_templates(self) -> dict[str, Any]:
        """Return the data of the version of each launch template that instances are made by."""
        client = self.client("ec2")
        return {
            short(template["LaunchTemplateName"]): client.describe_launch_template_versions(
                LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Default"]
            )["LaunchTemplateVersions"][0]["LaunchTemplateData"]
            for template in self.pages("ec2", "describe_launch_templates", "LaunchTemplates")
        }


def _name(resource: dict[str, Any]) -> str:
    names = [tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == "Name"]
    return short(names[0] if names else "without a name")

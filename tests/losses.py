"""What a platform can lose in its account: resources that somebody else deletes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cloud import Cloud

RUNNING = {"Filters": [{"Name": "instance-state-name", "Values": ["running"]}]}
MINE = {"Filters": [{"Name": "tag:project", "Values": ["artificien"]}]}


def nothing(_cloud: Cloud, _identifier: str) -> None:
    """Prepare nothing."""


def empty(cloud: Cloud, bucket: str) -> None:
    """Take everything out of a bucket, which can then be deleted."""
    cloud.resource("s3").Bucket(bucket).object_versions.delete()


def strip(cloud: Cloud, role: str) -> None:
    """Take its policies and instance profiles off a role, which can then be deleted."""
    client = cloud.client("iam")
    for policy in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    for profile in client.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]:
        client.remove_role_from_instance_profile(
            RoleName=role, InstanceProfileName=profile["InstanceProfileName"]
        )


@dataclass(frozen=True)
class Kind:
    """Resources of one kind: how all are found, by a path of JMESPath, and how one is deleted."""

    service: str
    listing: str
    path: str
    deletion: str
    argument: str
    of: dict[str, Any] | None = None
    prepare: Callable[[Cloud, str], None] = nothing

    def found(self, cloud: Cloud) -> Iterator[str]:
        """Yield the identifiers of all that there are."""
        pages = cloud.client(self.service).get_paginator(self.listing).paginate(**self.of or {})
        yield from (identifier for identifier in pages.search(self.path) if identifier)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Delete one."""
        self.prepare(cloud, identifier)
        value = [identifier] if self.argument.endswith("s") else identifier
        getattr(cloud.client(self.service), self.deletion)(**{self.argument: value})


KINDS = [
    Kind("amplify", "list_apps", "apps[].appId", "delete_app", "appId"),
    Kind("apigateway", "get_rest_apis", "items[].id", "delete_rest_api", "restApiId"),
    Kind(
        "cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName", "delete_alarms", "AlarmNames"
    ),
    Kind(
        "cognito-identity",
        "list_identity_pools",
        "IdentityPools[].IdentityPoolId",
        "delete_identity_pool",
        "IdentityPoolId",
        of={"PaginationConfig": {"PageSize": 60}},
    ),
    Kind("dynamodb", "list_tables", "TableNames", "delete_table", "TableName"),
    Kind("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId", "delete_flow_logs", "FlowLogIds"),
    Kind(
        "ec2",
        "describe_instances",
        "Reservations[].Instances[].InstanceId",
        "terminate_instances",
        "InstanceIds",
        of=RUNNING,
    ),
    Kind(
        "ec2",
        "describe_launch_templates",
        "LaunchTemplates[].LaunchTemplateId",
        "delete_launch_template",
        "LaunchTemplateId",
    ),
    Kind(
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints[].VpcEndpointId",
        "delete_vpc_endpoints",
        "VpcEndpointIds",
        of=MINE,
    ),
    Kind("iam", "list_roles", "Roles[].RoleName", "delete_role", "RoleName", prepare=strip),
    Kind(
        "lambda",
        "list_event_source_mappings",
        "EventSourceMappings[].UUID",
        "delete_event_source_mapping",
        "UUID",
    ),
    Kind("lambda", "list_functions", "Functions[].FunctionName", "delete_function", "FunctionName"),
    Kind(
        "logs",
        "describe_log_groups",
        "logGroups[].logGroupName",
        "delete_log_group",
        "logGroupName",
    ),
    Kind("s3", "list_buckets", "Buckets[].Name", "delete_bucket", "Bucket", prepare=empty),
    Kind("secretsmanager", "list_secrets", "SecretList[].Name", "delete_secret", "SecretId"),
    Kind("sns", "list_topics", "Topics[].TopicArn", "delete_topic", "TopicArn"),
    Kind("sqs", "list_queues", "QueueUrls", "delete_queue", "QueueUrl"),
    Kind("ssm", "describe_parameters", "Parameters[].Name", "delete_parameter", "Name"),
]


def resources(cloud: Cloud) -> list[tuple[Kind, str]]:
    """Return all resources of these kinds, always in the same order."""
    return [(kind, identifier) for kind in KINDS for identifier in sorted(kind.found(cloud))]

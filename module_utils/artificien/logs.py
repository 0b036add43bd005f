"""CloudWatch log groups: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, changed_tags, check_kms_key, own_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import LogGroupTypeDef

AWS_MANAGED_KEY = "aws_managed"
# What PutRetentionPolicy takes.
RETENTION_DAYS = [
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
]


def desired_group(group: dict[str, Any]) -> Model:
    """Turn one entry of the module's `groups` option into a model.

    Raises:
        ReconcileError: `kms_key` is in another form than the one that AWS answers with.
    """
    check_kms_key(group["name"], group["kms_key"], AWS_MANAGED_KEY)
    return {
        "retention_days": group["retention_days"],
        "kms_key": group["kms_key"],
        "tags": group["tags"],
    }


def _describe(client: CloudWatchLogsClient, name: str) -> LogGroupTypeDef | None:
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    groups = (group for page in pages for group in page["logGroups"])
    return next((group for group in groups if group["logGroupName"] == name), None)


def _tagging_arn(group: LogGroupTypeDef) -> str:
    # The calls for tags refuse the form that stands for all streams of the group.
    return group["arn"].removesuffix(":*")


@aws_call("read log group {0}")
def read_group(client: CloudWatchLogsClient, name: str) -> Model | None:
    """Read everything that the module manages of the log group `name`."""
    group = _describe(client, name)
    if group is None:
        return None
    tags = client.list_tags_for_resource(resourceArn=_tagging_arn(group))["tags"]
    return {
        "retention_days": group.get("retentionInDays"),
        "kms_key": group.get("kmsKeyId", AWS_MANAGED_KEY),
        "tags": own_tags(tags),
    }


@aws_call("create log group {0}")
def _create(client: CloudWatchLogsClient, name: str, after: Model) -> None:
    request: dict[str, Any] = {"logGroupName": name}
    if after.get("tags"):
        request["tags"] = after["tags"]
    if after.get("kms_key", AWS_MANAGED_KEY) != AWS_MANAGED_KEY:
        request["kmsKeyId"] = after["kms_key"]
    client.create_log_group(**request)


@aws_call("set the retention of log group {0} to {1} days")
def _set_retention(client: CloudWatchLogsClient, name: str, days: int) -> None:
    client.put_retention_policy(logGroupName=name, retentionInDays=days)


@aws_call("set the KMS key of log group {0} to {1}")
def _set_key(client: CloudWatchLogsClient, name: str, key: str) -> None:
    if key == AWS_MANAGED_KEY:
        client.disassociate_kms_key(logGroupName=name)
    else:
        client.associate_kms_key(logGroupName=name, kmsKeyId=key)


@aws_call("tag log group {0}")
def _tag(client: CloudWatchLogsClient, name: str, plan: Plan) -> None:
    group = _describe(client, name)
    if group is None:
        raise ReconcileError(
            f"{name}: the log group was deleted meanwhile; run the playbook again."
        )
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(resourceArn=_tagging_arn(group), tagKeys=removed)
    if tags:
        client.tag_resource(resourceArn=_tagging_arn(group), tags=tags)


@aws_call("delete log group {0}")
def _delete(client: CloudWatchLogsClient, name: str) -> None:
    client.delete_log_group(logGroupName=name)


def apply_group(client: CloudWatchLogsClient, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, plan.name)
        return
    after = plan.after or {}
    if plan.action == "create":
        _create(client, plan.name, after)
    else:
        if plan.changes("kms_key"):
            _set_key(client, plan.name, after["kms_key"])
        if plan.changes("tags"):
            _tag(client, plan.name, plan)
    if plan.changes("retention_days"):
        _set_retention(client, plan.name, after["retention_days"])

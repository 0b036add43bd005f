"""What the mappings of all event sources to Lambda functions share: waiting, tags, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    aws_call,
    changed_tags,
    error_code,
    none_if_missing,
    wait_until,
)
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_lambda import LambdaClient

PARTIAL_FAILURES = "ReportBatchItemFailures"


@aws_call("tag the mapping {0.name}")
def tag_mapping(client: LambdaClient, plan: Plan, arn: str) -> None:
    """Set and remove the tags of a mapping."""
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(Resource=arn, TagKeys=removed)
    if tags:
        client.tag_resource(Resource=arn, Tags=tags)


@aws_call("delete the mapping {0}")
def delete_mapping(client: LambdaClient, name: str, uuid: str, timeout_seconds: float) -> None:
    """Delete a mapping, and wait until it is gone."""
    wait_until_settled(client, name, uuid, timeout_seconds)
    client.delete_event_source_mapping(UUID=uuid)
    wait_until(
        lambda: _describe(client, uuid) is None, f"mapping {name} to be deleted", timeout_seconds
    )


@none_if_missing("ResourceNotFoundException")
def _describe(client: LambdaClient, uuid: str) -> Any:
    return client.get_event_source_mapping(UUID=uuid)


def wait_until_settled(
    client: LambdaClient, name: str, uuid: str, timeout_seconds: float, *, is_new: bool = False
) -> None:
    """Wait until AWS accepts changes: it refuses them while another one is under way."""

    def settled() -> bool:
        try:
            mapping = client.get_event_source_mapping(UUID=uuid)
        except ClientError as error:
            # A new mapping may not be visible at once.
            if is_new and error_code(error) == "ResourceNotFoundException":
                return False
            raise
        return mapping["State"] in {"Enabled", "Disabled"}

    wait_until(settled, f"mapping {name} to be enabled or disabled", timeout_seconds)

"""Lambda functions: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    AwsError,
    accepted,
    aws_call,
    changed_tags,
    error_code,
    none_if_missing,
    own_tags,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.artificien.lambda_package import Package
    from botocore.exceptions import ClientError
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionCodeTypeDef
    from mypy_boto3_s3 import S3Client

AWS_MANAGED_KEY = "aws_managed"
UNRESERVED = -1
LATEST = "$LATEST"

MEMBERS = {
    "handler": "Handler",
    "runtime": "Runtime",
    "role": "Role",
    "description": "Description",
    "timeout_seconds": "Timeout",
    "memory_mib": "MemorySize",
}

# How Lambda words that IAM has not yet told it of a new role, policy or grant.
ROLE_IS_NOT_READY = (
    "cannot be assumed by Lambda",
    "execution role does not have permissions",
    "ensure the role can perform",
    "KMS key is invalid for CreateGrant",
)


def desired_function(function: dict[str, Any], code_sha256: str) -> Model:
    """Turn one entry of the module's `functions` option into a model."""
    name = function["name"]
    return {
        **{field: function[field] for field in MEMBERS},
        "architecture": function["architecture"],
        "code_sha256": code_sha256,
        "ephemeral_storage_mib": function["ephemeral_storage_mib"],
        "environment": _texts(f"{name}: environment", function["environment"]),
        "reserved_concurrency": function["reserved_concurrency"],
        "tracing": function["tracing"],
        "kms_key": function["kms_key"],
        "tags": _texts(f"{name}: tags", function["tags"]),
    }


def _texts(owner: str, values: dict[str, Any] | None) -> dict[str, str] | None:
    """Return `values` as text: a template gives a number where only digits stand in it."""
    if values is None:
        return None
    for key, value in values.items():
        if not isinstance(value, str | int | float):
            raise ReconcileError(
                f"{owner}: {key} is {value!r}. Give a text, a number, true or false."
            )
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
    }


@aws_call("read Lambda function {0}")
@none_if_missing("ResourceNotFoundException")
def read_function(client: LambdaClient, name: str) -> Model:
    """Read everything that the module manages of the function `name`."""
    answer = client.get_function(FunctionName=name)
    if error := answer.get("TagsError"):
        raise AwsError(
            f"Failed to read the tags of Lambda function {name}: {error['Message']}. Allow the "
            "caller lambda:ListTags."
        )
    function = answer["Configuration"]
    failure = _failure(function)
    return {
        **{field: function.get(member) for field, member in MEMBERS.items()},
        "architecture": function["Architectures"][0],
        # The function runs on with what it had before a failed update: deploy it again.
        "code_sha256": function["CodeSha256"] if failure is None else failure,
        "ephemeral_storage_mib": function["EphemeralStorage"]["Size"],
        "environment": function.get("Environment", {}).get("Variables", {}),
        "reserved_concurrency": answer.get("Concurrency", {}).get(
            "ReservedConcurrentExecutions", UNRESERVED
        ),
        "tracing": function["TracingConfig"]["Mode"],
        "kms_key": function.get("KMSKeyArn") or AWS_MANAGED_KEY,
        "tags": own_tags(answer.get("Tags", {})),
    }


def _failure(function: Any) -> str | None:
    if function.get("State") == "Failed":
        return f"failed: {function.get('StateReason')}"
    if function.get("LastUpdateStatus") == "Failed":
        return f"failed: {function.get('LastUpdateStatusReason')}"
    return None


def plan_function(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a function; every field can be changed in place."""
    return make_plan(name, current, desired, merged=[] if purge_tags else ["tags"])


def function_arn(client: LambdaClient, role: str, name: str) -> str:
    """Return the ARN that a function has, or will have: its role is of the same account."""
    account = role.split(":")[4]
    return f"arn:{client.meta.partition}:lambda:{client.meta.region_name}:{account}:function:{name}"


def deploys_code(plan: Plan) -> bool:
    """Whether carrying out the plan needs the package in the bucket."""
    return plan.after is not None and (plan.changes("code_sha256") or plan.changes("architecture"))


def code_location(bucket: str, name: str, package: Package) -> FunctionCodeTypeDef:
    """Return where the package of the function `name` lies, in Lambda's words."""
    return {"S3Bucket": bucket, "S3Key": f"lambda/{name}/{package.sha256}.zip"}


@aws_call("upload the Lambda package {0} to {1[S3Bucket]}")
def upload_package(client: S3Client, package: Package, location: FunctionCodeTypeDef) -> None:
    """Put the package where Lambda will fetch it."""
    with package.path.open("rb") as body:
        client.put_object(Bucket=location["S3Bucket"], Key=location["S3Key"], Body=body)


def when_role_is_ready(call: Callable[[], Any], role: str, timeout_seconds: float) -> None:
    """Repeat `call` while Lambda has not yet heard of the role or of what it may do."""

    def unheard_of(error: ClientError) -> bool:
        return error_code(error) == "InvalidParameterValueException" and any(
            words in str(error) for words in ROLE_IS_NOT_READY
        )

    wait_until(
        accepted(call, unheard_of),
        f"Lambda to be allowed the {role} (its trust policy must name lambda.amazonaws.com, its "
        "policies what the function uses)",
        timeout_seconds,
        interval_seconds=2,
    )


def apply_function(
    client: LambdaClient, plan: Plan, location: FunctionCodeTypeDef, timeout_seconds: float
) -> None:
    """Carry out one plan: a function takes one change at a time, so each is waited for."""
    name = plan.name
    if plan.action == "delete":
        _delete(client, name, timeout_seconds)
        return
    after = plan.after or {}
    changed = {field: value for field, value in after.items() if plan.changes(field)}
    if plan.action == "create":
        _create(client, name, after, location, timeout_seconds)
        changed.pop("tags", None)
        if after.get("reserved_concurrency") == UNRESERVED:
            changed.pop("reserved_concurrency")
    else:
        _wait_until_settled(client, name, timeout_seconds)
        if deploys_code(plan):
            _update_code(client, name, after, location)
            _wait_until_ready(client, name, timeout_seconds)
        if configuration := _configuration(changed):
            _update_configuration(client, name, after["role"], configuration, timeout_seconds)
            _wait_until_ready(client, name, timeout_seconds)
    if "reserved_concurrency" in changed:
        _reserve(client, name, after["reserved_concurrency"])
    if "tags" in changed:
        _tag(client, plan, function_arn(client, after["role"], name))


def _configuration(fields: Model) -> dict[str, Any]:
    """Return the members of a request that set `fields`, as far as they are configuration."""
    request = {MEMBERS[field]: value for field, value in fields.items() if field in MEMBERS}
    if "environment" in fields:
        request["Environment"] = {"Variables": fields["environment"]}
    if "ephemeral_storage_mib" in fields:
        request["EphemeralStorage"] = {"Size": fields["ephemeral_storage_mib"]}
    if "tracing" in fields:
        request["TracingConfig"] = {"Mode": fields["tracing"]}
    if "kms_key" in fields:
        key = fields["kms_key"]
        request["KMSKeyArn"] = "" if key == AWS_MANAGED_KEY else key
    return request


@aws_call("create Lambda function {0}")
def _create(
    client: LambdaClient,
    name: str,
    after: Model,
    location: FunctionCodeTypeDef,
    timeout_seconds: float,
) -> None:
    # An empty text means "none" in an update; a new function has none by itself.
    request = {member: value for member, value in _configuration(after).items() if value != ""}

    def create() -> None:
        created = client.create_function(
            FunctionName=name,
            Code=location,
            Architectures=[after["architecture"]],
            Tags=after.get("tags", {}),
            **request,
        )
        _check_code(name, created["CodeSha256"], after)

    when_role_is_ready(create, f"role {after['role']}", timeout_seconds)
    _wait_until_ready(client, name, timeout_seconds)


@aws_call("update the code of Lambda function {0}")
def _update_code(
    client: LambdaClient, name: str, after: Model, location: FunctionCodeTypeDef
) -> None:
    updated = client.update_function_code(
        FunctionName=name,
        S3Bucket=location["S3Bucket"],
        S3Key=location["S3Key"],
        Architectures=[after["architecture"]],
    )
    _check_code(name, updated["CodeSha256"], after)


def _check_code(name: str, code_sha256: str, after: Model) -> None:
    if code_sha256 != after["code_sha256"]:
        raise AwsError(
            f"Lambda function {name} runs code {code_sha256}, not {after['code_sha256']}: its "
            "package was changed after it was built. Delete the folder build_dir and run the "
            "playbook again."
        )


@aws_call("update the configuration of Lambda function {0}")
def _update_configuration(
    client: LambdaClient, name: str, role: str, change: dict[str, Any], timeout_seconds: float
) -> None:
    when_role_is_ready(
        lambda: client.update_function_configuration(FunctionName=name, **change),
        f"role {role}",
        timeout_seconds,
    )


@aws_call("reserve the concurrency of Lambda function {0}")
def _reserve(client: LambdaClient, name: str, executions: int) -> None:
    if executions == UNRESERVED:
        client.delete_function_concurrency(FunctionName=name)
    else:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)


@aws_call("tag Lambda function {0.name}")
def _tag(client: LambdaClient, plan: Plan, arn: str) -> None:
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(Resource=arn, TagKeys=removed)
    if tags:
        client.tag_resource(Resource=arn, Tags=tags)


@aws_call("delete Lambda function {0}")
def _delete(client: LambdaClient, name: str, timeout_seconds: float) -> None:
    client.delete_function(FunctionName=name)
    wait_until(
        lambda: read_function(client, name) is None, f"function {name} to go", timeout_seconds
    )


@aws_call("wait for Lambda function {0}")
def _wait_until_settled(client: LambdaClient, name: str, timeout_seconds: float) -> None:
    """Wait until an update, of an earlier run or of somebody else, is over in whatever way."""

    def settled() -> bool:
        return not _is_changing(client.get_function_configuration(FunctionName=name))

    wait_until(settled, f"the update of Lambda function {name} to end", timeout_seconds)


@aws_call("wait for Lambda function {0}")
def _wait_until_ready(client: LambdaClient, name: str, timeout_seconds: float) -> None:
    def ready() -> bool:
        function = client.get_function_configuration(FunctionName=name)
        if failure := _failure(function):
            raise AwsError(f"The update of Lambda function {name} {failure}")
        return not _is_changing(function)

    wait_until(ready, f"Lambda function {name} to become ready", timeout_seconds)


def _is_changing(function: Any) -> bool:
    states = {function.get("State"), function.get("LastUpdateStatus")}
    return bool(states & {"Pending", "InProgress"})

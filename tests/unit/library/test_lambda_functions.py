"""`lambda_functions` without AWS: plans as tables, and the exact calls of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.lambda_function import (
    apply_function,
    code_location,
    deploys_code,
    desired_function,
    function_arn,
    plan_function,
    read_function,
    upload_package,
)
from ansible.module_utils.artificien.lambda_package import Package
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from botocore.stub import ANY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.stub import Stubber
    from mypy_boto3_lambda.type_defs import FunctionCodeTypeDef

ROLE = "arn:aws:iam::111122223333:role/greet"
ARN = "arn:aws:lambda:us-east-1:111122223333:function:greet"
BY_NAME = {"FunctionName": "greet"}
LOCATION: FunctionCodeTypeDef = {"S3Bucket": "artifacts", "S3Key": "lambda/greet/00.zip"}
READY = {"State": "Active", "LastUpdateStatus": "Successful"}


def model(**fields: Any) -> dict[str, Any]:
    """Return a function's model with `fields` changed."""
    base: dict[str, Any] = {
        "handler": "greet.handler.handle",
        "runtime": "python3.13",
        "role": ROLE,
        "description": "",
        "timeout_seconds": 3,
        "memory_mib": 128,
        "architecture": "x86_64",
        "code_sha256": "old",
        "ephemeral_storage_mib": 512,
        "environment": {},
        "reserved_concurrency": -1,
        "tracing": "PassThrough",
        "kms_key": "aws_managed",
        "tags": {},
    }
    return base | fields


def configuration(**fields: Any) -> dict[str, Any]:
    """Return the configuration that Lambda answers for `model()`."""
    base: dict[str, Any] = {
        "FunctionName": "greet",
        "Handler": "greet.handler.handle",
        "Runtime": "python3.13",
        "Role": ROLE,
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Architectures": ["x86_64"],
        "CodeSha256": "old",
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        **READY,
    }
    return base | fields


def options(**fields: Any) -> dict[str, Any]:
    """Return one entry of the option `functions` with `fields` set."""
    names = {*model(), "name"} - {"code_sha256"}
    return dict.fromkeys(names) | {"name": "greet"} | fields


@pytest.mark.parametrize(
    ("current", "desired", "action"),
    [
        (None, model(), "create"),
        (model(), model(), "none"),
        (model(), model(environment=None, tags=None, reserved_concurrency=None), "none"),
        (model(description="old"), model(description=""), "update"),
        (model(environment={"A": "1", "B": "2"}), model(environment={"A": "1"}), "update"),
        (model(), model(code_sha256="new"), "update"),
        (model(), None, "delete"),
    ],
)
def test_plan(current: dict[str, Any] | None, desired: dict[str, Any] | None, action: str) -> None:
    plan = (
        Plan("greet", current, None)
        if desired is None
        else plan_function("greet", current, desired, purge_tags=True)
    )
    assert plan.action == action


def test_tags_that_are_not_listed_stay_without_purge() -> None:
    current, desired = model(tags={"a": "1"}), model(tags={"b": "2"})
    plan = plan_function("greet", current, desired, purge_tags=False)
    assert plan.after is not None
    assert plan.after["tags"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("before", "after", "deploys"),
    [
        (None, model(), True),
        (model(), model(code_sha256="new"), True),
        (model(), model(architecture="arm64"), True),
        (model(), model(environment={"A": "1"}, memory_mib=256), False),
        (model(), None, False),
    ],
)
def test_code_is_deployed_only_if_it_differs(
    before: dict[str, Any] | None, after: dict[str, Any] | None, deploys: bool
) -> None:
    assert deploys_code(Plan("greet", before, after)) is deploys


def test_values_of_templates_become_text() -> None:
    desired = desired_function(options(environment={"A": 5, "B": True, "C": "x"}), "new")
    assert desired["environment"] == {"A": "5", "B": "true", "C": "x"}
    with pytest.raises(ReconcileError, match=r"greet: environment: A is \['x'\]"):
        desired_function(options(environment={"A": ["x"]}), "new")


def test_read_gives_the_words_of_the_options(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    answer = {
        "Configuration": configuration(
            Environment={"Variables": {"A": "1"}}, KMSKeyArn="arn:aws:kms:us-east-1:1:key"
        ),
        "Concurrency": {"ReservedConcurrentExecutions": 0},
        "Tags": {"a": "1", "aws:cloudformation:stack-name": "mall"},
    }
    stubber.add_response("get_function", answer, BY_NAME)
    assert read_function(client, "greet") == model(
        environment={"A": "1"},
        kms_key="arn:aws:kms:us-east-1:1:key",
        reserved_concurrency=0,
        tags={"a": "1"},
    )
    stubber.add_response("get_function", {"Configuration": configuration()})
    assert read_function(client, "greet") == model()


@pytest.mark.parametrize(
    "status",
    [
        {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no such key"},
        {"State": "Failed", "StateReason": "no such key"},
    ],
)
def test_a_failed_update_is_made_again(
    stubbed: Callable[[str], tuple[Any, Stubber]], status: dict[str, Any]
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("get_function", {"Configuration": configuration(**status)})
    current = read_function(client, "greet")
    assert current == model(code_sha256="failed: no such key")
    assert deploys_code(plan_function("greet", current, model(), purge_tags=True))


def test_read_tells_missing_from_refused(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_client_error("get_function", "ResourceNotFoundException")
    assert read_function(client, "greet") is None
    stubber.add_client_error("get_function", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match="read Lambda function greet: AccessDeniedException: not"):
        read_function(client, "greet")
    hidden = {"ErrorCode": "AccessDeniedException", "Message": "not yours".center(84)}
    stubber.add_response("get_function", {"Configuration": configuration(), "TagsError": hidden})
    with pytest.raises(AwsError, match="lambda:ListTags"):
        read_function(client, "greet")


def test_the_arn_is_known_before_the_function(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, _ = stubbed("lambda")
    assert function_arn(client, ROLE, "greet") == ARN


def test_a_package_is_uploaded_under_its_hash(
    stubbed: Callable[[str], tuple[Any, Stubber]], tmp_path: Path
) -> None:
    client, stubber = stubbed("s3")
    package = Package(tmp_path / "package.zip", "ab" * 32)
    package.path.write_bytes(b"zip")
    location = code_location("artifacts", "greet", package)
    assert location == {"S3Bucket": "artifacts", "S3Key": f"lambda/greet/{'ab' * 32}.zip"}
    stubber.add_response(
        "put_object", {}, {"Bucket": "artifacts", "Key": location["S3Key"], "Body": ANY}
    )
    upload_package(client, package, location)
    stubber.add_client_error("put_object", "NoSuchBucket", "nothing there")
    with pytest.raises(AwsError, match="to artifacts: NoSuchBucket"):
        upload_package(client, package, location)


def test_a_function_is_created_once_its_role_is_known(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    for _ in range(2):
        stubber.add_client_error(
            "create_function",
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        )
    stubber.add_response(
        "create_function",
        configuration(State="Pending"),
        {
            **BY_NAME,
            "Code": LOCATION,
            "Architectures": ["x86_64"],
            "Handler": "greet.handler.handle",
            "Runtime": "python3.13",
            "Role": ROLE,
            "Timeout": 3,
            "MemorySize": 128,
            "EphemeralStorage": {"Size": 512},
            "Environment": {"Variables": {"A": "1"}},
            "TracingConfig": {"Mode": "PassThrough"},
            "Tags": {"a": "1"},
        },
    )
    stubber.add_response("get_function_configuration", configuration(State="Pending"), BY_NAME)
    stubber.add_response("get_function_configuration", configuration(), BY_NAME)
    stubber.add_response(
        "put_function_concurrency", {}, BY_NAME | {"ReservedConcurrentExecutions": 2}
    )
    after = model(environment={"A": "1"}, tags={"a": "1"}, reserved_concurrency=2)
    apply_function(client, Plan("greet", None, after), LOCATION, timeout_seconds=9)


def test_a_new_function_has_no_reservation_to_remove(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("create_function", configuration())
    stubber.add_response("get_function_configuration", configuration())
    apply_function(client, Plan("greet", None, model()), LOCATION, timeout_seconds=9)


def test_other_refusals_of_a_new_function_are_final(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_client_error("create_function", "InvalidParameterValueException", "bad handler")
    with pytest.raises(AwsError, match=r"create Lambda function greet: .*bad handler"):
        apply_function(client, Plan("greet", None, model()), LOCATION, timeout_seconds=9)


def test_a_role_that_stays_unknown_is_named(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    message = "The role defined for the function cannot be assumed by Lambda."
    stubber.add_client_error("create_function", "InvalidParameterValueException", message)
    with pytest.raises(AwsError, match=r"role/greet \(its trust policy"):
        apply_function(client, Plan("greet", None, model()), LOCATION, timeout_seconds=0)


def test_changes_are_made_one_at_a_time(
    stubbed: Callable[[str], tuple[Any, Stubber]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("lambda")
    busy = configuration(LastUpdateStatus="InProgress")
    stubber.add_response("get_function_configuration", busy)
    stubber.add_response("get_function_configuration", configuration(LastUpdateStatus="Failed"))
    stubber.add_response(
        "update_function_code",
        configuration(CodeSha256="new"),
        {**BY_NAME, **LOCATION, "Architectures": ["arm64"]},
    )
    stubber.add_response("get_function_configuration", busy)
    stubber.add_response("get_function_configuration", configuration())
    stubber.add_response(
        "update_function_configuration",
        configuration(),
        BY_NAME
        | {
            "Description": "",
            "Environment": {"Variables": {"B": "2"}},
            "EphemeralStorage": {"Size": 1024},
            "TracingConfig": {"Mode": "Active"},
            "KMSKeyArn": "",
        },
    )
    stubber.add_response("get_function_configuration", configuration())
    stubber.add_response("delete_function_concurrency", {}, BY_NAME)
    stubber.add_response("untag_resource", {}, {"Resource": ARN, "TagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"Resource": ARN, "Tags": {"b": "2"}})
    before = model(
        description="old",
        environment={"A": "1"},
        kms_key="arn:aws:kms:us-east-1:1:key",
        reserved_concurrency=2,
        tags={"a": "1"},
    )
    after = model(
        code_sha256="new",
        architecture="arm64",
        environment={"B": "2"},
        ephemeral_storage_mib=1024,
        tracing="Active",
        tags={"b": "2"},
    )
    apply_function(client, Plan("greet", before, after), LOCATION, timeout_seconds=9)


def test_code_other_than_the_planned_is_noticed(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("get_function_configuration", configuration())
    stubber.add_response("update_function_code", configuration(CodeSha256="damaged"))
    with pytest.raises(AwsError, match="runs code damaged, not new"):
        apply_function(
            client, Plan("greet", model(), model(code_sha256="new")), LOCATION, timeout_seconds=9
        )


def test_an_update_that_fails_says_why(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("get_function_configuration", configuration())
    stubber.add_response("update_function_configuration", configuration())
    failed = configuration(LastUpdateStatus="Failed", LastUpdateStatusReason="no such key")
    stubber.add_response("get_function_configuration", failed)
    with pytest.raises(AwsError, match="Lambda function greet failed: no such key"):
        apply_function(
            client, Plan("greet", model(), model(memory_mib=256)), LOCATION, timeout_seconds=9
        )


def test_waiting_ends_with_the_remedy(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("get_function_configuration", configuration(State="Pending"))
    with pytest.raises(AwsError, match="run the playbook again"):
        apply_function(
            client, Plan("greet", model(), model(memory_mib=256)), LOCATION, timeout_seconds=0
        )


def test_a_deleted_function_is_gone(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("delete_function", {}, BY_NAME)
    stubber.add_client_error("get_function", "ResourceNotFoundException")
    apply_function(client, Plan("greet", model(), None), {}, timeout_seconds=9)

"""`lambda_functions` against the emulator."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.wheels import make_wheel, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "greet-of-run"
BUCKET = "greet-of-run-artifacts"
ROLE = "arn:aws:iam::000000000000:role/greet-of-run"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
HANDLER = """
import os

import words_of_run
from manners_of_run import polite


def handle(event, context):
    return [words_of_run.GREETING, polite(event["name"]), os.environ.get("MARK", "")]
"""
POLITE = """
def polite(name):
    return name
"""


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Return options for a function that needs a package nobody else has."""
    source, wheels = tmp_path / "lambdas" / "greet", tmp_path / "wheels"
    source.mkdir(parents=True)
    pin = make_wheel(wheels, "words_of_run", {"words_of_run.py": "GREETING = 'hello'\n"})
    (source / "requirements.txt").write_text(requirements(wheels, "words_of_run", pin))
    (source / "__init__.py").write_text("")
    (source / "handler.py").write_text(HANDLER)
    shared = tmp_path / "lambdas" / "manners_of_run"
    shared.mkdir()
    (shared / "__init__.py").write_text(POLITE)
    function = {
        "name": NAME,
        "source": str(source),
        "shared": [str(shared)],
        "handler": "greet.handler.handle",
        "role": ROLE,
        "description": "Greets.",
        "timeout_seconds": 20,
        "memory_mib": 256,
        "ephemeral_storage_mib": 1024,
        "environment": {"MARK": "!"},
        "reserved_concurrency": 2,
        "tracing": "Active",
        "tags": {"owner": "shop"},
    }
    build_dir = str(tmp_path / "build")
    return {"artifacts_bucket": BUCKET, "build_dir": build_dir, "functions": [function]}


@pytest.fixture(autouse=True)
def _nothing_left(cloud: Cloud) -> Iterator[None]:
    functions, iam, s3 = (cloud.client(name) for name in ("lambda", "iam", "s3"))

    def clean() -> None:
        if any(item["FunctionName"] == NAME for item in functions.list_functions()["Functions"]):
            functions.delete_function(FunctionName=NAME)
        if any(item["RoleName"] == "greet-of-run" for item in iam.list_roles()["Roles"]):
            iam.delete_role(RoleName="greet-of-run")
        if any(item["Name"] == BUCKET for item in s3.list_buckets()["Buckets"]):
            for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
                s3.delete_object(Bucket=BUCKET, Key=item["Key"])
            s3.delete_bucket(Bucket=BUCKET)

    clean()
    yield
    clean()


@pytest.fixture
def account(cloud: Cloud) -> Cloud:
    """Return an account that has the bucket and the role."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    trust = json.dumps(TRUST)
    cloud.client("iam").create_role(RoleName="greet-of-run", AssumeRolePolicyDocument=trust)
    return cloud


def packages(cloud: Cloud) -> list[str]:
    """Return the keys of all packages that were uploaded."""
    objects = cloud.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [item["Key"] for item in objects]


def invoke(cloud: Cloud) -> Any:
    payload = json.dumps({"name": "you"})
    answer = cloud.client("lambda").invoke(FunctionName=NAME, Payload=payload)
    return json.loads(answer["Payload"].read())


def test_a_function_is_created_once_runs_and_is_deleted_once(
    account: Cloud, run_module: ModuleRunner, options: dict[str, Any]
) -> None:
    first = run_module.four_runs("lambda_functions", **options)
    assert invoke(account) == ["hello", "you", "!"]
    made = account.client("lambda").get_function(FunctionName=NAME)
    reported = first["functions"][NAME]
    assert reported["arn"] == made["Configuration"]["FunctionArn"]
    assert reported["version"] == made["Configuration"]["Version"]
    assert reported["code_sha256"] == made["Configuration"]["CodeSha256"]
    assert made["Configuration"]["EphemeralStorage"] == {"Size": 1024}
    assert made["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    assert made["Tags"] == {"owner": "shop"}
    assert len(packages(account)) == 1
    run_module.gone_twice("lambda_functions", functions=[{"name": NAME}])
    assert len(packages(account)) == 1


def test_code_is_deployed_when_it_changes_and_only_then(
    account: Cloud, run_module: ModuleRunner, options: dict[str, Any], tmp_path: Path
) -> None:
    run_module("lambda_functions", **options)
    shared = tmp_path / "lambdas" / "manners_of_run" / "__init__.py"
    os.utime(shared, (1_000_000_000, 1_000_000_000))
    umask = os.umask(0o077)
    try:  # a build folder of another machine, so to speak
        elsewhere = options | {"build_dir": str(tmp_path / "elsewhere")}
        assert run_module("lambda_functions", **elsewhere)["changed"] is False
    finally:
        os.umask(umask)
    shared.write_text(POLITE.replace("return ", "return 'dear ' + "))
    changed = run_module.four_runs("lambda_functions", **options)
    assert list(changed["diff"]["after"]) == [NAME]
    assert invoke(account) == ["hello", "dear you", "!"]
    assert len(packages(account)) == 2


def test_settings_change_in_place_and_without_the_code(
    account: Cloud, run_module: ModuleRunner, options: dict[str, Any]
) -> None:
    run_module("lambda_functions", **options)
    other = {
        "description": "",
        "environment": {"MARK": 5},
        "reserved_concurrency": -1,
        "tracing": "PassThrough",
        "tags": {"owner": "web"},
    }
    options["functions"][0] |= other
    run_module.four_runs("lambda_functions", **options)
    assert invoke(account) == ["hello", "you", "5"]
    made = account.client("lambda").get_function(FunctionName=NAME)
    assert made["Configuration"]["Description"] == ""
    assert "Concurrency" not in made
    assert made["Tags"] == {"owner": "web"}
    assert len(packages(account)) == 1


def test_an_empty_account_is_planned_truthfully_and_refused_with_the_reason(
    run_module: ModuleRunner, options: dict[str, Any]
) -> None:
    planned = run_module("lambda_functions", check=True, **options)
    assert planned["changed"] is True
    assert planned["functions"][NAME]["arn"].endswith(f":000000000000:function:{NAME}")
    failed = run_module("lambda_functions", fails=True, **options)
    assert f"to {BUCKET}: NoSuchBucket" in failed["msg"]


def test_what_is_missing_is_named(run_module: ModuleRunner, options: dict[str, Any]) -> None:
    options["functions"][0].pop("role")
    failed = run_module("lambda_functions", check=True, fails=True, **options)
    assert f"{NAME}: role is None; give the ARN" in failed["msg"]

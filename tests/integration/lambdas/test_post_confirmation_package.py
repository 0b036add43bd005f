"""The package of `post_confirmation` works with nothing but the boto3 of the runtime.

The emulator does not show it: its functions also see the packages of its own environment.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.lambda_package import build_package

from tests.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud


TABLE = "users_of_run"
# What Lambda's Python runtimes bring: boto3 and what it needs.
RUNTIME = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]
CALL = """
import json, sys, types
sys.path[:0] = sys.argv[1:3]
from post_confirmation.handler import lambda_handler
context = types.SimpleNamespace(aws_request_id="request-1")
print(json.dumps([lambda_handler(event, context) for event in json.loads(sys.argv[3])]))
"""


@pytest.fixture
def table(cloud: Cloud) -> Iterator[Any]:
    """Return the table of users."""
    table = cloud.resource("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield table
    table.delete()


@pytest.fixture
def pool(cloud: Cloud) -> Iterator[str]:
    """Return the id of a user pool."""
    cognito = cloud.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="pool-of-run")["UserPool"]["Id"]
    yield pool_id
    cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.fixture
def function(tmp_path: Path) -> list[str]:
    """Return the folders of the unpacked function and of the runtime's packages."""
    package = build_package(
        ROOT / "lambdas/post_confirmation",
        "python3.13",
        "x86_64",
        tmp_path / "build",
        [ROOT / "lambdas/lambda_common"],
    )
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "function")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        spec = find_spec(name)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        (runtime / target.name).symlink_to(target)
    return [str(tmp_path / "function"), str(runtime)]


def call(cloud: Cloud, function: list[str], *events: dict[str, Any]) -> list[Any]:
    """Return the answers of a new process of the function to `events`."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, *function, json.dumps(events)],
        env=cloud.environment | {"USER_TABLE": TABLE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *logs, answers = done.stdout.splitlines()
    assert "example.com" not in "".join(logs)
    parsed: list[Any] = json.loads(answers)
    return parsed


def test_a_package_alone_gives_accounts_their_rows(
    cloud: Cloud, table: Any, pool: str, function: list[str]
) -> None:
    cognito = cloud.client("cognito-idp")
    for name in ("ada", "grace"):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")
    cognito.sign_up(
        ClientId=client["UserPoolClient"]["ClientId"],
        Username="eve",
        Password=f"{secrets.token_urlsafe(16)}-aA1",
        UserAttributes=[{"Name": "email", "Value": "eve@example.com"}],
    )
    confirmed = {
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "userPoolId": pool,
        "userName": "ada",
        "request": {"userAttributes": {"sub": "sub-of-ada", "email": "ada@example.com"}},
        "response": {},
    }
    find = {"find_missing": True, "user_pool_id": pool}
    first, again, report = call(cloud, function, confirmed, confirmed, find)
    assert first == again == confirmed
    row = table.get_item(Key={"user_id": "ada@example.com"})["Item"]
    assert len(row.pop("api_key")) == 22
    assert row == {
        "user_id": "ada@example.com",
        "user_account_email": "ada@example.com",
        "username": "ada",
        "has_onboarded": "0",
        "role": "0",
        "datasets_purchased": ["Artificien-Health"],
    }
    missing = report.pop("missing")
    assert [entry["username"] for entry in missing] == ["grace"]
    assert report == {"conflicting": 0, "checked": 2, "more": False}

    other = {"username": "other", "email": "ada@example.com", "sub": "sub-of-other"}
    create = {"create": [*missing, other]}
    created, report = call(cloud, function, create, find)
    assert created == {"created": 1, "existing": 0, "conflicting": 1}
    assert report == {"missing": [], "conflicting": 0, "checked": 2, "more": False}
    assert table.get_item(Key={"user_id": "ada@example.com"})["Item"]["username"] == "ada"

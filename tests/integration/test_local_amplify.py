"""The fake of Amplify beside the real emulator: who is let in, and what outlives a stop."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloud import ROOT, Cloud, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "deployer_of_run"
ROLE = "arn:aws:iam::000000000000:role/builds"


@pytest.fixture
def app_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of an app."""
    app = cloud.client("amplify").create_app(name="shop")["app"]
    yield app["appId"]
    cloud.client("amplify").delete_app(appId=app["appId"])


@pytest.fixture
def key(cloud: Cloud) -> Iterator[dict[str, str]]:
    """Return the access key of a user who may do nothing."""
    iam = cloud.client("iam")
    iam.create_user(UserName=USER)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    yield made
    iam.delete_access_key(UserName=USER, AccessKeyId=made["AccessKeyId"])
    for name in iam.list_user_policies(UserName=USER)["PolicyNames"]:
        iam.delete_user_policy(UserName=USER, PolicyName=name)
    iam.delete_user(UserName=USER)


def client(cloud: Cloud, access_key: str, secret_key: str) -> Any:
    """Return a client of the fake with these credentials."""
    return boto3.client(
        "amplify",
        region_name=cloud.region,
        endpoint_url=cloud.amplify_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )


def allow(cloud: Cloud, action: str, resource: str) -> None:
    """Grant the user one action."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.client("iam").put_user_policy(
        UserName=USER, PolicyName=action.replace(":", "-"), PolicyDocument=json.dumps(policy)
    )


def test_policies_of_iam_are_enforced(cloud: Cloud, app_id: str, key: dict[str, str]) -> None:
    deployer = client(cloud, key["AccessKeyId"], key["SecretAccessKey"])
    arn = f"arn:aws:amplify:us-east-1:000000000000:apps/{app_id}"
    refused = "is not authorized to perform: amplify:GetApp"
    with pytest.raises(ClientError, match=refused):
        deployer.get_app(appId=app_id)
    allow(cloud, "amplify:GetApp", arn)
    assert deployer.get_app(appId=app_id)["app"]["appArn"] == arn
    with pytest.raises(ClientError, match=refused):
        deployer.get_app(appId="dother")
    allow(cloud, "amplify:UpdateApp", arn)
    with pytest.raises(ClientError, match="is not authorized to perform: iam:PassRole"):
        deployer.update_app(appId=app_id, iamServiceRoleArn=ROLE)
    allow(cloud, "iam:PassRole", ROLE)
    deployer.update_app(appId=app_id, iamServiceRoleArn=ROLE)
    allow(cloud, "amplify:*", "arn:aws:amplify:us-east-1:000000000000:apps/*/branches/*")
    deployer.create_branch(appId=app_id, branchName="feature/cart")


def test_signatures_are_compared(cloud: Cloud, key: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(cloud, key["AccessKeyId"], "wrong").list_apps()
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client(cloud, "AKIAUNKNOWN", "wrong").list_apps()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{cloud.amplify_url}/apps")  # noqa: S310 - the fake's own address


def test_it_says_what_it_is(cloud: Cloud) -> None:
    with urllib.request.urlopen(cloud.amplify_url) as answer:  # noqa: S310 - as above
        assert answer.read().startswith(b"A fake of AWS Amplify Hosting")


def test_what_it_was_told_outlives_a_stop_and_goes_with_the_rest(tmp_path: Path) -> None:
    cloud = Cloud(free_port())
    state_dir = tmp_path / "state"

    def run(command: str, *, fails: bool = False) -> str:
        options = ["--port", str(cloud.port), "--state-dir", str(state_dir)]
        done = subprocess.run(
            [sys.executable, "-m", "local_cloud", command, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr

    try:
        with socket.create_server(("127.0.0.1", cloud.port + 1)):
            assert f"Port {cloud.port + 1} of 127.0.0.1 is in use" in run("up", fails=True)
        run("up")
        app_id = cloud.client("amplify").create_app(name="shop")["app"]["appId"]
        run("stop")
        run("up")
        assert cloud.client("amplify").get_app(appId=app_id)["app"]["name"] == "shop"
    finally:
        run("down")
    assert not state_dir.exists()

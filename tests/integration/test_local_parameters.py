"""What the launcher mends of SSM: reading several parameters asks for each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.cloud import Cloud

NAMES = ["/of-run/colour", "/of-run/size"]


@pytest.fixture
def reader(cloud: Cloud) -> Any:
    """Return a client of SSM that may read both parameters."""
    iam = cloud.client("iam")
    iam.create_user(UserName="reader-of-run")
    allowed = {
        "Effect": "Allow",
        "Action": "ssm:GetParameters",
        "Resource": [f"arn:aws:ssm:us-east-1:000000000000:parameter{name}" for name in NAMES],
    }
    iam.put_user_policy(
        UserName="reader-of-run",
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    key = iam.create_access_key(UserName="reader-of-run")["AccessKey"]
    return boto3.client(
        "ssm",
        region_name=cloud.region,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_each_parameter_of_a_request_must_be_allowed(cloud: Cloud, reader: Any) -> None:
    for name in (*NAMES, "/of-run/price"):
        cloud.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    assert len(reader.get_parameters(Names=NAMES)["Parameters"]) == 2
    for names in (["/of-run/price"], [*NAMES, "/of-run/price"]):
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.get_parameters(Names=names)

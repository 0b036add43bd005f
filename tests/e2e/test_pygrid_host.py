"""The PyGrid host of a platform, as devices, owners of models and operators find it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.accounts import Accounts
from tests.cloud import ROOT
from tests.hosts import on_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deployment import Platform

CREDENTIALS = """
set -euo pipefail
base=$(sed -n 's/^AWS_EC2_METADATA_SERVICE_ENDPOINT=//p' /etc/environment | tr -d '"')/latest
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$base/api/token")
roles=$base/meta-data/iam/security-credentials
get() { curl -sf -H "X-aws-ec2-metadata-token: $token" "$1"; }
get "$roles/$(get "$roles/")"
"""


@pytest.fixture(scope="module")
def host(platform: Platform) -> str:
    """Return the host name that phones know."""
    name: str = platform.outputs["pygrid"]["host"]
    return name


def on_node(platform: Platform, script: str) -> str:
    """Return what a script prints that root runs on the node's host."""
    return on_host(platform, "pygrid", script)


def test_browsers_and_phones_train_a_model_of_a_data_scientist(
    platform: Platform, host: str
) -> None:
    accounts = Accounts(platform)
    accounts.join("marie")
    done = subprocess.run(
        [
            ROOT / "build/pygrid-venv/bin/pytest",
            "tests/clients/test_syftjs.py",
            *("-k", "two_cycles and jslinear"),
        ],
        cwd=ROOT / "pygrid",
        env=os.environ
        | {
            "PYGRID_URL": f"http://{host}:5000",
            "PYGRID_TOKEN": accounts.sign_in("marie")["AccessToken"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # Over ws and http, in Node and in Chromium.
    assert "4 passed" in done.stdout


def test_the_node_proves_who_it_is(platform: Platform, host: str) -> None:
    trusted = ssl.create_default_context(cadata=platform.outputs["pygrid"]["certificate"])
    connection = http.client.HTTPSConnection(host, timeout=30, context=trusted)
    connection.request("GET", "/data-centric/status/")
    assert connection.getresponse().status == 200
    foreign = http.client.HTTPSConnection(host, timeout=30)
    with pytest.raises(ssl.SSLCertVerificationError):
        foreign.request("GET", "/")
    plain = http.client.HTTPConnection(host, timeout=30)
    plain.request("GET", "/")
    assert plain.getresponse().getheader("Location") == f"https://{host}/"


@pytest.mark.parametrize("path", ["/model-centric/retrieve-model?name=any", "/metrics"])
def test_models_and_metrics_are_not_public(platform: Platform, host: str, path: str) -> None:
    connection = http.client.HTTPConnection(host, 5000, timeout=30)
    connection.request("GET", path)
    assert connection.getresponse().status in {401, 404}
    assert platform.outputs["pygrid"]["host"] == host


def test_other_ports_are_closed(host: str) -> None:
    listening = [22, 80, 443, 5000]
    for port in listening:
        socket.create_connection((host, port), timeout=10).close()
    for port in (5080, 5081, 5432, 9100):
        with pytest.raises(OSError, match=r"timed out|refused"):
            socket.create_connection((host, port), timeout=1)


def test_every_service_runs(platform: Platform) -> None:
    assert on_node(platform, "systemctl list-units --failed --plain --no-legend") == ""
    for unit in ("pygrid.service", "pygrid-backup.timer", "nginx", "nftables", "postgresql"):
        assert on_node(platform, f"systemctl is-active {unit}") == "active\n", unit


def test_the_host_may_do_what_its_services_do_and_nothing_else(platform: Platform) -> None:
    keys = json.loads(on_node(platform, CREDENTIALS))

    def client(service: Any) -> Any:
        return boto3.client(
            service,
            region_name=platform.cloud.region,
            endpoint_url=platform.cloud.endpoint_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["Token"],
        )

    bucket = platform.outputs["storage"]["buckets"]["backups"]
    s3, secrets = client("s3"), client("secretsmanager")
    prefix = "artificien-local"
    for name in ("retrieval-token", "status-token", "progress-secret"):
        assert secrets.get_secret_value(SecretId=f"{prefix}-pygrid-{name}")["SecretString"]
    s3.put_object(Bucket=bucket, Key="pygrid/tried", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="pygrid/tried")["Body"].read() == b"1"
    refused: list[Callable[[], object]] = [
        lambda: secrets.get_secret_value(SecretId=f"{prefix}-native-credentials"),
        lambda: secrets.put_secret_value(
            SecretId=f"{prefix}-pygrid-status-token",
            SecretString="mine",  # pragma: allowlist secret
        ),
        lambda: s3.delete_object(Bucket=bucket, Key="pygrid/tried"),
        lambda: s3.put_object(Bucket=bucket, Key="other/tried", Body=b"1"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: client("ec2").describe_instances(),
        lambda: client("dynamodb").scan(TableName="user_table"),
    ]
    for call in refused:
        with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation"):
            call()
    platform.cloud.client("s3").delete_object(Bucket=bucket, Key="pygrid/tried")

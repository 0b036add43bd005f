"""The smoke test on a platform that works, and on one of which something is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.cloud import ROOT
from tests.hosts import on_host

if TYPE_CHECKING:
    from tests.deployment import Platform

MARK = "smoke-test-"


def smoke(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the smoke test as make does."""
    outputs = platform.folder / "local/outputs.json"
    return subprocess.run(
        [sys.executable, "-m", "smoke", outputs, *arguments],
        cwd=ROOT,
        env=platform.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def failures(platform: Platform) -> dict[tuple[str, str], str]:
    """Return the remedies of the checks that fail, by component and check."""
    done = smoke(platform, "--json")
    rows = json.loads(done.stdout)
    failed = {
        (row["component"], row["check"]): row["remedy"] for row in rows if row["result"] == "failed"
    }
    assert done.returncode == (1 if failed else 0), done.stderr
    return failed


def leftovers(platform: Platform) -> list[str]:
    """Return what runs of the smoke test have left behind."""
    found = []
    dynamodb, s3 = platform.cloud.client("dynamodb"), platform.cloud.client("s3")
    for table in dynamodb.list_tables()["TableNames"]:
        for item in dynamodb.scan(TableName=table)["Items"]:
            found += [value["S"] for value in item.values() if MARK in value.get("S", "")]
    for bucket in platform.outputs["storage"]["buckets"].values():
        listed = s3.list_object_versions(Bucket=bucket, Prefix=MARK)
        found += [version["Key"] for version in listed.get("Versions", [])]
        found += [marker["Key"] for marker in listed.get("DeleteMarkers", [])]
    return found


def test_a_platform_that_works_passes(platform: Platform) -> None:
    done = smoke(platform)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["component", "check", "result", "remedy"]
    assert " 0 failed" in lines[-1]
    assert "a dataset gets its sample  " in done.stdout
    assert leftovers(platform) == []
    secrets = platform.cloud.client("secretsmanager")
    for secret in secrets.list_secrets()["SecretList"]:
        assert secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"] not in done.stdout


def test_a_read_only_run_leaves_out_what_writes(platform: Platform) -> None:
    rows = json.loads(smoke(platform, "--read-only", "--json").stdout)
    left_out = {row["check"] for row in rows if "read-only" in row["remedy"]}
    buckets = platform.outputs["storage"]["buckets"]
    assert left_out == {"a dataset gets its sample", *(f"{name} holds objects" for name in buckets)}
    assert not [row for row in rows if row["result"] == "failed"]


def test_what_is_broken_fails_and_nothing_else(platform: Platform) -> None:
    cloud, buckets = platform.cloud, platform.outputs["storage"]["buckets"]
    assert failures(platform) == {}
    cloud.client("dynamodb").update_table(
        TableName="dataset_table",
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "category-app-index"}}],
    )
    cloud.client("s3").put_public_access_block(
        Bucket=buckets["tutorials"],
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True},
    )
    alarm = "artificien-local-data-upload-errors"
    cloud.client("cloudwatch").delete_alarms(AlarmNames=[alarm])
    on_host(platform, "pygrid", "systemctl stop nginx")

    broken = failures(platform)
    on_host(platform, "pygrid", "systemctl start nginx")
    assert set(broken) == {
        ("dynamodb", "dataset_table"),
        ("storage", "tutorials is closed"),
        ("alerts", "every function has alarms"),
        ("pygrid", "it is ready"),
        ("pygrid", "devices reach it at 5000"),
        ("pygrid", "old clients reach the API at 5001"),
    }
    assert "category-app-index" in broken["dynamodb", "dataset_table"]
    assert "BlockPublicPolicy" in broken["storage", "tutorials is closed"]
    assert "Errors of artificien-local-data-upload" in broken["alerts", "every function has alarms"]
    assert "Connection refused" in broken["pygrid", "it is ready"]
    assert leftovers(platform) == []

    # A deployment ends with the smoke test, and fails with it.
    run = platform.play("site.yml", "--tags", "post_deploy", fails=True)
    assert "The smoke test failed" in run.text
    platform.play("site.yml", "--tags", "dynamodb,storage,data_upload")
    assert failures(platform) == {}

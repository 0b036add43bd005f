"""site.yml and destroy.yml as an operator runs them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import ROOT, free_port
from tests.deployment import COMPONENTS, SOAK

if TYPE_CHECKING:
    from tests.deployment import Platform


HOSTS = ("pygrid", "jupyterhub")
"""Components that take minutes; a plan of an empty account has each of them alone, too."""


@pytest.mark.parametrize("tag", [tag for tag in COMPONENTS if SOAK or tag not in HOSTS])
def test_every_tag_works_alone(platform: Platform, tag: str) -> None:
    run = platform.play("site.yml", "--tags", tag, "--check")
    assert run.changed == 0
    assert f"[{tag} :" in run.text


def test_the_outputs_say_where_everything_is(platform: Platform) -> None:
    outputs = platform.outputs
    assert outputs["aws"] == {
        "endpoint_url": platform.cloud.endpoint_url,
        "region": "us-east-1",
        "access_key_id": "test",
        "secret_access_key": "test",
    }
    tables = platform.cloud.client("dynamodb").list_tables()["TableNames"]
    assert {*outputs["dynamodb"]["tables"].values(), "artificien-local-downloads"} == set(tables)
    buckets = platform.cloud.client("s3").list_buckets()["Buckets"]
    assert set(outputs["storage"]["buckets"].values()) == {bucket["Name"] for bucket in buckets}


def test_tables_are_the_ones_that_the_clients_query(platform: Platform) -> None:
    client = platform.cloud.client("dynamodb")
    indexes = {}
    for name in client.list_tables()["TableNames"]:
        table = client.describe_table(TableName=name)["Table"]
        for index in table.get("GlobalSecondaryIndexes", []):
            assert index["Projection"]["ProjectionType"] == "ALL"
            indexes[index["IndexName"]] = [key["AttributeName"] for key in index["KeySchema"]]
    assert indexes == {
        "users_username_index": ["username"],
        "owner-active-index": ["owner_name", "active_status"],
        "owner_name-active_status-index": ["owner_name", "active_status"],
        "dataset-index": ["dataset"],
        "owner_username-index": ["owner_username"],
        "category-app-index": ["category", "app"],
        "placeholder-app": ["placeholder", "app"],
        "category-num_devices-index": ["category", "num_devices"],
    }


def test_records_that_fail_are_tried_a_bounded_number_of_times(platform: Platform) -> None:
    client = platform.cloud.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName="artificien-local-data-upload")[
        "EventSourceMappings"
    ]
    # pragma: allowlist nextline secret
    queue = "arn:aws:sqs:us-east-1:000000000000:artificien-local-data-upload-dead-letters"
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 5
    assert mapping["MaximumRecordAgeInSeconds"] == 43200
    assert mapping["BatchSize"] == 10
    assert mapping["ParallelizationFactor"] == 2
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_a_plan_tells_by_its_exit_code_whether_anything_would_change(platform: Platform) -> None:
    def plan(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "scripts/plan"), "-i", "inventories/local", "--tags", "data_upload"]
        return subprocess.run(
            [*command, *platform.variables, *arguments],
            cwd=ROOT,
            env=platform.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    unchanged = plan()
    assert unchanged.returncode == 0, unchanged.stdout
    changed = plan("-e", "data_upload_memory_mib=2048")
    assert changed.returncode == 2, changed.stdout
    assert [line for line in changed.stdout.splitlines() if line.startswith(("+ ", "- "))] == [
        "-        memory_mib: 1024",
        "+        memory_mib: 2048",
    ]
    assert plan("-e", "aws_account_id=999999999999").returncode == 1


def test_a_tag_that_does_not_exist_is_refused(platform: Platform) -> None:
    run = platform.play("site.yml", "--tags", "storge", fails=True)
    assert "give some of network, dynamodb" in " ".join(run.text.split())


def test_the_hub_reaches_the_plain_port_of_the_node_only_for_old_libraries(
    platform: Platform,
) -> None:
    options = ("--tags", "network", "--check", "--diff", "-e", "jupyterhub_syft_python=/any")
    run = platform.play("site.yml", *options)
    assert run.changed == 1
    assert [line.split("  ")[-1] for line in run.text.splitlines() if line[:2] in ("+ ", "- ")] == [
        "tcp 5000 0.0.0.0/0: Old libraries of notebooks"
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"jupyterhub_provision_callback_urls": ["https://elsewhere/hub/oauth_callback"]},
            "/hub/oauth_callback to jupyterhub_provision_callback_urls",
        ),
        (
            {"jupyterhub_provision_user_pool": "case-sensitive"},
            "Names in the user pool case-sensitive are case-sensitive",
        ),
    ],
)
def test_a_hub_to_which_people_could_not_sign_in_is_refused(
    platform: Platform, values: dict[str, Any], told: str
) -> None:
    cognito = platform.cloud.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="case-sensitive", UsernameConfiguration={"CaseSensitive": True}
    )["UserPool"]["Id"]
    try:
        options = ("--tags", "jupyterhub", "--check", "-e", json.dumps(values))
        assert told in " ".join(platform.play("site.yml", *options, fails=True).text.split())
    finally:
        cognito.delete_user_pool(UserPoolId=pool)


def test_an_account_that_does_not_answer_is_named_with_the_remedy(platform: Platform) -> None:
    elsewhere = replace(platform, cloud=replace(platform.cloud, port=free_port()))
    run = elsewhere.play("site.yml", fails=True)
    assert "Start the local cloud with make up." in " ".join(run.text.split())


def test_destroying_needs_the_name_of_the_environment(platform: Platform) -> None:
    for confirmation in ([], ["-e", "confirm=prod"]):
        run = platform.play("destroy.yml", *confirmation, fails=True)
        assert "-e confirm=local" in " ".join(run.text.split())
    assert platform.play("site.yml", "--tags", "dynamodb,storage").changed == 0

"""site.yml and destroy.yml as an operator runs them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.cloud import ROOT, free_port

if TYPE_CHECKING:
    from tests.deployment import Platform

TAGS = ["dynamodb", "storage", "alerts", "cognito", "data_upload", "seed_data"]


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    assert platform.play("site.yml").changed == 0
    assert platform.play("site.yml", "--check", "--diff").changed == 0


@pytest.mark.parametrize("tag", TAGS)
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
    assert set(outputs["dynamodb"]["tables"].values()) == set(tables)
    buckets = platform.cloud.client("s3").list_buckets()["Buckets"]
    assert set(outputs["storage"]["buckets"].values()) == {bucket["Name"] for bucket in buckets}


def test_tables_are_the_ones_that_the_clients_query(platform: Platform) -> None:
    client = platform.cloud.client("dynamodb")
    indexes = {}
    for name in client.list_tables()["TableNames"]:
        table = client.describe_table(TableName=name)["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        backups = client.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        for index in table.get("GlobalSecondaryIndexes", []):
            assert index["Projection"]["ProjectionType"] == "ALL"
            indexes[index["IndexName"]] = [key["AttributeName"] for key in index["KeySchema"]]
    assert indexes == {
        "users_username_index": ["username"],
        "owner-active-index": ["owner_name", "active_status"],
        "owner_name-active_status-index": ["owner_name", "active_status"],
        "owner_username-index": ["owner_username"],
        "category-app-index": ["category", "app"],
        "placeholder-app": ["placeholder", "app"],
        "category-num_devices-index": ["category", "num_devices"],
    }


def test_every_bucket_is_private_encrypted_and_versioned(platform: Platform) -> None:
    client = platform.cloud.client("s3")
    for bucket in platform.outputs["storage"]["buckets"].values():
        access = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert all(access.values())
        assert len(access) == 4
        assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        assert rules["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        policy = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        denied = policy["Statement"][0]
        assert denied["Effect"] == "Deny"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        lifecycle = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in lifecycle)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle)


def test_dead_letters_are_encrypted(platform: Platform) -> None:
    client = platform.cloud.client("sqs")
    url = client.get_queue_url(QueueName="artificien-local-data-upload-dead-letters")["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/aws/sqs"
    assert attributes["MessageRetentionPeriod"] == "1209600"
    denied = json.loads(attributes["Policy"])["Statement"][0]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_records_that_fail_are_tried_a_bounded_number_of_times(platform: Platform) -> None:
    client = platform.cloud.client("lambda")
    (mapping,) = client.list_event_source_mappings()["EventSourceMappings"]
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


def test_logs_are_kept_for_a_time(platform: Platform) -> None:
    client = platform.cloud.client("logs")
    groups = client.describe_log_groups(logGroupNamePrefix="/aws/lambda/artificien-")["logGroups"]
    assert {group["logGroupName"]: group["retentionInDays"] for group in groups} == {
        "/aws/lambda/artificien-local-data-upload": 30,
        "/aws/lambda/artificien-local-post-confirmation": 30,
    }


def test_browsers_may_read_trained_models_only(platform: Platform) -> None:
    client = platform.cloud.client("s3")
    for name, bucket in platform.outputs["storage"]["buckets"].items():
        if name == "trained_models":
            (rule,) = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
            assert rule["AllowedOrigins"] == ["http://localhost:3000"]
            assert set(rule["AllowedMethods"]) == {"GET", "HEAD"}
        else:
            with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
                client.get_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize("role", ["data-upload", "post-confirmation", "authenticated"])
def test_a_role_is_granted_no_wildcard(platform: Platform, role: str) -> None:
    iam = platform.cloud.client("iam")
    policies = iam.list_attached_role_policies(RoleName=f"artificien-local-{role}")
    (policy,) = policies["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
    for statement in document["PolicyVersion"]["Document"]["Statement"]:
        actions = statement["Action"]
        assert not any(
            "*" in action for action in ([actions] if isinstance(actions, str) else actions)
        )
        assert statement["Resource"] != "*"


def test_every_alarm_rings_somewhere(platform: Platform) -> None:
    alarms = platform.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"].removeprefix("artificien-local-") for alarm in alarms} == {
        "data-upload-dead-letters",
        "data-upload-errors",
        "data-upload-iterator-age",
        "data-upload-throttles",
        "post-confirmation-errors",
        "post-confirmation-throttles",
    }
    for alarm in alarms:
        assert alarm["AlarmActions"] == [platform.outputs["alerts"]["topic"]]


def test_a_plan_of_an_empty_account_shows_what_would_be_made(empty_account: Platform) -> None:
    run = empty_account.play("site.yml", "--check", "--diff")
    for made in ("dataset_table", "artificien-local-000000000000-sample-data", "Artificien-Health"):
        assert re.search(rf"^\+ .*{made}", run.text, re.MULTILINE)
    assert run.changed >= len(TAGS)
    assert empty_account.cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert empty_account.cloud.client("s3").list_buckets()["Buckets"] == []
    for tag in TAGS:
        assert empty_account.play("site.yml", "--check", "--tags", tag).changed > 0


def test_production_is_planned_from_an_empty_account(
    empty_account: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in empty_account.cloud.environment.items():
        monkeypatch.setenv(name, value)
    missing = empty_account.play("site.yml", "--check", inventory="prod", fails=True)
    assert "aws_account_id has no value: it is the 12 digits" in " ".join(missing.text.split())

    account = ("-e", "aws_account_id=111122223333", "-e", "aws_region=us-east-1")
    other = empty_account.play("site.yml", "--check", *account, inventory="prod", fails=True)
    assert "is in account 000000000000, but prod is account 111122223333" in " ".join(
        other.text.split()
    )

    account = ("-e", "aws_account_id=000000000000", "-e", "aws_region=eu-west-1")
    region = empty_account.play("site.yml", "--check", *account, inventory="prod", fails=True)
    assert "of the shell is us-east-1, but prod is in eu-west-1" in " ".join(region.text.split())

    account = ("-e", "aws_account_id=000000000000", "-e", "aws_region=us-east-1")
    plan = empty_account.play("site.yml", "--check", "--diff", *account, inventory="prod")
    assert plan.changed >= len(TAGS)
    assert "deletion_protection: true" in plan.text
    assert "artificien-prod-000000000000-sample-data" in plan.text


def test_a_plan_tells_by_its_exit_code_whether_anything_would_change(platform: Platform) -> None:
    def plan(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "scripts/plan"), "-i", "inventories/local", *platform.variables]
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
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
    assert "give some of dynamodb, storage" in " ".join(run.text.split())


def test_an_account_that_does_not_answer_is_named_with_the_remedy(platform: Platform) -> None:
    run = platform.play("site.yml", "-e", f"local_cloud_port={free_port()}", fails=True)
    assert "Start the local cloud with make up." in " ".join(run.text.split())


def test_destroying_needs_the_name_of_the_environment(platform: Platform) -> None:
    for confirmation in ([], ["-e", "confirm=prod"]):
        run = platform.play("destroy.yml", *confirmation, fails=True)
        assert "-e confirm=local" in " ".join(run.text.split())
    assert platform.play("site.yml").changed == 0


def test_what_holds_data_survives_until_told_otherwise(empty_account: Platform) -> None:
    empty_account.play("site.yml")
    cloud = empty_account.cloud
    cloud.client("lambda").delete_function(FunctionName="artificien-local-data-upload")
    cloud.client("dynamodb").delete_table(TableName="app_table")
    run = empty_account.play("destroy.yml", "-e", "confirm=local")
    assert "dataset_table stays" in " ".join(run.text.split())
    kept = set(empty_account.outputs["dynamodb"]["tables"])
    assert kept == {"dataset_table", "model_table", "user_table"}
    assert "dataset_table" in cloud.client("dynamodb").list_tables()["TableNames"]
    assert "enterprise_table" not in cloud.client("dynamodb").list_tables()["TableNames"]
    assert "artificien-local stays" in " ".join(run.text.split())
    assert empty_account.outputs["cognito"]["user_pool_id"]

    empty_account.play("destroy.yml", "-e", "confirm=local", "-e", "delete_data=true")
    again = empty_account.play("destroy.yml", "-e", "confirm=local", "-e", "delete_data=true")
    assert again.changed == 0
    tagged = cloud.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "project", "Values": ["artificien"]}]
    )
    assert tagged["ResourceTagMappingList"] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []
    assert cloud.client("iam").list_policies(Scope="Local")["Policies"] == []
    assert cloud.client("iam").list_roles()["Roles"] == []
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    pools = cloud.client("cognito-identity").list_identity_pools(MaxResults=10)["IdentityPools"]
    assert pools == []
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []

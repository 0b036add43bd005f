"""Checks of buckets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.checks.policies import actions, demands_tls, is_public, other_accounts

if TYPE_CHECKING:
    from tests.e2e.checks.account import Account
    from tests.e2e.checks.explanations import Check

EVERYBODY = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)


def of_each_bucket(
    account: Account, operation: str, missing: str = ""
) -> dict[str, dict[str, Any]]:
    """Return what S3 answers about each bucket, nothing if it says that there is none."""
    return {
        name: account.answer("s3", operation, missing, Bucket=bucket) or {}
        for name, bucket in account.buckets.items()
    }


def public_grants(account: Account) -> dict[str, set[str]]:
    """Return what the ACL of each bucket lets everybody do."""
    return {
        name: {
            grant["Permission"]
            for grant in answer["Grants"]
            if grant["Grantee"].get("URI") in EVERYBODY
        }
        for name, answer in of_each_bucket(account, "get_bucket_acl").items()
    }


def algorithms(account: Account) -> dict[str, str]:
    """Return how each bucket encrypts."""
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    results = {}
    for name, answer in of_each_bucket(account, "get_bucket_encryption", missing).items():
        rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        defaults = [rule["ApplyServerSideEncryptionByDefault"] for rule in rules]
        results[name] = defaults[0]["SSEAlgorithm"] if defaults else "none"
    return results


def test_s3_bucket_acl_prohibited(account: Account, check: Check) -> None:
    missing = "OwnershipControlsNotFoundError"
    answers = of_each_bucket(account, "get_bucket_ownership_controls", missing)
    wanted = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    check({name: answer.get("OwnershipControls") == wanted for name, answer in answers.items()})


def test_s3_bucket_cross_account_access(account: Account, check: Check) -> None:
    policies = account.bucket_policies.items()
    check({name: not other_accounts(policy, account.number) for name, policy in policies})


def test_s3_bucket_cross_region_replication(account: Account, check: Check) -> None:
    missing = "ReplicationConfigurationNotFoundError"
    answers = of_each_bucket(account, "get_bucket_replication", missing)
    check({name: bool(answer) for name, answer in answers.items()})


def test_s3_bucket_default_encryption(account: Account, check: Check) -> None:
    known = ("AES256", "aws:kms", "aws:kms:dsse")
    check({name: algorithm in known for name, algorithm in algorithms(account).items()})


def test_s3_bucket_event_notifications_enabled(account: Account, check: Check) -> None:
    answers = of_each_bucket(account, "get_bucket_notification_configuration")
    check({name: bool({*answer} - {"ResponseMetadata"}) for name, answer in answers.items()})


def test_s3_bucket_kms_encryption(account: Account, check: Check) -> None:
    check({name: value.startswith("aws:kms") for name, value in algorithms(account).items()})


def test_s3_bucket_level_public_access_block(account: Account, check: Check) -> None:
    """AwsSolutions-S2."""
    missing = "NoSuchPublicAccessBlockConfiguration"
    results = {}
    for name, answer in of_each_bucket(account, "get_public_access_block", missing).items():
        blocked = answer.get("PublicAccessBlockConfiguration", {})
        results[name] = list(blocked.values()) == [True] * 4
    check(results)


def test_s3_bucket_lifecycle_enabled(account: Account, check: Check) -> None:
    missing = "NoSuchLifecycleConfiguration"
    wanted = {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}
    results = {}
    for name, answer in of_each_bucket(
        account, "get_bucket_lifecycle_configuration", missing
    ).items():
        rules = [rule for rule in answer.get("Rules", []) if rule["Status"] == "Enabled"]
        results[name] = wanted <= {setting for rule in rules for setting in rule}
    check(results)


def test_s3_bucket_no_mfa_delete(account: Account, check: Check) -> None:
    answers = of_each_bucket(account, "get_bucket_versioning")
    check({name: answer.get("MFADelete") == "Enabled" for name, answer in answers.items()})


def test_s3_bucket_object_lock(account: Account, check: Check) -> None:
    missing = "ObjectLockConfigurationNotFoundError"
    answers = of_each_bucket(account, "get_object_lock_configuration", missing)
    check({name: bool(answer) for name, answer in answers.items()})


def test_s3_bucket_object_public(account: Account, check: Check) -> None:
    results = {}
    for name, bucket in account.buckets.items():
        listed = account.answer("s3", "list_objects_v2", Bucket=bucket, MaxKeys=20)
        for each in listed.get("Contents", []):
            acl = account.answer("s3", "get_object_acl", Bucket=bucket, Key=each["Key"])
            results[f"{name}/{each['Key']}"] = not any(
                grant["Grantee"].get("URI") in EVERYBODY for grant in acl["Grants"]
            )
    check(results)


def test_s3_bucket_object_versioning(account: Account, check: Check) -> None:
    answers = of_each_bucket(account, "get_bucket_versioning")
    check({name: answer.get("Status") == "Enabled" for name, answer in answers.items()})


def test_s3_bucket_policy_public_write_access(account: Account, check: Check) -> None:
    policies = account.bucket_policies.items()
    check({name: not (is_public(policy) and actions(policy)) for name, policy in policies})


def test_s3_bucket_public_access(account: Account, check: Check) -> None:
    grants = public_grants(account)
    policies = account.bucket_policies.items()
    check({name: not grants[name] and not is_public(policy) for name, policy in policies})


def test_s3_bucket_public_list_acl(account: Account, check: Check) -> None:
    grants = public_grants(account).items()
    check({name: not public & {"READ", "FULL_CONTROL"} for name, public in grants})


def test_s3_bucket_public_write_acl(account: Account, check: Check) -> None:
    grants = public_grants(account).items()
    check({name: not public & {"WRITE", "WRITE_ACP", "FULL_CONTROL"} for name, public in grants})


def test_s3_bucket_secure_transport_policy(account: Account, check: Check) -> None:
    """AwsSolutions-S10."""
    check({name: demands_tls(policy) for name, policy in account.bucket_policies.items()})


def test_s3_bucket_server_access_logging_enabled(account: Account, check: Check) -> None:
    """AwsSolutions-S1."""
    answers = of_each_bucket(account, "get_bucket_logging")
    check({name: "LoggingEnabled" in answer for name, answer in answers.items()})


def test_s3_bucket_shadow_resource_vulnerability(account: Account, check: Check) -> None:
    """No name is one that a service of AWS would make up for an account, and somebody else take."""
    guessable = "aws-glue-assets-|sagemaker-|aws-emr-studio-|aws-codestar-|cf-templates-|cdk-"
    names = account.buckets.items()
    check({name: not re.match(guessable, bucket) for name, bucket in names})


def test_only_trained_models_are_read_by_pages_of_the_marketplace(account: Account) -> None:
    for name, bucket in account.buckets.items():
        if name == "trained-models":
            (rule,) = account.answer("s3", "get_bucket_cors", Bucket=bucket)["CORSRules"]
            assert rule["AllowedOrigins"] == ["http://localhost:3000"]
            assert set(rule["AllowedMethods"]) == {"GET", "HEAD"}
        else:
            with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
                account.answer("s3", "get_bucket_cors", Bucket=bucket)

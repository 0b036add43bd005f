"""`s3_buckets` without AWS: what policies mean, plans as tables, and the exact calls of each."""

from __future__ import annotations

import functools
import json
import random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from ansible.module_utils.artificien.aws import AwsError, read_account, wait_until
from ansible.module_utils.artificien.policies import canonical_policy
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, make_plan
from ansible.module_utils.artificien.s3 import (
    apply_bucket,
    desired_bucket,
    read_bucket,
)
from botocore.stub import Stubber

from library.s3_buckets import plan_absent, plan_present

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "111122223333"
KEY = "arn:aws:kms:us-east-1:111122223333:key/k"
BUCKET = {"Bucket": "bills"}
SYSTEM_TAG = {"Key": "aws:cloudformation:stack-name", "Value": "mall"}
PATIENT = functools.partial(wait_until, timeout_seconds=9, interval_seconds=0)
IMPATIENT = functools.partial(wait_until, timeout_seconds=0)
# What the waiter for a new bucket looks at.
THERE = {"ResponseMetadata": {"HTTPStatusCode": 200}}
ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
TIDY = {"id": "tidy", "prefix": "", "noncurrent_days": 30, "abort_multipart_days": 7}
TIDY_REQUEST = {
    "ID": "tidy",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
GET_CORS = {
    "allowed_origins": ["https://a", "https://b"],
    "allowed_methods": ["GET"],
    "allowed_headers": [],
    "expose_headers": [],
    "max_age_seconds": None,
}
STATEMENT: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": ["arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/a"]},
    "Action": ["s3:PutObject", "s3:GetObject"],
    "Resource": "arn:aws:s3:::bills/*",
    "Condition": {"StringLike": {"aws:UserAgent": ["x*", "a*"]}, "Bool": {"a:b": "true"}},
}
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [STATEMENT, STATEMENT | {"Sid": "Another", "Principal": "*", "Effect": "Deny"}],
}


def option(**given: Any) -> dict[str, Any]:
    """Return an entry of the `buckets` option with those of `given` changed."""
    unset = (
        "versioning",
        "kms_key",
        "block_public_access",
        "object_ownership",
        "tls_only",
        "policy",
        "lifecycle_rules",
        "cors_rules",
        "tags",
    )
    return {"name": "bills", **dict.fromkeys(unset), **given}


def rule(**given: Any) -> dict[str, Any]:
    """Return an entry of the `lifecycle_rules` option with those of `given` changed."""
    unset = (
        "noncurrent_days",
        "expiration_days",
        "abort_multipart_days",
        "expired_delete_markers",
    )
    return {"id": "tidy", "prefix": "", **dict.fromkeys(unset), **given}


def model(**fields: Any) -> dict[str, Any]:
    """Return the model of a new bucket of today with `fields` changed."""
    base: dict[str, Any] = {
        "block_public_access": True,
        "object_ownership": "BucketOwnerEnforced",
        "encryption": {"algorithm": "AES256"},
        "versioning": False,
        "lifecycle_rules": [],
        "cors_rules": [],
        "tags": {},
        "policy": {},
    }
    return base | fields


def encryption(**rule: Any) -> dict[str, Any]:
    """Return what GetBucketEncryption answers, or PutBucketEncryption takes, for one rule."""
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def answer_reads(stubber: Stubber, **answers: dict[str, Any] | str) -> None:
    """Script all reads of one bucket; an answer is a response or an error's code."""
    defaults: dict[str, dict[str, Any] | str] = {
        "get_public_access_block": {"PublicAccessBlockConfiguration": ALL_BLOCKED},
        "get_bucket_ownership_controls": {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        },
        "get_bucket_encryption": encryption(
            ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}, BucketKeyEnabled=False
        ),
        "get_bucket_versioning": {},
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_tagging": "NoSuchTagSet",
        "get_bucket_policy": "NoSuchBucketPolicy",
    }
    stubber.add_response(
        "head_bucket", {"BucketRegion": "us-east-1"}, BUCKET | {"ExpectedBucketOwner": ACCOUNT}
    )
    for operation, answer in (defaults | answers).items():
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer, expected_params=BUCKET)
        else:
            stubber.add_response(operation, answer, BUCKET)


@pytest.mark.parametrize(
    "same",
    [
        {"Version": "2012-10-17", "Statement": POLICY["Statement"][::-1]},
        {
            "Version": "2012-10-17",
            "Statement": [
                STATEMENT
                | {
                    "Principal": {"AWS": STATEMENT["Principal"]["AWS"][::-1]},
                    "Action": STATEMENT["Action"][::-1],
                    "Resource": ["arn:aws:s3:::bills/*"],
                    "Condition": {
                        "Bool": {"a:b": [True]},
                        "StringLike": {"aws:UserAgent": ["a*", "x*"]},
                    },
                },
                POLICY["Statement"][1] | {"Principal": {"AWS": ["*"]}},
            ],
        },
    ],
)
def test_policies_that_mean_the_same_are_equal(same: dict[str, Any]) -> None:
    assert canonical_policy(same) == canonical_policy(POLICY)


@pytest.mark.parametrize(
    "other",
    [
        {},
        POLICY | {"Version": "2008-10-17"},
        POLICY | {"Statement": [STATEMENT]},
        POLICY | {"Statement": [STATEMENT, STATEMENT]},
        POLICY | {"Statement": [STATEMENT | {"Action": "s3:GetObject"}, POLICY["Statement"][1]]},
        POLICY
        | {"Statement": [STATEMENT | {"Principal": {"Service": "*"}}, POLICY["Statement"][1]]},
        POLICY | {"Statement": [STATEMENT | {"Condition": {}}, POLICY["Statement"][1]]},
    ],
)
def test_policies_that_mean_something_else_differ(other: dict[str, Any]) -> None:
    assert canonical_policy(other) != canonical_policy(POLICY)


def test_short_forms_of_policies_are_known() -> None:
    single = {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}}
    listed = {"Version": "2008-10-17", "Statement": [single["Statement"]]}
    assert canonical_policy(single) == canonical_policy(listed)
    by_id = {"Statement": {"Principal": {"AWS": ACCOUNT}}}
    by_root = {"Statement": {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}}
    assert canonical_policy(by_id) == canonical_policy(by_root)


def test_any_order_gives_one_canonical_policy() -> None:
    shuffle = random.Random(7).shuffle  # noqa: S311 - not for security
    statements = [STATEMENT | {"Sid": f"S{number}"} for number in range(6)]
    expected = canonical_policy({"Statement": statements})
    for _ in range(20):
        shuffle(statements)
        assert canonical_policy({"Statement": statements}) == expected
    assert canonical_policy(expected) == expected


def test_unset_options_are_left_alone() -> None:
    assert set(desired_bucket(option()).values()) == {None}
    assert not make_plan("bills", model(tags={"a": "1"}), desired_bucket(option())).changed


def test_tls_only_adds_to_the_policy() -> None:
    refusal = {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::bills", "arn:aws:s3:::bills/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    alone = desired_bucket(option(tls_only=True))["policy"]
    assert alone == {"Version": "2012-10-17", "Statement": [refusal]}
    both = desired_bucket(option(tls_only=True, policy=POLICY))["policy"]
    assert len(both["Statement"]) == len(POLICY["Statement"]) + 1
    assert refusal in both["Statement"]
    assert desired_bucket(option(tls_only=False))["policy"] is None


def test_options_become_the_words_of_the_model() -> None:
    wanted = option(
        versioning=True,
        kms_key=KEY,
        block_public_access=True,
        object_ownership="BucketOwnerEnforced",
        policy=POLICY,
        lifecycle_rules=[
            rule(id="z", expired_delete_markers=True, noncurrent_days=30),
            rule(id="a", prefix="drafts/", expiration_days=1, expired_delete_markers=False),
        ],
        cors_rules=[GET_CORS | {"allowed_origins": ["https://b", "https://a"]}],
        tags={"owner": "shop"},
    )
    assert desired_bucket(wanted) == model(
        versioning=True,
        encryption={"algorithm": "aws:kms", "kms_key": KEY, "bucket_key": True},
        policy=canonical_policy(POLICY),
        lifecycle_rules=[
            {"id": "a", "prefix": "drafts/", "expiration_days": 1},
            {"id": "z", "prefix": "", "noncurrent_days": 30, "expired_delete_markers": True},
        ],
        cors_rules=[GET_CORS],
        tags={"owner": "shop"},
    )


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (option(kms_key="alias/mine"), "bills: kms_key is 'alias/mine'; give aws_s3"),
        (
            option(kms_key="arn:aws:kms:us-east-1:111122223333:alias/mine"),
            "kms_key is 'arn:aws:kms:us-east-1:111122223333:alias/mine'.* an alias",
        ),
        (option(kms_key="arn:aws:iam::111122223333:key/k"), "give aws_s3 or the ARN of the key"),
        (option(lifecycle_rules=[rule()]), "bills: lifecycle rule tidy does nothing"),
        (
            option(lifecycle_rules=[rule(expiration_days=1, expired_delete_markers=True)]),
            "make two rules of it",
        ),
    ],
)
def test_a_value_that_s3_refuses_fails_while_planning(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(ReconcileError, match=words):
        desired_bucket(wanted)


def test_read_gives_the_defaults_of_a_new_bucket(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(stubber)
    assert read_bucket(client, "bills", ACCOUNT) == model()


def test_read_tells_what_an_old_bucket_lacks(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(
        stubber,
        get_public_access_block="NoSuchPublicAccessBlockConfiguration",
        get_bucket_ownership_controls="OwnershipControlsNotFoundError",
        get_bucket_encryption="ServerSideEncryptionConfigurationNotFoundError",
        get_bucket_versioning={"Status": "Suspended"},
    )
    assert read_bucket(client, "bills", ACCOUNT) == model(
        block_public_access=False,
        object_ownership="ObjectWriter",
        encryption={"algorithm": "none"},
    )


def test_read_gives_the_words_of_the_options(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    cors = {"AllowedOrigins": ["https://b", "https://a"], "AllowedMethods": ["GET"], "ID": "1"}
    answer_reads(
        stubber,
        get_bucket_encryption=encryption(
            ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            BucketKeyEnabled=True,
        ),
        get_bucket_versioning={"Status": "Enabled"},
        get_bucket_lifecycle_configuration={"Rules": [TIDY_REQUEST]},
        get_bucket_cors={"CORSRules": [cors]},
        get_bucket_tagging={"TagSet": [SYSTEM_TAG, {"Key": "owner", "Value": "shop"}]},
        get_bucket_policy={"Policy": json.dumps(POLICY)},
    )
    assert read_bucket(client, "bills", ACCOUNT) == model(
        encryption={"algorithm": "aws:kms", "kms_key": KEY, "bucket_key": True},
        versioning=True,
        lifecycle_rules=[TIDY],
        cors_rules=[GET_CORS],
        tags={"owner": "shop"},
        policy=canonical_policy(POLICY),
    )


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (
            ALL_BLOCKED | {"BlockPublicPolicy": False},
            sorted(ALL_BLOCKED.keys() - {"BlockPublicPolicy"}),
        ),
        (dict.fromkeys(ALL_BLOCKED, False), False),
    ],
)
def test_half_a_block_is_neither_on_nor_off(
    stubbed: Callable[[str], tuple[Any, Stubber]], block: dict[str, bool], value: Any
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(stubber, get_public_access_block={"PublicAccessBlockConfiguration": block})
    bucket = read_bucket(client, "bills", ACCOUNT)
    assert bucket is not None
    found = bucket["block_public_access"]
    assert (sorted(found) if isinstance(found, list) else found) == value


@pytest.mark.parametrize(
    ("present", "same"),
    [
        (TIDY_REQUEST, True),
        # The form of before 2016, and that of a rule for everything.
        ({**{k: v for k, v in TIDY_REQUEST.items() if k != "Filter"}, "Prefix": ""}, True),
        (TIDY_REQUEST | {"Filter": {}}, True),
        (TIDY_REQUEST | {"Status": "Disabled"}, False),
        (TIDY_REQUEST | {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}, False),
        (TIDY_REQUEST | {"Expiration": {"Days": 3}}, False),
        (TIDY_REQUEST | {"Transitions": [{"Days": 3, "StorageClass": "GLACIER"}]}, False),
        (
            TIDY_REQUEST
            | {"NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2}},
            False,
        ),
    ],
)
def test_a_rule_with_more_than_our_words_differs(
    stubbed: Callable[[str], tuple[Any, Stubber]], present: dict[str, Any], same: bool
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(stubber, get_bucket_lifecycle_configuration={"Rules": [present]})
    bucket = read_bucket(client, "bills", ACCOUNT)
    assert bucket is not None
    assert (bucket["lifecycle_rules"] == [TIDY]) is same


@pytest.mark.parametrize(
    ("algorithm", "found"),
    [
        (
            {"SSEAlgorithm": "aws:kms"},
            {"algorithm": "aws:kms", "kms_key": "alias/aws/s3", "bucket_key": False},
        ),
        (
            {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": KEY},
            {"algorithm": "aws:kms:dsse", "kms_key": KEY, "bucket_key": False},
        ),
    ],
)
def test_other_encryption_than_ours_differs(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    algorithm: dict[str, str],
    found: dict[str, Any],
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(
        stubber,
        get_bucket_encryption=encryption(ApplyServerSideEncryptionByDefault=algorithm),
    )
    assert read_bucket(client, "bills", ACCOUNT) == model(encryption=found)
    assert desired_bucket(option(kms_key=KEY))["encryption"] != found


def test_a_rule_that_only_blocks_leaves_the_default_of_s3(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    blocking = encryption(BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    answer_reads(stubber, get_bucket_encryption=blocking)
    assert read_bucket(client, "bills", ACCOUNT) == model()


def test_a_missing_bucket_is_none(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("head_bucket", "404")
    assert read_bucket(client, "bills", ACCOUNT) is None


def test_the_account_is_that_of_the_credentials(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("sts")
    stubber.add_response("get_caller_identity", {"Account": ACCOUNT}, {})
    assert read_account(client) == ACCOUNT


def test_a_bucket_that_cannot_be_ours_fails_with_the_remedy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("head_bucket", "403")
    with pytest.raises(ReconcileError, match=r"bills: S3 refuses .*another project or env"):
        read_bucket(client, "bills", ACCOUNT)
    stubber.add_response("head_bucket", {"BucketRegion": "eu-west-1"})
    with pytest.raises(ReconcileError, match="lies in eu-west-1, not in us-east-1"):
        read_bucket(client, "bills", ACCOUNT)
    stubber.add_client_error("head_bucket", "500")
    with pytest.raises(AwsError, match="read bucket bills: 500"):
        read_bucket(client, "bills", ACCOUNT)


def test_a_setting_that_cannot_be_read_is_not_taken_for_missing(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    answer = {"BucketRegion": "us-east-1"}
    stubber.add_response("head_bucket", answer)
    stubber.add_client_error("get_public_access_block", "AccessDenied", "no")
    with pytest.raises(AwsError, match="read bucket bills: AccessDenied: no"):
        read_bucket(client, "bills", ACCOUNT)


def test_tags_that_are_not_listed_stay_without_purge(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    params: dict[str, Any] = {"buckets": [option(tags={"b": "2"})]}
    for purge, tags in ((False, {"a": "1", "b": "2"}), (True, {"b": "2"})):
        answer_reads(stubber, get_bucket_tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
        (plan,) = plan_present(client, ACCOUNT, params | {"purge_tags": purge})
        assert plan.after == model(tags=tags)


@pytest.mark.parametrize(
    ("held", "delete_objects", "action"),
    [
        ({}, False, "delete"),
        ({"Versions": [{"Key": "a"}]}, False, "none"),
        ({"DeleteMarkers": [{"Key": "a"}]}, False, "none"),
        (None, True, "delete"),
    ],
)
def test_a_bucket_that_holds_anything_stays_unless_told_otherwise(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    held: dict[str, Any] | None,
    delete_objects: bool,
    action: str,
) -> None:
    client, stubber = stubbed("s3")
    answer_reads(stubber)
    if held is not None:
        stubber.add_response("list_object_versions", held, BUCKET | {"MaxKeys": 1})
    params = {"buckets": [option()], "delete_objects": delete_objects}
    (plan,) = plan_absent(client, ACCOUNT, params)
    assert plan.action == action


def test_a_new_bucket_is_closed_before_it_gets_its_policy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("create_bucket", {}, BUCKET)
    stubber.add_response("head_bucket", THERE, BUCKET)
    stubber.add_response(
        "put_public_access_block",
        {},
        BUCKET | {"PublicAccessBlockConfiguration": ALL_BLOCKED},
    )
    stubber.add_response(
        "put_bucket_ownership_controls",
        {},
        BUCKET | {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    )
    stubber.add_response(
        "put_bucket_encryption",
        {},
        BUCKET
        | encryption(
            ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            BucketKeyEnabled=True,
        ),
    )
    stubber.add_response(
        "put_bucket_versioning", {}, BUCKET | {"VersioningConfiguration": {"Status": "Enabled"}}
    )
    stubber.add_response(
        "put_bucket_lifecycle_configuration",
        {},
        BUCKET | {"LifecycleConfiguration": {"Rules": [TIDY_REQUEST]}},
    )
    cors = {
        "AllowedOrigins": ["https://a", "https://b"],
        "AllowedMethods": ["GET"],
        "AllowedHeaders": [],
        "ExposeHeaders": [],
    }
    rules = [cors, cors | {"MaxAgeSeconds": 0}]
    stubber.add_response(
        "put_bucket_cors", {}, BUCKET | {"CORSConfiguration": {"CORSRules": rules}}
    )
    stubber.add_client_error("get_bucket_tagging", "NoSuchTagSet", expected_params=BUCKET)
    stubber.add_response(
        "put_bucket_tagging",
        {},
        BUCKET | {"Tagging": {"TagSet": [{"Key": "owner", "Value": "shop"}]}},
    )
    policy = canonical_policy(POLICY)
    stubber.add_response("put_bucket_policy", {}, BUCKET | {"Policy": json.dumps(policy)})
    after = model(
        encryption={"algorithm": "aws:kms", "kms_key": KEY, "bucket_key": True},
        versioning=True,
        lifecycle_rules=[TIDY],
        cors_rules=[GET_CORS, GET_CORS | {"max_age_seconds": 0}],
        tags={"owner": "shop"},
        policy=policy,
    )
    apply_bucket(client, Plan("bills", None, after), delete_objects=False)


def test_a_new_bucket_is_not_told_what_it_has_not(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("create_bucket", {}, BUCKET)
    stubber.add_response("head_bucket", THERE, BUCKET)
    after = {"versioning": False, "tags": {}, "policy": {}, "cors_rules": []}
    apply_bucket(client, Plan("bills", None, after), delete_objects=False)


def test_outside_us_east_1_the_region_is_named() -> None:
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id="unit",
        aws_secret_access_key="unit",  # noqa: S106 - never leaves the process
    )
    with Stubber(client) as stubber:
        where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
        # The answer to a request that was sent twice.
        stubber.add_client_error(
            "create_bucket", "BucketAlreadyOwnedByYou", expected_params=BUCKET | where
        )
        stubber.add_response("head_bucket", THERE, BUCKET)
        apply_bucket(client, Plan("bills", None, {}), delete_objects=False)
        stubber.assert_no_pending_responses()


def test_a_name_that_is_taken_meanwhile_fails_with_the_remedy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("create_bucket", "BucketAlreadyExists")
    with pytest.raises(ReconcileError, match="another project or env"):
        apply_bucket(client, Plan("bills", None, {}), delete_objects=False)
    stubber.add_client_error("create_bucket", "TooManyBuckets", "no")
    with pytest.raises(AwsError, match="create bucket bills: TooManyBuckets"):
        apply_bucket(client, Plan("bills", None, {}), delete_objects=False)


def test_only_what_differs_is_set(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("delete_bucket_lifecycle", {}, BUCKET)
    stubber.add_response("delete_bucket_cors", {}, BUCKET)
    stubber.add_response("get_bucket_tagging", {"TagSet": [{"Key": "a", "Value": "1"}]}, BUCKET)
    stubber.add_response("delete_bucket_tagging", {}, BUCKET)
    stubber.add_response("delete_bucket_policy", {}, BUCKET)
    full = {
        "lifecycle_rules": [TIDY],
        "cors_rules": [GET_CORS],
        "tags": {"a": "1"},
        "policy": POLICY,
    }
    apply_bucket(client, Plan("bills", model(**full), model()), delete_objects=False)
    stubber.add_response(
        "put_bucket_versioning", {}, BUCKET | {"VersioningConfiguration": {"Status": "Suspended"}}
    )
    apply_bucket(client, Plan("bills", model(versioning=True), model()), delete_objects=False)
    stubber.add_response(
        "put_bucket_encryption",
        {},
        BUCKET | encryption(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}),
    )
    plain = model(encryption={"algorithm": "none"})
    apply_bucket(client, Plan("bills", plain, model()), delete_objects=False)


@pytest.mark.parametrize(
    ("tags", "tag_set"),
    [
        ({"b": "2"}, [SYSTEM_TAG, {"Key": "b", "Value": "2"}]),
        ({}, [SYSTEM_TAG]),
    ],
)
def test_tags_of_aws_are_sent_along(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    tags: dict[str, str],
    tag_set: list[dict[str, str]],
) -> None:
    client, stubber = stubbed("s3")
    present = {"TagSet": [{"Key": "a", "Value": "1"}, SYSTEM_TAG]}
    stubber.add_response("get_bucket_tagging", present, BUCKET)
    stubber.add_response("put_bucket_tagging", {}, BUCKET | {"Tagging": {"TagSet": tag_set}})
    plan = Plan("bills", model(tags={"a": "1"}), model(tags=tags))
    apply_bucket(client, plan, delete_objects=False)


def test_a_new_bucket_is_waited_for(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("create_bucket", "OperationAborted", expected_params=BUCKET)
    stubber.add_response("create_bucket", {}, BUCKET)
    stubber.add_response("head_bucket", THERE, BUCKET)
    versioning = BUCKET | {"VersioningConfiguration": {"Status": "Enabled"}}
    for code in ("NoSuchBucket", "OperationAborted"):
        stubber.add_client_error("put_bucket_versioning", code, expected_params=versioning)
    stubber.add_response("put_bucket_versioning", {}, versioning)
    plan = Plan("bills", None, {"versioning": True})
    apply_bucket(client, plan, delete_objects=False, wait=PATIENT)


def test_a_change_waits_for_another_but_not_for_a_bucket_that_is_gone(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    plan = Plan("bills", model(), model(versioning=True))
    stubber.add_client_error("put_bucket_versioning", "OperationAborted")
    stubber.add_client_error("put_bucket_versioning", "NoSuchBucket", "gone")
    with pytest.raises(AwsError, match="set versioning of bucket bills: NoSuchBucket: gone"):
        apply_bucket(client, plan, delete_objects=False, wait=PATIENT)


def test_waiting_for_a_bucket_ends_with_the_remedy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("create_bucket", "OperationAborted")
    with pytest.raises(AwsError, match=r"S3 to create bucket bills, .* run the playbook again"):
        apply_bucket(client, Plan("bills", None, {}), delete_objects=False, wait=IMPATIENT)
    stubber.add_client_error("put_bucket_versioning", "OperationAborted")
    plan = Plan("bills", model(), model(versioning=True))
    with pytest.raises(AwsError, match=r"S3 to set versioning of .* with OperationAborted\."):
        apply_bucket(client, plan, delete_objects=False, wait=IMPATIENT)


def test_a_refused_setting_is_named(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("put_bucket_policy", "MalformedPolicy", "no")
    plan = Plan("bills", model(), model(policy=POLICY))
    with pytest.raises(AwsError, match="Failed to set policy of bucket bills: MalformedPolicy"):
        apply_bucket(client, plan, delete_objects=False)


def test_an_opened_bucket_never_shows_its_former_policy(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("delete_bucket_policy", {}, BUCKET)
    stubber.add_response("delete_public_access_block", {}, BUCKET)
    stubber.add_response("put_bucket_policy", {}, BUCKET | {"Policy": json.dumps(POLICY)})
    before = model(policy=POLICY | {"Id": "former"})
    after = model(policy=POLICY, block_public_access=False)
    apply_bucket(client, Plan("bills", before, after), delete_objects=False)


def test_a_closed_bucket_is_closed_first_and_keeps_its_policy_until_it_has_the_new_one(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response(
        "put_public_access_block", {}, BUCKET | {"PublicAccessBlockConfiguration": ALL_BLOCKED}
    )
    stubber.add_response("put_bucket_policy", {}, BUCKET | {"Policy": json.dumps(POLICY)})
    before = model(policy=POLICY | {"Id": "former"}, block_public_access=["BlockPublicAcls"])
    plan = Plan("bills", before, model(policy=POLICY))
    apply_bucket(client, plan, delete_objects=False)


def test_without_leave_nothing_is_emptied(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error("delete_bucket", "BucketNotEmpty", "no", expected_params=BUCKET)
    with pytest.raises(AwsError, match="delete bucket bills: BucketNotEmpty"):
        apply_bucket(client, Plan("bills", model(), None), delete_objects=False)


def test_a_bucket_is_emptied_page_by_page(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response(
        "list_multipart_uploads",
        {
            "Uploads": [{"Key": "u", "UploadId": "1"}],
            "IsTruncated": True,
            "NextKeyMarker": "u",
            "NextUploadIdMarker": "1",
        },
        BUCKET,
    )
    stubber.add_response("abort_multipart_upload", {}, BUCKET | {"Key": "u", "UploadId": "1"})
    stubber.add_response(
        "list_multipart_uploads",
        {"IsTruncated": False},
        BUCKET | {"KeyMarker": "u", "UploadIdMarker": "1"},
    )
    stubber.add_response(
        "list_object_versions",
        {
            "Versions": [{"Key": "a", "VersionId": "1"}],
            "DeleteMarkers": [{"Key": "a", "VersionId": "2"}],
            "IsTruncated": True,
            "NextKeyMarker": "a",
            "NextVersionIdMarker": "2",
        },
        BUCKET,
    )
    versions = [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]
    stubber.add_response(
        "delete_objects", {}, BUCKET | {"Delete": {"Objects": versions, "Quiet": True}}
    )
    stubber.add_response(
        "list_object_versions",
        {"IsTruncated": False},
        BUCKET | {"KeyMarker": "a", "VersionIdMarker": "2"},
    )
    stubber.add_response("delete_bucket", {}, BUCKET)
    apply_bucket(client, Plan("bills", model(), None), delete_objects=True)


def test_an_object_that_cannot_be_deleted_is_named(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("s3")
    stubber.add_response("list_multipart_uploads", {})
    stubber.add_response("list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    error = {"Key": "a", "Code": "AccessDenied", "Message": "locked"}
    stubber.add_response("delete_objects", {"Errors": [error]})
    with pytest.raises(AwsError, match=r"1 objects of bucket bills.* a: AccessDenied: locked"):
        apply_bucket(client, Plan("bills", model(), None), delete_objects=True)

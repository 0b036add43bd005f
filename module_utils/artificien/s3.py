"""S3 buckets: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    SYSTEM_TAG,
    AwsError,
    accepted,
    aws_call,
    check_kms_key,
    error_code,
    from_tag_list,
    none_if_missing,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.policies import canonical_policy
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

    Wait = Callable[[Callable[[], bool], str], None]
    WhenReady = Callable[[Callable[[], object], str], None]

S3_MANAGED_KEY = "aws_s3"
PUBLIC_ACCESS_SETTINGS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)
# Where each word of a lifecycle rule stands in the API.
LIFECYCLE_ACTIONS = {
    "noncurrent_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "expiration_days": ("Expiration", "Days"),
    "abort_multipart_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    "expired_delete_markers": ("Expiration", "ExpiredObjectDeleteMarker"),
}
# What every new bucket lacks. The rest is set on each new one, whatever the account's defaults.
NEW_BUCKET: Model = {
    "versioning": False,
    "policy": {},
    "lifecycle_rules": [],
    "cors_rules": [],
    "tags": {},
}
# Another change of the bucket, or of a deleted one of its name, is under way. Clients repeat
# neither this error nor the next by themselves.
BUSY = "OperationAborted"
# Of a bucket that was just created: not every server of S3 knows it yet.
NOT_YET = "NoSuchBucket"
WAIT: Wait = functools.partial(wait_until, timeout_seconds=60, interval_seconds=1)


def desired_bucket(bucket: dict[str, Any]) -> Model:
    """Turn one entry of the module's `buckets` option into a model.

    Raises:
        ReconcileError: S3 would refuse a value.
    """
    rules, cors = bucket["lifecycle_rules"], bucket["cors_rules"]
    return {
        "block_public_access": bucket["block_public_access"],
        "object_ownership": bucket["object_ownership"],
        "encryption": _desired_encryption(bucket["name"], bucket["kms_key"]),
        "versioning": bucket["versioning"],
        "lifecycle_rules": None
        if rules is None
        else _by_id(_desired_lifecycle_rule(bucket["name"], rule) for rule in rules),
        "cors_rules": None if cors is None else [_desired_cors_rule(rule) for rule in cors],
        "tags": bucket["tags"],
        "policy": _desired_policy(bucket),
    }


def _desired_policy(bucket: dict[str, Any]) -> Model | None:
    policy = bucket["policy"]
    if bucket["tls_only"]:
        arn = f"arn:aws:s3:::{bucket['name']}"
        refusal = {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = policy or {"Version": "2012-10-17"}
        policy = policy | {"Statement": [*policy.get("Statement", []), refusal]}
    return None if policy is None else canonical_policy(policy)


def _desired_encryption(name: str, kms_key: str | None) -> Model | None:
    check_kms_key(name, kms_key, S3_MANAGED_KEY)
    if kms_key is None:
        return None
    if kms_key == S3_MANAGED_KEY:
        return {"algorithm": "AES256"}
    return {"algorithm": "aws:kms", "kms_key": kms_key, "bucket_key": True}


def _desired_lifecycle_rule(name: str, rule: dict[str, Any]) -> Model:
    wanted = {action: rule[action] for action in LIFECYCLE_ACTIONS if rule[action]}
    if not wanted:
        raise ReconcileError(
            f"{name}: lifecycle rule {rule['id']} does nothing; give it one of "
            f"{', '.join(LIFECYCLE_ACTIONS)}."
        )
    if {"expiration_days", "expired_delete_markers"} <= wanted.keys():
        raise ReconcileError(
            f"{name}: lifecycle rule {rule['id']} has expiration_days and expired_delete_markers, "
            "which S3 does not take together; make two rules of it."
        )
    return {"id": rule["id"], "prefix": rule["prefix"], **wanted}


def _desired_cors_rule(rule: dict[str, Any]) -> Model:
    return {
        "allowed_origins": sorted(rule["allowed_origins"]),
        "allowed_methods": sorted(rule["allowed_methods"]),
        "allowed_headers": sorted(rule["allowed_headers"]),
        "expose_headers": sorted(rule["expose_headers"]),
        "max_age_seconds": rule["max_age_seconds"],
    }


def _by_id(rules: Iterable[Model]) -> list[Model]:
    return sorted(rules, key=lambda rule: str(rule["id"]))


@aws_call("read bucket {0}")
def read_bucket(client: S3Client, name: str, account: str) -> Model | None:
    """Read everything that the module manages of the bucket `name` of `account`.

    Raises:
        ReconcileError: the name belongs to another account, or lies in another region.
    """
    if not _is_ours(client, name, account):
        return None
    return {
        "block_public_access": _public_access_block(client, name) or False,
        # Without controls, objects belong to whoever wrote them.
        "object_ownership": _object_ownership(client, name) or "ObjectWriter",
        "encryption": _encryption(client, name) or {"algorithm": "none"},
        "versioning": client.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "lifecycle_rules": _lifecycle_rules(client, name) or [],
        "cors_rules": _cors_rules(client, name) or [],
        "tags": from_tag_list(_tag_set(client, name) or []),
        "policy": _policy(client, name) or {},
    }


def _is_ours(client: S3Client, name: str, account: str) -> bool:
    try:
        # The expected owner guards against a bucket that a stranger made under our name and
        # opened to us, to receive our data.
        head = client.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except ClientError as error:
        if error_code(error) == "404":
            return False
        if error_code(error) == "403":
            raise _name_is_taken(name) from error
        raise
    region = head.get("BucketRegion", client.meta.region_name)
    if region != client.meta.region_name:
        raise ReconcileError(
            f"{name}: the bucket lies in {region}, not in {client.meta.region_name}, and cannot "
            "move. Deploy to that region, choose another project or env, or empty and delete the "
            "bucket yourself."
        )
    return True


def _name_is_taken(name: str) -> ReconcileError:
    return ReconcileError(
        f"{name}: S3 refuses access to this bucket. Names of buckets are global: if it belongs to "
        "another account, choose another project or env, of which the name is made; if it is "
        "yours, allow these credentials s3:ListBucket on it."
    )


@none_if_missing("NoSuchPublicAccessBlockConfiguration")
def _public_access_block(client: S3Client, name: str) -> bool | list[str]:
    """Return whether all settings are on; if only some are, which."""
    block: Any = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    on = [setting for setting in PUBLIC_ACCESS_SETTINGS if block.get(setting)]
    return True if len(on) == len(PUBLIC_ACCESS_SETTINGS) else on


@none_if_missing("OwnershipControlsNotFoundError")
def _object_ownership(client: S3Client, name: str) -> str:
    rules = client.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    return rules[0]["ObjectOwnership"]


@none_if_missing("ServerSideEncryptionConfigurationNotFoundError")
def _encryption(client: S3Client, name: str) -> Model:
    configuration = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    rule = configuration["Rules"][0]
    # A rule may say no more than which kinds of encryption are blocked.
    default = rule.get("ApplyServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"})
    if default["SSEAlgorithm"] == "AES256":
        # Bucket keys save calls to KMS, of which there are none here.
        return {"algorithm": "AES256"}
    return {
        "algorithm": default["SSEAlgorithm"],
        "kms_key": default.get("KMSMasterKeyID", "alias/aws/s3"),
        "bucket_key": rule.get("BucketKeyEnabled", False),
    }


@none_if_missing("NoSuchLifecycleConfiguration")
def _lifecycle_rules(client: S3Client, name: str) -> list[Model]:
    configuration = client.get_bucket_lifecycle_configuration(Bucket=name)
    return _by_id(_lifecycle_rule(dict(rule)) for rule in configuration.get("Rules", []))


def _lifecycle_rule(rule: dict[str, Any]) -> Model:
    """Put a rule into our words, and what we have no words for under `other`."""
    legacy_prefix = rule.pop("Prefix", "")
    rule["Filter"] = rule.get("Filter") or {"Prefix": legacy_prefix}
    words: Model = {"id": rule.get("ID", ""), "prefix": rule["Filter"].get("Prefix", "")}
    for word, (action, field) in LIFECYCLE_ACTIONS.items():
        if value := rule.get(action, {}).get(field):
            words[word] = value
    known = _lifecycle_request(words)
    if other := {field: value for field, value in rule.items() if value != known.get(field)}:
        words["other"] = other
    return words


def _lifecycle_request(rule: Model) -> dict[str, Any]:
    request: dict[str, Any] = {
        "ID": rule["id"],
        "Status": "Enabled",
        "Filter": {"Prefix": rule["prefix"]},
    }
    for word, (action, field) in LIFECYCLE_ACTIONS.items():
        if word in rule:
            request[action] = {field: rule[word]}
    return request


@none_if_missing("NoSuchCORSConfiguration")
def _cors_rules(client: S3Client, name: str) -> list[Model]:
    return [
        {
            "allowed_origins": sorted(rule["AllowedOrigins"]),
            "allowed_methods": sorted(rule["AllowedMethods"]),
            "allowed_headers": sorted(rule.get("AllowedHeaders", [])),
            "expose_headers": sorted(rule.get("ExposeHeaders", [])),
            "max_age_seconds": rule.get("MaxAgeSeconds"),
        }
        for rule in client.get_bucket_cors(Bucket=name).get("CORSRules", [])
    ]


@none_if_missing("NoSuchTagSet")
def _tag_set(client: S3Client, name: str) -> list[TagTypeDef]:
    return client.get_bucket_tagging(Bucket=name)["TagSet"]


@none_if_missing("NoSuchBucketPolicy")
def _policy(client: S3Client, name: str) -> dict[str, Any]:
    return canonical_policy(json.loads(client.get_bucket_policy(Bucket=name)["Policy"]))


@aws_call("look for objects in bucket {0}")
def has_objects(client: S3Client, name: str) -> bool:
    """Whether the bucket holds at least one version of an object, or a delete marker."""
    versions = client.list_object_versions(Bucket=name, MaxKeys=1)
    return bool(versions.get("Versions") or versions.get("DeleteMarkers"))


def apply_bucket(client: S3Client, plan: Plan, *, delete_objects: bool, wait: Wait = WAIT) -> None:
    """Carry out one plan.

    Args:
        client: of S3, in the region of the bucket.
        plan: what to do.
        delete_objects: whether a bucket that the plan deletes is emptied before.
        wait: how to wait while S3 is not ready for a change.
    """
    name = plan.name
    if plan.action == "delete":
        if delete_objects:
            _delete_uploads(client, name)
            _delete_versions(client, name)
        _delete(client, name)
        return
    after = plan.after or {}
    before = plan.before
    passing = [BUSY, NOT_YET] if before is None else [BUSY]
    when_ready = functools.partial(_when_ready, wait, passing)
    if before is None:
        _create(client, name, when_ready)
        before = NEW_BUCKET
    changed = [field for field in SETTERS if field in after and before.get(field) != after[field]]
    opening = "block_public_access" in changed and not after["block_public_access"]
    if opening and "policy" in changed and before["policy"]:
        # The present policy may be public, with only the block to hold it back: between the end
        # of the block and the new policy it must not apply.
        _set(client, name, "policy", {}, when_ready)
    for field in changed:
        _set(client, name, field, after[field], when_ready)


def _when_ready(
    wait: Wait, passing: Collection[str], call: Callable[[], object], what: str
) -> None:
    """Repeat `call` while S3 answers one of the errors `passing`."""
    done = accepted(call, lambda error: error_code(error) in passing)
    wait(done, f"S3 to {what}, which it refused with {' or '.join(passing)}")


@aws_call("create bucket {0}")
def _create(client: S3Client, name: str, when_ready: WhenReady) -> None:
    region = client.meta.region_name
    # us-east-1 is the one region that must not be named.
    where: Any = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    try:
        when_ready(lambda: client.create_bucket(Bucket=name, **where), f"create bucket {name}")
    except ClientError as error:
        if error_code(error) == "BucketAlreadyExists":
            raise _name_is_taken(name) from error
        # A request that was sent again after its answer was lost.
        if error_code(error) != "BucketAlreadyOwnedByYou":
            raise
    client.get_waiter("bucket_exists").wait(Bucket=name)


@aws_call("set {1} of bucket {0}")
def _set(client: S3Client, name: str, field: str, value: Any, when_ready: WhenReady) -> None:
    when_ready(lambda: SETTERS[field](client, name, value), f"set {field} of bucket {name}")


def _set_public_access_block(client: S3Client, name: str, value: bool) -> None:
    if not value:
        client.delete_public_access_block(Bucket=name)
        return
    block: Any = dict.fromkeys(PUBLIC_ACCESS_SETTINGS, True)
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)


def _set_object_ownership(client: S3Client, name: str, value: Any) -> None:
    client.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": value}]}
    )


def _set_encryption(client: S3Client, name: str, value: Model) -> None:
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": value["algorithm"]}}
    if "kms_key" in value:
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = value["kms_key"]
        rule["BucketKeyEnabled"] = value["bucket_key"]
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _set_versioning(client: S3Client, name: str, value: bool) -> None:
    client.put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled" if value else "Suspended"}
    )


def _set_lifecycle_rules(client: S3Client, name: str, rules: list[Model]) -> None:
    if not rules:
        client.delete_bucket_lifecycle(Bucket=name)
        return
    requests: Any = [_lifecycle_request(rule) for rule in rules]
    client.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": requests}
    )


def _set_cors_rules(client: S3Client, name: str, rules: list[Model]) -> None:
    if not rules:
        client.delete_bucket_cors(Bucket=name)
        return
    requests: Any = []
    for rule in rules:
        request = {
            "AllowedOrigins": rule["allowed_origins"],
            "AllowedMethods": rule["allowed_methods"],
            "AllowedHeaders": rule["allowed_headers"],
            "ExposeHeaders": rule["expose_headers"],
        }
        if rule["max_age_seconds"] is not None:
            request["MaxAgeSeconds"] = rule["max_age_seconds"]
        requests.append(request)
    client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": requests})


def _set_tags(client: S3Client, name: str, tags: dict[str, str]) -> None:
    # The new tags replace all others, and S3 refuses to lose those of AWS.
    system = [tag for tag in _tag_set(client, name) or [] if tag["Key"].startswith(SYSTEM_TAG)]
    tag_set = [*system, *to_tag_list(tags)]
    if not tag_set:
        client.delete_bucket_tagging(Bucket=name)
        return
    client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_set})


def _set_policy(client: S3Client, name: str, policy: dict[str, Any]) -> None:
    if not policy:
        client.delete_bucket_policy(Bucket=name)
        return
    client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


# In the order in which they are set: the block before anything that it blocks, the policy last.
SETTERS: dict[str, Callable[[S3Client, str, Any], None]] = {
    "block_public_access": _set_public_access_block,
    "object_ownership": _set_object_ownership,
    "encryption": _set_encryption,
    "versioning": _set_versioning,
    "lifecycle_rules": _set_lifecycle_rules,
    "cors_rules": _set_cors_rules,
    "tags": _set_tags,
    "policy": _set_policy,
}


@aws_call("delete the unfinished uploads of bucket {0}")
def _delete_uploads(client: S3Client, name: str) -> None:
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            client.abort_multipart_upload(
                Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
            )


@aws_call("delete the objects of bucket {0}")
def _delete_versions(client: S3Client, name: str) -> None:
    # A page holds as many versions as one deletion takes.
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        versions: Any = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if not versions:
            continue
        # A deletion is answered with success even where it failed for some.
        deleted = client.delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": True})
        if errors := deleted.get("Errors", []):
            raise AwsError(
                f"Failed to delete {len(errors)} objects of bucket {name}, the first being "
                f"{errors[0].get('Key')}: {errors[0].get('Code')}: {errors[0].get('Message')}"
            )


@aws_call("delete bucket {0}")
def _delete(client: S3Client, name: str) -> None:
    client.delete_bucket(Bucket=name)

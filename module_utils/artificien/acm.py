"""Certificates of ACM: option words to models, API to models, and the calls that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import (
    accepted,
    aws_call,
    changed_tags,
    error_code,
    from_tag_list,
    to_tag_list,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, make_plan

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_acm.type_defs import CertificateDetailTypeDef

ISSUED, PENDING = "ISSUED", "PENDING_VALIDATION"
# What stands where AWS has not yet said what it will be.
TO_COME = "to-come"
# AWS makes the validation record some seconds after the request.
RECORD_TIMEOUT_SECONDS = 60.0
# A service lets a certificate go some time after the resource that used it is gone.
RELEASE_TIMEOUT_SECONDS = 300.0


def certificate_to_come(domain: str) -> Model:
    """Return what is known of the certificate for `domain` before it is requested."""
    return {
        "arn": TO_COME,
        "status": TO_COME,
        "validation_record": {"name": f"_{TO_COME}.{domain}", "type": "CNAME", "value": TO_COME},
    }


@aws_call("read the ACM certificates for {0}")
def read_certificates(
    client: ACMClient, domain: str, owner_tags: dict[str, str]
) -> dict[str, Model]:
    """Read the certificates for `domain` that bear `owner_tags`, by ARN: issued ones first.

    Certificates that were imported, or are validated by e-mail, are somebody else's.
    """
    found: dict[str, Model] = {}
    for page in client.get_paginator("list_certificates").paginate():
        for summary in page["CertificateSummaryList"]:
            if summary["DomainName"] != domain:
                continue
            arn = summary["CertificateArn"]
            detail = client.describe_certificate(CertificateArn=arn)["Certificate"]
            tags = from_tag_list(client.list_tags_for_certificate(CertificateArn=arn)["Tags"])
            if owner_tags.items() <= tags.items() and _validated_by_dns(detail):
                found[arn] = _model(detail, tags)
    return dict(sorted(found.items(), key=lambda entry: (entry[1]["status"] != ISSUED, entry[0])))


def _validated_by_dns(detail: CertificateDetailTypeDef) -> bool:
    options = detail.get("DomainValidationOptions", [])
    return any(option.get("ValidationMethod") == "DNS" for option in options)


def _model(detail: CertificateDetailTypeDef, tags: dict[str, str]) -> Model:
    return {
        "arn": detail["CertificateArn"],
        "domain": detail["DomainName"],
        "status": detail["Status"],
        "validation_record": _validation_record(detail),
        "tags": tags,
    }


def _validation_record(detail: CertificateDetailTypeDef) -> dict[str, str] | None:
    for option in detail.get("DomainValidationOptions", []):
        if record := option.get("ResourceRecord"):
            return {
                "name": record["Name"].rstrip("."),
                "type": record["Type"],
                "value": record["Value"].rstrip("."),
            }
    return None


def usable(certificates: dict[str, Model]) -> Model | None:
    """Return the certificate to use, None if none is issued or may still be."""
    for certificate in certificates.values():
        if certificate["status"] in (ISSUED, PENDING):
            return certificate
    return None


def plan_certificate(
    current: Model | None,
    certificate: dict[str, Any],
    owner_tags: dict[str, str],
    *,
    purge_tags: bool,
) -> Plan:
    """Plan the certificate that one entry of the module's `certificates` option asks for."""
    domain, tags = certificate["domain"], certificate["tags"]
    purge = purge_tags and tags is not None
    desired = {"domain": domain, "tags": {**(tags or {}), **owner_tags}}
    return make_plan(domain, current, desired, merged=[] if purge else ["tags"])


def apply_certificate(client: ACMClient, plan: Plan) -> None:
    """Carry out one plan; of a deletion, the name is the ARN."""
    if plan.action == "create":
        _request(client, plan.name, (plan.after or {})["tags"])
    elif plan.action == "update":
        _tag(client, plan.name, plan)
    else:
        _delete(client, plan.name)


@aws_call("request an ACM certificate for {0}")
def _request(client: ACMClient, domain: str, tags: dict[str, str]) -> None:
    arn = client.request_certificate(
        DomainName=domain, ValidationMethod="DNS", Tags=to_tag_list(tags)
    )["CertificateArn"]

    def has_record() -> bool:
        detail = client.describe_certificate(CertificateArn=arn)["Certificate"]
        return _validation_record(detail) is not None

    wait_until(has_record, f"the validation record of {domain}", RECORD_TIMEOUT_SECONDS)


@aws_call("tag the ACM certificate for {0}")
def _tag(client: ACMClient, _domain: str, plan: Plan) -> None:
    tags, removed = changed_tags(plan)
    arn = (plan.before or {})["arn"]
    if removed:
        client.remove_tags_from_certificate(
            CertificateArn=arn, Tags=[{"Key": key} for key in removed]
        )
    if tags:
        client.add_tags_to_certificate(CertificateArn=arn, Tags=to_tag_list(tags))


@aws_call("delete ACM certificate {0}")
def _delete(client: ACMClient, arn: str) -> None:
    wait_until(
        accepted(
            lambda: client.delete_certificate(CertificateArn=arn),
            lambda error: error_code(error) == "ResourceInUseException",
        ),
        f"nothing to use {arn}",
        RELEASE_TIMEOUT_SECONDS,
        interval_seconds=5,
    )

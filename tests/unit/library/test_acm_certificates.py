"""`acm_certificates` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien import acm
from ansible.module_utils.artificien.acm import apply_certificate, read_certificates, usable
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan

from library.acm_certificates import plan_certificates

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

DOMAIN = "api.example.com"
ARN = "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-"
OWNER = {"project": "shop"}
RECORD = {"name": f"_1.{DOMAIN}", "type": "CNAME", "value": "_2.acm-validations.aws"}


def arn(number: int) -> str:
    """Return the ARN of one of several certificates."""
    return f"{ARN}{number:012}"


def model(number: int, **fields: Any) -> dict[str, Any]:
    """Return a certificate's model with `fields` changed."""
    return {
        "arn": arn(number),
        "domain": DOMAIN,
        "status": "ISSUED",
        "validation_record": RECORD,
        "tags": OWNER,
    } | fields


def detail(number: int, status: str = "ISSUED", method: str = "DNS") -> dict[str, Any]:
    """Return a certificate as AWS describes it."""
    option = {
        "DomainName": DOMAIN,
        "ValidationMethod": method,
        "ResourceRecord": {
            "Name": f"_1.{DOMAIN}.",
            "Type": "CNAME",
            "Value": "_2.acm-validations.aws.",
        },
    }
    return {
        "Certificate": {
            "CertificateArn": arn(number),
            "DomainName": DOMAIN,
            "Status": status,
            "DomainValidationOptions": [option],
        }
    }


def add_certificates(
    stubber: Stubber, *details: dict[str, Any], tags: dict[str, str] | None = None
) -> None:
    """Make the account answer with certificates, after another one of another name."""
    other = {"CertificateArn": arn(99), "DomainName": "www.example.com"}
    stubber.add_response(
        "list_certificates", {"CertificateSummaryList": [other], "NextToken": "more"}, {}
    )
    found = [entry["Certificate"] for entry in details]
    summaries = [
        {"CertificateArn": entry["CertificateArn"], "DomainName": DOMAIN} for entry in found
    ]
    stubber.add_response(
        "list_certificates", {"CertificateSummaryList": summaries}, {"NextToken": "more"}
    )
    listed = [
        {"Key": key, "Value": value} for key, value in (OWNER if tags is None else tags).items()
    ]
    for entry in details:
        name = {"CertificateArn": entry["Certificate"]["CertificateArn"]}
        stubber.add_response("describe_certificate", entry, name)
        stubber.add_response("list_tags_for_certificate", {"Tags": listed}, name)


def options(state: str = "present", tags: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the options of the module as Ansible passes them."""
    return {
        "certificates": [{"domain": DOMAIN, "tags": tags}],
        "owner_tags": OWNER,
        "purge_tags": True,
        "state": state,
    }


@pytest.mark.parametrize(
    ("details", "used"),
    [
        ([detail(1, "PENDING_VALIDATION"), detail(2)], 2),
        ([detail(1, "VALIDATION_TIMED_OUT"), detail(2, "PENDING_VALIDATION")], 2),
        ([detail(1, "EXPIRED"), detail(2, "REVOKED"), detail(3, "FAILED")], None),
        ([detail(1, method="EMAIL")], None),
        ([], None),
    ],
)
def test_the_certificate_that_serves_is_used(
    stubbed: Stubbed, details: list[dict[str, Any]], used: int | None
) -> None:
    client, stubber = stubbed("acm")
    add_certificates(stubber, *details)
    certificate = usable(read_certificates(client, DOMAIN, OWNER))
    assert (certificate or {"arn": None})["arn"] == (arn(used) if used else None)


def test_a_certificate_of_somebody_else_is_left_alone(stubbed: Stubbed) -> None:
    client, stubber = stubbed("acm")
    add_certificates(stubber, detail(1), tags={"project": "other"})
    found: dict[str, Any] = {}
    (plan,) = plan_certificates(client, options(tags={"a": "1"}), found)
    assert plan == Plan(DOMAIN, None, {"domain": DOMAIN, "tags": {"a": "1"} | OWNER})
    assert found == {}


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (None, {"b": "2"} | OWNER),
        ({"c": "3"}, {"c": "3"} | OWNER),
        ({"b": "2"}, {"b": "2"} | OWNER),
    ],
)
def test_tags_are_planned(
    stubbed: Stubbed, wanted: dict[str, str] | None, after: dict[str, str]
) -> None:
    client, stubber = stubbed("acm")
    present = {"b": "2"} | OWNER
    add_certificates(stubber, detail(1), tags=present)
    found: dict[str, Any] = {}
    (plan,) = plan_certificates(client, options(tags=wanted), found)
    assert plan == Plan(DOMAIN, model(1, tags=present), model(1, tags=after))
    assert found == {DOMAIN: model(1, tags=present)}


def test_all_certificates_go_also_those_that_failed(stubbed: Stubbed) -> None:
    client, stubber = stubbed("acm")
    add_certificates(stubber, detail(1, "FAILED"), detail(2))
    plans = plan_certificates(client, options("absent"), {})
    assert [plan.name for plan in plans] == [arn(2), arn(1)]
    assert all(plan.action == "delete" for plan in plans)


def test_a_request_waits_for_its_record(stubbed: Stubbed) -> None:
    client, stubber = stubbed("acm")
    stubber.add_response(
        "request_certificate",
        {"CertificateArn": arn(1)},
        {
            "DomainName": DOMAIN,
            "ValidationMethod": "DNS",
            "Tags": [{"Key": "project", "Value": "shop"}],
        },
    )
    early = detail(1, "PENDING_VALIDATION")
    early["Certificate"]["DomainValidationOptions"] = [
        {"DomainName": DOMAIN, "ValidationMethod": "DNS"}
    ]
    stubber.add_response("describe_certificate", early, {"CertificateArn": arn(1)})
    stubber.add_response("describe_certificate", detail(1), {"CertificateArn": arn(1)})
    apply_certificate(client, Plan(DOMAIN, None, {"domain": DOMAIN, "tags": OWNER}))


def test_tags_are_set_and_removed_one_by_one(stubbed: Stubbed) -> None:
    client, stubber = stubbed("acm")
    stubber.add_response(
        "remove_tags_from_certificate", {}, {"CertificateArn": arn(1), "Tags": [{"Key": "a"}]}
    )
    stubber.add_response(
        "add_tags_to_certificate",
        {},
        {"CertificateArn": arn(1), "Tags": [{"Key": "b", "Value": "2"}]},
    )
    before, after = model(1, tags={"a": "1"} | OWNER), model(1, tags={"b": "2"} | OWNER)
    apply_certificate(client, Plan(DOMAIN, before, after))


def test_a_deletion_waits_until_nothing_uses_the_certificate(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stubber = stubbed("acm")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    stubber.add_client_error("delete_certificate", "ResourceInUseException")
    stubber.add_response("delete_certificate", {}, {"CertificateArn": arn(1)})
    apply_certificate(client, Plan(arn(1), model(1), None))
    monkeypatch.setattr(acm, "RELEASE_TIMEOUT_SECONDS", 0)
    stubber.add_client_error("delete_certificate", "ResourceInUseException")
    with pytest.raises(AwsError, match=f"Waited 0 s for nothing to use {arn(1)}"):
        apply_certificate(client, Plan(arn(1), model(1), None))
    stubber.add_client_error("delete_certificate", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=r"delete ACM certificate .*: AccessDeniedException"):
        apply_certificate(client, Plan(arn(1), model(1), None))

"""The custom domain of an Amplify app: option words to models, API to models, and the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.amplify import MISSING
from ansible.module_utils.artificien.aws import (
    AwsError,
    aws_call,
    none_if_missing,
    wait_until,
)
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

if TYPE_CHECKING:
    from mypy_boto3_amplify import AmplifyClient

MANAGED = "managed"
FAILED = "FAILED"
# In these states Amplify does not know yet which records it needs.
UNFINISHED = ("CREATING", "REQUESTING_CERTIFICATE", "UPDATING")
RECORDS_TIMEOUT_SECONDS = 120


def desired_domain(params: dict[str, Any]) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: two branches are to have the same address, or none has one.
    """
    branches = params["sub_domains"]
    prefixes = None if branches is None else [entry["prefix"] for entry in branches]
    if prefixes is not None and (not prefixes or len(prefixes) != len(set(prefixes))):
        raise ReconcileError(
            f"{params['domain']}: sub_domains needs at least one entry, and each prefix once."
        )
    patterns = params["auto_sub_domain_patterns"]
    return {
        "sub_domains": None
        if branches is None
        else {entry["prefix"]: entry["branch"] for entry in branches},
        "certificate": params["certificate"],
        "auto_sub_domains": params["auto_sub_domains"],
        "auto_sub_domain_patterns": None if patterns is None else sorted(patterns),
        "auto_sub_domain_role": params["auto_sub_domain_role"],
    }


@aws_call("read domain {1} of Amplify app {0}")
@none_if_missing(MISSING)
def find_domain(client: AmplifyClient, app_id: str, domain: str) -> Any:
    """Return a domain as the API answers; None if the app has no such domain."""
    answer = client.get_domain_association(appId=app_id, domainName=domain)
    return answer["domainAssociation"]


def domain_model(found: Any) -> Model:
    """Return what the module manages of a domain."""
    certificate = found.get("certificate", {})
    settings = [entry["subDomainSetting"] for entry in found["subDomains"]]
    return {
        "sub_domains": {setting["prefix"]: setting["branchName"] for setting in settings},
        "certificate": certificate.get("customCertificateArn") or MANAGED,
        "auto_sub_domains": found["enableAutoSubDomain"],
        "auto_sub_domain_patterns": sorted(found.get("autoSubDomainCreationPatterns", [])),
        "auto_sub_domain_role": found.get("autoSubDomainIAMRole", ""),
    }


def domain_records(found: Any) -> list[dict[str, str]]:
    """Return the DNS records that a domain needs."""
    domain = found["domainName"].rstrip(".")
    verification = found.get("certificateVerificationDNSRecord", "")
    lines = [verification, *(entry["dnsRecord"] for entry in found["subDomains"])]
    records = []
    for line in lines:
        # The name is missing in the record of the domain itself, and otherwise may be a prefix.
        *name, kind, target = line.split() or ("", "")
        if target:
            record = {"name": _full("".join(name), domain), "type": kind, "value": target}
            records.append(record)
    return records


def _full(name: str, domain: str) -> str:
    name = name.rstrip(".")
    if not name or name == "@":
        return domain
    return name if name == domain or name.endswith(f".{domain}") else f"{name}.{domain}"


def apply_domain(client: AmplifyClient, app_id: str, plan: Plan) -> None:
    """Carry out one plan."""
    if plan.action == "delete":
        _delete(client, plan.name, app_id)
        return
    after = plan.after or {}
    request: dict[str, Any] = {
        member: after[field]
        for field, member in (
            ("auto_sub_domains", "enableAutoSubDomain"),
            ("auto_sub_domain_patterns", "autoSubDomainCreationPatterns"),
            ("auto_sub_domain_role", "autoSubDomainIAMRole"),
        )
        if plan.changes(field)
    }
    if plan.changes("sub_domains"):
        request["subDomainSettings"] = [
            {"prefix": prefix, "branchName": branch}
            for prefix, branch in sorted(after["sub_domains"].items())
        ]
    if plan.changes("certificate"):
        request["certificateSettings"] = _certificate(after["certificate"])
    if plan.action == "create":
        _create(client, plan.name, app_id, request)
    else:
        _update(client, plan.name, app_id, request)


def _certificate(certificate: str) -> dict[str, str]:
    if certificate == MANAGED:
        return {"type": "AMPLIFY_MANAGED"}
    return {"type": "CUSTOM", "customCertificateArn": certificate}


def wait_for_records(client: AmplifyClient, app_id: str, domain: str) -> Any:
    """Wait until Amplify knows which records a domain needs, and return the domain.

    Raises:
        AwsError: it takes too long, or Amplify gives up.
    """
    found: Any = None

    def known() -> bool:
        nonlocal found
        found = find_domain(client, app_id, domain)
        if found is not None and found["domainStatus"] == FAILED:
            raise AwsError(f"Amplify cannot serve {domain}: {found['statusReason']}")
        return found is not None and found["domainStatus"] not in UNFINISHED

    wait_until(known, f"the DNS records of {domain}", RECORDS_TIMEOUT_SECONDS, interval_seconds=2)
    return found


@aws_call("create domain {0} of an Amplify app")
def _create(client: AmplifyClient, domain: str, app_id: str, request: dict[str, Any]) -> None:
    client.create_domain_association(appId=app_id, domainName=domain, **request)


@aws_call("update domain {0} of an Amplify app")
def _update(client: AmplifyClient, domain: str, app_id: str, request: dict[str, Any]) -> None:
    client.update_domain_association(appId=app_id, domainName=domain, **request)


@aws_call("delete domain {0} of an Amplify app")
@none_if_missing(MISSING)
def _delete(client: AmplifyClient, domain: str, app_id: str) -> None:
    client.delete_domain_association(appId=app_id, domainName=domain)

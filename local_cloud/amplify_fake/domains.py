"""Custom domains, for which nobody makes a certificate."""

import hashlib

from local_cloud.amplify_fake.errors import bad_request, not_found
from local_cloud.amplify_fake.state import DOMAIN, Record, Scope, page

STATUS_REASON = "FAKE: no certificate is made, and nothing is served."


def create_domain_association(scope: Scope, params: Record) -> Record:
    """Answer CreateDomainAssociation; as on AWS, the records that it needs come later."""
    kept, name = scope.app(params), params["domainName"]
    if any(name in other["domains"] for other in scope.apps.values()):
        raise bad_request(f"The domain {name} is already associated with an app.")
    domain = {
        "domainAssociationArn": scope.arn(params["appId"], "domains", name),
        "domainName": name,
        "enableAutoSubDomain": False,
        "statusReason": STATUS_REASON,
        "subDomains": [],
        "certificate": {"type": "AMPLIFY_MANAGED"},
    }
    kept["domains"][name] = domain
    return _set(kept, domain, params)


def _set(kept: Record, domain: Record, params: Record) -> Record:
    not_kept = ("appId", "subDomainSettings", "certificateSettings")
    domain |= {member: value for member, value in params.items() if member not in not_kept}
    domain["domainStatus"] = "CREATING"
    domain.pop("certificateVerificationDNSRecord", None)
    if "certificateSettings" in params:
        domain["certificate"] = params["certificateSettings"]
    if "subDomainSettings" in params:
        domain["subDomains"] = [_sub_domain(kept, each) for each in params["subDomainSettings"]]
    return {"domainAssociation": domain}


def _sub_domain(kept: Record, setting: Record) -> Record:
    if setting["branchName"] not in kept["branches"]:
        raise not_found(f"Branch {setting['branchName']}")
    return {"subDomainSetting": setting, "verified": False, "dnsRecord": ""}


def get_domain_association(scope: Scope, params: Record) -> Record:
    """Answer GetDomainAssociation; who asks once more finds the records."""
    domain = scope.domain(params)
    answered = {"domainAssociation": {**domain, "subDomains": list(domain["subDomains"])}}
    _find_records(domain)
    return answered


def _find_records(domain: Record) -> None:
    name = domain["domainName"]
    token = hashlib.sha256(name.encode()).hexdigest()[:32]
    domain["domainStatus"] = "PENDING_VERIFICATION"
    if domain["certificate"]["type"] == "AMPLIFY_MANAGED":
        verification = f"_{token}.{name}. CNAME _{token}.certificates.{DOMAIN}."
        domain["certificateVerificationDNSRecord"] = verification
    domain["subDomains"] = [
        {**each, "dnsRecord": f"{each['subDomainSetting']['prefix']} CNAME {token}.{DOMAIN}"}
        for each in domain["subDomains"]
    ]


def list_domain_associations(scope: Scope, params: Record) -> Record:
    """Answer ListDomainAssociations."""
    return page("domainAssociations", list(scope.app(params)["domains"].values()), params)


def update_domain_association(scope: Scope, params: Record) -> Record:
    """Answer UpdateDomainAssociation."""
    return _set(scope.app(params), scope.domain(params), params)


def delete_domain_association(scope: Scope, params: Record) -> Record:
    """Answer DeleteDomainAssociation."""
    domain = scope.domain(params)
    del scope.app(params)["domains"][params["domainName"]]
    return {"domainAssociation": domain}

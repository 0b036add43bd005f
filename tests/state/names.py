"""Front ends, zones and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.state.canonical import Found
from tests.state.services import pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud


def apps(cloud: Cloud) -> Iterator[Found]:
    """Yield the apps of Amplify with their branches and domains."""
    amplify = service(cloud, "amplify")
    for app in pages(amplify, "list_apps", "apps"):
        identity, name = app["appId"], app["name"]
        yield Found("amplify app", name, app, (identity,))
        for branch in pages(amplify, "list_branches", "branches", appId=identity):
            # The number of builds is history.
            told = {key: value for key, value in branch.items() if "Job" not in key}
            yield Found("amplify branch", f"{branch['branchName']} of {name}", told)
        associations = pages(
            amplify, "list_domain_associations", "domainAssociations", appId=identity
        )
        for domain in associations:
            yield Found("amplify domain", f"{domain['domainName']} of {name}", domain)


def zones(cloud: Cloud) -> Iterator[Found]:
    """Yield the zones of Route 53, and their records."""
    route53 = service(cloud, "route53")
    for zone in pages(route53, "list_hosted_zones", "HostedZones"):
        identity = zone["Id"].rpartition("/")[2]
        yield Found("zone", zone["Name"], zone, (zone["Id"], identity))
        for record in pages(
            route53, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=identity
        ):
            yield Found("record", f"{record['Type']} {record['Name']}", record)


def certificates(cloud: Cloud) -> Iterator[Found]:
    """Yield the certificates."""
    acm = service(cloud, "acm")
    for listed in pages(acm, "list_certificates", "CertificateSummaryList"):
        arn = listed["CertificateArn"]
        described = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        tags = acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
        yield Found("certificate", listed["DomainName"], described | {"tags": tags}, (arn,))


READERS = (apps, zones, certificates)

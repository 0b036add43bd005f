"""`acm_certificates` and `apigw_domain` against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

DOMAIN = "api.of-run.example.com"
OWNER = {"owner": "run"}
CERTIFICATE: dict[str, Any] = {
    "certificates": [{"domain": DOMAIN, "tags": {"team": "web"}}],
    "owner_tags": OWNER,
}


def arns(cloud: Cloud) -> list[str]:
    """Return the ARNs of the certificates for the domain."""
    found = cloud.client("acm").list_certificates()["CertificateSummaryList"]
    return [entry["CertificateArn"] for entry in found if entry["DomainName"] == DOMAIN]


@pytest.fixture(autouse=True)
def _nothing(cloud: Cloud) -> Iterator[None]:
    yield
    for arn in arns(cloud):
        cloud.client("acm").delete_certificate(CertificateArn=arn)


def test_a_certificate_is_requested_once_and_deleted_once(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    foreign = cloud.client("acm").request_certificate(DomainName=DOMAIN, ValidationMethod="DNS")
    planned = run_module("acm_certificates", check=True, **CERTIFICATE)
    assert planned["certificates"][DOMAIN]["status"] == "to-come"
    assert planned["certificates"][DOMAIN]["validation_record"]["name"] == f"_to-come.{DOMAIN}"
    requested = run_module.four_runs("acm_certificates", **CERTIFICATE)
    certificate = requested["certificates"][DOMAIN]
    assert certificate["status"] == "ISSUED"
    assert certificate["validation_record"]["name"].endswith(f".{DOMAIN}")
    assert certificate["tags"] == {"owner": "run", "team": "web"}
    assert certificate["arn"] != foreign["CertificateArn"]

    retagged = CERTIFICATE | {"certificates": [{"domain": DOMAIN, "tags": {"team": "app"}}]}
    assert run_module("acm_certificates", **retagged)["changed"] is True
    assert run_module("acm_certificates", **retagged)["changed"] is False
    run_module.gone_twice("acm_certificates", **CERTIFICATE)
    assert arns(cloud) == [foreign["CertificateArn"]]


def test_an_api_answers_at_a_name_of_its_own(cloud: Cloud, run_module: ModuleRunner) -> None:
    domain: dict[str, Any] = {
        "name": DOMAIN,
        "certificate_arn": "arn:aws:acm:us-east-1:000000000000:certificate/1",
        "api": "api-of-run",
        "stage": "prod",
        "tags": OWNER,
    }
    planned = run_module("apigw_domain", check=True, **domain)
    assert planned["domain"]["regional_domain_name"] == "to-come"
    failed = run_module("apigw_domain", fails=True, **domain)
    assert "Deploy the API first" in failed["msg"]
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name="api-of-run")["id"]
    made = run_module.four_runs("apigw_domain", **domain)
    assert made["domain"]["regional_domain_name"].endswith(".amazonaws.com")
    assert made["domain"]["mappings"] == {"(none)": f"{api}/prod"}

    remapped = run_module("apigw_domain", **domain | {"stage": "next"})
    assert remapped["changed"] is True
    (mapping,) = gateway.get_base_path_mappings(domainName=DOMAIN)["items"]
    assert (mapping["restApiId"], mapping["stage"]) == (api, "next")
    run_module.gone_twice("apigw_domain", name=DOMAIN)
    gateway.delete_rest_api(restApiId=api)

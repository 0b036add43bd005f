"""The names of the API and the files of clients, with Route 53 and ACM as the emulator has them."""

from __future__ import annotations

import importlib.util
import json
import plistlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ZONE = "example.com"
DOMAIN = "api.example.com"
STAGE_URL = "https://a1b2.execute-api.us-east-1.amazonaws.com/prod"
PUBLISHED = {
    "cognito/user_pool_id": "us-east-1_AbCdEfGhI",
    "cognito/clients/web": "1web",
    "cognito/clients/native": "1native",
    "cognito/identity_pool_id": "us-east-1:1234abcd-12ab-34cd-56ef-1234567890ab",
    "cognito/hosted_ui_url": "https://shop.auth.us-east-1.amazoncognito.com",
    "api/stage_url": STAGE_URL,
    "pygrid/host": "pygrid.example.com",
    "amplify/dns_records": json.dumps(
        [
            {"name": "next.example.com", "type": "CNAME", "value": "d111.cloudfront.net"},
            {"name": "example.com", "type": "CNAME", "value": "d111.cloudfront.net"},
        ]
    ),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return an account with a zone, an API, and what the other components published."""
    folder = tmp_path_factory.mktemp("names")
    with emulator(folder) as cloud:
        cloud.client("route53").create_hosted_zone(Name=ZONE, CallerReference="1")
        api = cloud.client("apigateway").create_rest_api(name="artificien-local-api")
        assert api["id"]
        for key, value in PUBLISHED.items():
            cloud.client("ssm").put_parameter(
                Name=f"/artificien/local/{key}", Value=value, Type="String"
            )
        yield Platform.prepared(cloud, folder / "build")


def deploy(account: Platform, *arguments: str, domain: str = DOMAIN) -> int:
    """Deploy the component without the smoke test, and return the number of changes."""
    values = {
        "post_deploy_api_domain": domain,
        "post_deploy_dns_zone": ZONE,
        "smoke_enabled": False,
    }
    run = account.play("site.yml", "--tags", "post_deploy", "-e", json.dumps(values), *arguments)
    return run.changed


def records(account: Platform) -> dict[str, Any]:
    """Return the records of the zone, but for its own, by type and name."""
    client = account.cloud.client("route53")
    (zone,) = client.list_hosted_zones()["HostedZones"]
    found = client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {
        f"{record['Type']} {record['Name'].rstrip('.')}": record
        for record in found
        if record["Type"] not in {"NS", "SOA"}
    }


def certificates(account: Platform) -> list[str]:
    """Return the domains of the certificates."""
    found = account.cloud.client("acm").list_certificates()["CertificateSummaryList"]
    return [certificate["DomainName"] for certificate in found]


def domains(account: Platform) -> list[str]:
    """Return the names at which API Gateway answers."""
    found = account.cloud.client("apigateway").get_domain_names().get("items", [])
    return [domain["domainName"] for domain in found]


def test_a_name_is_given_moved_and_taken_away(account: Platform) -> None:
    assert deploy(account, "--check", "--diff") > 0
    assert certificates(account) == []
    assert records(account) == {}
    assert deploy(account) > 0
    assert deploy(account, "--check", "--diff") == 0
    assert deploy(account) == 0

    made = records(account)
    (validation,) = (name for name in made if "_acme-challenge" in name)
    assert set(made) == {
        "A api.example.com",
        "CNAME next.example.com",
        "A example.com",
        validation,
    }
    assert made["A example.com"]["AliasTarget"]["HostedZoneId"] == "Z2FDTNDATAQYW2"
    gateway = account.cloud.client("apigateway")
    domain = gateway.get_domain_name(domainName=DOMAIN)
    assert domain["securityPolicy"] == "TLS_1_2"
    assert domain["endpointConfiguration"]["types"] == ["REGIONAL"]
    target = made["A api.example.com"]["AliasTarget"]
    assert target["DNSName"] == f"{domain['regionalDomainName']}."
    assert target["HostedZoneId"] == domain["regionalHostedZoneId"]
    (mapping,) = gateway.get_base_path_mappings(domainName=DOMAIN)["items"]
    assert (mapping["basePath"], mapping["stage"]) == ("(none)", "prod")

    assert deploy(account, domain="rest.example.com") > 0
    assert domains(account) == certificates(account) == ["rest.example.com"]
    assert "A rest.example.com" in records(account)
    assert not [name for name in records(account) if name.endswith(f".{DOMAIN}")]

    # A certificate that is gone already does not hide its record.
    arn = account.cloud.client("acm").list_certificates()["CertificateSummaryList"][0]
    account.cloud.client("acm").delete_certificate(CertificateArn=arn["CertificateArn"])
    assert deploy(account, domain="") > 0
    assert domains(account) == []
    assert set(records(account)) == {"CNAME next.example.com", "A example.com"}


def test_a_name_outside_of_the_zone_is_refused(account: Platform) -> None:
    values = {"post_deploy_api_domain": DOMAIN, "post_deploy_dns_zone": "ample.com"}
    run = account.play("site.yml", "--tags", "post_deploy", "-e", json.dumps(values), fails=True)
    assert "api.example.com, next.example.com, example.com is not within" in " ".join(
        run.text.split()
    )


def test_clients_read_their_files(account: Platform) -> None:
    deploy(account, domain="")
    folder = account.folder / "local/clients"
    assert read_by_node(folder / "aws-exports.js") == {
        "aws_project_region": "us-east-1",
        "aws_cognito_region": "us-east-1",
        "aws_cognito_identity_pool_id": PUBLISHED["cognito/identity_pool_id"],
        "aws_user_pools_id": "us-east-1_AbCdEfGhI",
        "aws_user_pools_web_client_id": "1web",
        "aws_cloud_logic_custom": [
            {"name": "artificien", "endpoint": STAGE_URL, "region": "us-east-1"}
        ],
    }

    specification = importlib.util.spec_from_file_location("constants", folder / "constants.py")
    assert specification
    assert specification.loader
    constants = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(constants)
    assert {name: value for name, value in vars(constants).items() if name[0] != "_"} == {
        "region_name": "us-east-1",
        "masterNode": "pygrid.example.com:5001",
        "userPoolId": "us-east-1_AbCdEfGhI",
        "clientId": "1web",
    }

    with (folder / "Artificien.plist").open("rb") as file:
        assert plistlib.load(file) == {
            "Region": "us-east-1",
            "UserPoolId": "us-east-1_AbCdEfGhI",
            "UserPoolClientId": "1native",
            "HostedUIURL": PUBLISHED["cognito/hosted_ui_url"],
            "APIURL": STAGE_URL,
            "MasterNode": "pygrid.example.com:5001",
        }

    (folder / "constants.py").write_text("region_name = 'elsewhere'\n")
    assert deploy(account, "--check", domain="") == 1
    assert "elsewhere" in (folder / "constants.py").read_text()
    assert deploy(account, domain="") == 1


def test_everything_is_removed_twice(account: Platform) -> None:
    deploy(account)
    values = json.dumps({"post_deploy_api_domain": DOMAIN, "post_deploy_dns_zone": ZONE})
    remove = ("destroy.yml", "--tags", "post_deploy", "-e", "confirm=local", "-e", values)
    assert account.play(*remove, "--check").changed > 0
    assert account.play(*remove).changed > 0
    assert account.play(*remove).changed == 0
    assert records(account) == {}
    assert domains(account) == certificates(account) == []
    assert not (account.folder / "local/clients").exists()


def read_by_node(module: Path) -> Any:
    """Return the default export of a JavaScript module, as Node evaluates it."""
    program = (
        f"import({json.dumps(module.as_uri())}).then(m => console.log(JSON.stringify(m.default)))"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)

"""`amplify_branch` and `amplify_domain` against the fake of Amplify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

APP = "branches_of_run"
DOMAIN = "shop.example.com"
# pragma: allowlist nextline secret
LOGIN_SECRET = "branches_of_run/login"  # noqa: S105 - a name
BRANCHES: list[dict[str, Any]] = [
    {
        "name": "main",
        "stage": "PRODUCTION",
        "environment": {"SHOP_CURRENCY": "EUR"},
        "auto_build": True,
        "build": True,
        "cache_ttl_seconds": 60,
        "tags": {"owner": "shop"},
    },
    {"name": "feature/cart", "stage": "BETA", "basic_auth_secret": LOGIN_SECRET},
]


@pytest.fixture
def app_id(cloud: Cloud) -> Iterator[str]:
    """Return the id of an app without branches."""
    # pragma: allowlist nextline secret
    cloud.client("secretsmanager").create_secret(Name=LOGIN_SECRET, SecretString="walter:knock")
    app = cloud.client("amplify").create_app(name=APP)["app"]
    yield app["appId"]
    cloud.client("amplify").delete_app(appId=app["appId"])
    cloud.client("secretsmanager").delete_secret(
        SecretId=LOGIN_SECRET, ForceDeleteWithoutRecovery=True
    )


def branches(cloud: Cloud, app_id: str) -> dict[str, dict[str, Any]]:
    """Return the branches of the app by name."""
    found = cloud.client("amplify").list_branches(appId=app_id)["branches"]
    return {branch["branchName"]: branch for branch in found}


def test_branches_are_connected_once_and_disconnected_once(
    cloud: Cloud, run_module: ModuleRunner, app_id: str
) -> None:
    run_module.four_runs("amplify_branch", app=APP, branches=BRANCHES)
    found = branches(cloud, app_id)
    assert found.keys() == {"main", "feature/cart"}
    assert (found["main"]["stage"], found["main"]["ttl"]) == ("PRODUCTION", "60")
    assert found["main"]["tags"] == {"owner": "shop"}
    assert (found["main"]["totalNumberOfJobs"], found["feature/cart"]["totalNumberOfJobs"]) == (
        "1",
        "0",
    )
    assert found["feature/cart"]["enableBasicAuth"]
    names = [{"name": branch["name"]} for branch in BRANCHES]
    run_module.gone_twice("amplify_branch", app=APP, branches=names)
    assert branches(cloud, app_id) == {}


def test_what_a_build_reads_starts_another_one(
    cloud: Cloud, run_module: ModuleRunner, app_id: str
) -> None:
    run_module("amplify_branch", app=APP, branches=BRANCHES)
    main = {"name": "main", "build": True, "environment": {"SHOP_CURRENCY": "CHF"}}
    run_module.four_runs("amplify_branch", app=APP, branches=[main])
    assert run_module("amplify_branch", app=APP, branches=[main | {"stage": "BETA"}])["changed"]
    found = branches(cloud, app_id)["main"]
    assert found["environmentVariables"] == {"SHOP_CURRENCY": "CHF"}
    assert found["totalNumberOfJobs"] == "2"
    job = cloud.client("amplify").get_job(appId=app_id, branchName="main", jobId="2")["job"]
    assert job["summary"]["commitMessage"].startswith("FAKE")


def test_branches_need_an_app(run_module: ModuleRunner) -> None:
    assert run_module("amplify_branch", check=True, app="none", branches=BRANCHES)["changed"]
    failed = run_module("amplify_branch", fails=True, app="none", branches=BRANCHES)
    assert "There is no Amplify app none" in failed["msg"]
    gone = run_module("amplify_branch", state="absent", app="none", branches=BRANCHES)
    assert not gone["changed"]


@pytest.mark.usefixtures("app_id")
def test_a_domain_is_connected_once_and_disconnected_once(
    cloud: Cloud, run_module: ModuleRunner, app_id: str
) -> None:
    run_module("amplify_branch", app=APP, branches=BRANCHES)
    wanted: dict[str, Any] = {
        "app": APP,
        "domain": DOMAIN,
        "sub_domains": [
            {"prefix": "", "branch": "main"},
            {"prefix": "next", "branch": "feature/cart"},
        ],
        "certificate": "managed",
    }
    connected = run_module.four_runs("amplify_domain", **wanted)
    assert connected["status"] == "PENDING_VERIFICATION"
    names = [record["name"] for record in connected["records"]]
    assert names[0].endswith(f".{DOMAIN}")
    assert names[1:] == [DOMAIN, f"next.{DOMAIN}"]
    assert {record["type"] for record in connected["records"]} == {"CNAME"}
    assert all("amplify-fake.invalid" in record["value"] for record in connected["records"])
    again = run_module("amplify_domain", **wanted)
    assert again["records"] == connected["records"]

    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/1234abcd"
    changed = wanted | {
        "certificate": certificate,
        "sub_domains": [{"prefix": "www", "branch": "main"}],
    }
    updated = run_module("amplify_domain", **changed)
    assert [record["name"] for record in updated["records"]] == [f"www.{DOMAIN}"]
    assert not run_module("amplify_domain", **changed)["changed"]
    (found,) = cloud.client("amplify").list_domain_associations(appId=app_id)["domainAssociations"]
    assert found["certificate"] == {"type": "CUSTOM", "customCertificateArn": certificate}
    run_module.gone_twice("amplify_domain", app=APP, domain=DOMAIN)


@pytest.mark.usefixtures("app_id")
def test_a_domain_needs_branches_that_exist(run_module: ModuleRunner) -> None:
    sub_domains = [{"prefix": "", "branch": "nobody"}]
    failed = run_module(
        "amplify_domain", fails=True, app=APP, domain=DOMAIN, sub_domains=sub_domains
    )
    assert f"Failed to create domain {DOMAIN}" in failed["msg"]
    assert "Branch nobody not found" in failed["msg"]

"""The front end: built as Amplify would build it, served as it would be, and used in a browser."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.accounts import PASSWORD, Accounts
from tests.frontend import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.deployment import Platform

BRANCHES = {"master": "DEVELOPMENT", "testing": "BETA"}


@pytest.fixture(scope="module")
def deployed(platform: Platform) -> Deployed:
    return Deployed.of(platform, "master")


@pytest.fixture(scope="module")
def site(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the front end, built by the deployed build specification."""
    folder = tmp_path_factory.mktemp("frontend") / "repository"
    with deployed.serve(deployed.build(folder)) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page of a browser that nobody has signed in with."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill in and submit the form."""
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("text=Sign in")


def test_a_person_signs_in_with_the_deployed_pool(
    platform: Platform, site: str, page: Page
) -> None:
    accounts = Accounts(platform)
    accounts.join("margaret")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.goto(site)
    sign_in(page, "margaret", "wrong-Password-123")
    page.wait_for_selector("text=Incorrect username or password.")
    sign_in(page, "margaret", PASSWORD)
    page.wait_for_selector("text=Signed in as margaret.")
    # SRP proves the password without sending it.
    assert any("SRP_A" in body for body in sent)
    assert not any(PASSWORD in body for body in sent)
    page.reload()
    page.wait_for_selector("text=Signed in as margaret.")
    page.click("text=Sign out")
    page.wait_for_selector("text=Signed out.")


def test_paths_of_the_application_are_its_page(site: str, page: Page) -> None:
    page.goto(f"{site}/datasets/Artificien-Health")
    assert page.inner_text("h1") == "Artificien"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{site}/missing.js")  # noqa: S310 - this machine's own


def test_pages_cannot_be_framed(site: str) -> None:
    with urllib.request.urlopen(site) as answer:  # noqa: S310 - as above
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Strict-Transport-Security"]


def test_a_build_without_a_user_pool_fails_and_says_why(deployed: Deployed, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        deployed.build(tmp_path / "repository", ARTIFICIEN_USER_POOL_ID="")
    assert "ARTIFICIEN_USER_POOL_ID has no value" in failure.value.stderr


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_is_told_where_the_platform_is(platform: Platform, name: str) -> None:
    found, outputs = Deployed.of(platform, name), platform.outputs
    assert found.branch["stage"] == BRANCHES[name]
    assert found.branch["environmentVariables"] == {
        "ARTIFICIEN_REGION": platform.cloud.region,
        "ARTIFICIEN_USER_POOL_ID": outputs["cognito"]["user_pool_id"],
        "ARTIFICIEN_WEB_CLIENT_ID": outputs["cognito"]["clients"]["web"],
        "ARTIFICIEN_IDENTITY_POOL_ID": outputs["cognito"]["identity_pool_id"],
        "ARTIFICIEN_API_URL": outputs["api"]["base_url"],
        "ARTIFICIEN_COGNITO_ENDPOINT": platform.cloud.endpoint_url,
    }
    assert found.branch["totalNumberOfJobs"] == "1"


def test_the_outputs_name_the_fake(platform: Platform, deployed: Deployed) -> None:
    assert platform.outputs["amplify"] == {
        "app_id": deployed.app["appId"],
        "url": f"https://master.{deployed.app['defaultDomain']}",
    }
    assert deployed.app["defaultDomain"].endswith(".amplify-fake.invalid")


def test_builds_may_write_their_log_and_nothing_else(
    platform: Platform, deployed: Deployed
) -> None:
    iam = platform.cloud.client("iam")
    role = deployed.app["iamServiceRoleArn"].rpartition("/")[2]
    (attached,) = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
    (statement,) = document["PolicyVersion"]["Document"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    group = f"/aws/amplify/{deployed.app['appId']}"
    assert statement["Resource"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    (found,) = platform.cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)[
        "logGroups"
    ]
    assert found["retentionInDays"] == 30

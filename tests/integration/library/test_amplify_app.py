"""`amplify_app` against the fake of Amplify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud
    from tests.integration.conftest import ModuleRunner

NAME = "app_of_run"
# pragma: allowlist nextline secret
TOKEN_SECRET, LOGIN_SECRET = "app_of_run/token", "app_of_run/login"
TOKEN, LOGIN = "open-sesame-open", "walter:knock-knock-knock"
APP: dict[str, Any] = {
    "name": NAME,
    "description": "A shop",
    "repository": "https://github.com/example/shop",
    "token_secret": TOKEN_SECRET,
    "platform": "WEB",
    "service_role": "arn:aws:iam::000000000000:role/shop-builds",
    "build_spec": "version: 1\n",
    "environment": {"SHOP_CURRENCY": "EUR", "SHOP_OPEN": True, "SHOP_PORT": 443},
    "custom_rules": [{"source": "/<*>", "target": "/index.html", "status": 404}],
    "auto_build": True,
    "auto_branch_creation": False,
    "basic_auth_secret": LOGIN_SECRET,
    "build_instance": "STANDARD_8GB",
    "cache": "AMPLIFY_MANAGED_NO_COOKIES",
    "tags": {"owner": "shop"},
}


def apps(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the apps with the name of this test."""
    found = cloud.client("amplify").list_apps(maxResults=100)["apps"]
    return [app for app in found if app["name"] == NAME]


@pytest.fixture(autouse=True)
def _secrets(cloud: Cloud) -> Iterator[None]:
    client = cloud.client("secretsmanager")
    for name, value in ((TOKEN_SECRET, TOKEN), (LOGIN_SECRET, LOGIN)):
        client.create_secret(Name=name, SecretString=value)
    yield
    for name in (TOKEN_SECRET, LOGIN_SECRET):
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    for app in apps(cloud):
        cloud.client("amplify").delete_app(appId=app["appId"])


def test_an_app_is_created_once_and_deleted_once(cloud: Cloud, run_module: ModuleRunner) -> None:
    created = run_module.four_runs("amplify_app", **APP)
    (app,) = apps(cloud)
    assert created["app_id"] == app["appId"]
    assert created["default_domain"] == f"{app['appId']}.amplify-fake.invalid"
    assert app["repository"] == APP["repository"]
    assert app["environmentVariables"] == {
        "SHOP_CURRENCY": "EUR",
        "SHOP_OPEN": "true",
        "SHOP_PORT": "443",
    }
    assert app["customRules"] == [{"source": "/<*>", "target": "/index.html", "status": "404"}]
    assert (app["enableBasicAuth"], app["enableAutoBranchCreation"]) == (True, False)
    assert app["jobConfig"] == {"buildComputeType": "STANDARD_8GB"}
    assert app["tags"].keys() == {"owner", "repository-token-version"}
    run_module.gone_twice("amplify_app", name=NAME)
    assert apps(cloud) == []


def test_no_secret_is_told(run_module: ModuleRunner, cloud: Cloud) -> None:
    told = json.dumps(
        [run_module("amplify_app", check=True, **APP), run_module("amplify_app", **APP)]
    )
    # pragma: allowlist nextline secret
    cloud.client("secretsmanager").put_secret_value(SecretId=LOGIN_SECRET, SecretString="w:changed")
    told += json.dumps(run_module("amplify_app", **APP))
    credentials = apps(cloud)[0]["basicAuthCredentials"]
    for secret in (TOKEN, LOGIN, "w:changed", credentials):
        assert secret not in told


def test_an_app_is_updated_in_place(cloud: Cloud, run_module: ModuleRunner) -> None:
    app_id = run_module("amplify_app", **APP)["app_id"]
    changed: dict[str, Any] = {
        "name": NAME,
        "environment": {},
        "custom_rules": [],
        "basic_auth_secret": "",
        "auto_build": False,
        "tags": {"team": "web"},
    }
    checked = run_module("amplify_app", check=True, **changed)
    assert checked["app"]["environment"] == {}
    assert apps(cloud)[0]["environmentVariables"]
    assert run_module.four_runs("amplify_app", **changed)["app_id"] == app_id
    (app,) = apps(cloud)
    assert (app["environmentVariables"], app["customRules"]) == ({}, [])
    assert (app["enableBasicAuth"], app["enableBranchAutoBuild"]) == (False, False)
    assert app["description"] == "A shop"
    assert app["tags"].keys() == {"team", "repository-token-version"}


def test_another_token_is_sent(cloud: Cloud, run_module: ModuleRunner) -> None:
    run_module("amplify_app", **APP)
    # pragma: allowlist nextline secret
    cloud.client("secretsmanager").put_secret_value(SecretId=TOKEN_SECRET, SecretString="another")
    checked = run_module("amplify_app", check=True, **APP)
    before, after = checked["diff"]["before"][NAME], checked["diff"]["after"][NAME]
    assert {field for field in after if after[field] != before[field]} == {"token_version"}
    assert run_module("amplify_app", **APP)["changed"]
    assert not run_module("amplify_app", **APP)["changed"]


def test_a_secret_that_is_missing_is_planned_and_then_refused(
    cloud: Cloud, run_module: ModuleRunner
) -> None:
    # pragma: allowlist nextline secret
    wanted = APP | {"token_secret": "nobody/token"}
    assert run_module("amplify_app", check=True, **wanted)["changed"]
    failed = run_module("amplify_app", fails=True, **wanted)
    assert "There is no secret nobody/token" in failed["msg"]
    assert apps(cloud) == []


def test_a_name_that_two_apps_have_is_refused(cloud: Cloud, run_module: ModuleRunner) -> None:
    # Apps of others, so that the list has more than one page.
    others = [cloud.client("amplify").create_app(name=f"other-{number}") for number in range(12)]
    for _ in range(2):
        cloud.client("amplify").create_app(name=NAME)
    failed = run_module("amplify_app", fails=True, name=NAME, state="absent")
    assert f"There are 2 Amplify apps with the name {NAME}" in failed["msg"]
    for other in others:
        cloud.client("amplify").delete_app(appId=other["app"]["appId"])

"""`amplify_branch` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.amplify_branch import (
    MEMBERS,
    apply_branch,
    check_unique,
    desired_branch,
    plan_branch,
    read_branch,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.amplify_branch import ARGUMENT_SPEC, BRANCH, plan_branches

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

APP, APP_ID, NAME = "shop", "d1example", "feature/cart"
ARN = f"arn:aws:amplify:us-east-1:111122223333:apps/{APP_ID}/branches/{NAME}"
BARE: dict[str, Any] = {
    "arn": ARN,
    "stage": "BETA",
    "description": "",
    "display_name": "feature-cart",
    "framework": "",
    "build_spec": "",
    "environment": {},
    "auto_build": True,
    "notification": False,
    "performance_mode": False,
    "skew_protection": False,
    "pull_request_preview": False,
    "pull_request_environment": "",
    "compute_role": "",
    "basic_auth": False,
    "cache_ttl_seconds": 5,
    "built": False,
    "tags": {},
}


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `branches` as Ansible passes it."""
    defaults = {name: spec.get("default") for name, spec in BRANCH.items()}
    return defaults | {"name": NAME} | fields


def answer(**members: Any) -> dict[str, Any]:
    """Return a bare branch as the API answers, with `members` changed."""
    branch = {
        "branchArn": ARN,
        "branchName": NAME,
        "description": "",
        "stage": "BETA",
        "displayName": "feature-cart",
        "enableNotification": False,
        "createTime": 0,
        "updateTime": 0,
        "environmentVariables": {},
        "enableAutoBuild": True,
        "customDomains": [],
        "framework": "",
        "activeJobId": "",
        "totalNumberOfJobs": "0",
        "enableBasicAuth": False,
        "ttl": "5",
        "enablePullRequestPreview": False,
    }
    return {"branch": branch | members}


def add_app(stubber: Stubber) -> None:
    """Make the account answer with one app."""
    app = {
        "appId": APP_ID,
        "appArn": ARN,
        "name": APP,
        "description": "",
        "repository": "",
        "platform": "WEB",
        "createTime": 0,
        "updateTime": 0,
        "environmentVariables": {},
        "defaultDomain": "x",
        "enableBranchAutoBuild": False,
        "enableBasicAuth": False,
    }
    stubber.add_response("list_apps", {"apps": [app]})


@pytest.fixture
def amplify(stubbed: Stubbed) -> tuple[Any, Stubber]:
    return stubbed("amplify")


@pytest.fixture
def secrets(stubbed: Stubbed) -> tuple[Any, Stubber]:
    return stubbed("secretsmanager")


def test_every_member_of_the_api_is_an_option_or_left_out_on_purpose(
    amplify: tuple[Any, Stubber],
) -> None:
    model = amplify[0].meta.service_model
    managed = {member for member, _ in MEMBERS.values()}
    special = {"appId", "branchName", "tags", "ttl", "enableBasicAuth", "basicAuthCredentials"}
    # Back ends that Amplify makes; ours are made by other components.
    left_out = {"backend", "backendEnvironmentArn"}
    requests = [model.shape_for(f"{verb}BranchRequest").members for verb in ("Create", "Update")]
    assert requests[0].keys() | requests[1].keys() == managed | special | left_out
    assert requests[0].keys() - requests[1].keys() == {"tags"}
    assert set(BRANCH["stage"]["choices"]) == set(model.shape_for("Stage").enum)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({}, {}),
        ({"stage": "PRODUCTION"}, {"stage": "PRODUCTION"}),
        ({"environment": {"A": False}}, {"environment": {"A": "false"}}),
        ({"build": True}, {"built": True}),
        ({"cache_ttl_seconds": 60}, {"cache_ttl_seconds": 60}),
        (
            {"basic_auth_secret": "login"},  # pragma: allowlist secret
            {"basic_auth": True, "credentials_current": True},
        ),
    ],
)
def test_only_given_options_are_planned(wanted: dict[str, Any], after: dict[str, Any]) -> None:
    desired = desired_branch(option(**wanted))
    assert plan_branch(NAME, BARE, desired, purge_tags=True) == Plan(NAME, BARE, BARE | after)


def test_tags_can_be_added_to() -> None:
    before = BARE | {"tags": {"a": "1"}}
    plan = plan_branch(NAME, before, desired_branch(option(tags={"b": "2"})), purge_tags=False)
    assert (plan.after or {})["tags"] == {"a": "1", "b": "2"}


def test_a_branch_is_listed_once() -> None:
    with pytest.raises(ReconcileError, match=f"branches lists {NAME} more than once"):
        check_unique([option(), option(name="main"), option()])


def test_branches_of_an_app_that_is_missing_are_new_or_gone(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    params = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    params |= {"app": APP, "branches": [option()]}
    actions = []
    for state in ("present", "absent"):
        amplify[1].add_response("list_apps", {"apps": []})
        plans = plan_branches(amplify[0], secrets[0], params | {"state": state})
        actions += [plan.action for plan in plans]
    assert actions == ["create", "none"]


def test_branches_are_read_one_by_one(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    params = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    params |= {"app": APP, "branches": [option(), option(name="main")]}
    add_app(amplify[1])
    amplify[1].add_response("get_branch", answer(), {"appId": APP_ID, "branchName": NAME})
    amplify[1].add_client_error(
        "get_branch",
        "NotFoundException",
        expected_params={"appId": APP_ID, "branchName": "main"},
    )
    plans = plan_branches(amplify[0], secrets[0], params)
    assert [plan.action for plan in plans] == ["none", "create"]


def test_read_tells_missing_from_refused(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    client, stubber = amplify
    stubber.add_response(
        "get_branch", answer(totalNumberOfJobs="3", ttl="60", tags={"a": "1", "aws:x": "theirs"})
    )
    expected = BARE | {"built": True, "cache_ttl_seconds": 60, "tags": {"a": "1"}}
    assert read_branch(client, secrets[0], APP_ID, NAME, None) == expected
    stubber.add_client_error("get_branch", "UnauthorizedException", "not yours")
    with pytest.raises(AwsError, match=f"read branch {NAME} of Amplify app {APP_ID}: Unauth"):
        read_branch(client, secrets[0], APP_ID, NAME, None)


def test_a_new_branch_is_connected_and_built(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    wanted = option(
        stage="BETA",
        environment={"A": "1"},
        build=True,
        cache_ttl_seconds=60,
        # pragma: allowlist nextline secret
        basic_auth_secret="login",  # noqa: S106 - a name
        tags={"a": "1"},
    )
    # pragma: allowlist nextline secret
    secrets[1].add_response("get_secret_value", {"SecretString": "walter:knock"})
    amplify[1].add_response(
        "create_branch",
        answer(),
        {
            "appId": APP_ID,
            "branchName": NAME,
            "stage": "BETA",
            "environmentVariables": {"A": "1"},
            "ttl": "60",
            "enableBasicAuth": True,
            "basicAuthCredentials": "d2FsdGVyOmtub2Nr",  # pragma: allowlist secret
            "tags": {"a": "1"},
        },
    )
    add_build(amplify[1])
    plan = plan_branch(NAME, None, desired_branch(wanted), purge_tags=True)
    apply_branch(amplify[0], secrets[0], APP_ID, plan, wanted)


def add_build(stubber: Stubber) -> None:
    """Expect that a build is started."""
    summary = {
        "jobArn": f"{ARN}/jobs/1",
        "jobId": "1",
        "commitId": "HEAD",
        "commitMessage": "",
        "commitTime": 0,
        "startTime": 0,
        "status": "PENDING",
        "jobType": "RELEASE",
    }
    stubber.add_response(
        "start_job",
        {"jobSummary": summary},
        {"appId": APP_ID, "branchName": NAME, "jobType": "RELEASE"},
    )


@pytest.mark.parametrize(
    ("changes", "request_", "builds"),
    [
        ({"environment": {}}, {"environmentVariables": {"": ""}}, True),
        ({"build_spec": "version: 1"}, {"buildSpec": "version: 1"}, True),
        ({"framework": "React"}, {"framework": "React"}, True),
        ({"stage": "PRODUCTION"}, {"stage": "PRODUCTION"}, False),
        ({"cache_ttl_seconds": 0}, {"ttl": "0"}, False),
        ({"built": True}, None, True),
    ],
)
def test_a_change_sends_what_changes_and_builds_what_a_build_reads(
    amplify: tuple[Any, Stubber],
    secrets: tuple[Any, Stubber],
    changes: dict[str, Any],
    request_: dict[str, Any] | None,
    builds: bool,
) -> None:
    before = BARE | {"environment": {"A": "1"}}
    for build in (True, False):
        if request_:
            expected = {"appId": APP_ID, "branchName": NAME} | request_
            amplify[1].add_response("update_branch", answer(), expected)
        if builds and build:
            add_build(amplify[1])
        plan = Plan(NAME, before, before | changes)
        apply_branch(amplify[0], secrets[0], APP_ID, plan, option(build=build))


def test_tags_are_set_and_removed_one_by_one(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    before = BARE | {"tags": {"a": "1"}}
    amplify[1].add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["a"]})
    amplify[1].add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"b": "2"}})
    plan = Plan(NAME, before, before | {"tags": {"b": "2"}})
    apply_branch(amplify[0], secrets[0], APP_ID, plan, option())


def test_a_branch_that_is_gone_already_is_disconnected(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    amplify[1].add_client_error(
        "delete_branch",
        "NotFoundException",
        expected_params={"appId": APP_ID, "branchName": NAME},
    )
    apply_branch(amplify[0], secrets[0], APP_ID, Plan(NAME, BARE, None), option())

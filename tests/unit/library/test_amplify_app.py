"""`amplify_app` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.amplify_app import (
    MEMBERS,
    NESTED,
    TOKEN_TAG,
    UNKNOWN_VERSION,
    apply_app,
    desired_app,
    plan_app,
    read_app,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.amplify_app import ARGUMENT_SPEC, plan_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME, APP_ID = "shop", "d1example"
ARN = f"arn:aws:amplify:us-east-1:111122223333:apps/{APP_ID}"
GITHUB, CODECOMMIT = "https://github.com/a/b", "https://git-codecommit.us-east-1.amazonaws.com/a"
OLD, NEW = "old-version-of-the-token-secret-1", "new-version-of-the-token-secret-2"
LOGIN = "walter:knock"
ENCODED = base64.b64encode(LOGIN.encode()).decode()
# What an app has that has nothing.
BARE: dict[str, Any] = {
    "app_id": APP_ID,
    "arn": ARN,
    "default_domain": f"{APP_ID}.amplifyapp.com",
    "description": "",
    "repository": "",
    "platform": "WEB",
    "service_role": "",
    "compute_role": "",
    "build_spec": "",
    "environment": {},
    "custom_rules": [],
    "custom_headers": "",
    "auto_build": False,
    "auto_branch_deletion": False,
    "auto_branch_creation": False,
    "auto_branch_creation_patterns": [],
    "build_instance": "",
    "cache": "",
    "basic_auth": False,
    "token_version": "",
    "tags": {},
}


def options(**fields: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them."""
    defaults = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    return defaults | {"name": NAME} | fields


def answer(**members: Any) -> dict[str, Any]:
    """Return a bare app as the API answers, with `members` changed."""
    app = {
        "appId": APP_ID,
        "appArn": ARN,
        "name": NAME,
        "description": "",
        "repository": "",
        "platform": "WEB",
        "createTime": 0,
        "updateTime": 0,
        "environmentVariables": {},
        "defaultDomain": f"{APP_ID}.amplifyapp.com",
        "enableBranchAutoBuild": False,
        "enableBasicAuth": False,
    }
    return {"app": app | members}


def listed(*names: str, **more: Any) -> dict[str, Any]:
    """Return a page of the list of apps."""
    apps = [
        answer(name=name, appId=f"{APP_ID}{number}")["app"] for number, name in enumerate(names)
    ]
    return {"apps": apps, **more}


@pytest.fixture
def amplify(stubbed: Stubbed) -> tuple[Any, Stubber]:
    return stubbed("amplify")


@pytest.fixture
def secrets(stubbed: Stubbed) -> tuple[Any, Stubber]:
    return stubbed("secretsmanager")


def add_secret(stubber: Stubber, name: str, value: str) -> None:
    """Make Secrets Manager answer with a value."""
    stubber.add_response("get_secret_value", {"SecretString": value}, {"SecretId": name})


def add_version(stubber: Stubber, name: str, **members: Any) -> None:
    """Make Secrets Manager answer with versions of a secret."""
    versions = {OLD: ["AWSPREVIOUS"], NEW: ["AWSCURRENT"]}
    stubber.add_response(
        "describe_secret", {"VersionIdsToStages": versions} | members, {"SecretId": name}
    )


def test_every_member_of_the_api_is_an_option_or_left_out_on_purpose(
    amplify: tuple[Any, Stubber],
) -> None:
    model = amplify[0].meta.service_model
    managed = {member for member, _ in MEMBERS.values()} | {outer for outer, _ in NESTED.values()}
    special = {"appId", "name", "tags", "enableBasicAuth", "basicAuthCredentials"}
    tokens = {"accessToken", "oauthToken"}
    # Settings of branches that are connected by themselves, which we advise against.
    left_out = {"autoBranchCreationConfig"}
    requests = [model.shape_for(f"{verb}AppRequest").members for verb in ("Create", "Update")]
    assert requests[0].keys() | requests[1].keys() == managed | special | tokens | left_out
    # What can be set when an app is created can be changed later; tags have a call of their own.
    assert requests[0].keys() - requests[1].keys() == {"tags"}


def test_choices_are_those_of_the_api(amplify: tuple[Any, Stubber]) -> None:
    shape_for = amplify[0].meta.service_model.shape_for
    for option, shape in (
        ("platform", "Platform"),
        ("build_instance", "BuildComputeType"),
        ("cache", "CacheConfigType"),
    ):
        assert set(ARGUMENT_SPEC[option]["choices"]) == set(shape_for(shape).enum)


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({}, {}),
        ({"description": "A shop"}, {"description": "A shop"}),
        ({"environment": {"A": True, "B": 1}}, {"environment": {"A": "true", "B": "1"}}),
        (
            {
                "custom_rules": [
                    {"source": "/a", "target": "/b", "status": "301", "condition": None}
                ]
            },
            {"custom_rules": [{"source": "/a", "target": "/b", "status": "301"}]},
        ),
        (
            {"auto_branch_creation_patterns": ["b", "a"]},
            {"auto_branch_creation_patterns": ["a", "b"]},
        ),
        ({"basic_auth_secret": ""}, {}),
        ({"tags": {"b": "2"}}, {"tags": {"b": "2"}}),
        ({"repository": CODECOMMIT}, {"repository": CODECOMMIT}),
    ],
)
def test_only_given_options_are_planned(wanted: dict[str, Any], after: dict[str, Any]) -> None:
    desired = desired_app(options(**wanted), None)
    assert plan_app(NAME, BARE, desired, purge_tags=True) == Plan(NAME, BARE, BARE | after)


def test_tags_can_be_added_to() -> None:
    before = BARE | {"tags": {"a": "1"}}
    desired = desired_app(options(tags={"b": "2"}), None)
    plan = plan_app(NAME, before, desired, purge_tags=False)
    assert plan.after == before | {"tags": {"a": "1", "b": "2"}}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"environment": {"AWS_KEY": "x"}}, "variable AWS_KEY, but names that begin with AWS"),
        ({"build_spec": ""}, "build_spec is empty"),
        ({"repository": GITHUB}, f"needs a token to reach {GITHUB}"),
    ],
)
def test_what_amplify_would_refuse_is_refused_before(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=message):
        plan_app(NAME, None, desired_app(options(**wanted), None), purge_tags=True)


def test_a_connected_repository_needs_no_token_again() -> None:
    before = BARE | {"repository": GITHUB}
    desired = desired_app(options(repository=GITHUB), None)
    assert not plan_app(NAME, before, desired, purge_tags=True).changed


def test_an_app_is_found_on_the_second_page(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    client, stubber = amplify
    stubber.add_response("list_apps", listed("other", nextToken="more"), {})
    stubber.add_response("list_apps", listed(NAME), {"nextToken": "more"})
    stubber.add_response("get_app", answer(), {"appId": f"{APP_ID}0"})
    (plan,) = plan_one(client, secrets[0], options(state="absent"))
    assert plan.action == "delete"


def test_a_name_of_two_apps_is_refused(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    client, stubber = amplify
    stubber.add_response("list_apps", listed(NAME, NAME), {})
    with pytest.raises(ReconcileError, match=rf"2 Amplify apps .* {APP_ID}0, {APP_ID}1"):
        plan_one(client, secrets[0], options())


def test_read_tells_missing_from_refused(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    client, stubber = amplify
    stubber.add_response(
        "get_app",
        answer(
            tags={TOKEN_TAG: "v1", "a": "1", "aws:x": "theirs"},
            jobConfig={"buildComputeType": "LARGE_16GB"},
            customRules=[{"source": "/a", "target": "/b", "condition": ""}],
        ),
    )
    assert read_app(client, secrets[0], APP_ID, None) == BARE | {
        "token_version": "v1",
        "tags": {"a": "1"},
        "build_instance": "LARGE_16GB",
        "custom_rules": [{"source": "/a", "target": "/b"}],
    }
    stubber.add_client_error("get_app", "NotFoundException")
    assert read_app(client, secrets[0], APP_ID, None) is None
    stubber.add_client_error("get_app", "UnauthorizedException", "not yours")
    with pytest.raises(AwsError, match=f"read Amplify app {APP_ID}: UnauthorizedException"):
        read_app(client, secrets[0], APP_ID, None)


@pytest.mark.parametrize(
    ("value", "current"), [(LOGIN, True), ("walter:other", False), (None, False)]
)
def test_credentials_are_compared_and_not_kept(
    amplify: tuple[Any, Stubber],
    secrets: tuple[Any, Stubber],
    value: str | None,
    current: bool,
) -> None:
    found = answer(enableBasicAuth=True, basicAuthCredentials=ENCODED)
    amplify[1].add_response("get_app", found)
    if value is None:
        secrets[1].add_client_error("get_secret_value", "ResourceNotFoundException")
    else:
        add_secret(secrets[1], "login", value)
    model = read_app(amplify[0], secrets[0], APP_ID, "login")
    assert model == BARE | {"basic_auth": True, "credentials_current": current}


@pytest.mark.parametrize(
    ("repository", "member"),
    [(GITHUB, "accessToken"), ("https://gitlab.example.com/a/b", "oauthToken")],
)
def test_a_new_app_is_one_call(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber], repository: str, member: str
) -> None:
    params = options(
        repository=repository,
        # pragma: allowlist nextline secret
        token_secret="token",  # noqa: S106 - a name
        # pragma: allowlist nextline secret
        basic_auth_secret="login",  # noqa: S106 - a name
        auto_build=False,
        environment={},
        cache="AMPLIFY_MANAGED",
        tags={"a": "1"},
    )
    desired = desired_app(params, "v1")
    plan = plan_app(NAME, None, desired, purge_tags=True)
    add_secret(secrets[1], "login", LOGIN)
    add_secret(secrets[1], "token", "sesame")
    amplify[1].add_response(
        "create_app",
        answer(),
        {
            "name": NAME,
            "repository": repository,
            member: "sesame",
            "enableBasicAuth": True,
            "basicAuthCredentials": ENCODED,
            "enableBranchAutoBuild": False,
            "cacheConfig": {"type": "AMPLIFY_MANAGED"},
            "tags": {"a": "1", TOKEN_TAG: "v1"},
        },
    )
    known = apply_app(amplify[0], secrets[0], plan, params)
    assert known == {"app_id": APP_ID, "default_domain": f"{APP_ID}.amplifyapp.com"}


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({"environment": {}}, {"environmentVariables": {"": ""}}),
        ({"custom_rules": []}, {"customRules": []}),
        ({"description": ""}, {"description": ""}),
        ({"basic_auth": False}, {"enableBasicAuth": False}),
        ({"build_instance": "STANDARD_8GB"}, {"jobConfig": {"buildComputeType": "STANDARD_8GB"}}),
        ({"repository": CODECOMMIT}, {"repository": CODECOMMIT}),
    ],
)
def test_a_change_sends_what_changes(
    amplify: tuple[Any, Stubber],
    secrets: tuple[Any, Stubber],
    changes: dict[str, Any],
    request_: dict[str, Any],
) -> None:
    before = BARE | {
        "environment": {"A": "1"},
        "custom_rules": [{"source": "/a", "target": "/b", "status": "200"}],
        "description": "A shop",
        "basic_auth": True,
    }
    amplify[1].add_response("update_app", answer(), {"appId": APP_ID} | request_)
    apply_app(amplify[0], secrets[0], Plan(NAME, before, before | changes), options())


def test_another_version_of_the_token_is_sent_and_noted(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    params = options(token_secret="token")  # noqa: S106 - a name
    before = BARE | {"repository": GITHUB, "token_version": OLD, "tags": {"a": "1"}}
    add_version(secrets[1], "token")
    add_secret(secrets[1], "token", "sesame")
    amplify[1].add_response("list_apps", listed(NAME))
    tags = {"a": "1", TOKEN_TAG: OLD}
    amplify[1].add_response("get_app", answer(repository=GITHUB, tags=tags))
    (plan,) = plan_one(amplify[0], secrets[0], params)
    assert plan == Plan(NAME, plan.before, before | {"app_id": f"{APP_ID}0", "token_version": NEW})
    amplify[1].add_response(
        "update_app",
        answer(),
        {"appId": f"{APP_ID}0", "repository": GITHUB, "accessToken": "sesame"},
    )
    amplify[1].add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {TOKEN_TAG: NEW}})
    apply_app(amplify[0], secrets[0], plan, params)


def test_a_secret_that_is_missing_or_going_is_an_unknown_version(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    params = options(repository=GITHUB, token_secret="token")  # noqa: S106 - a name
    for missing in (True, False):
        amplify[1].add_response("list_apps", listed())
        if missing:
            secrets[1].add_client_error("describe_secret", "ResourceNotFoundException")
        else:
            add_version(secrets[1], "token", DeletedDate=0)
        (plan,) = plan_one(amplify[0], secrets[0], params)
        assert (plan.after or {})["token_version"] == UNKNOWN_VERSION
    secrets[1].add_client_error("get_secret_value", "ResourceNotFoundException")
    with pytest.raises(ReconcileError, match="There is no secret token in Secrets Manager"):
        apply_app(amplify[0], secrets[0], plan, params)


def test_credentials_of_another_form_are_refused_without_telling_them(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    add_secret(secrets[1], "login", "no-password")
    plan = Plan(NAME, BARE, BARE | {"basic_auth": True, "credentials_current": True})
    with pytest.raises(ReconcileError, match="Secret login does not have the form") as refusal:
        # pragma: allowlist nextline secret
        apply_app(amplify[0], secrets[0], plan, options(basic_auth_secret="login"))  # noqa: S106
    assert "no-password" not in str(refusal.value)


def test_a_refusal_that_quotes_a_secret_is_told_without_it(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    params = options(token_secret="token")  # noqa: S106 - a name
    add_secret(secrets[1], "token", "sesame")
    amplify[1].add_client_error("create_app", "BadRequestException", "Bad credentials: sesame.")
    plan = Plan(NAME, None, {"repository": GITHUB, "token_version": "v1"})
    with pytest.raises(AwsError) as refusal:
        apply_app(amplify[0], secrets[0], plan, params)
    assert str(refusal.value) == (
        "Failed to create Amplify app shop: BadRequestException: Bad credentials: ***."
    )


def test_tags_alone_are_no_update(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    before = BARE | {"tags": {"a": "1"}, "token_version": "v1"}
    amplify[1].add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["a"]})
    amplify[1].add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"b": "2"}})
    after = before | {"tags": {"b": "2"}}
    apply_app(amplify[0], secrets[0], Plan(NAME, before, after), options())


def test_an_app_that_is_gone_already_is_deleted(
    amplify: tuple[Any, Stubber], secrets: tuple[Any, Stubber]
) -> None:
    amplify[1].add_client_error(
        "delete_app", "NotFoundException", expected_params={"appId": APP_ID}
    )
    assert apply_app(amplify[0], secrets[0], Plan(NAME, BARE, None), options()) == BARE

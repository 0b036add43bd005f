"""`cognito_user_pool_client` without AWS: models, and the exact calls of each plan."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_client import (
    apply_client,
    apply_deletion,
    desired_client,
    plan_client,
    read_client,
)
from ansible.module_utils.artificien.cognito_client_checks import check_model, check_options
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff

from library.cognito_user_pool_client import CLIENT, plan_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

POOL = "us-east-1_shop"
ID = "1example23456789"
PLACE = "shop/wiki"
VALUE = "only1secrets2manager3may4know5this"
SECRET_ID = f"{ID}--1767225600"


def option(**fields: Any) -> dict[str, Any]:
    """Return an entry of `clients` as Ansible passes it."""
    return dict.fromkeys(CLIENT) | {"name": "wiki"} | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return the model of a client that was created with nothing but a name, but for `fields`."""
    return {
        "client_id": ID,
        "generate_secret": False,
        "auth_flows": [],
        "oauth_flows": [],
        "oauth_scopes": [],
        "callback_urls": [],
        "logout_urls": [],
        "default_redirect_url": "",
        "identity_providers": [],
        "access_token_validity_minutes": 60,
        "id_token_validity_minutes": 60,
        "refresh_token_validity_days": 30,
        "auth_session_validity_minutes": 3,
        "token_revocation": False,
        "prevent_user_existence_errors": False,
        "read_attributes": [],
        "write_attributes": [],
        "refresh_token_rotation": {"enabled": False},
    } | fields


def with_secret(**fields: Any) -> dict[str, Any]:
    """Return the model of a client whose secret is stored, but for `fields`."""
    stored = {"secret_name": PLACE, "secret_stored": True, "secret_tags": {}}
    return model(generate_secret=True) | stored | fields


def described(**fields: Any) -> dict[str, Any]:
    """Return what DescribeUserPoolClient answers."""
    client = {"UserPoolId": POOL, "ClientId": ID, "ClientName": "wiki"} | fields
    return {"UserPoolClient": client}


def add_pool(stubber: Stubber, clients: list[tuple[str, str]]) -> None:
    """Make the account answer with a pool and the names and ids of its clients."""
    stubber.add_response("list_user_pools", {"UserPools": [{"Id": POOL, "Name": "shop"}]})
    stubber.add_response(
        "list_user_pool_clients",
        {"UserPoolClients": [{"ClientName": name, "ClientId": found} for name, found in clients]},
        {"UserPoolId": POOL, "MaxResults": 60},
    )


def add_stored(stubber: Stubber, content: Any, tags: list[Any] | None = None) -> None:
    """Make Secrets Manager answer with `content` for the client's secret."""
    stubber.add_response(
        "get_secret_value", {"SecretString": json.dumps(content)}, {"SecretId": PLACE}
    )
    if tags is not None:
        stubber.add_response("describe_secret", {"Tags": tags}, {"SecretId": PLACE})


def add_secrets(stubber: Stubber, *ids: str) -> None:
    """Make Cognito answer with the ids of the client's secrets."""
    created = datetime(2026, 1, 1, tzinfo=UTC)
    secrets = [{"ClientSecretId": found, "ClientSecretCreateDate": created} for found in ids]
    stubber.add_response(
        "list_user_pool_client_secrets",
        {"ClientSecrets": secrets},
        {"UserPoolId": POOL, "ClientId": ID},
    )


def params(*clients: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the module's parameters."""
    given = {"user_pool": "shop", "clients": list(clients), "secret_tags": None}
    return given | {"purge_tags": True, "state": "present"} | fields


@pytest.mark.parametrize(
    ("found", "read"),
    [
        ({}, model()),
        (
            {
                "ExplicitAuthFlows": [
                    "ALLOW_USER_SRP_AUTH",
                    "ALLOW_CUSTOM_AUTH",
                    "ADMIN_NO_SRP_AUTH",
                ]
            },
            model(auth_flows=["ADMIN_NO_SRP_AUTH", "custom", "user_srp"]),
        ),
        (
            {"AllowedOAuthFlows": ["implicit", "code"], "AllowedOAuthFlowsUserPoolClient": True},
            model(oauth_flows=["code", "implicit"]),
        ),
        ({"AllowedOAuthFlows": ["code"]}, model()),
        ({"ReadAttributes": ["name", "email"]}, model(read_attributes=["email", "name"])),
        ({"EnableTokenRevocation": True}, model(token_revocation=True)),
        ({"PreventUserExistenceErrors": "ENABLED"}, model(prevent_user_existence_errors=True)),
        ({"PreventUserExistenceErrors": "LEGACY"}, model()),
        ({"AuthSessionValidity": 5}, model(auth_session_validity_minutes=5)),
        (
            {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 9}},
            model(refresh_token_rotation={"enabled": True, "retry_grace_period_seconds": 9}),
        ),
        ({"RefreshTokenRotation": {"Feature": "DISABLED", "RetryGracePeriodSeconds": 9}}, model()),
    ],
)
def test_read(stubbed: Stubbed, found: dict[str, Any], read: dict[str, Any]) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described(**found))
    assert read_client(cognito, secrets, POOL, ID, None) == read


@pytest.mark.parametrize(
    ("validity", "unit", "minutes"),
    [
        (2, None, 120),
        (2, "hours", 120),
        (45, "minutes", 45),
        (300, "seconds", 5),
        (330, "seconds", 5.5),
        (1, "days", 1440),
        (None, "minutes", 60),
    ],
)
def test_lifetimes_are_compared_in_whatever_unit_aws_answers(
    stubbed: Stubbed, validity: int | None, unit: str | None, minutes: float
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    found = {} if validity is None else {"AccessTokenValidity": validity}
    units = {} if unit is None else {"TokenValidityUnits": {"AccessToken": unit}}
    stubber.add_response("describe_user_pool_client", described(**found, **units))
    read = read_client(cognito, secrets, POOL, ID, None)
    assert read == model(access_token_validity_minutes=minutes)


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        ({"client_id": ID, "client_secret": VALUE}, True),
        ({"client_id": "former", "client_secret": VALUE}, False),
    ],
)
def test_read_tells_whose_secret_is_stored_and_never_the_secret(
    stubbed: Stubbed, content: dict[str, str], stored: bool
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described(ClientSecret=VALUE))
    tags = [{"Key": "a", "Value": "1"}, {"Key": "aws:theirs", "Value": "2"}]
    add_stored(secrets_stubber, content, tags)
    read = read_client(cognito, secrets, POOL, ID, PLACE)
    assert read == with_secret(secret_stored=stored, secret_tags={"a": "1"})
    assert VALUE not in json.dumps(read)


@pytest.mark.parametrize(("ids", "has_secret"), [([SECRET_ID], True), ([], False)])
def test_a_rotated_secret_is_one_that_aws_lists_without_telling_it(
    stubbed: Stubbed, ids: list[str], has_secret: bool
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described())
    add_secrets(stubber, *ids)
    add_stored(secrets_stubber, {"client_id": ID, "client_secret": VALUE}, [])
    read = read_client(cognito, secrets, POOL, ID, PLACE)
    assert read == with_secret(generate_secret=has_secret)


@pytest.mark.parametrize("content", ["text", 1, [], {}, {"password": VALUE}, None])
def test_a_secret_of_somebody_else_is_refused_without_telling_it(
    stubbed: Stubbed, content: Any
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described(ClientSecret=VALUE))
    add_stored(secrets_stubber, content)
    with pytest.raises(ReconcileError, match=f"Secret {PLACE} holds something else") as error:
        read_client(cognito, secrets, POOL, ID, PLACE)
    assert VALUE not in str(error.value)


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (option(), {}),
        (
            option(auth_flows=["user_srp", "custom", "user_srp"]),
            {"auth_flows": ["custom", "user_srp"]},
        ),
        (option(oauth_flows=[]), {}),
        (option(refresh_token_rotation={"enabled": False, "retry_grace_period_seconds": 0}), {}),
        (option(access_token_validity_minutes=60), {}),
        (option(id_token_validity_minutes=5), {"id_token_validity_minutes": 5}),
        (option(default_redirect_url=""), {}),
    ],
)
def test_only_given_options_are_planned(
    stubbed: Stubbed, wanted: dict[str, Any], changes: dict[str, Any]
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    add_pool(stubber, [("wiki-old", "another"), ("wiki", ID)])
    stubber.add_response("describe_user_pool_client", described())
    [plan] = plan_clients(cognito, secrets, params(wanted))
    assert plan == Plan("wiki", model(), model(**changes))


def test_switching_oauth_off_clears_what_belongs_to_it() -> None:
    current = model(
        oauth_flows=["code"],
        oauth_scopes=["openid"],
        callback_urls=["https://a"],
        logout_urls=["https://b"],
        default_redirect_url="https://a",
    )
    desired = desired_client(option(oauth_flows=[]), None)
    assert plan_client("wiki", current, desired, purge_tags=True).after == model()


def test_tags_of_the_secret_are_replaced_or_merged() -> None:
    current = with_secret(secret_tags={"a": "1"})
    desired = desired_client(option(generate_secret=True, secret_name=PLACE), {"b": "2"})
    purged = plan_client("wiki", current, desired, purge_tags=True)
    assert purged.after == with_secret(secret_tags={"b": "2"})
    merged = plan_client("wiki", current, desired, purge_tags=False)
    assert merged.after == with_secret(secret_tags={"a": "1", "b": "2"})


def test_everything_is_to_be_created_where_there_is_no_pool(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    stubber.add_response("list_user_pools", {"UserPools": []})
    wanted = option(generate_secret=True, secret_name=PLACE)
    [plan] = plan_clients(cognito, secrets, params(wanted, secret_tags={"a": "1"}))
    after = {
        "generate_secret": True,
        "secret_name": PLACE,
        "secret_stored": True,
        "secret_tags": {"a": "1"},
        "identity_providers": ["COGNITO"],
    }
    assert plan == Plan("wiki", None, after)


def test_two_clients_of_one_name_are_refused(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    add_pool(stubber, [("wiki", "b"), ("web", "c"), ("wiki", "a")])
    with pytest.raises(ReconcileError, match=r"wiki: 2 clients of .* \(a, b\)\. Rename"):
        plan_clients(cognito, secrets, params(option()))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (option(), "wiki: 2 entries of clients have this name"),
        (option(name="web", secret_name=PLACE), f"{PLACE}: 2 entries .* this secret_name"),
    ],
)
def test_entries_that_would_overwrite_each_other_are_refused(
    stubbed: Stubbed, other: dict[str, Any], message: str
) -> None:
    first = option(generate_secret=True, secret_name=PLACE)
    clients = stubbed("cognito-idp")[0], stubbed("secretsmanager")[0]
    with pytest.raises(ReconcileError, match=message):
        plan_clients(*clients, params(first, other))


@pytest.mark.parametrize(
    ("found", "ids"), [({}, [SECRET_ID]), ({"ClientSecret": VALUE}, [SECRET_ID, "newer"])]
)
def test_a_lost_secret_that_aws_does_not_tell_must_be_rotated(
    stubbed: Stubbed, found: dict[str, str], ids: list[str]
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    add_pool(stubber, [("wiki", ID)])
    stubber.add_response("describe_user_pool_client", described(**found))
    if not found:
        add_secrets(stubber, *ids)
    secrets_stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    secrets_stubber.add_client_error("describe_secret", "ResourceNotFoundException")
    stubber.add_response("describe_user_pool_client", described(**found))
    add_secrets(stubber, *ids)
    wanted = option(generate_secret=True, secret_name=PLACE)
    with pytest.raises(ReconcileError, match=r"wiki: .* not stored.*state=rotated"):
        plan_clients(cognito, secrets, params(wanted))


def test_a_client_cannot_get_a_secret_later(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    add_pool(stubber, [("wiki", ID)])
    stubber.add_response("describe_user_pool_client", described())
    stubber.add_client_error("list_user_pool_client_secrets", "InvalidParameterException")
    secrets_stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    secrets_stubber.add_client_error("describe_secret", "ResourceNotFoundException")
    wanted = option(generate_secret=True, secret_name=PLACE)
    with pytest.raises(ReconcileError, match=r"wiki: generate_secret is False and cannot be"):
        plan_clients(cognito, secrets, params(wanted))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"generate_secret": True}, "generate_secret is True and secret_name is None. Give both"),
        ({"secret_name": PLACE}, f"generate_secret is None and secret_name is '{PLACE}'"),
        ({"auth_flows": []}, "auth_flows is empty.*Name at least one"),
        ({"access_token_validity_minutes": 4}, "access_token_validity_minutes is 4; give 5 to"),
        ({"id_token_validity_minutes": 1441}, "id_token_validity_minutes is 1441; give 5 to 1440"),
        ({"refresh_token_validity_days": 0}, "refresh_token_validity_days is 0; give 1 to 3650"),
        ({"auth_session_validity_minutes": 16}, "auth_session_validity_minutes is 16; give 3 to"),
        (
            {"refresh_token_rotation": {"enabled": True, "retry_grace_period_seconds": 61}},
            "retry_grace_period_seconds is 61; give 0 to 60",
        ),
        ({"callback_urls": ["http://a.example.com"]}, "callback_urls has 'http://a.example.com'"),
        ({"callback_urls": ["http://localhost.evil.com/"]}, "callback_urls has"),
        ({"callback_urls": ["https:///path"]}, "callback_urls has"),
        ({"logout_urls": ["/signed-out"]}, "logout_urls has '/signed-out'"),
        ({"default_redirect_url": "https://a#b"}, "default_redirect_url has 'https://a#b'"),
        (
            {"oauth_flows": [], "oauth_scopes": ["openid"]},
            r"oauth_scopes is \['openid'\], but oauth_flows is empty",
        ),
    ],
)
def test_options_that_cannot_be_meant_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"wiki: {message}"):
        check_options(option(**fields))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example.com/x?y=1",
        "artificien://callback",
        "com.example.app:/oauth",
        "http://localhost:8000/hub",
        "http://127.0.0.1/",
        "http://[::1]:80/",
    ],
)
def test_urls_that_cognito_takes(url: str) -> None:
    check_options(option(callback_urls=[url], logout_urls=[url], default_redirect_url=url))


CODE = {
    "oauth_flows": ["code"],
    "oauth_scopes": ["openid"],
    "callback_urls": ["https://a"],
    "default_redirect_url": "https://a",
}
MACHINE = {"oauth_flows": ["client_credentials"], "oauth_scopes": ["shop/read"]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (CODE | {"oauth_scopes": []}, "there are no oauth_scopes"),
        (CODE | {"callback_urls": []}, "there are no callback_urls"),
        (
            CODE | {"default_redirect_url": "https://b"},
            r"'https://b', which is none of .*https://a",
        ),
        (MACHINE, "works only as the single flow of a client with generate_secret"),
        (
            CODE | {"generate_secret": True, "oauth_flows": ["client_credentials", "code"]},
            "client_credentials works only",
        ),
        (
            {"auth_flows": ["refresh_token"], "refresh_token_rotation": {"enabled": True}},
            "exclude each other",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReconcileError, match=f"wiki: .*{message}"):
        check_model("wiki", model(**fields))


@pytest.mark.parametrize("fields", [{}, CODE, MACHINE | {"generate_secret": True}])
def test_settings_that_agree_are_taken(fields: dict[str, Any]) -> None:
    check_model("wiki", model(**fields))


def test_a_new_client_needs_no_more_than_a_name(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    request = {"UserPoolId": POOL, "ClientName": "wiki", "GenerateSecret": False}
    request |= {"SupportedIdentityProviders": ["COGNITO"]}
    stubber.add_response("create_user_pool_client", described(), request)
    plan = plan_client("wiki", None, desired_client(option(), None), purge_tags=True)
    assert apply_client(cognito, secrets, POOL, plan) == ID


def test_the_secret_of_a_new_client_goes_to_secrets_manager_only(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    wanted = option(
        **CODE,
        generate_secret=True,
        secret_name=PLACE,
        auth_flows=["refresh_token"],
        identity_providers=["Google"],
        access_token_validity_minutes=30,
        refresh_token_validity_days=1,
        token_revocation=False,
        prevent_user_existence_errors=False,
        auth_session_validity_minutes=5,
        write_attributes=["name"],
        refresh_token_rotation={"enabled": True, "retry_grace_period_seconds": 9},
    )
    stubber.add_response(
        "create_user_pool_client",
        described(ClientSecret=VALUE),
        {
            "UserPoolId": POOL,
            "ClientName": "wiki",
            "GenerateSecret": True,
            "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthScopes": ["openid"],
            "CallbackURLs": ["https://a"],
            "DefaultRedirectURI": "https://a",
            "SupportedIdentityProviders": ["Google"],
            "AccessTokenValidity": 30,
            "RefreshTokenValidity": 1,
            "TokenValidityUnits": {"AccessToken": "minutes", "RefreshToken": "days"},
            "EnableTokenRevocation": False,
            "PreventUserExistenceErrors": "LEGACY",
            "AuthSessionValidity": 5,
            "WriteAttributes": ["name"],
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 9},
        },
    )
    tags = [{"Key": "a", "Value": "1"}]
    secrets_stubber.add_client_error("describe_secret", "ResourceNotFoundException")
    secrets_stubber.add_response(
        "create_secret",
        {},
        {
            "Name": PLACE,
            "Description": f"Credentials of the Cognito client {ID}",
            "SecretString": json.dumps({"client_id": ID, "client_secret": VALUE}),
            "Tags": tags,
        },
    )
    secrets_stubber.add_response("describe_secret", {"Tags": tags}, {"SecretId": PLACE})
    plan = plan_client("wiki", None, desired_client(wanted, {"a": "1"}), purge_tags=True)
    apply_client(cognito, secrets, POOL, plan)
    assert VALUE not in json.dumps(diff([plan]))


def test_an_update_sends_all_that_aws_would_reset_and_nothing_that_it_refuses(
    stubbed: Stubbed,
) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    kept: dict[str, Any] = {
        "UserPoolId": POOL,
        "ClientId": ID,
        "ClientName": "wiki",
        "IdTokenValidity": 2,
        "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH"],
        "EnableTokenRevocation": True,
        "EnablePropagateAdditionalUserContextData": True,
        "AnalyticsConfiguration": {"ApplicationId": "metrics"},
        "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 9},
    }
    now = datetime(2026, 1, 1, tzinfo=UTC)
    read_only = {"ClientSecret": VALUE, "CreationDate": now, "LastModifiedDate": now}
    found = kept | {"TokenValidityUnits": {"IdToken": "hours"}, "CallbackURLs": ["https://a"]}
    stubber.add_response("describe_user_pool_client", {"UserPoolClient": found | read_only})
    stubber.add_response(
        "update_user_pool_client",
        {},
        kept
        | {
            "CallbackURLs": ["https://b"],
            "AccessTokenValidity": 5,
            "TokenValidityUnits": {"IdToken": "hours", "AccessToken": "minutes"},
        },
    )
    after = model(callback_urls=["https://b"], access_token_validity_minutes=5)
    plan = Plan("wiki", model(callback_urls=["https://a"]), after)
    assert apply_client(cognito, secrets, POOL, plan) == ID


def test_an_update_leaves_a_redirect_url_that_is_to_go_out(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    found = described(DefaultRedirectURI="https://a", AllowedOAuthFlowsUserPoolClient=True)
    stubber.add_response("describe_user_pool_client", found)
    request = {"AllowedOAuthFlows": [], "AllowedOAuthFlowsUserPoolClient": False}
    request |= described()["UserPoolClient"]
    stubber.add_response("update_user_pool_client", {}, request)
    plan = Plan("wiki", model(oauth_flows=["code"], default_redirect_url="https://a"), model())
    apply_client(cognito, secrets, POOL, plan)


def test_rotation_of_refresh_tokens_is_switched_off(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described())
    request = described()["UserPoolClient"] | {"RefreshTokenRotation": {"Feature": "DISABLED"}}
    stubber.add_response("update_user_pool_client", {}, request)
    rotated = model(refresh_token_rotation={"enabled": True, "retry_grace_period_seconds": 0})
    apply_client(cognito, secrets, POOL, Plan("wiki", rotated, model()))


def test_a_missing_secret_is_stored_without_touching_the_client(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    for _ in range(2):
        stubber.add_response("describe_user_pool_client", described(ClientSecret=VALUE))
    add_secrets(stubber, SECRET_ID)
    content = {"client_id": ID, "client_secret": VALUE, "client_secret_id": SECRET_ID}
    secrets_stubber.add_response("describe_secret", {}, {"SecretId": PLACE})
    secrets_stubber.add_response(
        "put_secret_value", {}, {"SecretId": PLACE, "SecretString": json.dumps(content)}
    )
    plan = Plan("wiki", with_secret(secret_stored=False), with_secret())
    apply_client(cognito, secrets, POOL, plan)


def test_tags_of_the_secret_change_without_touching_client_or_secret(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    stubber.add_response("describe_user_pool_client", described(ClientSecret=VALUE))
    secrets_stubber.add_response("describe_secret", {"Tags": [{"Key": "a", "Value": "1"}]})
    secrets_stubber.add_response("untag_resource", {}, {"SecretId": PLACE, "TagKeys": ["a"]})
    tags = [{"Key": "b", "Value": "2"}]
    secrets_stubber.add_response("tag_resource", {}, {"SecretId": PLACE, "Tags": tags})
    before, after = with_secret(secret_tags={"a": "1"}), with_secret(secret_tags={"b": "2"})
    apply_client(cognito, secrets, POOL, Plan("wiki", before, after))


def test_a_client_goes_together_with_its_own_secret_only(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    deletion = {"UserPoolId": POOL, "ClientId": ID}
    stubber.add_response("delete_user_pool_client", {}, deletion)
    apply_deletion(cognito, secrets, POOL, Plan("wiki", with_secret(secret_stored=False), None))
    stubber.add_response("delete_user_pool_client", {}, deletion)
    secrets_stubber.add_response(
        "delete_secret", {}, {"SecretId": PLACE, "ForceDeleteWithoutRecovery": True}
    )
    apply_deletion(cognito, secrets, POOL, Plan("wiki", with_secret(), None))


def test_what_a_deleted_pool_left_behind_goes_too(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, secrets_stubber = stubbed("secretsmanager")
    stubber.add_response("list_user_pools", {"UserPools": []})
    add_stored(secrets_stubber, {"client_id": ID, "client_secret": VALUE})
    gone = params(option(secret_name=PLACE), option(name="web"), state="absent")
    left, nothing = plan_clients(cognito, secrets, gone)
    assert left == Plan("wiki", {"secret_name": PLACE, "secret_stored": True}, None)
    assert nothing.action == "none"
    secrets_stubber.add_response(
        "delete_secret", {}, {"SecretId": PLACE, "ForceDeleteWithoutRecovery": True}
    )
    apply_deletion(cognito, secrets, None, left)


def test_a_refused_change_names_the_client(stubbed: Stubbed) -> None:
    cognito, stubber = stubbed("cognito-idp")
    secrets, _ = stubbed("secretsmanager")
    stubber.add_client_error("create_user_pool_client", "LimitExceededException", "too many")
    with pytest.raises(AwsError, match=r"create Cognito client wiki: LimitExceeded.*: too many"):
        apply_client(cognito, secrets, POOL, Plan("wiki", None, {}))

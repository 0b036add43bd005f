"""`cognito_identity_pool` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_identity import (
    DEFAULT_TAGS,
    apply_identity_pool,
    desired_identity_pool,
    find_identity_pool,
    plan_identity_pool,
    read_identity_pool,
)
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

from library.cognito_identity_pool import plan_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "shop"
ACCOUNT = "111122223333"
ID = "us-east-1:1a2b3c4d-0000-4000-8000-1234567890ab"
USERS = "us-east-1_Users0001"
PROVIDER = f"cognito-idp.us-east-1.amazonaws.com/{USERS}"
OTHER_PROVIDER = PROVIDER.replace("Users", "Staff")
WEB = {"provider": PROVIDER, "client_id": "web1", "server_side_token_check": True}
STAFF = {"provider": OTHER_PROVIDER, "client_id": "staff1", "server_side_token_check": False}
ROLE = "arn:aws:iam::111122223333:role/shop-customer"
GUEST_ROLE = "arn:aws:iam::111122223333:role/shop-guest"
TAGS = {"username": "sub"}
LISTED = {"IdentityPools": [{"IdentityPoolId": ID, "IdentityPoolName": NAME}]}
OPTION = {"user_pool": "users", "client": "web", "server_side_token_check": True}


def params(**fields: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them."""
    unset = dict.fromkeys(
        ("guests", "classic_flow", "user_pool_clients", "authenticated_role", "tags")
    )
    more = {"unauthenticated_role": None, "principal_tags": None, "purge_tags": True}
    return {"name": NAME, "state": "present"} | unset | more | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return an identity pool's model with `fields` changed."""
    return {
        "id": ID,
        "guests": False,
        "classic_flow": False,
        "user_pool_clients": [WEB],
        "authenticated_role": ROLE,
        "unauthenticated_role": "",
        "principal_tags": {PROVIDER: TAGS},
        "tags": {"a": "1"},
    } | fields


def wanted(**fields: Any) -> dict[str, Any]:
    """Return a desired model in which only `fields` are given."""
    return dict.fromkeys(model().keys() - {"id"}) | fields


def provider(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a client of a user pool in the words of the API."""
    return {
        "ProviderName": entry["provider"],
        "ClientId": entry["client_id"],
        "ServerSideTokenCheck": entry["server_side_token_check"],
    }


def pool(**fields: Any) -> dict[str, Any]:
    """Return the pool as DescribeIdentityPool answers."""
    return {
        "IdentityPoolId": ID,
        "IdentityPoolName": NAME,
        "AllowUnauthenticatedIdentities": False,
        "CognitoIdentityProviders": [provider(WEB)],
        "IdentityPoolTags": {"a": "1", "aws:cloudformation:stack-name": "theirs"},
    } | fields


def add_pools(stubber: Stubber, *names: str) -> None:
    """Make the account answer with one identity pool per name, one a page."""
    for number, name in enumerate(names):
        request: dict[str, Any] = {"MaxResults": 60}
        answer: dict[str, Any] = {
            "IdentityPools": [{"IdentityPoolId": f"{ID[:-1]}{number}", "IdentityPoolName": name}]
        }
        if number:
            request["NextToken"] = f"page{number}"
        if number + 1 < len(names):
            answer["NextToken"] = f"page{number + 1}"
        stubber.add_response("list_identity_pools", answer, request)


def add_users(stubber: Stubber, *clients: str) -> None:
    """Make the account answer with one user pool and its clients called web."""
    users = {"Id": USERS, "Name": "users"}
    stubber.add_response("list_user_pools", {"UserPools": [users]}, {"MaxResults": 60})
    found = [
        {"UserPoolId": USERS, "ClientId": "other", "ClientName": "native"},
        *({"UserPoolId": USERS, "ClientId": item, "ClientName": "web"} for item in clients),
    ]
    stubber.add_response(
        "list_user_pool_clients",
        {"UserPoolClients": found},
        {"UserPoolId": USERS, "MaxResults": 60},
    )


def test_the_pool_is_found_by_its_exact_name_on_any_page(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    add_pools(stubber, "shop-test", NAME)
    assert find_identity_pool(client, NAME) == f"{ID[:-1]}1"
    add_pools(stubber, "shop-test")
    assert find_identity_pool(client, NAME) is None
    add_pools(stubber, NAME, NAME)
    with pytest.raises(ReconcileError, match="shop: 2 identity pools have this name"):
        find_identity_pool(client, NAME)


def test_read_returns_the_words_of_the_options(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    both = pool(CognitoIdentityProviders=[provider(WEB), provider(STAFF)])
    stubber.add_response("describe_identity_pool", both, {"IdentityPoolId": ID})
    stubber.add_response(
        "get_identity_pool_roles", {"Roles": {"authenticated": ROLE}}, {"IdentityPoolId": ID}
    )
    stubber.add_response(
        "get_principal_tag_attribute_map",
        {"UseDefaults": True, "PrincipalTags": {"client": "aud"}},
        {"IdentityPoolId": ID, "IdentityProviderName": OTHER_PROVIDER},
    )
    stubber.add_client_error("get_principal_tag_attribute_map", "ResourceNotFoundException")
    assert read_identity_pool(client, ID, NAME) == model(
        user_pool_clients=[STAFF, WEB],
        principal_tags={OTHER_PROVIDER: DEFAULT_TAGS, PROVIDER: {}},
    )


def test_read_tells_who_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    stubber.add_client_error("describe_identity_pool", "NotAuthorizedException", "not yours")
    with pytest.raises(AwsError, match="read identity pool shop: NotAuthorizedException"):
        read_identity_pool(client, ID, NAME)


def test_clients_are_found_by_their_names(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-idp")
    add_users(stubber, "web1")
    desired = desired_identity_pool(client, params(user_pool_clients=[OPTION]))
    assert desired == wanted(user_pool_clients=[WEB])
    add_users(stubber, "web1", "web2")
    with pytest.raises(ReconcileError, match=r"2 clients of user pool users .* \(web1, web2\)"):
        desired_identity_pool(client, params(user_pool_clients=[OPTION]))


def test_a_client_that_is_yet_to_be_created_is_planned_but_not_applied(stubbed: Stubbed) -> None:
    pools, pool_stubber = stubbed("cognito-identity")
    users, user_stubber = stubbed("cognito-idp")
    add_pools(pool_stubber, "other")
    add_users(user_stubber)
    missing = OPTION | {"user_pool": "staff"}
    user_stubber.add_response("list_user_pools", {"UserPools": []})
    [plan] = plan_pool(pools, users, params(user_pool_clients=[OPTION, missing]))
    assert plan.after
    assert [entry["client_id"] for entry in plan.after["user_pool_clients"]] == [
        "to be created: client web of user pool users",
        "to be created: client web of user pool staff",
    ]
    with pytest.raises(ReconcileError, match="shop: user_pool_clients names the client web of"):
        apply_identity_pool(pools, ACCOUNT, plan)


def test_a_role_is_given_by_its_arn(stubbed: Stubbed) -> None:
    client, _stubber = stubbed("cognito-idp")
    with pytest.raises(ReconcileError, match="unauthenticated_role is 'shop-guest'; give the ARN"):
        desired_identity_pool(client, params(unauthenticated_role="shop-guest"))


@pytest.mark.parametrize(
    ("desired", "purge_tags", "after"),
    [
        (wanted(), True, model()),
        (wanted(guests=True), True, model(guests=True)),
        (wanted(tags={"b": "2"}), True, model(tags={"b": "2"})),
        (wanted(tags={"b": "2"}), False, model(tags={"a": "1", "b": "2"})),
        (wanted(authenticated_role=""), True, model(authenticated_role="")),
        (wanted(principal_tags={}), True, model(principal_tags={PROVIDER: {}})),
        (
            wanted(user_pool_clients=[STAFF, WEB], principal_tags=TAGS),
            True,
            model(
                user_pool_clients=[STAFF, WEB],
                principal_tags={OTHER_PROVIDER: TAGS, PROVIDER: TAGS},
            ),
        ),
        (
            wanted(user_pool_clients=[STAFF]),
            True,
            model(user_pool_clients=[STAFF], principal_tags={OTHER_PROVIDER: {}}),
        ),
    ],
)
def test_only_given_options_are_planned(
    desired: dict[str, Any], purge_tags: bool, after: dict[str, Any]
) -> None:
    plan = plan_identity_pool(NAME, model(), desired, purge_tags=purge_tags)
    assert plan == Plan(NAME, model(), after)


def test_a_new_pool_has_no_guests_unless_asked_for(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("cognito-identity")
    empty = {
        "IdentityPoolName": NAME,
        "AllowUnauthenticatedIdentities": False,
        "AllowClassicFlow": False,
        "CognitoIdentityProviders": [],
        "IdentityPoolTags": {},
    }
    stubber.add_response("create_identity_pool", pool(), empty)
    stubber.add_response("list_identity_pools", {"IdentityPools": []}, {"MaxResults": 60})
    stubber.add_response("list_identity_pools", LISTED, {"MaxResults": 60})
    plan = plan_identity_pool(NAME, None, wanted(), purge_tags=True)
    assert apply_identity_pool(client, ACCOUNT, plan) == ID


def test_a_new_pool_gets_its_roles_and_principal_tags(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    stubber.add_response(
        "create_identity_pool",
        pool(),
        {
            "IdentityPoolName": NAME,
            "AllowUnauthenticatedIdentities": True,
            "AllowClassicFlow": False,
            "CognitoIdentityProviders": [provider(WEB)],
            "IdentityPoolTags": {"a": "1"},
        },
    )
    stubber.add_response("list_identity_pools", LISTED, {"MaxResults": 60})
    stubber.add_response("get_identity_pool_roles", {}, {"IdentityPoolId": ID})
    stubber.add_response(
        "set_identity_pool_roles",
        {},
        {
            "IdentityPoolId": ID,
            "Roles": {"authenticated": ROLE, "unauthenticated": GUEST_ROLE},
            "RoleMappings": {},
        },
    )
    stubber.add_response(
        "set_principal_tag_attribute_map",
        {},
        {
            "IdentityPoolId": ID,
            "IdentityProviderName": PROVIDER,
            "UseDefaults": False,
            "PrincipalTags": TAGS,
        },
    )
    after = model(guests=True, unauthenticated_role=GUEST_ROLE)
    del after["id"]
    assert apply_identity_pool(client, ACCOUNT, Plan(NAME, None, after)) == ID


def test_an_update_keeps_what_is_not_managed(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    others: dict[str, Any] = {
        "SupportedLoginProviders": {"accounts.google.com": "shop"},
        "DeveloperProviderName": "shop-server",
        "SamlProviderARNs": ["arn:aws:iam::111122223333:saml-provider/staff"],
    }
    described = pool(**others, OpenIdConnectProviderARNs=[])
    stubber.add_response("describe_identity_pool", described, {"IdentityPoolId": ID})
    stubber.add_response(
        "update_identity_pool",
        pool(),
        {
            "IdentityPoolId": ID,
            "IdentityPoolName": NAME,
            "AllowUnauthenticatedIdentities": False,
            "AllowClassicFlow": True,
            "CognitoIdentityProviders": [provider(WEB)],
            "IdentityPoolTags": {"b": "2"},
            **others,
        },
    )
    arn = f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{ID}"
    stubber.add_response("untag_resource", {}, {"ResourceArn": arn, "TagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"ResourceArn": arn, "Tags": {"b": "2"}})
    after = model(classic_flow=True, tags={"b": "2"})
    assert apply_identity_pool(client, ACCOUNT, Plan(NAME, model(), after)) == ID


def test_new_roles_keep_the_mappings_of_users(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    mappings = {f"{PROVIDER}:web1": {"Type": "Token", "AmbiguousRoleResolution": "Deny"}}
    answer = {"Roles": {"authenticated": ROLE}, "RoleMappings": mappings}
    stubber.add_response("get_identity_pool_roles", answer, {"IdentityPoolId": ID})
    stubber.add_response(
        "set_identity_pool_roles",
        {},
        {
            "IdentityPoolId": ID,
            "Roles": {"unauthenticated": GUEST_ROLE},
            "RoleMappings": mappings,
        },
    )
    after = model(authenticated_role="", unauthenticated_role=GUEST_ROLE)
    apply_identity_pool(client, ACCOUNT, Plan(NAME, model(), after))


def test_only_changed_principal_tags_are_set(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    stubber.add_response(
        "set_principal_tag_attribute_map",
        {},
        {
            "IdentityPoolId": ID,
            "IdentityProviderName": OTHER_PROVIDER,
            "UseDefaults": False,
            "PrincipalTags": {},
        },
    )
    before = model(principal_tags={PROVIDER: TAGS, OTHER_PROVIDER: DEFAULT_TAGS})
    after = model(principal_tags={PROVIDER: TAGS, OTHER_PROVIDER: {}})
    apply_identity_pool(client, ACCOUNT, Plan(NAME, before, after))


def test_a_pool_is_deleted_by_its_id(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-identity")
    stubber.add_response("delete_identity_pool", {}, {"IdentityPoolId": ID})
    apply_identity_pool(client, ACCOUNT, Plan(NAME, model(), None))

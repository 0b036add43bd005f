"""What the patches of the emulator decide, apart from where they are put in."""

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from local_cloud.patches import (
    browser_sessions,
    client_secrets,
    dynamodb_conditions,
    metric_namespaces,
    names,
    post_confirmation,
    principal_tags,
    role_trust,
)


def _client() -> dict[str, Any]:
    # pragma: allowlist nextline secret
    return {"ClientId": "web", "ClientSecret": "first", "CreationDate": 1.5}


def _generated() -> str:
    return "generated"


def test_a_secret_of_the_caller_is_not_repeated_to_it() -> None:
    pool: dict[str, Any] = {}
    client = _client()
    given = {"ClientSecret": "x" * 24}
    answer = client_secrets.add_secret(pool, client, given, _generated, 2.0)
    assert answer == {
        # pragma: allowlist nextline secret
        "ClientSecretDescriptor": {"ClientSecretId": "web--2000", "ClientSecretCreateDate": 2.0}
    }
    assert client["ClientSecret"] == "x" * 24
    assert client_secrets.list_secrets(pool, client)["ClientSecrets"] == [
        # pragma: allowlist nextline secret
        {"ClientSecretId": "web--1500", "ClientSecretCreateDate": 1.5},
        # pragma: allowlist nextline secret
        {"ClientSecretId": "web--2000", "ClientSecretCreateDate": 2.0},
    ]


def test_the_older_secret_works_again_without_the_newer_one() -> None:
    pool: dict[str, Any] = {}
    client = _client()
    client_secrets.add_secret(pool, client, {}, _generated, 2.0)
    # pragma: allowlist nextline secret
    assert client["ClientSecret"] == "generated"
    # pragma: allowlist nextline secret
    client_secrets.delete_secret(pool, client, {"ClientSecretId": "web--2000"})
    # pragma: allowlist nextline secret
    assert client["ClientSecret"] == "first"


def test_a_function_that_never_answers_is_given_up() -> None:
    def never() -> dict[str, Any]:
        time.sleep(1)
        return {}

    with pytest.raises(Exception, match="did not answer in time"):
        post_confirmation.within(0.01, never)
    assert post_confirmation.within(1, lambda: {"body": 1}) == {"body": 1}


@pytest.mark.parametrize(
    ("mapping", "tags"),
    [
        ({"UseDefaults": True, "PrincipalTags": {}}, {"username": "1-2", "client": "web"}),
        (
            {"UseDefaults": False, "PrincipalTags": {"mail": "email", "level": "n", "x": "groups"}},
            {"mail": "a@b.org", "level": "3"},
        ),
    ],
)
def test_claims_become_tags(mapping: dict[str, Any], tags: dict[str, str]) -> None:
    claims = {"sub": "1-2", "aud": "web", "email": "a@b.org", "n": 3, "groups": ["g"]}
    made = principal_tags.session_tags(mapping, claims)
    assert {tag["Key"]: tag["Value"] for tag in made} == tags


def test_federated_principals_are_read_as_services() -> None:
    federated = {"Effect": "Allow", "Principal": {"Federated": "pools"}, "Action": "sts:X"}
    service = federated | {"Principal": {"Service": "pools"}}
    for statements in (federated, [federated, service, federated | {"Principal": "*"}]):
        assert role_trust.as_service({"Statement": statements}) == {"Statement": [service]}


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def _patched(answer: dict[str, Any]) -> Callable[[bytes], dict[str, Any]]:
    """Return the emulator's function, which answers this, with what the patch adds to it."""

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:  # noqa: ARG001 - theirs
        return dict(answer)

    by_name = {"IndexName": "by-name", "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}]}
    things = {
        "KeySchema": [
            {"AttributeName": "size_", "KeyType": "RANGE"},
            {"AttributeName": "id", "KeyType": "HASH"},
        ],
        "GlobalSecondaryIndexes": [by_name],
    }
    actions: Any = ModuleType("iam_actions")
    actions.dynamodb_service_context = dynamodb_service_context
    dynamodb: Any = ModuleType("dynamodb")
    dynamodb._tables = {"things": things}
    dynamodb_conditions.patch(actions, dynamodb)
    patched: Callable[[bytes], dict[str, Any]] = actions.dynamodb_service_context
    return patched


EXPRESSION = {
    "TableName": "things",
    "KeyConditionExpression": "#i = :i AND size_ BETWEEN :a AND :b",
    "FilterExpression": "attribute_exists(deep.path[0].more) or NOT begins_with(#n.x, :a)",
    "ExpressionAttributeNames": {"#i": "id", "#n": "name"},
    "ExpressionAttributeValues": {":i": {"S": "one"}, ":a": {"N": "1"}, ":b": {"N": "2"}},
}


@pytest.mark.parametrize(
    ("request_", "leading", "attributes"),
    [
        ({"TableName": "things"}, None, None),
        ({"TableName": "things", "Key": _key("one")}, ["one"], ["id"]),
        ({"TableName": "arn:aws:dynamodb:r:1:table/things", "Key": _key("one")}, ["one"], ["id"]),
        ({"TableName": "things", "Item": _key("one") | {"n": {"N": "1"}}}, ["one"], ["id", "n"]),
        (EXPRESSION, ["one"], ["deep", "id", "name", "size_"]),
        (EXPRESSION | {"KeyConditionExpression": ":i = #i"}, ["one"], ["deep", "id", "name"]),
        (EXPRESSION | {"KeyConditionExpression": "other = :i"}, [""], ["deep", "name", "other"]),
        (
            {
                "TableName": "things",
                "IndexName": "by-name",
                "KeyConditions": {"name": {"AttributeValueList": [{"S": "two"}]}},
            },
            ["two"],
            ["name"],
        ),
        (
            {
                "RequestItems": {
                    "things": {"Keys": [_key("a"), _key("b")], "AttributesToGet": ["n"]}
                }
            },
            ["a", "b"],
            ["id", "n"],
        ),
        (
            {
                "RequestItems": {
                    "things": [
                        {"PutRequest": {"Item": _key("a") | {"n": {"N": "1"}}}},
                        {"DeleteRequest": {"Key": _key("b")}},
                    ]
                }
            },
            ["a", "b"],
            ["id", "n"],
        ),
        (
            {
                "TransactItems": [
                    {"Get": {"TableName": "things", "Key": _key("a")}},
                    {"Delete": {"TableName": "things", "Key": _key("b")}},
                ]
            },
            ["a", "b"],
            ["id"],
        ),
    ],
)
def test_requests_name_items_and_attributes(
    request_: dict[str, Any], leading: list[str] | None, attributes: list[str] | None
) -> None:
    context_of = _patched({"dynamodb:Select": "X"})
    found = context_of(json.dumps(request_).encode())
    assert found["dynamodb:Select"] == "X"
    assert found.get("dynamodb:LeadingKeys") == leading
    assert sorted(found.get("dynamodb:Attributes") or []) == (attributes or [])


def test_a_request_that_is_no_json_has_no_keys() -> None:
    context_of = _patched({})
    for body in (b"", b"{", b"[]"):
        assert context_of(body) == {}


def test_names_and_aliases_are_found_in_any_case_where_the_pool_says_so() -> None:
    user = {"Attributes": [{"Name": "email", "Value": "Ada@Example.com"}]}
    pool = {
        "UsernameConfiguration": {"CaseSensitive": False},
        "AliasAttributes": ["email"],
        "_users": {"Ada": user},
    }
    assert names.spellings(pool, "ADA") == ["Ada"]
    assert names.spellings(pool, "ada@example.com") == ["Ada@Example.com"]
    assert names.spellings(pool, "adam") == []
    assert names.spellings(pool, None) == []
    assert names.spellings(pool | {"AliasAttributes": None}, "ada@example.com") == []
    for configuration in ({"CaseSensitive": True}, {}):
        assert names.spellings(pool | {"UsernameConfiguration": configuration}, "ADA") == []


def test_a_session_of_a_browser_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = browser_sessions.Sessions()
    cookie = sessions.begin("pool", "ada").partition(";")[0]
    headers = {"cookie": f"other=1; {cookie}"}
    assert sessions.user(headers, "pool") == "ada"
    assert sessions.user(headers, "another") is None
    assert sessions.user({}, "pool") is None
    later = time.monotonic() + browser_sessions.SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert sessions.user(headers, "pool") is None


@pytest.mark.parametrize(
    ("body", "parameters", "namespace"),
    [
        (b'{"Namespace": "own", "MetricData": []}', {}, "own"),
        (b"Action=PutMetricData&Namespace=own", {"Namespace": ["own"]}, "own"),
        (b"[]", {}, ""),
        (b"\xa1", {}, ""),
    ],
)
def test_a_request_names_the_namespace_of_its_metrics(
    body: bytes, parameters: dict[str, list[str]], namespace: str
) -> None:
    def request_tag_context(
        service: str,  # noqa: ARG001 - theirs
        iam_action: str,  # noqa: ARG001 - theirs
        body: bytes,  # noqa: ARG001 - theirs
        params: dict[str, Any],  # noqa: ARG001 - theirs
    ) -> dict[str, Any]:
        return {"aws:TagKeys": []}

    def _query_param(query_params: dict[str, Any], key: str) -> str:
        return str(query_params.get(key, [""])[0])

    actions: Any = ModuleType("iam_actions")
    actions.request_tag_context = request_tag_context
    actions._query_param = _query_param
    metric_namespaces.patch(actions)
    found = actions.request_tag_context("monitoring", "cloudwatch:PutMetricData", body, parameters)
    assert found == {"aws:TagKeys": [], "cloudwatch:namespace": namespace}
    other = actions.request_tag_context("monitoring", "cloudwatch:ListMetrics", body, parameters)
    assert other == {"aws:TagKeys": []}

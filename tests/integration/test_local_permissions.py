"""What the launcher mends of IAM: people of an identity pool reach their own items only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.cloud import Cloud

# pragma: allowlist nextline secret
PASSWORD = "Correct-horse-1"  # noqa: S105 - of users of the emulator
OWN = "${aws:PrincipalTag/username}"


def _statement(action: str, resource: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": f"arn:aws:dynamodb:us-east-1:000000000000:table/{resource}",
        "Condition": condition,
    }


def _leading(value: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {f"ForAllValues:{operator}": {"dynamodb:LeadingKeys": value}}


STATEMENTS = [
    _statement("dynamodb:PutItem", "people", _leading(OWN)),
    _statement("dynamodb:BatchGetItem", "people", _leading(OWN)),
    _statement("dynamodb:Query", "people/index/by-team", _leading("${aws:PrincipalTag/mail}")),
    _statement("dynamodb:GetItem", "people", _leading(f"*-{OWN}", "StringLike")),
    _statement(
        "dynamodb:UpdateItem",
        "people",
        {
            "ForAllValues:StringEquals": {
                "dynamodb:LeadingKeys": OWN,
                "dynamodb:Attributes": ["name", "bought"],
            }
        },
    ),
]


def _tables(cloud: Cloud) -> None:
    cloud.client("dynamodb").create_table(
        TableName="people",
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("name", "team")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-team",
                "KeySchema": [{"AttributeName": "team", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _trust(identity_pool: str, kind: str = "authenticated", **changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": identity_pool},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": kind},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changes]})


def _role(cloud: Cloud, identity_pool: str) -> str:
    iam = cloud.client("iam")
    trust = _trust(identity_pool)
    role = iam.create_role(RoleName="people", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(
        RoleName="people",
        PolicyName="people",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS}),
    )
    arn: str = role["Arn"]
    return arn


@dataclass
class Login:
    """Somebody who has signed in, and the identity pool to exchange the token at."""

    cloud: Cloud
    identity_pool: str
    logins: dict[str, str]

    def credentials(self) -> dict[str, str]:
        """Exchange the token for credentials."""
        identity = self.cloud.client("cognito-identity")
        identity_id = identity.get_id(IdentityPoolId=self.identity_pool, Logins=self.logins)
        answer = identity.get_credentials_for_identity(
            IdentityId=identity_id["IdentityId"], Logins=self.logins
        )
        found: dict[str, str] = answer["Credentials"]
        return found


@pytest.fixture(scope="session")
def login(cloud: Cloud) -> Login:
    """Return somebody of a user pool whose names the identity pool maps to tags."""
    idp, identity = cloud.client("cognito-idp"), cloud.client("cognito-identity")
    pool_id = idp.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client_id = idp.create_user_pool_client(
        UserPoolId=pool_id, ClientName="web", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    provider = f"cognito-idp.us-east-1.amazonaws.com/{pool_id}"
    identity_pool = identity.create_identity_pool(
        IdentityPoolName="people",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": client_id}],
    )["IdentityPoolId"]
    identity.set_principal_tag_attribute_map(
        IdentityPoolId=identity_pool,
        IdentityProviderName=provider,
        PrincipalTags={"username": "cognito:username", "mail": "email"},
    )
    idp.sign_up(
        ClientId=client_id,
        Username="ada",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ada@example.org"}],
    )
    idp.admin_confirm_sign_up(UserPoolId=pool_id, Username="ada")
    tokens = idp.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    made = Login(cloud, identity_pool, {provider: tokens["IdToken"]})
    with pytest.raises(ClientError, match="InvalidIdentityPoolConfiguration"):
        made.credentials()
    identity.set_identity_pool_roles(
        IdentityPoolId=identity_pool, Roles={"authenticated": _role(cloud, identity_pool)}
    )
    return made


@pytest.fixture(scope="session")
def ada(cloud: Cloud, login: Login) -> Any:
    """Return a client of DynamoDB with the credentials of somebody of an identity pool."""
    _tables(cloud)
    credentials = login.credentials()
    return boto3.client(
        "dynamodb",
        region_name=cloud.region,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_a_role_is_given_only_to_whom_it_trusts(cloud: Cloud, login: Login) -> None:
    iam = cloud.client("iam")
    pool = login.identity_pool
    for trust in (
        _trust("us-east-1:another"),
        _trust(pool, "unauthenticated"),
        _trust(pool, Action="sts:AssumeRoleWithWebIdentity"),
        _trust(pool, Action="sts:TagSession"),
        _trust(pool, Principal={"Federated": "accounts.example.org"}),
        _trust(pool, Principal={"Service": "lambda.amazonaws.com"}),
    ):
        iam.update_assume_role_policy(RoleName="people", PolicyDocument=trust)
        with pytest.raises(ClientError, match="InvalidIdentityPoolConfiguration"):
            login.credentials()
    iam.update_assume_role_policy(RoleName="people", PolicyDocument=_trust(pool))
    assert login.credentials()["SessionToken"]


def _key(name: str) -> dict[str, Any]:
    return {"name": {"S": name}}


def _buy(**request: Any) -> dict[str, Any]:
    return {
        "TableName": "people",
        "Key": _key("ada"),
        "UpdateExpression": "SET #b = if_not_exists(bought, :none)",
        "ExpressionAttributeNames": {"#b": "bought"},
        "ExpressionAttributeValues": {":none": {"N": "0"}},
    } | request


def _team(value: str, **request: Any) -> dict[str, Any]:
    return {
        "TableName": "people",
        "IndexName": "by-team",
        "KeyConditionExpression": "#t = :t",
        "ExpressionAttributeNames": {"#t": "team"},
        "ExpressionAttributeValues": {":t": {"S": value}},
    } | request


def _legacy_team(value: str) -> dict[str, Any]:
    condition = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": value}]}
    return {"TableName": "people", "IndexName": "by-team", "KeyConditions": {"team": condition}}


def _batch(*names: str) -> dict[str, Any]:
    return {"RequestItems": {"people": {"Keys": [_key(name) for name in names]}}}


def _legacy_update(attribute: str) -> dict[str, Any]:
    update = {attribute: {"Action": "PUT", "Value": {"N": "1"}}}
    return {"TableName": "people", "Key": _key("ada"), "AttributeUpdates": update}


@pytest.mark.parametrize(
    ("operation", "allowed", "refused"),
    [
        (
            "put_item",
            [{"TableName": "people", "Item": _key("ada")}],
            [{"TableName": "people", "Item": _key("bea")}],
        ),
        (
            "get_item",
            [{"TableName": "people", "Key": _key("model-ada")}],
            [{"TableName": "people", "Key": _key(name)} for name in ("ada", "model-bea", "-ada-")],
        ),
        ("batch_get_item", [_batch("ada")], [_batch("bea"), _batch("ada", "bea")]),
        (
            "query",
            [_team("ada@example.org"), _legacy_team("ada@example.org")],
            [
                _team("bea@example.org"),
                _legacy_team("bea@example.org"),
                _team("ada@example.org", IndexName="another"),
            ],
        ),
        (
            "update_item",
            [_buy(), _legacy_update("bought")],
            [
                _buy(Key=_key("bea")),
                _buy(ExpressionAttributeNames={"#b": "role"}),
                _buy(UpdateExpression="SET #b = :none REMOVE title.short"),
                _buy(ConditionExpression="attribute_not_exists(title)"),
                _legacy_update("role"),
            ],
        ),
    ],
)
def test_people_reach_their_own_items_only(
    ada: Any, operation: str, allowed: list[dict[str, Any]], refused: list[dict[str, Any]]
) -> None:
    for request in allowed:
        getattr(ada, operation)(**request)
    for request in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(ada, operation)(**request)


def test_what_no_statement_names_is_refused(ada: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ada.scan(TableName="people")

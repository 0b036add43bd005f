"""What the launcher mends of Cognito: confirmation, the hosted UI, and the secrets of clients."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import re
import secrets
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest

from tests.cloud import ROOT, Cloud, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WEAK = "weak"
# pragma: allowlist nextline secret
PASSWORD = "Correct-horse-1"  # noqa: S105 - of users of the emulator
CODE = "123456"
CALLBACK = "https://app.example.org/signed-in"

# Keeps what it is sent; fails for a user of the name that it is told to.
FUNCTION = """
import json
import boto3

def handler(event, context):
    if event["userName"] == "refused":
        raise ValueError("not this one")
    if event["userName"] == "answered-wrongly":
        return "done"
    boto3.client("dynamodb").put_item(
        TableName="confirmed",
        Item={"user": {"S": event["userName"]}, "event": {"S": json.dumps(event)}},
    )
    return event
"""


@dataclass
class Pool:
    """A user pool with one app client, used as people and administrators use it."""

    cloud: Cloud
    id: str
    client_id: str

    @cached_property
    def idp(self) -> Any:
        """Return a client of the user pools API."""
        return self.cloud.client("cognito-idp")

    def sign_up(self, username: str) -> Any:
        """Create a user who has to confirm."""
        return self.idp.sign_up(
            ClientId=self.client_id,
            Username=username,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": f"{username}@example.org"}],
        )

    def user(self, username: str) -> dict[str, Any]:
        """Return the status of a user and the attributes."""
        found = self.idp.admin_get_user(UserPoolId=self.id, Username=username)
        attributes = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
        return attributes | {"status": found["UserStatus"]}

    def event(self, username: str) -> dict[str, Any] | None:
        """Return the event that the function kept for a user."""
        item = self.cloud.client("dynamodb").get_item(
            TableName="confirmed", Key={"user": {"S": username}}
        )
        event: dict[str, Any] | None = None
        if "Item" in item:
            event = json.loads(item["Item"]["event"]["S"])
        return event

    def oauth(self, **changes: str) -> dict[str, str]:
        """Return the parameters with which an application sends people to the hosted UI."""
        return {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid email",
            "state": "a&b=<c>",
        } | changes


@dataclass
class Answer:
    """The answer to a request of a browser that follows no redirect."""

    status: int
    location: str
    text: str

    @property
    def fields(self) -> dict[str, str]:
        """Return the hidden fields of the form on this page."""
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.text)
        return {unescape(name): unescape(value) for name, value in found}

    @property
    def error(self) -> str:
        """Return the message on this page."""
        return unescape("".join(re.findall(r'<div class="error">(.*?)</div>', self.text)))

    @property
    def redirected(self) -> dict[str, str]:
        """Return the parameters that the application gets back."""
        assert self.location.startswith(f"{CALLBACK}?"), (self.status, self.text)
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


def _browse(cloud: Cloud, method: str, path: str, **form: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, urlencode(form) if form else None, headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheader("Location", ""), response.read().decode())
    finally:
        connection.close()


def _get(cloud: Cloud, path: str, parameters: dict[str, str]) -> Answer:
    return _browse(cloud, "GET", f"{path}?{urlencode(parameters)}")


def _grant(pool: Pool, grant_type: str, **form: str) -> tuple[int, dict[str, Any]]:
    answer = _browse(pool.cloud, "POST", "/oauth2/token", grant_type=grant_type, **form)
    return answer.status, json.loads(answer.text)


def _tokens(pool: Pool, **form: str) -> tuple[int, dict[str, Any]]:
    return _grant(pool, "authorization_code", redirect_uri=CALLBACK, **form)


def _error(refused: Any) -> str:
    code: str = refused.value.response["Error"]["Code"]
    return code


@pytest.fixture(scope="session")
def function(cloud: Cloud) -> str:
    """Return the ARN of a function that may write to its table."""
    cloud.client("dynamodb").create_table(
        TableName="confirmed",
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    grant = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}
    iam = cloud.client("iam")
    role = iam.create_role(
        RoleName="confirmed",
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [trust | {"Action": "sts:AssumeRole"}]}
        ),
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="confirmed",
        PolicyName="write",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("confirmed.py", FUNCTION)
    created = cloud.client("lambda").create_function(
        FunctionName="confirmed",
        Runtime="python3.13",
        Handler="confirmed.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
    )
    arn: str = created["FunctionArn"]
    return arn


def _permit(cloud: Cloud, function: str, pool_id: str) -> None:
    cloud.client("lambda").add_permission(
        FunctionName=function,
        StatementId=pool_id,
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=f"arn:aws:cognito-idp:{cloud.region}:000000000000:userpool/{pool_id}",
    )


def _new_pool(cloud: Cloud, **settings: Any) -> Pool:
    idp = cloud.client("cognito-idp")
    pool_id = idp.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"], **settings)[
        "UserPool"
    ]["Id"]
    client = idp.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="web",
        CallbackURLs=[CALLBACK],
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid", "email"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]
    return Pool(cloud, pool_id, client["ClientId"])


@pytest.fixture(scope="session")
def pool(cloud: Cloud, function: str) -> Pool:
    """Return a pool whose function runs after a confirmation."""
    made = _new_pool(cloud, LambdaConfig={"PostConfirmation": function})
    _permit(cloud, function, made.id)
    return made


def test_the_function_runs_after_a_confirmation(pool: Pool) -> None:
    sub = pool.sign_up("ada")["UserSub"]
    assert pool.user("ada")["status"] == "UNCONFIRMED"
    with pytest.raises(pool.idp.exceptions.CodeMismatchException):
        pool.idp.confirm_sign_up(ClientId=pool.client_id, Username="ada", ConfirmationCode="000000")
    assert pool.event("ada") is None

    pool.idp.confirm_sign_up(
        ClientId=pool.client_id,
        Username="ada",
        ConfirmationCode=CODE,
        ClientMetadata={"from": "the app"},
    )
    assert pool.user("ada")["status"] == "CONFIRMED"
    assert pool.user("ada")["email_verified"] == "true"
    assert pool.event("ada") == {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": pool.id,
        "userName": "ada",
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": pool.client_id,
        },
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "request": {
            "userAttributes": {
                "sub": sub,
                "email": "ada@example.org",
                "email_verified": "true",
                "cognito:user_status": "CONFIRMED",
            },
            "clientMetadata": {"from": "the app"},
        },
        "response": {},
    }


def test_the_function_runs_after_a_confirmation_by_an_administrator(pool: Pool) -> None:
    pool.sign_up("bea")
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="bea")
    event = pool.event("bea")
    assert event
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert "email_verified" not in event["request"]["userAttributes"]
    with pytest.raises(pool.idp.exceptions.NotAuthorizedException, match="is CONFIRMED"):
        pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="bea")


def test_the_function_runs_after_a_new_password(pool: Pool) -> None:
    pool.sign_up("cleo")
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="cleo")
    pool.idp.forgot_password(ClientId=pool.client_id, Username="cleo")
    pool.idp.confirm_forgot_password(
        ClientId=pool.client_id,
        Username="cleo",
        ConfirmationCode="654321",
        Password=f"{PASSWORD}+",
    )
    event = pool.event("cleo")
    assert event
    assert event["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"


@pytest.mark.parametrize(
    ("username", "error"),
    [
        ("refused", "UserLambdaValidationException"),
        ("answered-wrongly", "InvalidLambdaResponseException"),
    ],
)
def test_a_function_that_fails_is_an_error_but_the_user_is_confirmed(
    pool: Pool, username: str, error: str
) -> None:
    pool.sign_up(username)
    with pytest.raises(pool.idp.exceptions.ClientError) as refused:
        pool.idp.confirm_sign_up(ClientId=pool.client_id, Username=username, ConfirmationCode=CODE)
    assert _error(refused) == error
    assert pool.user(username)["status"] == "CONFIRMED"


def test_a_function_that_cognito_may_not_invoke_does_not_run(cloud: Cloud, function: str) -> None:
    pool = _new_pool(cloud, LambdaConfig={"PostConfirmation": function})
    _permit(cloud, function, f"{cloud.region}_another")
    pool.sign_up("dora")
    with pytest.raises(pool.idp.exceptions.UnexpectedLambdaException, match="AccessDenied"):
        pool.idp.confirm_sign_up(ClientId=pool.client_id, Username="dora", ConfirmationCode=CODE)
    assert pool.event("dora") is None
    assert pool.user("dora")["status"] == "CONFIRMED"


def test_people_sign_up_confirm_and_sign_in_in_the_browser(pool: Pool) -> None:
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    oauth = pool.oauth(code_challenge=challenge, code_challenge_method="S256")

    sign_in = _get(pool.cloud, "/oauth2/authorize", oauth)
    (link,) = re.findall(r'<a href="(/signup[^"]*)"', sign_in.text)
    sign_up = _browse(pool.cloud, "GET", unescape(link))
    assert oauth.items() <= sign_up.fields.items()

    form = sign_up.fields | {"username": "eve", "email": "eve@example.org"}
    weak = _browse(pool.cloud, "POST", "/signup", **form, password=WEAK)
    assert weak.error.startswith("Password did not conform with policy")
    assert 'value="eve@example.org"' in weak.text
    assert WEAK not in weak.text

    made = _browse(pool.cloud, "POST", "/signup", **form, password=PASSWORD)
    assert made.location.startswith("/confirmUser?session=")
    again = _browse(pool.cloud, "POST", "/signup", **form, password=PASSWORD)
    assert again.error == "User already exists."

    confirm = _browse(pool.cloud, "GET", made.location)
    session = confirm.fields
    resent = _browse(pool.cloud, "POST", "/confirmUser", **session, action="resend", code="")
    assert "A new code has been sent." in resent.text
    wrong = _browse(pool.cloud, "POST", "/confirmUser", **session, action="confirm", code="000000")
    assert wrong.error.startswith("Invalid verification code")
    assert pool.event("eve") is None

    done = _browse(pool.cloud, "POST", "/confirmUser", **session, action="confirm", code=CODE)
    assert done.redirected["state"] == oauth["state"]
    assert pool.event("eve")
    assert pool.user("eve")["email_verified"] == "true"
    used = _browse(pool.cloud, "POST", "/confirmUser", **session, action="confirm", code=CODE)
    assert used.status == 400

    code = done.redirected["code"]
    for verifiers in ({}, {"code_verifier": secrets.token_urlsafe(48)}):
        assert _tokens(pool, client_id=pool.client_id, code=code, **verifiers)[0] == 400
    status, tokens = _tokens(pool, client_id=pool.client_id, code=code, code_verifier=verifier)
    assert (status, tokens["token_type"]) == (200, "Bearer")
    assert _tokens(pool, client_id=pool.client_id, code=code, code_verifier=verifier)[0] == 400


def test_signing_in_before_the_confirmation_leads_to_it(pool: Pool) -> None:
    pool.sign_up("flora")
    form = pool.oauth() | {"username": "flora"}
    wrong = _browse(pool.cloud, "POST", "/login", **form, password=f"{PASSWORD}?")
    assert wrong.error == "User is not confirmed."
    right = _browse(pool.cloud, "POST", "/login", **form, password=PASSWORD)
    session = _browse(pool.cloud, "GET", right.location).fields
    done = _browse(pool.cloud, "POST", "/confirmUser", **session, action="confirm", code=CODE)
    assert done.redirected["code"]
    later = _browse(pool.cloud, "POST", "/login", **form, password=PASSWORD)
    assert later.redirected["code"]


def test_a_function_that_fails_is_shown_in_the_browser(pool: Pool) -> None:
    form = pool.oauth() | {"username": "refused", "email": "refused@example.org"}
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="refused")
    made = _browse(pool.cloud, "POST", "/signup", **form, password=PASSWORD)
    session = _browse(pool.cloud, "GET", made.location).fields
    failed = _browse(pool.cloud, "POST", "/confirmUser", **session, action="confirm", code=CODE)
    assert failed.error == "PostConfirmation failed with error not this one."


def test_pages_escape_what_they_are_given(pool: Pool) -> None:
    evil = '"><script>alert(1)</script>'
    for path in ("/oauth2/authorize", "/signup"):
        page = _get(pool.cloud, path, pool.oauth(state=evil))
        assert page.status == 200
        assert "<script" not in page.text
    form = pool.oauth() | {"username": evil, "email": "mallory@example.org"}
    assert "<script" not in _browse(pool.cloud, "POST", "/signup", **form, password=WEAK).text


@pytest.mark.parametrize("redirect_uri", ["https://evil.example.org/", f"{CALLBACK}/deeper", ""])
def test_another_redirect_is_refused_everywhere(pool: Pool, redirect_uri: str) -> None:
    oauth = pool.oauth(redirect_uri=redirect_uri)
    form = oauth | {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    for answer in (
        _get(pool.cloud, "/oauth2/authorize", oauth),
        _get(pool.cloud, "/signup", oauth),
        _browse(pool.cloud, "POST", "/signup", **form),
        _browse(pool.cloud, "POST", "/login", **form),
    ):
        assert (answer.status, answer.location) == (400, "")


def test_a_client_without_logout_urls_is_not_redirected(pool: Pool) -> None:
    asked = {"client_id": pool.client_id, "logout_uri": "https://evil.example.org/"}
    assert _get(pool.cloud, "/logout", asked).status == 400


def test_a_client_without_the_code_flow_is_refused(pool: Pool) -> None:
    for flows, switched_on in ((["implicit"], True), (["code"], False)):
        client = pool.idp.create_user_pool_client(
            UserPoolId=pool.id,
            ClientName="other",
            CallbackURLs=[CALLBACK],
            AllowedOAuthFlows=flows,
            AllowedOAuthFlowsUserPoolClient=switched_on,
            AllowedOAuthScopes=["openid"],
        )["UserPoolClient"]
        oauth = pool.oauth(client_id=client["ClientId"], scope="openid")
        form = oauth | {"username": "ada", "password": PASSWORD}
        for answer in (
            _get(pool.cloud, "/oauth2/authorize", oauth),
            _get(pool.cloud, "/signup", oauth),
            _browse(pool.cloud, "POST", "/login", **form),
        ):
            assert (answer.status, json.loads(answer.text)["error"]) == (400, "unauthorized_client")


def test_nobody_signs_up_where_only_administrators_create_users(cloud: Cloud) -> None:
    pool = _new_pool(cloud, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    assert "/signup" not in _get(cloud, "/oauth2/authorize", pool.oauth()).text
    form = pool.oauth() | {"username": "gwen", "email": "gwen@example.org"}
    assert _get(cloud, "/signup", pool.oauth()).status == 403
    assert _browse(cloud, "POST", "/signup", **form, password=PASSWORD).status == 403
    with pytest.raises(pool.idp.exceptions.NotAuthorizedException, match="not permitted"):
        pool.sign_up("gwen")


def test_people_may_be_known_by_their_address(cloud: Cloud) -> None:
    pool = _new_pool(cloud, UsernameAttributes=["email"])
    form = pool.oauth() | {"email": "hope@example.org"}
    page = _get(cloud, "/signup", pool.oauth())
    assert 'name="username"' not in page.text
    made = _browse(cloud, "POST", "/signup", **form, password=PASSWORD)
    session = _browse(cloud, "GET", made.location).fields
    done = _browse(cloud, "POST", "/confirmUser", **session, action="confirm", code=CODE)
    assert done.redirected["code"]


def test_names_may_be_told_apart_without_regard_to_case(cloud: Cloud) -> None:
    pool = _new_pool(cloud, UsernameConfiguration={"CaseSensitive": False})
    pool.sign_up("Ada")
    assert pool.user("aDA")["email"] == "Ada@example.org"
    with pytest.raises(pool.idp.exceptions.UsernameExistsException):
        pool.sign_up("ada")
    exact = _new_pool(cloud)
    exact.sign_up("Ada")
    exact.sign_up("ada")
    with pytest.raises(exact.idp.exceptions.UserNotFoundException):
        exact.user("ADA")


def test_an_identity_pool_without_guests_refuses_them(cloud: Cloud) -> None:
    identities = cloud.client("cognito-identity")
    for guests in (True, False):
        pool = identities.create_identity_pool(
            IdentityPoolName=f"guests-{guests}", AllowUnauthenticatedIdentities=guests
        )["IdentityPoolId"]
        if guests:
            assert identities.get_id(IdentityPoolId=pool)["IdentityId"]
        else:
            with pytest.raises(identities.exceptions.NotAuthorizedException):
                identities.get_id(IdentityPoolId=pool)


def test_buckets_may_have_the_names_of_pages(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="signup")
    assert s3.list_objects_v2(Bucket="signup")["KeyCount"] == 0
    s3.delete_bucket(Bucket="signup")


def _secrets_of(pool: Pool, client_id: str) -> list[str]:
    found = pool.idp.list_user_pool_client_secrets(UserPoolId=pool.id, ClientId=client_id)
    assert not any("ClientSecretValue" in secret for secret in found["ClientSecrets"])
    return [secret["ClientSecretId"] for secret in found["ClientSecrets"]]


def test_the_secret_of_a_client_is_changed_without_an_interruption(pool: Pool) -> None:
    client = pool.idp.create_user_pool_client(
        UserPoolId=pool.id,
        ClientName="confidential",
        GenerateSecret=True,
        CallbackURLs=[CALLBACK],
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid"],
    )["UserPoolClient"]
    of_client = {"UserPoolId": pool.id, "ClientId": client["ClientId"]}
    pool.sign_up("iris")
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="iris")

    def sign_in(secret: str) -> tuple[int, dict[str, Any]]:
        oauth = pool.oauth(client_id=client["ClientId"], scope="openid")
        form = oauth | {"username": "iris", "password": PASSWORD}
        code = _browse(pool.cloud, "POST", "/login", **form).redirected["code"]
        return _tokens(pool, client_id=client["ClientId"], client_secret=secret, code=code)

    def signs_in(secret: str) -> bool:
        return sign_in(secret)[0] == 200

    (first,) = _secrets_of(pool, client["ClientId"])
    added = pool.idp.add_user_pool_client_secret(**of_client)["ClientSecretDescriptor"]
    assert _secrets_of(pool, client["ClientId"]) == [first, added["ClientSecretId"]]
    described = pool.idp.describe_user_pool_client(**of_client)["UserPoolClient"]
    assert described["ClientSecret"] == added["ClientSecretValue"]
    assert [signs_in(each) for each in (client["ClientSecret"], added["ClientSecretValue"])] == [
        True,
        True,
    ]
    assert not signs_in("guessed")

    form = {
        "client_id": client["ClientId"],
        "refresh_token": sign_in(client["ClientSecret"])[1]["refresh_token"],
    }
    assert _grant(pool, "refresh_token", **form)[1] == {
        "error": "invalid_client",
        "error_description": "Invalid client credentials.",
    }
    secret = {"client_secret": client["ClientSecret"]}
    assert _grant(pool, "refresh_token", **form, **secret)[0] == 200

    with pytest.raises(pool.idp.exceptions.LimitExceededException):
        pool.idp.add_user_pool_client_secret(**of_client)

    pool.idp.delete_user_pool_client_secret(**of_client, ClientSecretId=first)
    assert [signs_in(each) for each in (client["ClientSecret"], added["ClientSecretValue"])] == [
        False,
        True,
    ]
    with pytest.raises(pool.idp.exceptions.ResourceNotFoundException):
        pool.idp.delete_user_pool_client_secret(**of_client, ClientSecretId=first)
    with pytest.raises(pool.idp.exceptions.InvalidParameterException):
        pool.idp.delete_user_pool_client_secret(**of_client, ClientSecretId=added["ClientSecretId"])


def test_a_client_without_a_secret_gets_none(pool: Pool) -> None:
    assert _secrets_of(pool, pool.client_id) == []
    with pytest.raises(pool.idp.exceptions.InvalidParameterException):
        pool.idp.add_user_pool_client_secret(UserPoolId=pool.id, ClientId=pool.client_id)


def test_operations_on_secrets_need_their_grants(pool: Pool) -> None:
    iam = pool.cloud.client("iam")
    iam.create_user(UserName="rotator")
    key = iam.create_access_key(UserName="rotator")["AccessKey"]
    idp = boto3.client(
        "cognito-idp",
        region_name=pool.cloud.region,
        endpoint_url=pool.cloud.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    of_client = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    with pytest.raises(idp.exceptions.ClientError) as refused:
        idp.list_user_pool_client_secrets(**of_client)
    assert _error(refused) == "AccessDeniedException"
    grant = {
        "Effect": "Allow",
        "Action": "cognito-idp:ListUserPoolClientSecrets",
        "Resource": f"arn:aws:cognito-idp:{pool.cloud.region}:000000000000:userpool/{pool.id}",
    }
    iam.put_user_policy(
        UserName="rotator",
        PolicyName="list",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )
    assert idp.list_user_pool_client_secrets(**of_client)["ClientSecrets"] == []


@pytest.fixture
def restarting(tmp_path: Path) -> Iterator[tuple[Cloud, Callable[[], None]]]:
    """Return an emulator of a test's own, and how to stop and start it again."""
    cloud = Cloud(free_port())

    def run(command: str) -> None:
        options = ["--port", str(cloud.port), "--state-dir", str(tmp_path / "emulator")]
        subprocess.run(
            [sys.executable, "-m", "local_cloud", command, *options], cwd=ROOT, check=True
        )

    def restart() -> None:
        run("stop")
        run("up")

    run("up")
    try:
        yield cloud, restart
    finally:
        run("down")


def test_secrets_outlive_a_stop(restarting: tuple[Cloud, Callable[[], None]]) -> None:
    cloud, restart = restarting
    pool = _new_pool(cloud)
    client = pool.idp.create_user_pool_client(
        UserPoolId=pool.id, ClientName="confidential", GenerateSecret=True
    )["UserPoolClient"]
    pool.idp.add_user_pool_client_secret(UserPoolId=pool.id, ClientId=client["ClientId"])
    before = _secrets_of(pool, client["ClientId"])
    restart()
    assert _secrets_of(pool, client["ClientId"]) == before

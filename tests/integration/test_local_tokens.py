"""What the launcher mends of tokens: their refresh, what they tell, and the browser's session."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.cloud import Cloud

# pragma: allowlist nextline secret
PASSWORD = "Correct-horse-1"  # noqa: S105 - of users of the emulator
CALLBACK = "https://hub.example.org/hub/oauth_callback"
LOGGED_OUT = "https://hub.example.org/"
SELF_SERVICE = "aws.cognito.signin.user.admin"
SCOPES = ["openid", "email", "profile", SELF_SERVICE]


@dataclass
class Answer:
    """An answer to a request that follows no redirect."""

    status: int
    location: str
    text: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the object in the body."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters of the address that the browser is sent to."""
        query = parse_qs(urlsplit(self.location).query)
        return {name: values[0] for name, values in query.items()}


@dataclass
class Browser:
    """Keeps the cookies that it gets."""

    cloud: Cloud
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **query: str) -> Answer:
        """Open a page."""
        return self._request("GET", f"{path}?{urlencode(query)}", {})

    def post(self, path: str, headers: dict[str, str] | None = None, /, **form: str) -> Answer:
        """Submit a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", path, kind | (headers or {}), urlencode(form))

    def _request(
        self, method: str, target: str, headers: dict[str, str], body: str | None = None
    ) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.cloud.port, timeout=60)
        try:
            connection.request(method, target, body, headers | {"Cookie": cookie})
            response = connection.getresponse()
            for name, morsel in SimpleCookie(response.getheader("Set-Cookie", "")).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
            location = response.getheader("Location", "")
            return Answer(response.status, location, response.read().decode())
        finally:
            connection.close()


@dataclass
class Hub:
    """A service with a secret, at which people of a user pool sign in."""

    cloud: Cloud
    pool: str
    client_id: str
    client_secret: str

    @property
    def idp(self) -> Any:
        """Return a client of the user pools API."""
        return self.cloud.client("cognito-idp")

    def person(self, name: str) -> dict[str, str]:
        """Make a user who is in the group; return what AWS is told to mean the user."""
        self.idp.admin_create_user(
            UserPoolId=self.pool,
            Username=name,
            UserAttributes=[
                {"Name": "email", "Value": f"{name}@example.org"},
                {"Name": "email_verified", "Value": "true"},
            ],
            MessageAction="SUPPRESS",
        )
        person = {"UserPoolId": self.pool, "Username": name}
        self.idp.admin_set_user_password(**person, Password=PASSWORD, Permanent=True)
        self.idp.admin_add_user_to_group(**person, GroupName="scientists")
        return person

    def asked(self, scopes: list[str] | None = None) -> dict[str, str]:
        """Return the parameters with which people are sent to the hosted UI."""
        return {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": " ".join(scopes or SCOPES),
            "state": "any",
        }

    def code(self, browser: Browser, name: str, scopes: list[str] | None = None) -> str:
        """Sign in; return the code with which the browser comes back."""
        form = self.asked(scopes) | {"username": name, "password": PASSWORD}
        return browser.post("/login", **form).query["code"]

    def grant(self, grant_type: str, secret: str = "", **form: str) -> Answer:
        """Ask the token endpoint, with the client's secret."""
        shown = secret or self.client_secret
        basic = base64.b64encode(f"{self.client_id}:{shown}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        return Browser(self.cloud).post("/oauth2/token", headers, grant_type=grant_type, **form)

    def sign_in(self, name: str, scopes: list[str] | None = None) -> dict[str, Any]:
        """Sign in with a new browser; return the tokens."""
        code = self.code(Browser(self.cloud), name, scopes)
        return self.grant("authorization_code", code=code, redirect_uri=CALLBACK).json

    def refresh(self, tokens: dict[str, Any]) -> Answer:
        """Ask for new tokens."""
        return self.grant("refresh_token", refresh_token=tokens["refresh_token"])

    def user_info(self, tokens: dict[str, Any]) -> Answer:
        """Ask for what is known of the owner of an access token."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        return Browser(self.cloud).post("/oauth2/userInfo", bearer)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.fixture(scope="module")
def hub(cloud: Cloud) -> Hub:
    idp = cloud.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="scientists")["UserPool"]["Id"]
    idp.create_group(UserPoolId=pool, GroupName="scientists")
    client = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="hub",
        GenerateSecret=True,
        CallbackURLs=[CALLBACK],
        LogoutURLs=[LOGGED_OUT],
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=SCOPES,
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]
    return Hub(cloud, pool, client["ClientId"], client["ClientSecret"])


def test_new_tokens_tell_the_groups_of_now(hub: Hub) -> None:
    ada = hub.person("ada")
    tokens = hub.sign_in("ada")
    first = claims(tokens["access_token"])
    assert first | {"username": "ada", "cognito:groups": ["scientists"]} == first
    answer = hub.refresh(tokens)
    assert answer.status == 200
    assert sorted(answer.json) == ["access_token", "expires_in", "id_token", "token_type"]
    later = claims(answer.json["access_token"])
    same = ("sub", "username", "client_id", "scope", "cognito:groups", "origin_jti", "token_use")
    assert {name: later[name] for name in same} == {name: first[name] for name in same}
    identity = claims(answer.json["id_token"])
    assert identity | {"cognito:groups": ["scientists"], "cognito:username": "ada"} == identity
    assert identity | {"aud": hub.client_id, "email": "ada@example.org"} == identity

    hub.idp.admin_remove_user_from_group(**ada, GroupName="scientists")
    for token in ("access_token", "id_token"):
        assert "cognito:groups" not in claims(hub.refresh(tokens).json[token])


def _revoke(hub: Hub, tokens: dict[str, Any], _: dict[str, str]) -> None:
    hub.idp.revoke_token(
        Token=tokens["refresh_token"], ClientId=hub.client_id, ClientSecret=hub.client_secret
    )


def _sign_out(hub: Hub, _: dict[str, Any], person: dict[str, str]) -> None:
    hub.idp.admin_user_global_sign_out(**person)


def _disable(hub: Hub, _: dict[str, Any], person: dict[str, str]) -> None:
    hub.idp.admin_disable_user(**person)


def _delete(hub: Hub, _: dict[str, Any], person: dict[str, str]) -> None:
    hub.idp.admin_delete_user(**person)


def _replace(hub: Hub, _: dict[str, Any], person: dict[str, str]) -> None:
    hub.idp.admin_delete_user(**person)
    hub.person(person["Username"])


@pytest.mark.parametrize("end", [_revoke, _sign_out, _disable, _delete, _replace])
def test_whoever_is_out_gets_no_new_tokens(hub: Hub, end: Any) -> None:
    name = f"out-by{end.__name__}"
    person = hub.person(name)
    tokens = hub.sign_in(name)
    assert hub.refresh(tokens).status == 200
    assert hub.user_info(tokens).status == 200
    end(hub, tokens, person)
    refused = hub.refresh(tokens)
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    told = hub.user_info(tokens)
    assert (told.status, told.json["error"]) == (401, "invalid_token")


def test_a_refresh_needs_the_client_whose_token_it_is(hub: Hub) -> None:
    hub.person("bea")
    tokens = hub.sign_in("bea")
    for secret in ("guessed", " "):
        refused = hub.grant("refresh_token", secret, refresh_token=tokens["refresh_token"])
        assert (refused.status, refused.json["error"]) == (400, "invalid_client")
    without = Browser(hub.cloud).post(
        "/oauth2/token",
        grant_type="refresh_token",
        client_id=hub.client_id,
        refresh_token=tokens["refresh_token"],
    )
    assert (without.status, without.json["error"]) == (400, "invalid_client")
    other = hub.idp.create_user_pool_client(
        UserPoolId=hub.pool, ClientName="other", GenerateSecret=True
    )["UserPoolClient"]
    stranger = Hub(hub.cloud, hub.pool, other["ClientId"], other["ClientSecret"])
    for answer in (stranger.refresh(tokens), hub.refresh({"refresh_token": "made-up"})):
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert hub.refresh(tokens).status == 200


def test_user_info_tells_no_groups(hub: Hub) -> None:
    hub.person("cleo")
    told = hub.user_info(hub.sign_in("cleo"))
    assert told.status == 200
    assert told.json == {
        "sub": told.json["sub"],
        "username": "cleo",
        "email": "cleo@example.org",
        "email_verified": "true",
    }


def test_user_info_needs_the_scope_openid(hub: Hub) -> None:
    hub.person("dora")
    tokens = hub.sign_in("dora", [SELF_SERVICE])
    assert "id_token" not in tokens
    assert hub.user_info(tokens).status == 401
    assert hub.user_info(tokens | {"access_token": "made-up"}).status == 401


def test_access_tokens_carry_the_scopes_that_were_asked_for(hub: Hub) -> None:
    hub.person("eve")
    for scopes in (SCOPES, ["openid", "email"]):
        tokens = hub.sign_in("eve", scopes)
        for answer in (tokens, hub.refresh(tokens).json):
            assert sorted(claims(answer["access_token"])["scope"].split()) == sorted(scopes)


@pytest.mark.parametrize("scope", ["phone", "invented", "orders/read"])
def test_scopes_that_the_client_does_not_list_are_refused(hub: Hub, scope: str) -> None:
    back = Browser(hub.cloud).get("/oauth2/authorize", **hub.asked(["openid", scope]))
    assert back.location.startswith(f"{CALLBACK}?")
    assert back.query["error"] == "invalid_request"
    assert back.query["error_description"] == "invalid_scope"


def test_a_code_is_good_for_one_client_once(hub: Hub) -> None:
    hub.person("flora")
    code = hub.code(Browser(hub.cloud), "flora")
    form = {"code": code, "redirect_uri": CALLBACK}
    assert hub.grant("authorization_code", "guessed", **form).json["error"] == "invalid_client"
    assert hub.grant("authorization_code", **form).status == 200
    again = hub.grant("authorization_code", **form)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


def test_a_browser_is_asked_for_the_password_until_it_logs_out(hub: Hub) -> None:
    gwen = hub.person("gwen")
    browser = Browser(hub.cloud)
    hub.code(browser, "gwen")
    back = browser.get("/oauth2/authorize", **hub.asked())
    assert back.query["state"] == "any"
    tokens = hub.grant("authorization_code", code=back.query["code"], redirect_uri=CALLBACK).json
    assert claims(tokens["access_token"])["username"] == "gwen"

    def asks(browser: Browser) -> bool:
        page = browser.get("/oauth2/authorize", **hub.asked())
        return page.status == 200 and 'name="password"' in page.text

    # In another browser; with a cookie that was made up; while the account is disabled.
    assert asks(Browser(hub.cloud))
    assert asks(Browser(hub.cloud, {"cognito": "made-up"}))
    hub.idp.admin_disable_user(**gwen)
    assert asks(browser)
    hub.idp.admin_enable_user(**gwen)
    assert not asks(browser)

    taken = Browser(hub.cloud, dict(browser.cookies))
    elsewhere = {"client_id": hub.client_id, "logout_uri": "https://evil.example.org/"}
    assert browser.get("/logout", **elsewhere).status == 400
    assert not asks(browser)
    out = browser.get("/logout", client_id=hub.client_id, logout_uri=LOGGED_OUT)
    assert (out.status, out.location) == (302, LOGGED_OUT)
    assert asks(browser)
    assert asks(taken)


def test_a_session_is_one_of_its_pool(hub: Hub, cloud: Cloud) -> None:
    hub.person("hope")
    browser = Browser(cloud)
    hub.code(browser, "hope")
    pool = hub.idp.create_user_pool(PoolName="others")["UserPool"]["Id"]
    client = hub.idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="other",
        CallbackURLs=[CALLBACK],
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=SCOPES,
    )["UserPoolClient"]
    other = hub.asked() | {"client_id": client["ClientId"]}
    assert browser.get("/oauth2/authorize", **other).status == 200
    assert browser.get("/oauth2/authorize", **hub.asked()).status == 302


def _client(cloud: Cloud, service: Any, keys: dict[str, str]) -> Any:
    return boto3.client(
        service,
        region_name=cloud.region,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_new_tokens_become_credentials_of_their_owner(hub: Hub) -> None:
    hub.person("iris")
    identity, iam = hub.cloud.client("cognito-identity"), hub.cloud.client("iam")
    provider = f"cognito-idp.us-east-1.amazonaws.com/{hub.pool}"
    pool = identity.create_identity_pool(
        IdentityPoolName="scientists",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": hub.client_id}],
    )["IdentityPoolId"]
    identity.set_principal_tag_attribute_map(
        IdentityPoolId=pool,
        IdentityProviderName=provider,
        PrincipalTags={"username": "cognito:username"},
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}},
    }
    put = {
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/hosted",
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "*-${aws:PrincipalTag/username}"},
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["model_id", "version"]},
        },
    }
    document = {"Version": "2012-10-17"}
    role = iam.create_role(
        RoleName="scientists", AssumeRolePolicyDocument=json.dumps(document | {"Statement": trust})
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="scientists",
        PolicyName="put",
        PolicyDocument=json.dumps(document | {"Statement": put}),
    )
    identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"authenticated": role})
    hub.cloud.client("dynamodb").create_table(
        TableName="hosted",
        KeySchema=[{"AttributeName": "model_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    logins = {provider: hub.refresh(hub.sign_in("iris")).json["id_token"]}
    known = identity.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
    keys = identity.get_credentials_for_identity(IdentityId=known, Logins=logins)["Credentials"]
    caller = _client(hub.cloud, "sts", keys).get_caller_identity()["Arn"]
    assert caller.endswith(":assumed-role/scientists/CognitoIdentityCredentials")

    tables = _client(hub.cloud, "dynamodb", keys)
    own = {"model_id": {"S": "steps-1.0-iris"}, "version": {"S": "1.0"}}
    tables.put_item(TableName="hosted", Item=own)
    for item in (own | {"model_id": {"S": "steps-1.0-jane"}}, own | {"is_active": {"N": "1"}}):
        with pytest.raises(ClientError, match="AccessDenied"):
            tables.put_item(TableName="hosted", Item=item)

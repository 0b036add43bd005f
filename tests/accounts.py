"""People who use the platform's accounts: they sign up, read their e-mail and sign in."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from pycognito.aws_srp import AWSSRP

if TYPE_CHECKING:
    from tests.deployment import Platform

# pragma: allowlist nextline secret
PASSWORD = "correct-Horse-battery-1"  # noqa: S105 - of an account in an emulator
CODE = re.compile(r"Your verification code is (\d+)")


@dataclass(frozen=True)
class Accounts:
    """The user pool of a platform, as browsers and apps reach it: without credentials of AWS."""

    platform: Platform

    @property
    def ids(self) -> dict[str, Any]:
        """Return what the deployment says of its accounts."""
        ids: dict[str, Any] = self.platform.outputs["cognito"]
        return ids

    @property
    def pool(self) -> str:
        """Return the id of the user pool."""
        return str(self.ids["user_pool_id"])

    @property
    def issuer(self) -> str:
        """Return who issues the tokens."""
        return f"https://cognito-idp.{self.platform.cloud.region}.amazonaws.com/{self.pool}"

    def client(self, service: Any = "cognito-idp") -> Any:
        """Return a client of a service that signs nothing."""
        return boto3.client(
            service,
            region_name=self.platform.cloud.region,
            endpoint_url=self.platform.cloud.endpoint_url,
            config=Config(signature_version=UNSIGNED),
        )

    def secret(self, client: str) -> dict[str, str]:
        """Return the id and the secret of a client, as a service reads them."""
        value = self.platform.cloud.client("secretsmanager").get_secret_value(
            SecretId=f"artificien-local-{client}-credentials"
        )
        secret: dict[str, str] = json.loads(value["SecretString"])
        return secret

    def sign_up(self, name: str, email: str) -> None:
        """Sign up by the web client, without confirming the e-mail address."""
        self.client().sign_up(
            ClientId=self.ids["clients"]["web"],
            Username=name,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": email}],
        )

    def code(self, email: str) -> str:
        """Return the code of the latest e-mail to an address."""
        url = f"{self.platform.cloud.endpoint_url}/_ministack/ses/messages"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the emulator's own address
            messages = json.load(answer)["messages"]["000000000000"]
        codes = [CODE.search(mail["BodyText"]) for mail in messages if email in mail["To"]]
        return next(found[1] for found in reversed(codes) if found)

    def confirm(self, name: str, code: str) -> None:
        """Confirm a sign-up with the code of the e-mail."""
        self.client().confirm_sign_up(
            ClientId=self.ids["clients"]["web"], Username=name, ConfirmationCode=code
        )

    def join(self, name: str) -> str:
        """Sign up and confirm; return the e-mail address."""
        email = f"{name.lower()}@example.com"
        self.sign_up(name, email)
        self.confirm(name, self.code(email))
        return email

    def add_to_group(self, name: str, group: str) -> None:
        """Let an administrator add a person to a group."""
        self._admin.admin_add_user_to_group(UserPoolId=self.pool, Username=name, GroupName=group)

    def remove_from_group(self, name: str, group: str) -> None:
        """Let an administrator remove a person from a group."""
        self._admin.admin_remove_user_from_group(
            UserPoolId=self.pool, Username=name, GroupName=group
        )

    def delete(self, name: str) -> None:
        """Let an administrator delete a person."""
        self._admin.admin_delete_user(UserPoolId=self.pool, Username=name)

    @property
    def _admin(self) -> Any:
        return self.platform.cloud.client("cognito-idp")

    def sign_in(
        self, name: str, password: str = PASSWORD, client: str = "web", **secret: str
    ) -> dict[str, str]:
        """Sign in by SRP, as the real clients do; return the tokens."""
        srp = AWSSRP(
            username=name,
            password=password,
            pool_id=self.pool,
            client_id=self.ids["clients"][client],
            client=self.client(),
            **secret,
        )
        tokens: dict[str, str] = srp.authenticate_user()["AuthenticationResult"]
        return tokens

    def claims(self, token: str, audience: str | None = None) -> dict[str, Any]:
        """Verify a token against the published keys, and return what it says."""
        keys = jwt.PyJWKClient(
            f"{self.platform.cloud.endpoint_url}/{self.pool}/.well-known/jwks.json"
        )
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["RS256"],
            issuer=self.issuer,
            audience=audience,
            options={"require": ["exp", "iat", "token_use"], "verify_aud": audience is not None},
        )
        return claims

    def browser(self, name: str, service: Any) -> Any:
        """Return a client of a service with what the identity pool gives to a signed-in browser."""
        return self.with_identity(
            self.sign_in(name)["IdToken"], self.ids["identity_pool_id"], service
        )

    def with_identity(self, id_token: str, identity_pool: str, service: Any) -> Any:
        """Return a client of a service with what an identity pool gives for an ID token."""
        identities = self.client("cognito-identity")
        logins = {self.issuer.removeprefix("https://"): id_token}
        identity = identities.get_id(IdentityPoolId=identity_pool, Logins=logins)
        keys = identities.get_credentials_for_identity(
            IdentityId=identity["IdentityId"], Logins=logins
        )["Credentials"]
        return boto3.client(
            service,
            region_name=self.platform.cloud.region,
            endpoint_url=self.platform.cloud.endpoint_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretKey"],
            aws_session_token=keys["SessionToken"],
        )

    def row(self, email: str) -> dict[str, Any] | None:
        """Return the row of a person, None if there is none."""
        answer = self.platform.cloud.client("dynamodb").get_item(
            TableName="user_table", Key={"user_id": {"S": email}}, ConsistentRead=True
        )
        row: dict[str, Any] | None = answer.get("Item")
        return row

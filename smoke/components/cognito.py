"""The accounts: pool and clients are there, and what browsers ask for answers."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from smoke import web
from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

LOGIN = "/login"


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the accounts."""
    pool = platform.published("cognito/user_pool_id")
    clients = platform.published("cognito/clients")
    client = platform.client("cognito-idp")

    def describe(name: str) -> Any:
        answer = client.describe_user_pool_client(UserPoolId=pool, ClientId=clients[name])
        return answer["UserPoolClient"]

    def pool_exists(_stack: ExitStack) -> None:
        client.describe_user_pool(UserPoolId=pool)

    def clients_exist(_stack: ExitStack) -> None:
        for name in clients:
            describe(name)
        flows = describe("web")["ExplicitAuthFlows"]
        require("ALLOW_USER_SRP_AUTH" in flows, "the client web does not allow SRP")

    def keys_are_published(_stack: ExitStack) -> None:
        answer = web.request("GET", f"{issuer(platform)}/.well-known/jwks.json")
        require(answer.status == HTTPStatus.OK, f"the keys are answered by {answer.status}")
        require(json.loads(answer.content)["keys"], "the pool has no keys")

    def hosted_ui_answers(_stack: ExitStack) -> None:
        query = {
            "client_id": clients["native"],
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": describe("native")["CallbackURLs"][0],
        }
        url = f"{platform.published('cognito/hosted_ui_url')}/oauth2/authorize?{urlencode(query)}"
        answer = web.request("GET", url)
        # It answers with the page itself, or leads on to it; what it refuses leads elsewhere.
        asks = answer.status == HTTPStatus.OK or urlsplit(answer.location).path == LOGIN
        require(asks, f"the hosted UI answers {answer.status}")

    def identity_pool_exists(_stack: ExitStack) -> None:
        platform.client("cognito-identity").describe_identity_pool(
            IdentityPoolId=platform.published("cognito/identity_pool_id")
        )

    remedy = "make deploy TAGS=cognito."
    yield Check("the user pool exists", pool_exists, remedy)
    yield Check("its clients exist", clients_exist, remedy)
    yield Check("its keys are published", keys_are_published, remedy)
    yield Check("the hosted UI answers", hosted_ui_answers, remedy)
    yield Check("the identity pool exists", identity_pool_exists, remedy)


def issuer(platform: Platform) -> str:
    """Return the URL below which the pool publishes its keys."""
    aws = f"https://cognito-idp.{platform.region}.amazonaws.com"
    base = platform.outputs["aws"].get("endpoint_url") or aws
    return f"{base}/{platform.published('cognito/user_pool_id')}"

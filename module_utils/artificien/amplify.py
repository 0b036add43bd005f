"""What the modules of Amplify share: apps by name, members of the API, secrets."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import aws_call, changed_tags
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError
from ansible.module_utils.artificien.secrets import read_secret
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_amplify import AmplifyClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    # By field of a model: the member of the API, and what it is where AWS leaves it out.
    Members = Mapping[str, tuple[str, Any]]

MISSING = "NotFoundException"
# Prefix of the variables that Amplify sets itself.
RESERVED = "AWS"
# An empty dictionary is taken for one that was not sent.
NO_VARIABLES = {"": ""}
# Members of requests that nobody may see, and that a refusal may quote.
SECRET_MEMBERS = ("accessToken", "oauthToken", "basicAuthCredentials")


@aws_call("look for Amplify app {0}")
def find_app(client: AmplifyClient, name: str) -> str | None:
    """Return the id of the app `name`; None if there is none.

    Raises:
        ReconcileError: there is more than one, as Amplify allows.
    """
    pages = client.get_paginator("list_apps").paginate()
    ids = [app["appId"] for page in pages for app in page["apps"] if app["name"] == name]
    if len(ids) > 1:
        raise ReconcileError(
            f"There are {len(ids)} Amplify apps with the name {name}: {', '.join(sorted(ids))}. "
            "Delete or rename all but one of them yourself."
        )
    return ids[0] if ids else None


def existing_app(app_id: str | None, name: str) -> str:
    """Return the id of an app that has to be there.

    Raises:
        ReconcileError: it is not.
    """
    if app_id is None:
        raise ReconcileError(f"There is no Amplify app {name}. Make it by amplify_app first.")
    return app_id


def variables(owner: str, values: dict[str, Any] | None) -> dict[str, str] | None:
    """Return environment variables as Amplify stores them.

    Raises:
        ReconcileError: Amplify keeps a name to itself.
    """
    if values is None:
        return None
    for name in values:
        if name.startswith(RESERVED):
            raise ReconcileError(
                f"{owner}: environment has the variable {name}, but names that begin with "
                f"{RESERVED} are Amplify's own. Give it another name."
            )
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def check_build_spec(owner: str, build_spec: str | None) -> None:
    """Check that a build specification can be set.

    Raises:
        ReconcileError: it is empty.
    """
    if build_spec == "":
        raise ReconcileError(
            f"{owner}: build_spec is empty, and Amplify takes none away. Give one, or leave the "
            "option out to keep what there is."
        )


def read_members(members: Members, found: Mapping[str, Any]) -> Model:
    """Return the fields of a model from what the API answers."""
    return {field: found.get(member, empty) for field, (member, empty) in members.items()}


def request_members(members: Members, plan: Plan) -> dict[str, Any]:
    """Return the members of a request that carries out `plan`."""
    request: dict[str, Any] = {}
    for field, (member, _) in members.items():
        value = (plan.after or {}).get(field)
        # What a new resource has not is not sent.
        if not plan.changes(field) or (plan.action == "create" and value in ("", [], {})):
            continue
        request[member] = NO_VARIABLES if field == "environment" and not value else value
    return request


@contextmanager
def kept_secret(request: dict[str, Any]) -> Iterator[None]:
    """Send a request inside of this, so that the error of a refusal quotes no secret of it."""
    try:
        yield
    except ClientError as error:
        for member in SECRET_MEMBERS:
            if member in request:
                message = error.response["Error"].get("Message", "")
                error.response["Error"]["Message"] = message.replace(request[member], "***")
        raise


def needed_secret(secrets: SecretsManagerClient, name: str, use: str) -> str:
    """Return the value of a secret that somebody has to bring.

    Raises:
        ReconcileError: there is none.
    """
    value = read_secret(secrets, name)
    if not value:
        raise ReconcileError(f"There is no secret {name} in Secrets Manager. Put {use} there.")
    return value


def desired_basic_auth(secret: str | None) -> Model:
    """Return the fields of a model for the name of a secret; an empty one switches it off."""
    if secret is None:
        return {}
    return {"basic_auth": True, "credentials_current": True} if secret else {"basic_auth": False}


def read_basic_auth(
    secrets: SecretsManagerClient, secret: str | None, found: Mapping[str, Any]
) -> Model:
    """Return the same fields as they are, without the credentials themselves."""
    model: Model = {"basic_auth": found.get("enableBasicAuth", False)}
    if secret:
        wanted = read_secret(secrets, secret)
        model["credentials_current"] = wanted is not None and found.get(
            "basicAuthCredentials"
        ) == _encoded(secret, wanted)
    return model


def request_basic_auth(
    secrets: SecretsManagerClient, secret: str | None, plan: Plan
) -> dict[str, Any]:
    """Return the members of a request that sets what has changed."""
    if not plan.changes("basic_auth") and not plan.changes("credentials_current"):
        return {}
    if not secret:
        return {"enableBasicAuth": False}
    credentials = _encoded(secret, needed_secret(secrets, secret, "user:password"))
    return {"enableBasicAuth": True, "basicAuthCredentials": credentials}


def _encoded(secret: str, value: str) -> str:
    user, separator, password = value.partition(":")
    if not (user and separator and password):
        raise ReconcileError(
            f"Secret {secret} does not have the form user:password. Put another value there."
        )
    return base64.b64encode(value.encode()).decode()


def tag(client: AmplifyClient, arn: str, plan: Plan) -> None:
    """Set and remove the tags of an existing resource."""
    tags, removed = changed_tags(plan)
    if removed:
        client.untag_resource(resourceArn=arn, tagKeys=removed)
    if tags:
        client.tag_resource(resourceArn=arn, tags=tags)

"""The command that gives AWS clients of a notebook the person's own credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from artificien_notebook import credentials

from tests.unit.roles.jupyterhub.notebook_server import Server, serving, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = Path(credentials.__file__).parents[1]
PROVIDER = "cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
IDENTITY = "us-east-1:00000000-0000-0000-0000-000000000001"
GIVEN = {
    "AccessKeyId": "ASIA-OF-THE-PERSON",
    "SecretKey": "unit",
    "SessionToken": "of the session",
    "Expiration": datetime(2026, 1, 1, 12, tzinfo=UTC),
}


@pytest.fixture
def server() -> Iterator[Server]:
    """Return what is the hub and the identity pool of this notebook."""
    with serving() as server:
        server.answers["/hub/api/cognito-tokens"] = 200, tokens("Ada")
        yield server


def variables(server: Server) -> dict[str, str]:
    """Return what the hub sets for the person's server."""
    return {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "us-east-1",
        "JUPYTERHUB_API_URL": f"{server.url}/hub/api",
        "JUPYTERHUB_API_TOKEN": "of-this-server",
        "ARTIFICIEN_USER_POOL_ID": "us-east-1_pool",
        "ARTIFICIEN_IDENTITY_POOL_ID": "us-east-1:pool",
    }


def run(server: Server, folder: Path, code: str) -> Any:
    """Run Python in a notebook's environment, in which AWS clients ask the command."""
    config = folder / "aws_config"
    command = f"{sys.executable} -m artificien_notebook.credentials"
    config.write_text(f"[default]\nregion = us-east-1\ncredential_process = {command}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "HOME": str(folder),
        "AWS_CONFIG_FILE": str(config),
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables(server),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


COMMAND = "from artificien_notebook.credentials import main; main()"


def test_the_id_token_is_changed_for_credentials(stubbed: Callable[[str], Any]) -> None:
    client, stubber = stubbed("cognito-identity")
    logins = {PROVIDER: "the token"}
    stubber.add_response(
        "get_id", {"IdentityId": IDENTITY}, {"IdentityPoolId": "us-east-1:pool", "Logins": logins}
    )
    stubber.add_response(
        "get_credentials_for_identity",
        {"IdentityId": IDENTITY, "Credentials": GIVEN},
        {"IdentityId": IDENTITY, "Logins": logins},
    )
    assert credentials.exchange(client, "us-east-1:pool", PROVIDER, "the token") == {
        "Version": 1,
        "AccessKeyId": "ASIA-OF-THE-PERSON",
        "SecretAccessKey": "unit",
        "SessionToken": "of the session",
        "Expiration": "2026-01-01T12:00:00+00:00",
    }


def test_the_command_neither_signs_nor_looks_for_credentials(
    server: Server, tmp_path: Path
) -> None:
    server.answers["/"] = 400, {"__type": "NotAuthorizedException", "message": "Log in again."}
    done = run(server, tmp_path, COMMAND)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("artificien-credentials: ")
    assert "Log in again." in done.stderr
    assert len(done.stderr.splitlines()) == 1
    # Had it looked for credentials, it would have run itself, and asked the hub for each run.
    hub, pool = server.requests
    assert hub == ("/hub/api/cognito-tokens", "token of-this-server", None)
    assert pool[1] is None
    assert pool[2]["Logins"] == {PROVIDER: tokens("Ada")["id_token"]}


def test_boto3_acts_with_what_the_command_gives(server: Server, tmp_path: Path) -> None:
    given = GIVEN | {"Expiration": 4_000_000_000}
    # Each of the two calls finds what it looks for.
    server.answers["/"] = 200, {"IdentityId": IDENTITY, "Credentials": given}
    code = "import boto3; print(boto3.Session().get_credentials().access_key)"
    done = run(server, tmp_path, code)
    assert done.stdout == "ASIA-OF-THE-PERSON\n", done.stderr
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"AWS_REGION": ""}, "AWS_REGION is not set"),
        ({"ARTIFICIEN_USER_POOL_ID": ""}, "ARTIFICIEN_USER_POOL_ID is not set"),
        ({"ARTIFICIEN_IDENTITY_POOL_ID": ""}, "ARTIFICIEN_IDENTITY_POOL_ID is not set"),
        ({"JUPYTERHUB_API_TOKEN": ""}, "JUPYTERHUB_API_TOKEN is not set"),
        ({"JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api"}, "was not reached"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect"),
    ],
)
def test_what_is_wrong_is_said_without_any_token(
    server: Server, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], told: str
) -> None:
    for name, value in (variables(server) | changed).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        credentials.main()
    said = str(end.value)
    assert said.startswith("artificien-credentials: ")
    assert told in said
    for secret in (*tokens("Ada").values(), "of-this-server"):
        assert str(secret) not in said


def test_one_object_is_printed(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in variables(server).items():
        monkeypatch.setenv(name, value)
    given = GIVEN | {"Expiration": 4_000_000_000}
    server.answers["/"] = 200, {"IdentityId": IDENTITY, "Credentials": given}
    credentials.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["Version"] == 1
    assert printed["Expiration"].startswith("2096-10-02T07:06:40")

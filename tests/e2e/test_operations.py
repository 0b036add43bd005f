"""The playbooks and scripts that operators run by hand on a deployed platform."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from tests.accounts import PASSWORD, Accounts
from tests.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deployment import Platform, Run

USERS = "playbooks/operations/users.yml"
DISABLE_USER = "playbooks/operations/disable_user.yml"
ADD = "playbooks/operations/add_to_group.yml"
REMOVE = "playbooks/operations/remove_from_group.yml"
ROTATION = "playbooks/operations/client_secret.yml"


@pytest.fixture(scope="module")
def accounts(platform: Platform) -> Accounts:
    return Accounts(platform)


def words(run: Run) -> str:
    """Return what a run said, without its line breaks."""
    return " ".join(run.text.split())


def test_a_changed_password_policy_is_all_that_a_plan_shows(platform: Platform) -> None:
    run = platform.play(
        *("site.yml", "--tags", "cognito", "--check", "--diff"),
        *("-e", "cognito_password_minimum_length=14"),
    )
    assert run.changed == 1
    assert re.findall(r"^[+-] .*", run.text, re.MULTILINE) == [
        "-            minimum_length: 12",
        "+            minimum_length: 14",
    ]


def test_users_without_a_row_get_one(accounts: Accounts) -> None:
    platform, cloud = accounts.platform, accounts.platform.cloud
    lost = accounts.join("Sophie")
    first = accounts.row(lost)
    assert first
    cloud.client("dynamodb").delete_item(TableName="user_table", Key={"user_id": {"S": lost}})
    cloud.client("cognito-idp").admin_create_user(
        UserPoolId=accounts.pool,
        Username="ruth",
        UserAttributes=[{"Name": "email", "Value": "ruth@example.com"}],
        MessageAction="SUPPRESS",
    )

    counted = platform.play(USERS, "--check")
    assert "2 had no row" in words(counted)
    assert accounts.row(lost) is None
    assert accounts.row("ruth@example.com") is None

    assert platform.play(USERS).changed == 1
    again = accounts.row(lost)
    assert again
    assert again.pop("api_key") != first.pop("api_key")
    assert again == first
    made = accounts.row("ruth@example.com")
    assert made
    assert made["username"] == {"S": "ruth"}

    second = platform.play(USERS)
    assert second.changed == 0
    assert "0 had no row" in words(second)
    assert accounts.row("ruth@example.com") == made


def test_the_row_of_another_user_name_is_told_and_left_alone(accounts: Accounts) -> None:
    email = accounts.join("amalie")
    rows = accounts.platform.cloud.resource("dynamodb").Table("user_table")
    row = rows.get_item(Key={"user_id": email})["Item"]
    rows.put_item(Item=row | {"username": "somebody-before"})
    try:
        run = accounts.platform.play(USERS, fails=True)
        assert "1 e-mail addresses have the row of another user name" in words(run)
        assert run.changed == 0
        assert rows.get_item(Key={"user_id": email})["Item"]["username"] == "somebody-before"
    finally:
        rows.put_item(Item=row)


def test_a_disabled_user_is_locked_out(accounts: Accounts) -> None:
    platform = accounts.platform
    accounts.join("mallory")
    tokens = accounts.sign_in("mallory")
    disable = (DISABLE_USER, "-e", "cognito_user_name=mallory")

    def refresh() -> None:
        accounts.client().initiate_auth(
            ClientId=accounts.ids["clients"]["web"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )

    assert platform.play(*disable, "--check").changed == 1
    refresh()

    assert platform.play(*disable).changed == 1
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        accounts.sign_in("mallory")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        refresh()
    assert platform.play(*disable).changed == 0

    platform.cloud.client("cognito-idp").admin_enable_user(
        UserPoolId=accounts.pool, Username="mallory"
    )
    assert accounts.sign_in("mallory")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        refresh()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "No user is named. Give NAME=<user name>"),
        ("nobody-of-that-name", "nobody-of-that-name: there is no such user."),
    ],
)
def test_a_user_to_disable_has_to_exist(platform: Platform, name: str, told: str) -> None:
    run = platform.play(DISABLE_USER, "-e", f"cognito_user_name={name}", fails=True)
    assert told in words(run)


def test_a_user_is_let_in_to_a_group_and_put_out_again(accounts: Accounts) -> None:
    platform = accounts.platform
    accounts.join("wangari")
    accounts.add_to_group("wangari", "developers")
    options = ("-e", "cognito_user_name=wangari", "-e", "cognito_group=data-scientists")

    def groups() -> list[str]:
        claims = accounts.claims(accounts.sign_in("wangari")["AccessToken"])
        return sorted(claims.get("cognito:groups", []))

    assert platform.play(ADD, *options, "--check").changed == 1
    assert groups() == ["developers"]
    assert platform.play(ADD, *options).changed == 1
    assert groups() == ["data-scientists", "developers"]
    assert platform.play(ADD, *options).changed == 0
    assert platform.play(REMOVE, *options).changed == 1
    assert groups() == ["developers"]
    assert platform.play(REMOVE, *options).changed == 0


@pytest.mark.parametrize("playbook", [ADD, REMOVE])
@pytest.mark.parametrize(
    ("name", "group", "told"),
    [
        ("", "admins", "No user is named. Give NAME=<user name>"),
        ("nobody-of-that-name", "admins", "nobody-of-that-name: there is no such user."),
        ("wangari", "owners", "value of cognito_group must be one of: developers, data-scientists"),
    ],
)
def test_a_user_and_a_group_have_to_exist(
    platform: Platform, playbook: str, name: str, group: str, told: str
) -> None:
    options = ("-e", f"cognito_user_name={name}", "-e", f"cognito_group={group}")
    assert told in words(platform.play(playbook, *options, fails=True))


def test_the_secret_of_a_client_is_changed_without_an_interruption(accounts: Accounts) -> None:
    platform = accounts.platform
    accounts.join("vera")
    old = accounts.secret("native")["client_secret"]
    token = accounts.sign_in("vera", client="native", client_secret=old)["RefreshToken"]

    def works(secret: str) -> bool:
        return gets_tokens(accounts, secret, token)

    def change(state: str, *arguments: str, fails: bool = False) -> Run:
        options = ("-e", "cognito_client=native", "-e", f"cognito_secret_state={state}")
        return platform.play(ROTATION, *options, *arguments, fails=fails)

    assert change("retired").changed == 0
    assert change("rotated", "--check").changed == 1
    assert accounts.secret("native")["client_secret"] == old

    rotated = change("rotated", "--diff")
    assert rotated.changed == 1
    new = accounts.secret("native")["client_secret"]
    assert new != old
    assert old not in rotated.text
    assert new not in rotated.text
    assert (works(old), works(new), works("guessed")) == (True, True, False)
    assert accounts.sign_in("vera", client="native", client_secret=new)
    assert platform.play("site.yml", "--tags", "cognito").changed == 0
    assert "two secrets already" in words(change("rotated", fails=True))

    assert change("retired").changed == 1
    assert (works(old), works(new)) == (False, True)
    assert accounts.secret("native")["client_secret"] == new
    assert change("retired").changed == 0
    assert platform.play("site.yml", "--tags", "cognito").changed == 0


def gets_tokens(accounts: Accounts, secret: str, refresh_token: str) -> bool:
    """Return whether a service with this secret of the native client gets new tokens."""
    client = accounts.ids["clients"]["native"]
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{accounts.ids['hosted_ui_url']}/oauth2/token",
        data=urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token}).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(f'{client}:{secret}'.encode()).decode()}"
        },
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return b"access_token" in answer.read()
    except urllib.error.HTTPError as error:
        if b"invalid_client" not in error.read():
            raise
        return False


@pytest.mark.parametrize("client", ["", "web"])
def test_only_a_client_with_a_secret_has_it_changed(platform: Platform, client: str) -> None:
    options = ("-e", f"cognito_client={client}", "-e", "cognito_secret_state=rotated")
    run = platform.play(ROTATION, *options, fails=True)
    assert f"value of cognito_client must be one of: native, jupyter, got: {client}" in words(run)


def demo_password(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make demo-password` runs, for the build folder of an environment."""
    return subprocess.run(
        [sys.executable, "scripts/demo_password.py", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_demo_user_signs_in_with_the_printed_password(accounts: Accounts) -> None:
    printed = demo_password(accounts.platform.folder / "local").stdout
    told = re.fullmatch(r"user names: (.+)\npassword: +(\S+)\n", printed)
    assert told
    names = told[1].split(", ")
    assert len(names) == 25
    for name in (names[0], names[-1]):
        claims = accounts.claims(accounts.sign_in(name, told[2])["AccessToken"])
        assert claims["username"] == name
        assert set(claims["cognito:groups"]) == {"data-scientists", "developers"}
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        accounts.sign_in(names[0], PASSWORD)


def test_a_missing_demo_password_is_explained(platform: Platform, tmp_path: Path) -> None:
    missing = demo_password(tmp_path)
    assert missing.returncode == 1
    assert "outputs.json is missing: deploy the environment" in missing.stderr

    (tmp_path / "outputs.json").write_text("{}")
    without = demo_password(tmp_path)
    assert without.returncode == 1
    assert "set seed_data_demo_users and deploy it" in without.stderr

    written = (platform.folder / "local/outputs.json").read_text()
    (tmp_path / "outputs.json").write_text(written.replace("-demo-users", "-nobodys"))
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed/users.jsonl").write_text("")
    unread = demo_password(tmp_path)
    assert unread.returncode == 1
    assert "The secret artificien-local-nobodys cannot be read" in unread.stderr

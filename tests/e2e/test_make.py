"""What somebody new types: `make up` is how the platform of the tests comes to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.checkout import command_to_try

if TYPE_CHECKING:
    from tests.checkout import Checkout
    from tests.deployment import Platform


def test_the_command_that_make_up_prints_works(checkout: Checkout, first_up: str) -> None:
    assert "500 rows" in checkout.run(*command_to_try(first_up))


def test_make_up_tells_what_each_role_took(first_up: str) -> None:
    profile = dict(re.findall(r"^(\w+) -+ ([\d.]+)s$", first_up, re.MULTILINE))
    assert {"cognito", "pygrid", "jupyterhub"} <= set(profile)


def test_demo_users_and_secrets_are_managed_by_commands(
    checkout: Checkout, platform: Platform
) -> None:
    cognito = platform.outputs["cognito"]
    # Not the first one, as whom others sign in.
    (name,) = re.findall(r"user names: \w+, (\w+)", checkout.run("make", "demo-password"))
    checkout.run("make", "disable-user", f"NAME={name}")
    user = platform.cloud.client("cognito-idp").admin_get_user(
        UserPoolId=cognito["user_pool_id"], Username=name
    )
    assert not user["Enabled"]
    checkout.run("make", "rotate-secret", "CLIENT=native")
    checkout.run("make", "retire-secret", "CLIENT=native")
    assert "0 had no row" in checkout.run("make", "users")

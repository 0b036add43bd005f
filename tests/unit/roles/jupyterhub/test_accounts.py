"""Names of accounts: what a user of the hub is called on the host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub_host import accounts

if TYPE_CHECKING:
    from pathlib import Path

# What useradd of Debian takes.
TAKEN = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("ada", "jupyter-ada"),
        ("hub-probe", "jupyter-hub-probe"),
        ("a" * 24, "jupyter-" + "a" * 24),
        ("0042", "jupyter-0042"),
    ],
)
def test_a_plain_name_is_seen_in_the_account(name: str, account: str) -> None:
    assert accounts.account_of(name) == account


@pytest.mark.parametrize(
    "name",
    [
        "a" * 25,
        "ada.l",
        "ada@example.com",
        "-ada",
        "ada-",
        "a--b",
        "_",
        "Ada",
        "日本",
        "x-0123abcd",
    ],
)
def test_any_other_name_ends_with_a_hash(name: str) -> None:
    account = accounts.account_of(name)
    assert re.fullmatch(r"jupyter-[a-z0-9-]+-[0-9a-f]{8}", account)
    assert accounts.account_of(f"{name}x") != account


def test_nobody_can_be_named_like_the_account_of_another() -> None:
    other = accounts.account_of("ada.l").removeprefix("jupyter-")
    assert accounts.account_of(other) != accounts.account_of("ada.l")


@given(st.text(min_size=1), st.text(min_size=1))
def test_accounts_are_names_that_the_host_takes_and_are_told_apart(one: str, other: str) -> None:
    assert TAKEN.fullmatch(accounts.account_of(one))
    assert (accounts.account_of(one) == accounts.account_of(other)) == (one == other)


def test_a_link_does_not_replace_what_somebody_made(tmp_path: Path) -> None:
    (tmp_path / "tutorials").write_text("mine")
    accounts.link(tmp_path / "tutorials", "/srv/data/tutorials")
    accounts.link(tmp_path / "sample_data", "/srv/data/sample_data")
    accounts.link(tmp_path / "sample_data", "/srv/data/sample_data")
    assert (tmp_path / "tutorials").read_text() == "mine"
    assert str((tmp_path / "sample_data").readlink()) == "/srv/data/sample_data"

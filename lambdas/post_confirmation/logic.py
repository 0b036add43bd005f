"""Gives accounts their rows, and finds the accounts that have none.

A row is keyed by e-mail address and holds the key and the purchases of one user name. It is written
once: whatever is there stays, since a second confirmation must reset neither. Where the row of an
address bears another user name, as after an account was deleted and its address signed up anew, the
address tells who receives its mail today but not who made the purchases. Neither may the new
account take over the row nor may anything be guessed: an operator has to decide.

Calls of the store may raise; the caller is to try again, which is always safe.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from typing import Protocol

TUTORIAL_DATASET = "Artificien-Health"
# At most so many accounts are in one answer, which Lambda limits to 6 MB.
MAX_MISSING = 1000
# As many rows as DynamoDB looks up in one call.
MAX_LOOKUP = 100

type Row = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the user pool. Of these only `sub` may be logged."""

    username: str
    email: str
    sub: str


class UserStore(Protocol):
    """Rows of users, and the accounts that are to have them."""

    def create(self, row: Row) -> str | None:
        """Write the row unless its `user_id` has one; return the user name of that one.

        None if it was written, and empty if the row that is there has no user name.
        """

    def usernames(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the user names, empty where missing, of at most `MAX_LOOKUP` rows.

        Ids without a row are left out.
        """

    def accounts(self, user_pool_id: str) -> Iterator[Account]:
        """Yield the accounts of the pool that have an e-mail address, but for open sign-ups."""


class Outcome(StrEnum):
    """What became of one account."""

    CREATED = "created"  # its row was written
    EXISTING = "existing"  # it has its row
    CONFLICTING = "conflicting"  # the row of its address is another user name's


@dataclass(frozen=True, slots=True)
class Report:
    """Accounts without a row, and those whose address has the row of another user name.

    `more` if the search ended early because so many rows are missing.
    """

    missing: list[Account]
    conflicting: list[Account]
    checked: int
    more: bool


def create_row(account: Account, store: UserStore) -> Outcome:
    """Give the account its row unless its address has one."""
    username = store.create(_first_row(account))
    if username is None:
        return Outcome.CREATED
    return Outcome.EXISTING if username == account.username else Outcome.CONFLICTING


def find_missing(user_pool_id: str, store: UserStore) -> Report:
    """Look for the row of each account of the pool until more than `MAX_MISSING` are missing."""
    missing: list[Account] = []
    conflicting: list[Account] = []
    checked = 0
    for some in batched(store.accounts(user_pool_id), MAX_LOOKUP, strict=False):
        usernames = store.usernames(account.email for account in some)
        for account in some:
            if account.email not in usernames:
                if len(missing) == MAX_MISSING:
                    return Report(missing, conflicting, checked, more=True)
                missing.append(account)
            elif usernames[account.email] != account.username:
                conflicting.append(account)
            checked += 1
    return Report(missing, conflicting, checked, more=False)


def _first_row(account: Account) -> Row:
    return {
        "user_id": account.email,
        "user_account_email": account.email,
        "username": account.username,
        "has_onboarded": "0",
        "role": "0",
        "api_key": secrets.token_urlsafe(16),
        "datasets_purchased": [TUTORIAL_DATASET],
    }

"""Which accounts get a row, and which are found to have none."""

import re

import pytest
from post_confirmation.logic import MAX_MISSING, Account, Outcome, create_row, find_missing

from tests.unit.lambdas.post_confirmation.fakes import ADA, FakeStore, numbered

POOL = "us-east-1_pool"


def test_first_row() -> None:
    store = FakeStore()
    assert create_row(ADA, store) == Outcome.CREATED
    row = dict(store.rows["ada@example.com"])
    assert re.fullmatch(r"[\w-]{22}", str(row.pop("api_key")))
    assert row == {
        "user_id": "ada@example.com",
        "user_account_email": "ada@example.com",
        "username": "ada",
        "has_onboarded": "0",
        "role": "0",
        "datasets_purchased": ["Artificien-Health"],
    }


def test_every_row_has_a_key_of_its_own() -> None:
    store = FakeStore()
    for account in numbered(50):
        create_row(account, store)
    assert len({str(row["api_key"]) for row in store.rows.values()}) == 50


def test_a_row_stays_as_it_is() -> None:
    store = FakeStore()
    create_row(ADA, store)
    row = store.rows[ADA.email]
    assert create_row(ADA, store) == Outcome.EXISTING
    assert store.rows == {ADA.email: row}


@pytest.mark.parametrize("row", [{"username": "grace"}, {}, {"username": "Ada"}])
def test_the_row_of_another_user_name_is_not_taken_over(row: dict[str, str]) -> None:
    store = FakeStore()
    store.rows[ADA.email] = row
    assert create_row(ADA, store) == Outcome.CONFLICTING
    assert store.rows == {ADA.email: row}


def test_missing_and_conflicting_accounts_are_found() -> None:
    accounts = numbered(250)
    store = FakeStore(*accounts)
    for account in accounts[:240]:
        create_row(account, store)
    store.rows[accounts[7].email] = {"username": "other"}
    report = find_missing(POOL, store)
    assert report.missing == accounts[240:]
    assert report.conflicting == [accounts[7]]
    assert (report.checked, report.more) == (250, False)


def test_accounts_of_one_address_are_all_found() -> None:
    twin = Account("twin", ADA.email, "sub-of-twin")
    store = FakeStore(ADA, twin)
    assert find_missing(POOL, store).missing == [ADA, twin]
    assert [create_row(account, store) for account in (ADA, twin)] == ["created", "conflicting"]
    report = find_missing(POOL, store)
    assert (report.missing, report.conflicting) == ([], [twin])


def test_an_answer_is_bounded() -> None:
    accounts = numbered(MAX_MISSING + 150)
    store = FakeStore(*accounts)
    report = find_missing(POOL, store)
    assert report.missing == accounts[:MAX_MISSING]
    assert (report.checked, report.more) == (MAX_MISSING, True)
    assert store.listed < len(accounts)
    for account in report.missing:
        create_row(account, store)
    report = find_missing(POOL, store)
    assert report.missing == accounts[MAX_MISSING:]
    assert (report.checked, report.more) == (len(accounts), False)


def test_an_answer_that_is_just_full_is_complete() -> None:
    report = find_missing(POOL, FakeStore(*numbered(MAX_MISSING)))
    assert (len(report.missing), report.checked, report.more) == (MAX_MISSING, MAX_MISSING, False)


def test_an_empty_pool() -> None:
    report = find_missing(POOL, FakeStore())
    assert (report.missing, report.checked, report.more) == ([], 0, False)

"""Accounts and a store in memory."""

from collections.abc import Iterable, Iterator

from post_confirmation.logic import MAX_LOOKUP, Account, Row

ADA = Account("ada", "ada@example.com", "sub-of-ada")


def numbered(count: int) -> list[Account]:
    """Return that many accounts."""
    return [
        Account(f"user{number}", f"user{number}@example.com", f"sub-{number}")
        for number in range(count)
    ]


class FakeStore:
    """Rows in memory, and the accounts of a single pool. Nothing answers while it is `broken`."""

    def __init__(self, *accounts: Account) -> None:
        self.pool = list(accounts)
        self.rows: dict[str, Row] = {}
        self.broken = False
        self.listed = 0

    def create(self, row: Row) -> str | None:
        """Keep the row unless there is one."""
        self._answer()
        user_id = str(row["user_id"])
        if user_id in self.rows:
            return str(self.rows[user_id].get("username", ""))
        self.rows[user_id] = row
        return None

    def usernames(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Return the user names of the rows that exist."""
        self._answer()
        wanted = list(user_ids)
        assert len(wanted) <= MAX_LOOKUP
        return {
            user_id: str(self.rows[user_id].get("username", ""))
            for user_id in wanted
            if user_id in self.rows
        }

    def accounts(self, user_pool_id: str) -> Iterator[Account]:
        """Yield the accounts one by one."""
        assert user_pool_id == "us-east-1_pool"
        for account in self.pool:
            self.listed += 1
            yield account

    def _answer(self) -> None:
        if self.broken:
            raise ConnectionError("DynamoDB is down")

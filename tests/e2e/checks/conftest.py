"""What every check has: the account that the platform is in, and what its findings are."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.checks.account import Account
from tests.e2e.checks.explanations import compare

if TYPE_CHECKING:
    from tests.deployment import Platform
    from tests.e2e.checks.explanations import Check


@pytest.fixture(scope="session")
def account(platform: Platform) -> Account:
    """Return the account of the platform, read once."""
    return Account(cache(platform.cloud.client))


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """Return what compares results with the findings of the check that the test is named after."""
    node: Any = request.node
    if hasattr(node, "callspec"):
        return partial(compare, node.callspec.id)
    return partial(compare, node.name.removeprefix("test_"))

"""Fixtures of the end-to-end tests: a platform of their own, as `make up` makes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.browser import chromium
from tests.checkout import Checkout
from tests.cloud import ROOT
from tests.deployment import SOAK, Platform

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser


ALONE = (
    "tests/e2e/test_empty_account.py",
    "tests/e2e/test_interruptions.py",
    "tests/e2e/test_restart.py",
)
"""Tests with platforms of their own."""

# What takes so long that only `make soak` has it.
collect_ignore = [] if SOAK else ["test_restart.py"]

ENDING = (
    "tests/e2e/test_least_privilege.py::test_every_grant_of_the_platform",
    "tests/e2e/test_destroy.py",
    "tests/e2e/test_least_privilege.py::test_every_grant_of_the_deployer",
    "tests/e2e/test_down.py",
)
"""What looks back at the shared platform and ends it, in this order."""

LOOKING_BACK = "tests/e2e/test_least_privilege.py"


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Put what ends the platform at the end, and look back only if there is all to look back at."""
    collected = {item.nodeid for item in items}
    result = yield
    chosen = {item.nodeid for item in items}
    files = {str(path.relative_to(ROOT)) for path in Path(__file__).parent.rglob("test_*.py")}
    missing = files - {name.partition("::")[0] for name in chosen} - set(ALONE)
    left_out = {name for name in collected - chosen if not name.startswith(ALONE)}
    if missing or left_out or any("::" in argument for argument in config.args):
        without = [item for item in items if item.nodeid.startswith(LOOKING_BACK)]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]
    items.sort(key=place)
    return result


def place(item: pytest.Item) -> int:
    """Return where a test runs: 0 but for those that end the platform."""
    return next(
        (number for number, each in enumerate(ENDING, 1) if item.nodeid.startswith(each)), 0
    )


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps the tests that share a platform in one process; all others run beside them."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ALONE):
            return nodeid
        if nodeid.startswith("tests/e2e/"):
            return "platform"
        scope: str = super()._split_scope(nodeid)
        return scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Have xdist use it."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Return a checkout without any prior step, whose local cloud is gone afterwards."""
    copy = Checkout.made_in(tmp_path_factory.mktemp("new"))
    yield copy
    copy.run("make", "down")


@pytest.fixture(scope="session")
def first_up(checkout: Checkout) -> str:
    """Return what the first `make up` in the checkout printed."""
    return checkout.run("make", "up")


@pytest.fixture(scope="session")
def platform(checkout: Checkout, first_up: str) -> Platform:
    """Return the deployed platform, hosts included, that all tests share."""
    assert "The platform is up" in first_up
    return Platform(checkout.cloud, checkout.folder / "build")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser that the tests of a module share."""
    with chromium() as browser:
        yield browser

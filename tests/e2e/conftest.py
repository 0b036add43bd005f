"""Fixtures of the end-to-end tests: a platform of their own, deployed by site.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.browser import chromium
from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


ALONE = ("tests/e2e/test_empty_account.py", "tests/e2e/test_make.py")
"""Tests with platforms of their own."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps the tests that share a platform in one process; the others run beside them."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else "platform"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Have xdist use it."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return a deployed platform, hosts included, that all tests share."""
    folder = tmp_path_factory.mktemp("platform")
    with emulator(folder, hosts=True) as cloud:
        deployed = Platform(cloud, folder / "build")
        deployed.play("site.yml")
        yield deployed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser that the tests of a module share."""
    with chromium() as browser:
        yield browser

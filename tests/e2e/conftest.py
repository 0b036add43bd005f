"""Fixtures of the end-to-end tests: a platform of their own, deployed by site.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return a deployed platform that all tests share."""
    folder = tmp_path_factory.mktemp("platform")
    with emulator(folder) as cloud:
        deployed = Platform(cloud, folder / "build")
        deployed.play("site.yml")
        yield deployed


@pytest.fixture
def empty_account(tmp_path: Path) -> Iterator[Platform]:
    """Return a platform to which nothing is deployed yet."""
    with emulator(tmp_path) as cloud:
        yield Platform(cloud, tmp_path / "build")

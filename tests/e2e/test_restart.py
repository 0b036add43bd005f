"""A restart of the local cloud: AWS' state outlives it; hosts are made anew, and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.checkout import Checkout, command_to_try
from tests.deployment import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def own_checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Return a checkout whose local cloud is stopped afterwards."""
    copy = Checkout.made_in(tmp_path)
    yield copy
    copy.run("make", "down")


# Two hosts are made twice.
@pytest.mark.timeout(2700)
def test_a_restarted_platform_is_as_it_was_after_a_restore(own_checkout: Checkout) -> None:
    first = own_checkout.run("make", "up")
    platform = Platform(own_checkout.cloud, own_checkout.folder / "build")
    own_checkout.run("make", "backup")
    address = platform.outputs["pygrid"]["address"]
    own_checkout.run("python3", "-B", "-m", "local_cloud", "stop", f"--port={platform.cloud.port}")

    assert "make restore ENV=local" in own_checkout.run("make", "up")
    own_checkout.run("make", "restore", "ENV=local")
    assert platform.outputs["pygrid"]["address"] == address
    restarted = [*command_to_try(first)[:-1], "Registered-After-A-Restart"]
    assert "500 rows" in own_checkout.run(*restarted)

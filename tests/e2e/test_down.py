"""`make down`, after which nothing tells that there was a platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.checkout import Checkout


def test_down_leaves_the_checkout_as_it_was(checkout: Checkout, first_up: str) -> None:
    assert "The platform is up" in first_up
    checkout.run("make", "down")
    assert not (checkout.folder / "build/local").exists()
    assert checkout.processes() == []
    assert checkout.containers() == []
    assert checkout.files() == checkout.original
    # pip asks for the version of rustc, whose launcher, where there is one, makes its folder;
    # Ansible keeps the sockets of its connections where their paths are short enough.
    assert {path.name for path in checkout.home.iterdir()} <= {".ansible", ".cache", ".rustup"}

"""What is handed to systemd when somebody's server starts."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub_host import accounts
from jupyterhub_host.spawner import AccountSpawner
from systemdspawner import SystemdSpawner, systemd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def provided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Accounts that were asked for, in place of making them."""
    made: list[Any] = []

    def provide(*arguments: Any) -> Path:
        made.append(arguments)
        return tmp_path / "home"

    async def start(_: SystemdSpawner) -> tuple[str, int]:
        made.append("start")
        return "127.0.0.1", 4242

    monkeypatch.setattr(accounts, "provide", provide)
    monkeypatch.setattr(SystemdSpawner, "start", start)
    monkeypatch.setattr(systemd, "get_systemd_version", lambda: 252)
    return made


def test_a_server_starts_under_an_account_that_is_there(
    provided: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "releases/one").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/one")
    spawner = AccountSpawner(
        user=SimpleNamespace(name="ada.l", id=1, url="/user/ada.l/"),
        accounts_group="jupyterhub-users",
        links={"tutorials": "/srv/data/tutorials"},
        environment_dir=str(tmp_path / "current"),
    )
    account = accounts.account_of("ada.l")
    assert asyncio.run(spawner.start()) == ("127.0.0.1", 4242)
    assert provided == [
        (account, "jupyterhub-users", {"tutorials": "/srv/data/tutorials"}),
        "start",
    ]
    assert spawner.username_template == account
    assert spawner.unit_name == f"{account}-server"
    assert spawner.user_workingdir == str(tmp_path / "home")
    # What the link leads to now, so that the server keeps it when the link changes.
    assert spawner.cmd == [str(tmp_path / "releases/one/bin/jupyterhub-singleuser")]

"""The server of a user: a unit of systemd, under the user's own account."""

import asyncio
from pathlib import Path
from typing import Any

from systemdspawner import SystemdSpawner
from traitlets import Dict, Unicode

from . import accounts


class AccountSpawner(SystemdSpawner):  # type: ignore[misc] # it has no types
    """Starts servers under real accounts, which it makes."""

    accounts_group = Unicode(config=True, help="Group of all accounts.")
    links = Dict(config=True, help="Folders by the names that they have in each home.")
    environment_dir = Unicode(config=True, help="Link to the environment that servers run in.")

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        account = accounts.account_of(self.user.name)
        self.username_template = account
        self.unit_name = f"{account}-server"

    async def start(self) -> tuple[str, int] | None:
        """Provide the account and start the server; its address."""
        loop = asyncio.get_running_loop()
        home = await loop.run_in_executor(
            None, accounts.provide, self.username_template, self.accounts_group, self.links
        )
        self.user_workingdir = str(home)
        # Not the link: the server goes on with what it began with when the link changes.
        self.cmd = [str(Path(self.environment_dir).resolve() / "bin/jupyterhub-singleuser")]
        address: tuple[str, int] | None = await super().start()
        return address

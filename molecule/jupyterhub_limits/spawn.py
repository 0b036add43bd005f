"""Spawn a server for somebody, as the hub does, without a hub; prints its unit."""

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

from jupyterhub_host import hub
from jupyterhub_host.spawner import AccountSpawner
from traitlets.config import Config

SETTINGS: dict[str, Any] = dict.fromkeys(hub.Settings.__dataclass_fields__) | {
    "user_environment_dir": "/opt/people",
    "accounts_group": "jupyterhub-users",
    "links": {},
    "environment": {},
    "memory_max_mib": int(sys.argv[1]),
    "cpus": 1.0,
    "tasks_max": int(sys.argv[2]),
    "slice": "jupyterhub-users.slice",
    "hidden": [],
    "spawn_timeout_seconds": 30,
    "cache_seconds": 10,
}


class Spawner(AccountSpawner):
    """A spawner without a hub that its servers could ask."""

    def get_env(self) -> dict[str, str]:
        """Nothing."""
        return {}


async def main() -> None:
    """Spawn it."""
    config = Config()
    hub.configure_spawner(config.AccountSpawner, hub.Settings(**SETTINGS))
    user = SimpleNamespace(name="greedy", id=1, url="/user/greedy/")
    spawner = Spawner(config=config, user=user)
    await spawner.start()
    print(spawner.unit_name)


asyncio.run(main())

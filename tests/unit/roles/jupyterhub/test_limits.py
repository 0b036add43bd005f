"""Which limits of a unit hold, by what the kernel says of its groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_host import limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNIFIED = "0::/system.slice/run-u1.service\n"
SEPARATE = "9:memory:/run-u1.service\n8:pids:/run-u1.service\n0::/x\n"
# Of a container that may make no groups: its own, not the unit's.
CONTAINER = "9:memory:/container\n8:pids:/container\n1:name=systemd:/run-u1.service\n"


def reading(files: dict[str, str]) -> Callable[[Path], str]:
    """Return what reads the files, and no others."""

    def read(path: Path) -> str:
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    return read


def test_limits_hold_in_the_unified_hierarchy() -> None:
    folder = "/sys/fs/cgroup/system.slice/run-u1.service"
    files = {f"{folder}/memory.max": "67108864\n", f"{folder}/pids.max": "32\n"}
    assert limits.holding(UNIFIED, reading(files)) == {"memory": True, "pids": True}


def test_limits_hold_in_a_hierarchy_of_each_controller() -> None:
    files = {
        "/sys/fs/cgroup/memory/run-u1.service/memory.limit_in_bytes": "67108864\n",
        "/sys/fs/cgroup/pids/run-u1.service/pids.max": "32\n",
    }
    assert limits.holding(SEPARATE, reading(files)) == {"memory": True, "pids": True}


def test_what_is_not_limited_is_noticed() -> None:
    files = {
        "/sys/fs/cgroup/memory/container/memory.limit_in_bytes": "9223372036854771712\n",
        "/sys/fs/cgroup/pids/container/pids.max": "max\n",
    }
    assert limits.holding(CONTAINER, reading(files)) == {"memory": False, "pids": False}


def test_the_limit_of_a_whole_container_is_none_of_a_unit() -> None:
    files = {"/sys/fs/cgroup/memory/container/memory.limit_in_bytes": "1073741824\n"}
    assert limits.holding(CONTAINER, reading(files)) == {"memory": False, "pids": False}


def test_a_missing_controller_holds_nothing() -> None:
    assert limits.holding(UNIFIED, reading({})) == {"memory": False, "pids": False}

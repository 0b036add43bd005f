"""Whether the limits of a unit of systemd hold: run in one that has these, prints JSON."""

import json
from collections.abc import Callable
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
# By controller: the file of its limit in the unified hierarchy, and in that of its own.
_FILES = {
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "pids": ("pids.max", "pids.max"),
}
# MemoryMax=64M and TasksMax=32; another limit is not that of the unit.
_ASKED = {"memory": 64 << 20, "pids": 32}


def limit_files(groups: str) -> dict[str, list[Path]]:
    """Where the limits of a process stand, by controller.

    Args:
        groups: The text of ``/proc/<pid>/cgroup``.
    """
    files: dict[str, list[Path]] = {controller: [] for controller in _FILES}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller, (unified, own) in _FILES.items():
            if not controllers:
                files[controller].append(Path(f"{_ROOT}{path}", unified))
            elif controller in controllers.split(","):
                files[controller].append(Path(f"{_ROOT}/{controllers}{path}", own))
    return files


def holding(groups: str, read: Callable[[Path], str]) -> dict[str, bool]:
    """Which of the limits hold, by controller.

    Args:
        groups: The text of ``/proc/<pid>/cgroup``.
        read: Reads a file.
    """

    def found(file: Path) -> str:
        try:
            return read(file).strip()
        except OSError:
            return ""

    return {
        name: str(_ASKED[name]) in map(found, files) for name, files in limit_files(groups).items()
    }


def main() -> None:
    """Look at the limits of this process."""
    found = holding(Path("/proc/self/cgroup").read_text(), Path.read_text)
    print(json.dumps({"memory": found["memory"], "tasks": found["pids"]}))


if __name__ == "__main__":
    main()

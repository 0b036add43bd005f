"""Processes as Linux shows them under /proc: who is who, who listens, and how to end them."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_TCP_LISTEN = "0A"
# Positions in /proc/<pid>/stat after the command, which is field 2 (proc(5)).
_STATE = 3 - 3
_START_TIME = 22 - 3


@dataclass(frozen=True)
class Process:
    """One process; the start time (clock ticks after boot) tells it from a later one of its id."""

    pid: int
    start_time: int


def _stat_fields(pid: int) -> list[str]:
    # The command is in parentheses and may hold any character, these included.
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def find(pid: int) -> Process | None:
    """Return the living process with this id; one that ended but was not reaped is not alive."""
    try:
        fields = _stat_fields(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[_STATE] in "ZX" else Process(pid, int(fields[_START_TIME]))


def start_time(pid: int) -> int:
    """Return when the process with this id was started, in clock ticks after boot.

    Raises:
        FileNotFoundError: there is none, not even one that waits to be reaped.
    """
    return int(_stat_fields(pid)[_START_TIME])


def is_alive(process: Process) -> bool:
    """Tell whether this very process still runs."""
    return find(process.pid) == process


def environment(pid: int) -> dict[str, str]:
    """Return the environment that the process was started with.

    Raises:
        OSError: the process is gone, or belongs to somebody else.
    """
    entries = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in entries if entry)
    return {name: value for name, _, value in pairs}


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def with_variable(name: str, value: str) -> list[Process]:
    """Return the living processes, this one excepted, started with ``name=value``."""
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            if pid != os.getpid() and environment(pid).get(name) == value:
                found.append(find(pid))
    return [process for process in found if process]


def command_line(pid: int) -> str:
    """Return the command of a process, as a person would type it; empty if it cannot be read."""
    try:
        return os.fsdecode((PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ")).strip()
    except OSError:
        return ""


def _listening_inodes(port: int, tables: list[Path]) -> set[str]:
    inodes = set()
    for table in tables:
        with contextlib.suppress(FileNotFoundError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                local_address, state, inode = fields[1], fields[3], fields[9]
                if state == _TCP_LISTEN and int(local_address.rpartition(":")[2], 16) == port:
                    inodes.add(inode)
    return inodes


def listener(port: int) -> Process | None:
    """Return the process that listens on a TCP port, if it can be seen."""
    inodes = _listening_inodes(port, [PROC / "net" / "tcp", PROC / "net" / "tcp6"])
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for pid in _pids():
        with contextlib.suppress(OSError):
            for descriptor in (PROC / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in sockets:
                        return find(pid)
    return None


def end(process: Process, number: signal.Signals, timeout_seconds: float) -> bool:
    """Send a signal to this very process and tell whether it ended in time.

    Raises:
        PermissionError: the process belongs to somebody else.
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        # The descriptor fixes the process, so that nobody else's can be hit after this check.
        if is_alive(process):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            select.select([descriptor], [], [], timeout_seconds)
    finally:
        os.close(descriptor)
    return not is_alive(process)


def wait(process: Process, timeout_seconds: float) -> bool:
    """Wait for the end of this very process, whoever's it is, and tell whether it ended in time."""
    deadline = time.monotonic() + timeout_seconds
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(process)


def end_all_with_variable(name: str, value: str, timeout_seconds: float) -> list[Process]:
    """End every process started with ``name=value`` and what those start meanwhile.

    They are asked first, and killed after half of the time.

    Returns:
        The processes that ended.

    Raises:
        TimeoutError: some were still there after ``timeout_seconds``.
    """
    start = time.monotonic()
    ended: set[Process] = set()
    while remaining := with_variable(name, value):
        elapsed = time.monotonic() - start
        if elapsed > timeout_seconds:
            pids = ", ".join(str(process.pid) for process in remaining)
            raise TimeoutError(f"process {pids} did not end within {timeout_seconds:g} seconds")
        number = signal.SIGTERM if elapsed < timeout_seconds / 2 else signal.SIGKILL
        ended.update(process for process in remaining if end(process, number, 0.5))
    return sorted(ended, key=lambda process: process.pid)

"""Services of systemd: whether they run with what their files say, and what makes them do so.

Modules that import this run on hosts, by the Python of Debian 12, which is 3.11.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import glob
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ansible.module_utils.basic import AnsibleModule

    Systemctl = Callable[..., str]

MANAGER = "systemd"
"""The name of the plan for the service manager itself."""

# What is starting may go on trying with the definition of before. It cannot be reloaded, and need
# not be.
CONCERNED = {
    "restarted": {"active", "activating", "reloading"},
    "reloaded": {"active", "reloading"},
}
# A restart leaves the inactive state anew. A reload changes the state only, to reloading and back.
READ_AT = {"restarted": "InactiveExitTimestamp", "reloaded": "StateChangeTimestamp"}
VERBS = {"restarted": "restart", "reloaded": "reload"}
MANAGER_READ_AT = "UnitsLoadTimestamp"


@dataclass(frozen=True)
class Use:
    """Which files a service reads when it is restarted, or reloaded."""

    name: str
    action: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What a host says of its services and files."""

    units: dict[str, dict[str, str]]
    """Properties by the name of the unit; those of the manager by `MANAGER`."""
    changed: dict[str, float]
    """When existing files changed, in seconds since the epoch."""


def uses_of(params: dict[str, Any], matching: dict[str, list[str]]) -> list[Use]:
    """Return the services of the module's options, with the files that match their patterns."""

    def found(patterns: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(file for pattern in patterns for file in matching[pattern]))

    services = [
        Use(each["name"], each["action"], found(each["files"])) for each in params["services"]
    ]
    if params["manager_files"]:
        services.insert(0, Use(MANAGER, "reloaded", found(params["manager_files"])))
    return services


def seconds(timestamp: str) -> float:
    """Return a time as `systemctl --timestamp=us+utc` writes it, since the epoch; 0 for never."""
    if not timestamp:
        return 0.0
    _, date, time, _ = timestamp.split()
    moment = datetime.strptime(f"{date} {time}", "%Y-%m-%d %H:%M:%S.%f")
    return moment.replace(tzinfo=UTC).timestamp()


def plan_services(uses: Iterable[Use], facts: Facts) -> list[Plan]:
    """Plan what makes services read the files that changed since they read them.

    A service that is listed twice, to be restarted for some files and reloaded for others, is
    restarted if it has to be, which reads all of them.
    """
    merged: dict[str, Plan] = {}
    for use in uses:
        plan = _plan(use, facts.units[use.name], facts.changed)
        known = merged.get(use.name)
        if known is None:
            merged[use.name] = plan
        elif plan.changed:
            merged[use.name] = _both(known, plan)
    return list(merged.values())


def _plan(use: Use, unit: dict[str, str], changed: dict[str, float]) -> Plan:
    manager = use.name == MANAGER
    fresh = {"unread_files": [], "definition_loaded": True}
    if not manager and unit["ActiveState"] not in CONCERNED[use.action]:
        return Plan(use.name, fresh, fresh)
    read = seconds(unit[MANAGER_READ_AT if manager else READ_AT[use.action]])
    before = {
        "unread_files": [file for file in use.files if changed.get(file, 0.0) > read],
        "definition_loaded": manager or unit["NeedDaemonReload"] != "yes",
    }
    if before == fresh:
        return Plan(use.name, fresh, fresh)
    return Plan(use.name, before, fresh | {"action": use.action})


def _both(one: Plan, other: Plan) -> Plan:
    befores, afters = [one.before or {}, other.before or {}], [one.after or {}, other.after or {}]
    files = [file for before in befores for file in before["unread_files"]]
    restarted = any(after.get("action") == "restarted" for after in afters)
    before = befores[1] | {"unread_files": list(dict.fromkeys(files))}
    return Plan(one.name, before, afters[1] | {"action": "restarted" if restarted else "reloaded"})


def read_matching(patterns: Iterable[str]) -> dict[str, list[str]]:
    """Return the files that patterns match, by pattern."""
    # Path.glob() leaves out links to what is not there.
    return {pattern: sorted(glob(pattern)) for pattern in patterns}  # noqa: PTH207


def read_facts(systemctl: Systemctl, uses: Sequence[Use]) -> Facts:
    """Ask the host.

    Raises:
        ReconcileError: systemd does not answer.
    """
    changed = {}
    for use in uses:
        for file in use.files:
            try:
                # Not when it was modified: what is copied may keep the time of its original, and a
                # link, a folder or a mode has changed as well.
                changed[file] = os.lstat(file).st_ctime
            except FileNotFoundError:  # it has just gone
                continue
    # A unit may have several uses.
    names = dict.fromkeys(use.name for use in uses)
    return Facts({name: _read_unit(systemctl, name) for name in names}, changed)


def _read_unit(systemctl: Systemctl, name: str) -> dict[str, str]:
    wanted = [MANAGER_READ_AT] if name == MANAGER else [*READ_AT.values(), "NeedDaemonReload"]
    shown = systemctl(
        "show",
        "--timestamp=us+utc",
        f"--property={','.join([*wanted, 'ActiveState'])}",
        *([] if name == MANAGER else ["--", name]),
    )
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def apply_services(systemctl: Systemctl, plans: Sequence[Plan]) -> None:
    """Have the services of plans that change something read their files.

    Raises:
        ReconcileError: systemd refuses, or a service does not start again.
    """
    changing = [plan for plan in plans if plan.changed]
    if changing:
        # Units may have changed as well.
        systemctl("daemon-reload")
    for plan in changing:
        if plan.name != MANAGER:
            systemctl(VERBS[(plan.after or {})["action"]], "--", plan.name)


def systemctl_of(module: AnsibleModule) -> Systemctl:
    """Return a function that runs systemctl with its arguments, and returns what it prints."""

    def run(*arguments: str) -> str:
        code, output, errors = module.run_command(["systemctl", *arguments])
        if code:
            raise ReconcileError(
                f"{' '.join(['systemctl', *arguments])} failed: {(errors or output).strip()}"
            )
        return str(output)

    return run

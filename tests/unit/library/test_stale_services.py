"""`stale_services` without a systemd: what is stale, and the exact commands that mend it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError
from ansible.module_utils.artificien.services import (
    Facts,
    Use,
    apply_services,
    plan_services,
    read_facts,
    read_matching,
    seconds,
    systemctl_of,
)

from library.stale_services import outcome, plans_of

if TYPE_CHECKING:
    from pathlib import Path

READ = "Sun 2026-11-29 13:50:30.500000 UTC"
BEFORE, AFTER = seconds(READ) - 0.000_1, seconds(READ) + 0.000_1
NEVER_CHANGED = {"unread_files": [], "definition_loaded": True}


class Systemctl:
    """A systemctl that answers `show` with the same properties of every unit."""

    def __init__(self, **properties: str) -> None:
        self.properties = unit(**properties)
        self.commands: list[str] = []

    def __call__(self, *arguments: str) -> str:
        """Note the command, and answer."""
        self.commands.append(" ".join(arguments))
        return "".join(f"{name}={value}\n" for name, value in self.properties.items())


def unit(**properties: str) -> dict[str, str]:
    """Return the properties of a running unit that read everything at `READ`."""
    return {
        "ActiveState": "active",
        "InactiveExitTimestamp": READ,
        "StateChangeTimestamp": READ,
        "UnitsLoadTimestamp": READ,
        "NeedDaemonReload": "no",
    } | properties


def plans(facts: Facts, *uses: Use) -> list[tuple[str, list[str], str]]:
    """Return of each changing plan the name, the files that were not read, and the action."""
    changing = [plan for plan in plan_services(uses, facts) if plan.changed]
    return [
        (plan.name, (plan.before or {})["unread_files"], (plan.after or {})["action"])
        for plan in changing
    ]


def test_times_have_microseconds() -> None:
    assert seconds("Thu 1970-01-01 00:01:00.000250 UTC") == pytest.approx(60.00025, abs=1e-9)
    assert seconds("") == 0


@pytest.mark.parametrize(
    ("action", "properties", "changed", "stale"),
    [
        ("restarted", {}, BEFORE, False),
        ("restarted", {}, AFTER, True),
        ("reloaded", {}, BEFORE, False),
        ("reloaded", {}, AFTER, True),
        # A reload leaves the time of the start alone, and does not read what only a start reads.
        ("reloaded", {"InactiveExitTimestamp": "Sun 2026-11-29 09:00:00.0 UTC"}, BEFORE, False),
        ("restarted", {"InactiveExitTimestamp": "Sun 2026-11-29 09:00:00.0 UTC"}, BEFORE, True),
        ("restarted", {"NeedDaemonReload": "yes"}, BEFORE, True),
        ("reloaded", {"NeedDaemonReload": "yes"}, BEFORE, True),
        ("restarted", {"ActiveState": "inactive"}, AFTER, False),
        ("restarted", {"ActiveState": "failed", "NeedDaemonReload": "yes"}, AFTER, False),
        ("restarted", {"ActiveState": "activating"}, AFTER, True),
        ("reloaded", {"ActiveState": "activating"}, AFTER, False),
    ],
)
def test_a_running_service_is_stale_if_a_file_changed_since_it_was_read(
    action: str, properties: dict[str, str], changed: float, stale: bool
) -> None:
    facts = Facts({"shop": unit(**properties)}, {"/etc/shop": changed})
    assert bool(plans(facts, Use("shop", action, ("/etc/shop", "/etc/gone")))) == stale


def test_only_the_files_that_were_not_read_are_named() -> None:
    facts = Facts({"shop": unit()}, {"/etc/a": BEFORE, "/etc/b": AFTER})
    (plan,) = plan_services([Use("shop", "restarted", ("/etc/a", "/etc/b"))], facts)
    assert plan == Plan(
        "shop",
        {"unread_files": ["/etc/b"], "definition_loaded": True},
        {"unread_files": [], "definition_loaded": True, "action": "restarted"},
    )


def test_a_restart_makes_a_reload_needless() -> None:
    uses = [Use("shop", "restarted", ("/etc/unit",)), Use("shop", "reloaded", ("/etc/shop",))]
    units = {"shop": unit()}
    both = Facts(units, {"/etc/unit": AFTER, "/etc/shop": AFTER})
    assert plans(both, *uses) == [("shop", ["/etc/unit", "/etc/shop"], "restarted")]
    assert plans(both, *reversed(uses)) == [("shop", ["/etc/shop", "/etc/unit"], "restarted")]
    one = Facts(units, {"/etc/unit": BEFORE, "/etc/shop": AFTER})
    assert plans(one, *uses) == [("shop", ["/etc/shop"], "reloaded")]
    assert plans(Facts(units, {}), *uses) == []


def test_the_manager_is_asked_for_what_it_reads_itself(tmp_path: Path) -> None:
    (tmp_path / "60-limits.conf").touch()
    systemctl = Systemctl()
    params = {"services": [], "manager_files": [f"{tmp_path}/*.conf"]}
    (plan,) = made = plans_of(systemctl, params)
    assert plan.name == "systemd"
    assert plan.changed == (seconds(READ) < (tmp_path / "60-limits.conf").lstat().st_ctime)
    assert systemctl.commands == [
        "show --timestamp=us+utc --property=UnitsLoadTimestamp,ActiveState"
    ]
    assert outcome(made)["changed"] == plan.changed


def test_links_count_themselves_and_what_is_missing_for_nothing(tmp_path: Path) -> None:
    link, missing = tmp_path / "current", tmp_path / "missing"
    link.symlink_to("nowhere")
    old = tmp_path / "old"
    old.touch()
    # As what is copied, it has the time of its original.
    os.utime(old, (0, 0))
    matching = read_matching([str(link), str(missing), f"{tmp_path}/o*"])
    assert matching == {str(link): [str(link)], str(missing): [], f"{tmp_path}/o*": [str(old)]}
    facts = read_facts(Systemctl(), [Use("shop", "restarted", (str(link), str(missing), str(old)))])
    assert facts.changed == {str(link): link.lstat().st_ctime, str(old): old.stat().st_ctime}
    assert facts.units["shop"]["InactiveExitTimestamp"] == READ


def test_what_is_stale_is_restarted_after_systemd_has_read_the_units(tmp_path: Path) -> None:
    (tmp_path / "shop.conf").touch()
    systemctl = Systemctl(InactiveExitTimestamp="", StateChangeTimestamp="")
    services: list[dict[str, Any]] = [
        {"name": "shop", "files": [f"{tmp_path}/shop.conf"], "action": "restarted"},
        {"name": "window", "files": [f"{tmp_path}/*"], "action": "reloaded"},
        {"name": "other", "files": ["/etc/gone"], "action": "restarted"},
    ]
    made = plans_of(systemctl, {"services": services, "manager_files": []})
    systemctl.commands.clear()
    apply_services(systemctl, made)
    assert systemctl.commands == ["daemon-reload", "restart -- shop", "reload -- window"]
    told = outcome(made)
    assert told["services"] == [
        {"name": "shop", "action": "restarted", "files": [f"{tmp_path}/shop.conf"]},
        {"name": "window", "action": "reloaded", "files": [f"{tmp_path}/shop.conf"]},
    ]
    assert set(told["diff"]["before"]) == {"shop", "window"}


def test_nothing_is_done_when_nothing_is_stale() -> None:
    systemctl = Systemctl()
    apply_services(systemctl, [Plan("shop", NEVER_CHANGED, NEVER_CHANGED)])
    assert systemctl.commands == []


def test_a_refusal_is_told_with_the_command() -> None:
    class Module:
        def run_command(self, command: list[str]) -> tuple[int, str, str]:
            return (
                (1, "", "Unit shop.service is masked.\n") if "restart" in command else (0, "", "")
            )

    systemctl = systemctl_of(Module())  # type: ignore[arg-type] # all that is asked of it
    assert systemctl("daemon-reload") == ""
    with pytest.raises(ReconcileError, match=r"^systemctl restart -- shop failed: .* is masked\.$"):
        systemctl("restart", "--", "shop")

"""Compare what is with what should be: pure, without AWS and without Ansible.

A *model* is a plain dictionary in the words of the module's options. `make_plan` is the only
place that decides whether something changes; `apply` functions carry plans out and decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Model = dict[str, Any]


class ReconcileError(Exception):
    """The wanted state cannot be reached; the message says what to do instead."""


@dataclass(frozen=True)
class Plan:
    """What is, and what will be, of one resource; `None` means that it does not exist."""

    name: str
    before: Model | None
    after: Model | None

    @property
    def action(self) -> Literal["create", "update", "delete", "none"]:
        """The one thing that `apply` has to do."""
        if self.before == self.after:
            return "none"
        if self.before is None:
            return "create"
        return "update" if self.after is not None else "delete"

    @property
    def changed(self) -> bool:
        """Whether carrying out the plan changes anything."""
        return self.action != "none"

    def changes(self, field: str) -> bool:
        """Whether `field` of an existing resource differs."""
        before, after = self.before or {}, self.after or {}
        return before.get(field) != after.get(field)


def make_plan(
    name: str,
    current: Model | None,
    desired: Model | None,
    *,
    create_only: Collection[str] = (),
    merged: Collection[str] = (),
) -> Plan:
    """Plan the way from `current` to `desired` for the resource `name`.

    A desired value of `None` leaves the current one alone. Fields in `merged` are dictionaries
    whose keys are added to the current ones; all others are replaced as a whole.

    Raises:
        ReconcileError: a field in `create_only` differs, so only a new resource could have it.
    """
    if desired is None:
        return Plan(name, current, None)
    wanted = {field: value for field, value in desired.items() if value is not None}
    if current is None:
        return Plan(name, None, wanted)
    for field in create_only:
        if field in wanted and wanted[field] != current.get(field):
            raise ReconcileError(
                f"{name}: {field} is {current.get(field)!r} and cannot be changed to "
                f"{wanted[field]!r} in place. Keep the present value, or move the data to a new "
                "resource under another name and delete this one yourself."
            )
    for field in merged:
        if field in wanted:
            wanted[field] = {**(current.get(field) or {}), **wanted[field]}
    return Plan(name, current, current | wanted)


def diff(plans: Iterable[Plan]) -> dict[str, Any]:
    """Return Ansible's `diff` of the plans that change something, resource by resource."""
    changing = [plan for plan in plans if plan.changed]
    return {
        "before": {plan.name: plan.before for plan in changing if plan.before is not None},
        "after": {plan.name: plan.after for plan in changing if plan.after is not None},
    }

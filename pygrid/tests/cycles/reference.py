"""A process in memory, driven by the pure rules: what the database must agree with."""

from dataclasses import dataclass, field
from typing import Literal

from artificien_pygrid.cycles.config import Rules
from artificien_pygrid.cycles.rules import (
    Progress,
    Step,
    is_finished,
    is_full,
    next_step,
    refusal,
)


@dataclass
class Cycle:
    """A cycle and who did what in it."""

    sequence: int
    left: float | None
    status: str = "open"
    joined: set[int] = field(default_factory=set)
    released: set[int] = field(default_factory=set)
    reports: list[int] = field(default_factory=list)

    @property
    def progress(self) -> Progress:
        """What the rules look at."""
        return Progress(
            accepted=len(self.joined),
            slots=len(self.joined - self.released),
            reported=len(self.reports),
            expired=self.left is not None and self.left <= 0,
        )


class Reference:
    """A hosted model; workers are numbered."""

    def __init__(self, rules: Rules, on_expiry: Literal["extend", "abandon"]) -> None:
        self.rules = rules
        self.on_expiry = on_expiry
        self.completed = 0
        self.cycles = [Cycle(1, rules.cycle_length)]

    @property
    def open(self) -> Cycle | None:
        """The open cycle, if there is one."""
        return self.cycles[-1] if self.cycles[-1].status == "open" else None

    def ask(self, worker: int) -> bool:
        """A worker asks for a place; whether it gets one."""
        cycle = self.open
        if cycle is None:
            return False
        last = max((past.sequence for past in self.cycles if worker in past.joined), default=None)
        why = refusal(
            self.rules, cycle.progress, sequence=cycle.sequence, last_sequence=last, ahead=0
        )
        if why is None:
            cycle.joined.add(worker)
        return why is None

    def report(self, worker: int, sequence: int) -> bool:
        """A worker reports with its key of a cycle; whether that counts."""
        cycle = self.open
        if cycle is None or cycle.sequence != sequence or worker in cycle.reports:
            return False
        if is_full(self.rules, len(cycle.reports)):
            return False
        cycle.reports.append(worker)
        return True

    def let_pass(self, seconds: float) -> None:
        """Time passes."""
        if self.open is not None and self.open.left is not None:
            self.open.left -= seconds

    def look(self) -> int:
        """The timer looks after the cycles; the number that it closes."""
        cycle = self.open
        if cycle is None:
            return 0
        match next_step(self.rules, cycle.progress, self.on_expiry):
            case Step.CLOSE:
                cycle.status = "completed"
                self.completed += 1
                if not is_finished(self.rules, self.completed):
                    self.cycles.append(Cycle(cycle.sequence + 1, self.rules.cycle_length))
                return 1
            case Step.EXTEND:
                cycle.left = self.rules.cycle_length
                cycle.released |= cycle.joined - set(cycle.reports)
            case Step.ABANDON:
                cycle.status = "abandoned"
                self.cycles.append(Cycle(cycle.sequence + 1, self.rules.cycle_length))
            case Step.WAIT:
                pass
        return 0

"""The rules of a cycle, as functions of plain values: nothing here knows the database."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from .config import Rules


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an open cycle is.

    Attributes:
        accepted: Workers admitted so far.
        slots: Of these, the ones that count against ``max_workers``.
        reported: Diffs received.
        expired: Whether its time is up; never for a cycle without an end.
    """

    accepted: int = 0
    slots: int = 0
    reported: int = 0
    expired: bool = False


class Step(Enum):
    """What is to be done with an open cycle."""

    WAIT = auto()
    CLOSE = auto()
    EXTEND = auto()
    ABANDON = auto()


class Refusal(Enum):
    """Why a worker is not admitted to an open cycle."""

    TAKES_PART = auto()
    TOO_SOON = auto()
    CLOSING = auto()
    FULL = auto()


def is_full(rules: Rules, reported: int) -> bool:
    """Whether a cycle has all the diffs that it takes."""
    return rules.max_diffs is not None and reported >= rules.max_diffs


def is_endless(rules: Rules) -> bool:
    """Whether neither time nor a number of diffs ends a cycle: it closes once it may."""
    return rules.max_diffs is None and rules.cycle_length is None


def next_step(rules: Rules, cycle: Progress, on_expiry: Literal["extend", "abandon"]) -> Step:
    """Decide what is to be done with an open cycle.

    A full cycle closes. One whose time is up, or one that has neither an end nor a ``max_diffs``,
    closes if it has ``min_diffs`` diffs (at least one) and ``min_workers`` workers. If it has not
    when its time is up, it goes on for another ``cycle_length``, or it is abandoned if that is
    configured and anyone took part at all.
    """
    if is_full(rules, cycle.reported):
        return Step.CLOSE
    if not (cycle.expired or is_endless(rules)):
        return Step.WAIT
    if cycle.reported >= rules.min_diffs and cycle.accepted >= rules.min_workers:
        return Step.CLOSE
    if not cycle.expired:
        return Step.WAIT
    return Step.ABANDON if on_expiry == "abandon" and cycle.accepted else Step.EXTEND


def is_fast_enough(rules: Rules, upload: float | None, download: float | None) -> bool:
    """Whether a worker's measured speeds (in the unit of the config) suffice."""
    return all(
        minimum is None or (speed is not None and speed >= minimum)
        for minimum, speed in (
            (rules.minimum_upload_speed, upload),
            (rules.minimum_download_speed, download),
        )
    )


def refusal(
    rules: Rules, cycle: Progress, *, sequence: int, last_sequence: int | None, ahead: int
) -> Refusal | None:
    """Why a worker that is fast enough is not admitted to an open cycle; ``None`` if it is.

    Args:
        rules: The process's rules.
        cycle: The open cycle.
        sequence: The open cycle's number.
        last_sequence: The last cycle that the worker was admitted to.
        ahead: Workers that were turned away before this one and are still waiting.
    """
    if last_sequence == sequence:
        return Refusal.TAKES_PART
    if last_sequence is not None and sequence < last_sequence + rules.reuse_after:
        return Refusal.TOO_SOON
    if cycle.expired or is_full(rules, cycle.reported):
        return Refusal.CLOSING
    if rules.max_workers is not None:
        queue = ahead if rules.takes_turns else 0
        if cycle.slots + queue >= rules.max_workers:
            return Refusal.FULL
    return None


def percent_complete(rules: Rules, completed: int) -> int | None:
    """How much of the training is done, 0 to 100, rounded down; ``None`` if it has no end."""
    return None if rules.num_cycles is None else completed * 100 // rules.num_cycles


def is_finished(rules: Rules, completed: int) -> bool:
    """Whether no further cycle opens."""
    return rules.num_cycles is not None and completed >= rules.num_cycles

"""Records what phones and the node report of a model in training.

Means are computed from totals that the table itself adds up, so that no report is lost however many
arrive at once. Every refusal is an `ApiError`; what fails half-way may be reported again.
"""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from lambda_common.responses import ApiError

COMPLETE = 100
# Beyond these DynamoDB's 38 digits would not hold the exact totals of a cycle.
LARGEST = 1e12
_PRECISION = Decimal("1e-12")
# A minute that ends meanwhile costs one; a model that ends is found out by the next.
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """A loss and an accuracy: of one report, the mean of some, or their totals."""

    loss: Decimal
    accuracy: Decimal

    @classmethod
    def of_report(cls, loss: float, accuracy: float) -> "Figures":
        """Return what a phone reports, of which both are from minus to plus `LARGEST`."""
        # By their shortest text: the binary fraction itself has more digits than DynamoDB.
        return cls(
            Decimal(repr(loss)).quantize(_PRECISION), Decimal(repr(accuracy)).quantize(_PRECISION)
        )

    def times(self, count: int) -> "Figures":
        """Return the totals that have these as their means."""
        return Figures(self.loss * count, self.accuracy * count)

    def mean(self, count: int) -> "Figures":
        """Return the means of totals."""
        return Figures(
            (self.loss / count).quantize(_PRECISION), (self.accuracy / count).quantize(_PRECISION)
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A model in training.

    `totals` are those of the cycle's `count` reports, None where nobody has added them up; of the
    reports, `minute_count` arrived in `minute`, counted from 1970. `queued` if it is complete and
    its retrieval was queued.
    """

    active: bool
    percent: int
    count: int
    means: Figures
    totals: Figures | None
    minute: int
    minute_count: int
    queued: bool


@dataclass(frozen=True, slots=True)
class Sum:
    """The totals of a cycle's `count` reports."""

    totals: Figures
    count: int


class ModelStore(Protocol):
    """Rows of models, and the queue of those to be retrieved."""

    def model(self, model_id: str) -> Model | None:
        """Return the model, None if there is none."""

    def add(self, model_id: str, report: Figures, seen: Model, minute: int) -> Sum | None:
        """Add a report of `minute` to the model that was seen, and return the sum.

        None if it is no longer in training or of another minute than it was.
        """

    def set_means(self, model_id: str, means: Figures, of: Sum) -> None:
        """Write the means, unless the sum that they are of has changed meanwhile."""

    def advance(self, model_id: str, percent: int) -> bool:
        """Begin the cycle after so many percent; whether the model had not come so far yet."""

    def queue_retrieval(self, model_id: str) -> None:
        """Let the model be retrieved, and note that it will be."""


def record_loss(model_id: str, report: Figures, store: ModelStore, per_minute: int) -> None:
    """Add a phone's report to those of the model's cycle."""
    now = int(time.time() // 60)
    for _ in range(_ATTEMPTS):
        seen = _existing(model_id, store)
        if not seen.active or not 0 <= seen.percent < COMPLETE:
            raise ApiError(409, "not_in_training", f"the model {model_id} is not in training")
        # Clocks differ: a minute that another process began is not taken back.
        minute = max(now, seen.minute)
        if minute == seen.minute and seen.minute_count >= per_minute:
            break
        added = store.add(model_id, report, seen, minute)
        if added:
            # Whoever adds last writes last: then the means are those of all reports.
            store.set_means(model_id, added.totals.mean(added.count), added)
            return
    raise ApiError(
        429,
        "too_many_reports",
        f"the model {model_id} gets too many reports: try again in a minute",
    )


def record_progress(model_id: str, percent: int, store: ModelStore) -> bool:
    """Begin the model's next cycle, and queue the retrieval of one that is complete.

    Returns whether anything is new: the node repeats what it does not know to have arrived.
    """
    moved = store.advance(model_id, percent)
    if not moved or percent == COMPLETE:
        model = _existing(model_id, store)
        if percent == COMPLETE and not model.queued:
            store.queue_retrieval(model_id)
    return moved


def _existing(model_id: str, store: ModelStore) -> Model:
    model = store.model(model_id)
    if model is None:
        raise ApiError(404, "unknown_model", f"there is no model {model_id}")
    return model

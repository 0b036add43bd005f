"""Rows of models and a queue in memory."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reports.logic import COMPLETE, Figures, Model, Sum

if TYPE_CHECKING:
    from collections.abc import Callable

NONE_YET = Figures(Decimal(-1), Decimal(-1))
FRESH = Model(
    active=True,
    percent=0,
    count=0,
    means=NONE_YET,
    totals=None,
    minute=0,
    minute_count=0,
    queued=False,
)


class FakeStore:
    """Models by id. `meanwhile` happens once, between the next reading and writing."""

    def __init__(self, model: Model = FRESH) -> None:
        self.models = {"m": model}
        self.queue: list[str] = []
        self.meanwhile: Callable[[], None] | None = None

    def model(self, model_id: str) -> Model | None:
        """Return the model."""
        return self.models.get(model_id)

    def add(self, model_id: str, report: Figures, seen: Model, minute: int) -> Sum | None:
        """Add a report if the model is still of the minute that it was."""
        self._interrupt()
        model = self.models[model_id]
        if not model.active or model.percent >= COMPLETE or model.minute != seen.minute:
            return None
        before = model.totals or seen.totals or seen.means.times(seen.count)
        totals = Figures(before.loss + report.loss, before.accuracy + report.accuracy)
        minute_count = model.minute_count + 1 if minute == seen.minute else 1
        self.models[model_id] = replace(
            model, totals=totals, count=model.count + 1, minute=minute, minute_count=minute_count
        )
        return Sum(totals, model.count + 1)

    def set_means(self, model_id: str, means: Figures, of: Sum) -> None:
        """Write the means of this sum."""
        self._interrupt()
        model = self.models[model_id]
        if (model.totals, model.count) == (of.totals, of.count):
            self.models[model_id] = replace(model, means=means)

    def advance(self, model_id: str, percent: int) -> bool:
        """Begin the next cycle."""
        model = self.models.get(model_id)
        if model is None or model.percent >= percent:
            return False
        zero = Figures(Decimal(0), Decimal(0))
        self.models[model_id] = replace(model, percent=percent, count=0, totals=zero)
        return True

    def queue_retrieval(self, model_id: str) -> None:
        """Keep the id."""
        self.queue.append(model_id)
        self.models[model_id] = replace(self.models[model_id], queued=True)

    def _interrupt(self) -> None:
        if self.meanwhile:
            interrupt, self.meanwhile = self.meanwhile, None
            interrupt()

"""The geometry of the chart of contributions per cycle; the template draws it as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..cycles.overview import CycleOverview

WIDTH = 640
HEIGHT = 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 12, 24
_WIDEST_BAR = 36.0
_GAP = 0.25  # of a bar's share
_LABELS = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """A cycle's bar in pixels; ``label`` is empty where there is no room for it."""

    cycle: CycleOverview
    x: float
    y: float
    width: float
    height: float
    label: str

    @property
    def middle(self) -> float:
        """Where the label is centred."""
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on the vertical axis, at ``y`` pixels."""

    value: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is to be drawn, in a box of WIDTH x HEIGHT pixels."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    full: Tick | None
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    base: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def contributions(cycles: Sequence[CycleOverview], max_diffs: int | None) -> Chart:
    """Lay out one bar per cycle, as high as the diffs it received.

    Args:
        cycles: In their order.
        max_diffs: Where to draw the line at which a cycle is full; ``None`` for none.
    """
    top = max(1, max_diffs or 0, *(cycle.reported for cycle in cycles), 0)
    room = WIDTH - _LEFT - _RIGHT
    share = min(room / max(len(cycles), 1), _WIDEST_BAR / (1 - _GAP))
    every = -(-len(cycles) // _LABELS) or 1

    def y(value: int) -> float:
        return round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM), 2)

    bars = tuple(
        Bar(
            cycle=cycle,
            x=round(_LEFT + share * (index + _GAP / 2), 2),
            y=y(cycle.reported),
            width=round(share * (1 - _GAP), 2),
            height=round(y(0) - y(cycle.reported), 2),
            label=str(cycle.sequence) if (len(cycles) - 1 - index) % every == 0 else "",
        )
        for index, cycle in enumerate(cycles)
    )
    values = sorted({0, top // 2, top})
    return Chart(
        bars=bars,
        ticks=tuple(Tick(value, y(value)) for value in values),
        full=None if max_diffs is None else Tick(max_diffs, y(max_diffs)),
    )

"""A drawing on two axes as plain data: curves, bars and bands in panels above each other, on one common x axis."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec

from tui.ui.viewmodel.axis import Unit, round_ticks

Point = tuple[float, float]
_X, _Y = itemgetter(0), itemgetter(1)

MOST_LANES = 8
"""Lanes that one drawing tells apart; those beyond are counted."""
TTFT, TOTAL, STALL, FAILED, BARS = "ttft", "total", "stall", "failed", "bars"
"""Colours beside those of the lanes, which are called by their number."""
_FINEST = 8
FAILED_SYMBOL = -1
STALL_SYMBOL = -2
"""Symbols counted from the last, so that no lane has them."""


class Axis(msgspec.Struct, frozen=True):
    """What an axis spans; `low` < `high`."""

    low: float
    high: float
    unit: Unit = Unit.SECONDS


class Band(msgspec.Struct, frozen=True):
    """A stretch of y over the whole width, such as a baseline's interval and its median."""

    low: float
    middle: float
    high: float
    panel: int
    colour: str


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Points in ascending order of x, in one panel."""

    label: str
    """What the key calls it."""
    colour: str
    symbol: int
    """Number of the symbol on its points, so that curves are told apart without colour."""
    points: tuple[Point, ...]
    joined: bool = True
    """Whether a line leads from point to point."""
    panel: int = 0
    """From the top."""


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Heights of bars of equal width side by side."""

    label: str
    low: float
    """Where the first bar begins."""
    width: float
    heights: tuple[float, ...]
    panel: int


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is drawn."""

    x: Axis = Axis(0, 1)
    panels: tuple[Axis, ...] = ()
    curves: tuple[Curve, ...] = ()
    bars: tuple[Bars, ...] = ()
    bands: tuple[Band, ...] = ()
    more: int = 0
    """Lanes that are not drawn."""


def thinned(points: Sequence[Point], columns: int, low: float, high: float) -> list[Point]:
    """At most two points of each of `columns` columns from `low` to `high`: the lowest and the highest, in order.

    Points beyond the ends belong to the outermost columns. `points` ascend in x.
    """
    columns = max(1, columns)
    if len(points) <= columns:
        return list(points)
    kept: list[Point] = []
    begin = 0
    for column in range(1, columns + 1):
        end = len(points)
        if column < columns:
            end = bisect_left(points, low + (high - low) * column / columns, begin, key=_X)
        if end > begin:
            inside = points[begin:end]
            ends = {inside.index(min(inside, key=_Y)), inside.index(max(inside, key=_Y))}
            kept += [inside[index] for index in sorted(ends)]
            begin = end
    return kept


def from_zero(values: Iterable[float], unit: Unit = Unit.SECONDS) -> Axis:
    """An axis from zero to a little above the largest value."""
    return Axis(0.0, max(values, default=0.0) * 1.05 or 1.0, unit)


def around(values: Iterable[float], unit: Unit = Unit.SECONDS) -> Axis:
    """An axis from a little below the smallest value to a little above the largest, not below zero."""
    values = list(values)
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return Axis(max(0.0, low - margin) if low >= 0 else low - margin, high + margin, unit)


def ticks_on(axis: Axis, most: int) -> list[float]:
    """Round values on the axis: about `most`, and two at least where it can be; whole ones on an axis of counts."""
    ticks: list[float] = []
    for finer in range(_FINEST):
        ticks = [
            tick
            for tick in round_ticks(axis.low, axis.high, max(2, most) + finer)
            if axis.low <= tick <= axis.high and (axis.unit is not Unit.COUNT or tick == int(tick))
        ]
        if len(ticks) > 1:
            break
    return ticks

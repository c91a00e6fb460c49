"""Drawings as plain data: curves, bars and bands (`Plot`), rows of bars (`BarRows`), and both as texts (`Numbers`)."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import count
from operator import itemgetter

import msgspec

from tui.core.metrics import NS_PER_S
from tui.core.wording import aligned, cells_of

Point = tuple[float, float]
Fit = Callable[[str, int], str]
"""Cuts or pads a text to exactly that many cells."""
_X, _Y = itemgetter(0), itemgetter(1)

MOST_LANES = 8
"""Lanes that one drawing tells apart; those beyond are counted."""
TTFT, TOTAL, STALL, FAILED, BARS = "ttft", "total", "stall", "failed", "bars"
"""Colours beside those of the lanes, which are called by their number."""
FAILED_SYMBOL = -1
STALL_SYMBOL = -2
"""Symbols counted from the last, so that no lane has them."""
_FINEST = 8
_NARROWEST = 1e-12
"""An axis without extent is made as wide as this, or as a tenth of where it stands."""
_SHORTEST_TIME_S = 0.1
_WIDEST_NAME = 24


class Markers(StrEnum):
    """The characters that points and bars are drawn with. Fonts differ in what they have."""

    BRAILLE = "braille"
    BLOCK = "block"
    ASCII = "ascii"


class AxisUnit(StrEnum):
    """The unit of an axis."""

    SECONDS = "s"
    COUNT = "n"
    """Whole numbers."""
    PLAIN = ""
    SHARE = "%"
    """From 0 to 1, written as per cent."""


class Axis(msgspec.Struct, frozen=True):
    """The extent of an axis; `low` < `high`."""

    low: float
    high: float
    unit: AxisUnit = AxisUnit.SECONDS


class Band(msgspec.Struct, frozen=True):
    """A stretch of y over the whole width, such as a pinned interval and its median."""

    low: float
    middle: float
    high: float
    panel: int
    colour: str


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Points in ascending order of x, in one panel."""

    label: str
    """The name in the chart's key; empty for a curve that is there already."""
    colour: str
    symbol: int
    """Number of the symbol on its points, so that curves are told apart without colour."""
    points: tuple[Point, ...]
    joined: bool = True
    """True if a line leads from point to point."""
    panel: int = 0
    """From the top."""


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Heights of bars of equal width side by side."""

    label: str
    low: float
    """The left end of the first bar."""
    width: float
    heights: tuple[float, ...]
    panel: int


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Panels above each other on one x axis, and what is drawn in them."""

    x: Axis = Axis(0, 1)
    panels: tuple[Axis, ...] = ()
    curves: tuple[Curve, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    bands: tuple[Band, ...] = ()
    more: int = 0
    """Lanes that are not drawn."""

    @property
    def has_data(self) -> bool:
        """True if there is any point."""
        return any(curve.points for curve in self.curves)


class Look(msgspec.Struct, frozen=True):
    """The looks of one kind of bar: each kind has another glyph, so that they are told apart without colour."""

    name: str
    short: str
    """The name where the chart is narrow."""
    glyph: str
    ascii_glyph: str
    colour: str
    thin: bool = False
    """True for a line, which stays one row high however high the bars are."""


class Bar(msgspec.Struct, frozen=True):
    """A stretch of a row; `low` <= `high`."""

    low: float
    high: float
    look: Look


def stacked(parts: Iterable[tuple[Look, float]]) -> tuple[Bar, ...]:
    """Bars one behind the other, of these lengths in ns; none for what takes no time."""
    bars, begin = list[Bar](), 0.0
    for look, length in parts:
        end = begin + length / NS_PER_S
        if length > 0:
            bars.append(Bar(begin, end, look))
        begin = end
    return tuple(bars)


class BarRow(msgspec.Struct, frozen=True):
    """A name, and bars of which later ones cover earlier ones."""

    label: str
    bars: tuple[Bar, ...] = ()


class BarRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of bars on one horizontal axis."""

    rows: tuple[BarRow, ...] = ()
    x: Axis = Axis(0, 1)
    grows: bool = True
    """True if the axis ends at a round value beyond `x.high`, so that it stays as it is while bars grow."""
    of_lanes: bool = True
    """True if the rows are lanes, whose names may be cut; other rows stand whole and close together."""
    key: tuple[Look, ...] = ()
    """The looks that are named above the rows."""
    foot: str = ""
    """A sentence or two below the rows."""

    @property
    def has_data(self) -> bool:
        """True if there is any bar."""
        return any(row.bars for row in self.rows)


def from_zero(values: Iterable[float], unit: AxisUnit = AxisUnit.SECONDS) -> Axis:
    """An axis from zero to a little above the largest value."""
    return Axis(0.0, max(values, default=0.0) * 1.05 or 1.0, unit)


def around(values: Iterable[float], unit: AxisUnit = AxisUnit.SECONDS) -> Axis:
    """An axis from a little below the smallest value to a little above the largest, not below zero."""
    values = list(values)
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return Axis(max(0.0, low - margin) if low >= 0 else low - margin, high + margin, unit)


def time_axis(rows: Iterable[BarRow]) -> Axis:
    """An axis of seconds from zero, or from the earliest bar before it, to the end of the latest bar."""
    bars = [bar for row in rows for bar in row.bars]
    low, high = min((bar.low for bar in bars), default=0.0), max((bar.high for bar in bars), default=0.0)
    return Axis(min(0.0, low), max(high, _SHORTEST_TIME_S))


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` + 1 round values, evenly apart; the first is at or below `low`, the last at or above `high`."""
    if high - low < _NARROWEST:
        high = low + max(_NARROWEST, abs(low) / 10)
    most = max(2, most)
    for exponent in count(math.floor(math.log10((high - low) / most)) - 1):
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            # What floats cannot hold must not add a step: 0.3 / 0.1 is a little less than 3.
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            if last - first <= most:
                return [round(index * step, max(0, -exponent)) for index in range(first, last + 1)]
    raise AssertionError("steps grow without end")


def ticks_on(axis: Axis, most: int) -> list[float]:
    """Round values on the axis: about `most`, and two at least where it can be; whole ones on an axis of counts."""
    ticks: list[float] = []
    for finer in range(_FINEST):
        ticks = [
            tick
            for tick in round_ticks(axis.low, axis.high, max(2, most) + finer)
            if axis.low <= tick <= axis.high and (axis.unit is not AxisUnit.COUNT or tick == int(tick))
        ]
        if len(ticks) > 1:
            break
    return ticks


def tick_labels(ticks: Sequence[float], unit: AxisUnit) -> list[str]:
    """The ticks as texts. Times are in the unit that suits the largest, and only that one names it."""
    if unit is AxisUnit.SHARE:
        return [f"{100 * tick:g}%" for tick in ticks]
    if unit in (AxisUnit.PLAIN, AxisUnit.COUNT) or not ticks:
        return [f"{tick:,g}" if abs(tick) < 1e6 else f"{tick:.3g}" for tick in ticks]
    factor, name = (1.0, "s") if max(map(abs, ticks)) >= 1 else (1000.0, "ms")
    labels = [f"{round(factor * tick, 6):g}" for tick in ticks]
    labels[-1] += f" {name}"
    return labels


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


class Numbers(msgspec.Struct, frozen=True):
    """Headings and rows of equal length; the first column names the row."""

    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    """A sentence or several lines below the table."""


def number_lines(numbers: Numbers, fit: Fit) -> list[str]:
    """The table with its columns aligned: names to the left, figures to the right, the note below."""
    named = [
        (fit(name, _WIDEST_NAME).rstrip() if cells_of(name) > _WIDEST_NAME else name, *figures)
        for name, *figures in filter(None, (numbers.headings, *numbers.rows))
    ]
    lines = aligned(named)
    return [*lines, "", *numbers.note.splitlines()] if numbers.note else lines

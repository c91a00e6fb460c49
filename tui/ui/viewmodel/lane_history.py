"""The samples of a lane over the session, and a row of them as one line of block characters.

Samples are taken in one by one: a run costs the same however many came before it.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from tui.core.figures import Figure
from tui.core.wording import format_duration, format_rate
from tui.session.lane import OutcomesReader
from tui.session.live import Lane

METRICS = (Figure.TTFT, Figure.TOTAL)
"""The figures that are drawn."""
RANKED = (*METRICS, Figure.OTPS)
"""The figures that are summed up, and by which lanes can be sorted."""
BLOCKS = "▁▂▃▄▅▆▇█"
"""Levels from low to high."""
CHANGED = "╎"
"""Stands where something else began to be asked."""
_FEWEST_BESIDE = 4
FAILED = "×"
"""Stands for a value that is absent."""
_MOST_PER_CELL = 15


class Samples:
    """One metric in the order of measurement, ns, and in ascending order."""

    def __init__(self) -> None:
        self.values: list[float | None] = []
        """`None` for a request that failed."""
        self._ascending: list[float] = []

    def add(self, value: float | None) -> None:
        """Add the next one."""
        self.values.append(value)
        if value is not None:
            insort(self._ascending, value)

    @property
    def count(self) -> int:
        """Their number, failures not counted."""
        return len(self._ascending)

    @property
    def median(self) -> float | None:
        """The middle one, or the mean of the two in the middle."""
        count = len(self._ascending)
        if not count:
            return None
        return (self._ascending[(count - 1) // 2] + self._ascending[count // 2]) / 2


class LaneHistory:
    """The samples of a lane's counted outcomes; `catch_up` adds those that came since."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._reader = OutcomesReader()
        self._turn = lane.turn
        self._forget()
        self.catch_up()

    def _forget(self) -> None:
        self.drawn: dict[Figure, list[float | None]] = {metric: [] for metric in METRICS}
        """All of the session, for the sparklines."""
        self.changes: list[int] = []
        """Numbers of the outcomes before which something else began to be asked."""
        self._asked: str | None = None
        self._begin()

    def _begin(self) -> None:
        self.samples = {metric: Samples() for metric in RANKED}
        """Those of what is asked now."""

    @property
    def label(self) -> str:
        """The lane's name."""
        return self.lane.label

    def catch_up(self) -> bool:
        """Add the outcomes that came since; true if anything has changed."""
        if turned := self._turn != self.lane.turn:
            self._reader, self._turn = OutcomesReader(), self.lane.turn
        since, cleared = self._reader.read(self.lane.outcomes)
        if cleared or turned:
            self._forget()
        for outcome in since:
            if outcome.fingerprint != self._asked:
                if drawn := len(self.drawn[Figure.TTFT]):
                    self.changes.append(drawn)
                self._asked = outcome.fingerprint
                self._begin()
            if not outcome.counted or not self.lane.of_turn([outcome]):
                continue
            for metric, samples in self.samples.items():
                samples.add(outcome.value(metric))
            for metric, values in self.drawn.items():
                values.append(outcome.value(metric))
        return cleared or turned or bool(since)

    def spark(self, metric: Figure, width: int, top: float) -> str:
        """The values of the session in at most `width` cells, from 0 to `top`, with a tick before the first of what is
        asked now, and before those of earlier changes where all values have a cell."""
        values, changes = self.drawn[metric], self.changes
        if len(values) + len(changes) <= width:
            cuts = [0, *changes, len(values)]
            return CHANGED.join(spark(values[first:last], width, 0, top) for first, last in pairwise(cuts))
        if not changes or width < _FEWEST_BESIDE:
            return spark(values, width, 0, top)
        before = min(width - 2, max(1, (width - 1) * changes[-1] // len(values)))
        old, new = values[: changes[-1]], values[changes[-1] :]
        return f"{spark(old, before, 0, top)}{CHANGED}{spark(new, width - 1 - before, 0, top)}"


def spark(values: Sequence[float | None], width: int, low: float, high: float) -> str:
    """`values` in order, the newest at the right, in at most `width` cells; `low` is the bottom level, `high` the top.

    Up to `width` values take a cell each. More are shared out over all cells, each cell then showing the median of its
    values, so that one slow run does not stand for its neighbours, and the whole session stays in view; cells differ by
    at most one value. Of more than 15 values in a cell 15 are taken, evenly, so that ten thousand runs cost what a
    hundred do. A value that is absent (`None`: the request failed) shows as ×, and so does a cell in which nothing but
    failures fell. Values beyond `low` and `high` show as those; where both are the same, in the middle.
    """
    if width <= 0:
        return ""
    return "".join(FAILED if value is None else BLOCKS[_level(value, low, high)] for value in _bucketed(values, width))


def _bucketed(values: Sequence[float | None], width: int) -> Sequence[float | None]:
    count = len(values)
    if count <= width:
        return values
    cuts = [count * cell // width for cell in range(width + 1)]
    cells: list[float | None] = []
    for first, last in pairwise(cuts):
        every = -(-(last - first) // _MOST_PER_CELL)
        present = [value for value in values[first:last:every] if value is not None]
        if not present:
            present = [value for value in values[first:last] if value is not None]
        cells.append(median(present) if present else None)
    return cells


def _level(value: float, low: float, high: float) -> int:
    levels = len(BLOCKS)
    if high <= low:
        return levels // 2
    return max(0, min(levels - 1, int((value - low) / (high - low) * levels)))


Shorten = Callable[[Sequence[str], int], list[str]]
"""Shortens names together; given by the widget too."""
Clip = Callable[[str, int], str]
"""Cuts or pads a text to exactly that many cells; given by the widget, which knows the terminal's widths."""

_FIGURE_CELLS = 8
_RATE_CELLS = 7
_COUNT_CELLS = 6
_SHORTEST_SPARK, _SHORTEST_NAME, _LONGEST_NAME = 4, 12, 32
_WIDE = 46
"""Cells from which there is room for the rate."""


class HistoryTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, and a line per lane, the best first."""

    heading: str
    lines: tuple[str, ...]
    sparks: tuple[tuple[int, int], ...]
    """First and last column of the sparklines of each of `METRICS`, the last not included."""


def history_table(
    lanes: Sequence[LaneHistory], width: int, clip: Clip, shorten: Shorten, by: Figure | None = None
) -> HistoryTable:
    """The table in `width` cells: medians of what is asked now, beside sparklines of the session, on a scale from zero
    that all lanes share. Sorted by the median of `by`, or in the order in which they are asked.

    The count is that of complete answers, with the failed ones after a plus sign.
    """
    rate_cells = _RATE_CELLS if width >= _WIDE else 0
    rest = width - 2 * _FIGURE_CELLS - rate_cells - _COUNT_CELLS
    longest = max((len(lane.label) for lane in lanes), default=0)
    name_cells = max(0, min(_LONGEST_NAME, longest, max(_SHORTEST_NAME, rest - 2 * (_SHORTEST_SPARK + 1)), rest))
    spark_cells = max(0, (rest - name_cells - 2) // 2)
    spare = width - name_cells - 2 * (spark_cells + _FIGURE_CELLS) - rate_cells - _COUNT_CELLS
    tops = {
        metric: max((value for lane in lanes for value in lane.drawn[metric] if value is not None), default=0)
        for metric in METRICS
    }
    names = shorten([lane.label for lane in lanes], name_cells)
    lines = []
    for lane, name in sorted(zip(lanes, names, strict=True), key=lambda one: _rank(one[0], by)):
        line = clip(name, name_cells) + " " * spare
        for metric in METRICS:
            mark = "★" if metric in lane.lane.fastest else " "
            drawn = lane.spark(metric, spark_cells, tops[metric])
            line += f"{drawn:>{spark_cells}}{format_duration(lane.samples[metric].median):>{_FIGURE_CELLS - 1}}{mark}"
        rate = format_rate(lane.samples[Figure.OTPS].median)
        samples = lane.samples[Figure.TOTAL]
        failed = len(samples.values) - samples.count
        count = f"{samples.count}+{failed}×" if failed else str(samples.count)
        lines.append(line + (f"{rate:>{rate_cells}}" if rate_cells else "") + f"{count:>{_COUNT_CELLS}}")
    starts = [name_cells + spare, name_cells + spare + spark_cells + _FIGURE_CELLS]
    heading = " " * starts[0]
    for metric in METRICS:
        heading += f"{_heading(metric, by):>{spark_cells + _FIGURE_CELLS - 1}} "
    heading += f"{_heading(Figure.OTPS, by, 'tok/s'):>{rate_cells}}" if rate_cells else ""
    return HistoryTable(
        heading=clip(heading + f"{'n':>{_COUNT_CELLS}}", width),
        lines=tuple(clip(line, width) for line in lines),
        sparks=tuple((start, start + spark_cells) for start in starts),
    )


def _heading(metric: Figure, by: Figure | None, name: str = "") -> str:
    """A figure's name, with a mark on that by which the table is sorted."""
    return f"{'▾' if metric is by else ''}{name or metric.label}"


def _rank(lane: LaneHistory, by: Figure | None) -> tuple[bool, float]:
    """The place of a lane: the best median first, those without one last."""
    if by is None:
        return False, 0.0
    median_ = lane.samples[by].median
    return median_ is None, 0.0 if median_ is None else median_ if by.less_is_better else -median_

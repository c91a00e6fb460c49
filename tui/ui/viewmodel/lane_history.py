"""The samples of a lane over the session, and a row of them as one line of block characters.

Samples are taken in one by one: a run costs the same however many came before it.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from tui.core.figures import Figure
from tui.core.wording import format_duration
from tui.session.lane import OutcomesReader
from tui.session.live import Lane

METRICS = (Figure.TTFT, Figure.TOTAL)
"""The figures that are kept."""
BLOCKS = "▁▂▃▄▅▆▇█"
"""Levels from low to high."""
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
    def best(self) -> float | None:
        """The smallest."""
        return self._ascending[0] if self._ascending else None

    @property
    def top(self) -> float:
        """The largest, or 0."""
        return self._ascending[-1] if self._ascending else 0

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
        self.samples = {metric: Samples() for metric in METRICS}
        self._reader = OutcomesReader()
        self.catch_up()

    @property
    def label(self) -> str:
        """The lane's name."""
        return self.lane.label

    def catch_up(self) -> bool:
        """Add the outcomes that came since; true if anything has changed."""
        since, cleared = self._reader.read(self.lane.outcomes)
        if cleared:
            self.samples = {metric: Samples() for metric in METRICS}
        for outcome in since:
            if outcome.counted:
                for metric, samples in self.samples.items():
                    samples.add(outcome.value(metric))
        return cleared or bool(since)


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


Clip = Callable[[str, int], str]
"""Cuts or pads a text to exactly that many cells; given by the widget, which knows the terminal's widths."""

_FIGURES = ("last", "best", "median")
_FIGURE_CELLS = 7
_COUNT_CELLS = 6
_METRIC_CELLS = 6
_SHORTEST_SPARK = 8


class HistoryTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, and two lines per target: TTFT, then total."""

    heading: str
    lines: tuple[str, ...]
    spark: tuple[int, int]
    """First and last column of the sparklines, the last not included."""


def history_table(lanes: Sequence[LaneHistory], width: int, clip: Clip) -> HistoryTable:
    """The table in `width` cells. All targets share a scale from zero to the slowest, one per metric.

    The count is that of complete answers, with the failed ones after a plus sign.
    """
    rest = width - _METRIC_CELLS - len(_FIGURES) * (_FIGURE_CELLS + 1) - _COUNT_CELLS - 2
    longest = max((len(lane.label) for lane in lanes), default=0)
    label_cells = max(0, min(24, rest - _SHORTEST_SPARK, max(12, rest // 2, longest)))
    spark_cells = max(0, rest - label_cells)
    start = label_cells + 1 + _METRIC_CELLS
    heading = clip("", label_cells + _METRIC_CELLS + spark_cells + 2) + "".join(
        f" {name:>{_FIGURE_CELLS}}" for name in _FIGURES
    )
    tops = [max((lane.samples[metric].top for lane in lanes), default=0) for metric in METRICS]
    lines: list[str] = []
    for lane in lanes:
        label = lane.label
        for metric, top in zip(METRICS, tops, strict=True):
            samples = lane.samples[metric]
            values = samples.values
            figures = (values[-1] if values else None, samples.best, samples.median)
            failed = len(values) - samples.count
            count = f"{samples.count}+{failed}×" if failed else str(samples.count)
            lines.append(
                f"{clip(label, label_cells)} {metric.label:<{_METRIC_CELLS}}"
                f"{spark(values, spark_cells, 0, top):>{spark_cells}} "
                + "".join(f" {format_duration(None if ns is None else round(ns)):>{_FIGURE_CELLS}}" for ns in figures)
                + f"{count:>{_COUNT_CELLS}}"
            )
            label = ""
    return HistoryTable(
        heading=heading + f"{'n':>{_COUNT_CELLS}}", lines=tuple(lines), spark=(start, start + spark_cells)
    )

"""The samples of a lane over the session, and a row of them as one line of block characters.

Samples are taken in one by one: a run costs the same however many came before it.
"""

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median

import msgspec

from tui.core.figures import Figure
from tui.core.host_difference import PARTS, host_sentences
from tui.core.objectives import COST, PASSED
from tui.core.pass_rate import PassRate, rate_of
from tui.core.wording import cells_of, dollars, format_duration, format_rate
from tui.session.lane import OutcomesReader
from tui.session.live import Lane

METRICS = (Figure.TTFT, Figure.TOTAL)
"""The figures that are drawn."""
_SUMMED = (*METRICS, Figure.OTPS)
RANKED: tuple[str, ...] = (*_SUMMED, COST, PASSED)
"""Names of what is summed up, and by which lanes can be sorted: figures, the cost of a request and the pass rate."""
BLOCKS = "▁▂▃▄▅▆▇█"
"""Levels from low to high."""
CHANGED = "╎"
"""Stands where something else began to be asked."""
_FEWEST_BESIDE = 4
FAILED = "×"
"""Stands for a value that is absent."""
BY_HAND = "✎"
"""Stands before the number of answers of which a person's word counts, and not the checks'."""
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
        self._fingerprint: str | None = None
        self._begin()

    def _begin(self) -> None:
        self.samples = {metric: Samples() for metric in _SUMMED}
        """Those of what is asked now, and so are the next two."""
        self.costs: list[float] = []
        self.judged = {True: 0, False: 0}
        """Requests that passed their checks, and that did not."""
        self.overruled = 0
        """Those among them of which a person's word counts."""

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
            self._begin_for(outcome.fingerprint)
            if not outcome.counted or not self.lane.of_turn([outcome]):
                continue
            for metric, samples in self.samples.items():
                samples.add(outcome.value(metric))
            for metric, values in self.drawn.items():
                values.append(outcome.value(metric))
            if outcome.usd is not None:
                self.costs.append(outcome.usd)
            if outcome.passed is not None:
                self.judged[outcome.passed] += 1
                self.overruled += outcome.overruled
        before = self._fingerprint
        if self.lane.fingerprint:
            self._begin_for(self.lane.fingerprint)
        return cleared or turned or bool(since) or before != self._fingerprint

    def _begin_for(self, fingerprint: str) -> None:
        """Begin anew where something else is asked than before, be it that no request of it has ended yet."""
        if fingerprint == self._fingerprint:
            return
        drawn = len(self.drawn[Figure.TTFT])
        if drawn and drawn not in self.changes[-1:]:
            self.changes.append(drawn)
        self._fingerprint = fingerprint
        self._begin()

    @property
    def cost(self) -> float | None:
        """Mean cost of a request, US dollars."""
        return fmean(self.costs) if self.costs else None

    @property
    def passes(self) -> PassRate | None:
        """The pass rate; None where nothing was judged."""
        return rate_of(self.judged[True], sum(self.judged.values()), overruled=self.overruled)

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

_FEWEST_FIGURE_CELLS = 8
_COUNT_CELLS = 6
_SHORTEST_SPARK, _SHORTEST_NAME, _LONGEST_NAME = 4, 12, 32
_LEAST, _LEAST_BESIDE, _LEAST_BESIDE_PARTS = 14, 17, 25
"""Cells that are left to names and sparklines by what is told of every lane, by what is not, and by parts of TTFT."""
_PARTS = ("round trip", "server", "upload")
"""Parts of TTFT where hosts stand side by side, the most important first."""


class _Column(msgspec.Struct, frozen=True):
    """A column that is there where any lane has something in it, and there is room."""

    name: str
    cells: tuple[str, ...]
    """One per lane."""
    least: int
    by: str = ""

    def width(self, by: str | None) -> int:
        return 2 + max(len(self.heading(by)), *map(len, self.cells))

    def heading(self, by: str | None) -> str:
        return f"{'▾' if by == self.by and by else ''}{self.name}"


def _columns(lanes: Sequence["LaneHistory"], verdicts: Sequence[str]) -> list[_Column]:
    """In the order of their importance."""
    rates = [lane.samples[Figure.OTPS].median for lane in lanes]
    passes = ["" if (rate := lane.passes) is None else _passed(rate) for lane in lanes]
    costs = ["" if (cost := lane.cost) is None else dollars(cost) for lane in lanes]
    return [
        each
        for each in (
            _Column("checks", tuple(passes), _LEAST, PASSED),
            _Column("cost", tuple(costs), _LEAST, COST),
            _Column(_VERDICT, tuple(verdicts), _LEAST_BESIDE),
            _Column("tok/s", tuple("" if rate is None else format_rate(rate) for rate in rates), _LEAST_BESIDE, "otps"),
            *(_Column(name, _of_hosts(lanes, PARTS[name]), _LEAST_BESIDE_PARTS) for name in _PARTS),
        )
        if any(each.cells)
    ]


def _of_hosts(lanes: Sequence["LaneHistory"], part: str) -> tuple[str, ...]:
    """Cells of a part of TTFT where hosts stand side by side."""
    asked = [lane.lane.from_host for lane in lanes]
    return tuple("" if one is None or (ns := one.typical(part)) is None else format_duration(ns) for one in asked)


def _passed(rate: PassRate) -> str:
    by_hand = f" {BY_HAND}{rate.overruled}" if rate.overruled else ""
    return f"{rate.passed} of {rate.judged}{by_hand} {100 * rate.low:.0f}–{100 * rate.high:.0f}%"


_VERDICT = "verdict"
_MARK = _Column("", (" ",), _LEAST)
"""The marks of verdicts alone, where their words have no room."""
_PLACES = (*PARTS, "tok/s", "cost", "checks", "n", _VERDICT, _MARK.name)
"""The columns in the order in which they stand."""


class HistoryTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, and a line per lane, the best first."""

    heading: str
    lines: tuple[str, ...]
    remarks: tuple[str, ...]
    """Sentences on how hosts differ."""
    sparks: tuple[tuple[int, int], ...]
    """First and last column of the sparklines of each of `METRICS`, the last not included."""


def history_table(
    lanes: Sequence[LaneHistory],
    width: int,
    clip: Clip,
    shorten: Shorten,
    by: str | None = None,
    verdicts: Sequence[str] = (),
) -> HistoryTable:
    """The table in `width` cells: medians of what is asked now, beside sparklines of the session, on a scale from zero
    that all lanes share. Sorted by `by`, one of `RANKED`, or in the order in which they are asked.

    The count is that of complete answers, with the failed ones after a plus sign. `verdicts` are words, one per lane.
    """
    count = _Column("n", tuple(map(_count, lanes)), 0)
    figures = {metric: [format_duration(lane.samples[metric].median) for lane in lanes] for metric in METRICS}
    rest = width - 2 * _FEWEST_FIGURE_CELLS - max(_COUNT_CELLS, count.width(by) if lanes else 0)
    columns = [count, *_fitting(lanes, verdicts or ("",) * len(lanes), rest, by)]
    rest -= sum(each.width(by) for each in columns[1:])
    columns.sort(key=lambda one: _PLACES.index(one.name))
    widths = [max(_COUNT_CELLS, each.width(by)) if each is count and lanes else each.width(by) for each in columns]
    names, name_cells = _names(lanes, shorten, rest)
    spark_cells = max(0, (rest - name_cells - 2) // 2)
    spare = rest - name_cells - 2 * spark_cells
    # Before a figure stands a gap and behind it the place of a star: the sparkline gives what is wanting.
    longest_figure = max((len(text) for texts in figures.values() for text in texts), default=0)
    given = min(spark_cells, max(0, 2 + longest_figure - _FEWEST_FIGURE_CELLS))
    spark_cells, figure_cells = spark_cells - given, _FEWEST_FIGURE_CELLS + given
    tops = {metric: _top(lanes, metric) for metric in METRICS}
    lines = []
    for at, lane in sorted(enumerate(lanes), key=lambda one: _rank(one[1], by)):
        line = clip(names[at], name_cells) + " " * spare
        for metric in METRICS:
            mark = "★" if metric in lane.lane.fastest else " "
            drawn = lane.spark(metric, spark_cells, tops[metric])
            line += f"{drawn:>{spark_cells}}{figures[metric][at]:>{figure_cells - 1}}{mark}"
        lines.append(line + "".join(f"{each.cells[at]:>{cells}}" for each, cells in zip(columns, widths, strict=True)))
    starts = [name_cells + spare, name_cells + spare + spark_cells + figure_cells]
    heading = " " * starts[0]
    for metric in METRICS:
        heading += f"{_heading(metric, by):>{spark_cells + figure_cells - 1}} "
    heading += "".join(f"{each.heading(by):>{cells}}" for each, cells in zip(columns, widths, strict=True))
    return HistoryTable(
        heading=clip(heading, width),
        lines=tuple(clip(line, width) for line in lines),
        remarks=tuple(host_sentences([asked for each in lanes if (asked := each.lane.from_host) is not None])),
        sparks=tuple((start, start + spark_cells) for start in starts),
    )


def _names(lanes: Sequence[LaneHistory], shorten: Shorten, rest: int) -> tuple[list[str], int]:
    """The names, and cells for them, of `rest`, that leave the sparklines theirs."""
    longest = max((len(lane.label) for lane in lanes), default=0)
    drawn = max((len(each) + len(lane.changes) for lane in lanes for each in lane.drawn.values()), default=0)
    least = max(_SHORTEST_NAME, rest - 2 * (min(_SHORTEST_SPARK, drawn) + 1))
    names = shorten([lane.label for lane in lanes], max(0, min(_LONGEST_NAME, longest, least, rest)))
    return names, max(map(cells_of, names), default=0)


def _fitting(lanes: Sequence[LaneHistory], verdicts: Sequence[str], rest: int, by: str | None) -> Iterator[_Column]:
    """The columns that have room beside names and sparklines, the most important first."""
    for column in _columns(lanes, verdicts):
        if column.name == _VERDICT and rest - column.width(by) < column.least:
            column = msgspec.structs.replace(_MARK, cells=tuple(word[:1] for word in verdicts))
        if rest - column.width(by) >= column.least:
            rest -= column.width(by)
            yield column


def _top(lanes: Sequence[LaneHistory], metric: Figure) -> float:
    """The highest value of the session, which the sparklines of all lanes reach up to."""
    return max((value for lane in lanes for value in lane.drawn[metric] if value is not None), default=0)


def _count(lane: LaneHistory) -> str:
    samples = lane.samples[Figure.TOTAL]
    failed = len(samples.values) - samples.count
    return f"{samples.count}+{failed}×" if failed else str(samples.count)


def _heading(metric: Figure, by: str | None) -> str:
    """A figure's name, with a mark on that by which the table is sorted."""
    return f"{'▾' if metric == by else ''}{metric.label}"


def _rank(lane: LaneHistory, by: str | None) -> tuple[bool, float]:
    """The place of a lane: the best first, those of which it is not known last."""
    if by is None:
        return False, 0.0
    if by == COST:
        value = lane.cost
    elif by == PASSED:
        value = None if lane.passes is None else -lane.passes.share
    else:
        value = lane.samples[Figure(by)].median
        value = value if value is None or Figure(by).less_is_better else -value
    return value is None, value or 0.0

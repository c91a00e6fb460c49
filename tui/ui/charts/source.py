"""The form of a chart, and the session as charts see it: lanes, the current one, and what is pinned."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from tui.core.figures import Figure, Unit, Use, figures_for
from tui.core.metrics import NS_PER_S
from tui.core.observation import Observation, present
from tui.core.record import RequestRecord
from tui.core.snapshot import Snapshot
from tui.core.statistics import percentile_interval
from tui.session.live import Lane
from tui.ui.charts.plot import MOST_LANES, AxisUnit, BarRows, Numbers, Plot

if TYPE_CHECKING:
    from tui.core.rounds import Past
    from tui.session.load import LoadRun

MOST_ANSWERS = 1_000
"""Answers per lane that charts of distributions take, the latest: what they cost does not grow from there on."""
METRICS = figures_for(Use.AXIS)
"""Figures that charts of one metric can show, in the order of the key."""

Version = tuple[object, ...]
"""Two that are equal stand for the same data."""


class PinnedMedian(msgspec.Struct, frozen=True):
    """A median and its confidence interval, ns."""

    low: float
    median: float
    high: float


class PinnedLane(msgspec.Struct, frozen=True):
    """The figures that a lane is compared with."""

    ttft: PinnedMedian | None = None
    total: PinnedMedian | None = None


class ChartSource(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a chart may show. Lanes change in place: build a chart from it at once."""

    lanes: Sequence[Lane]
    current: Lane
    now_ns: int
    """CLOCK_MONOTONIC, for requests in flight."""
    metric: Figure = Figure.TTFT
    """The figure that charts of one metric show."""
    frontier_by: Figure = Figure.TOTAL
    """The time that the frontier has beside cost and pass rate."""
    sweep_key: str = ""
    """The key that starts a sweep."""
    pinned: Mapping[str, PinnedLane] = MappingProxyType({})
    """By the lane's label."""
    past: "Callable[[Lane], Past | None]" = lambda _lane: None
    """The rounds in the history of what a lane asks, as far as they have been read."""
    load: "LoadRun | None" = None
    """The latest load."""

    @property
    def shown(self) -> list[tuple[int, Lane]]:
        """The lanes that one drawing tells apart, numbered; the current one is always among them."""
        first = list(self.lanes[:MOST_LANES])
        if not any(lane is self.current for lane in first):
            first[-1:] = [self.current]
        return list(enumerate(first))

    @property
    def more(self) -> int:
        """Number of lanes that are not shown."""
        return max(0, len(self.lanes) - MOST_LANES)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One chart: its texts, and its data as a drawing and as a table."""

    title: str
    placeholder: str = "No complete answer yet."
    """Shown while there is nothing to draw."""
    of_one_lane: bool = False
    """True if it shows the current lane alone, or tells it from the others."""
    of_one_metric: bool = False
    """True if it shows one metric, which can be chosen."""
    metric: Callable[[ChartSource], Figure] = lambda source: source.metric
    """That metric."""
    build: Callable[[ChartSource], Plot | BarRows]
    version: Callable[[ChartSource], Version]
    """Changes when the drawing would: `by_answer`, `by_chunk` or `by_moment`."""
    numbers: Callable[[ChartSource], Numbers]

    def heading(self, source: ChartSource) -> str:
        """The title with the metric and the lane that are shown."""
        parts = [self.title]
        if self.of_one_metric:
            parts.append(self.metric(source).label)
        if self.of_one_lane:
            parts.append(source.current.label)
        return " · ".join(parts)


def by_answer(source: ChartSource) -> Version:
    """A version that changes when a request has ended."""
    ended = [
        (lane.label, len(lane.outcomes), len(lane.swept), id(lane.outcomes[-1]) if lane.outcomes else 0)
        for lane in source.lanes
    ]
    return id(source.current), source.current.turn, source.metric, source.frontier_by, id(source.pinned), *ended


def by_chunk(source: ChartSource) -> Version:
    """A version that changes with every chunk."""
    return id(source.current), *(_chunks(lane.record) for lane in source.lanes)


def _chunks(record: RequestRecord | None) -> Version:
    return () if record is None else (id(record), len(record.timeline.content_ns), record.state, len(record.earlier))


def by_moment(source: ChartSource) -> Version:
    """A version that changes as time passes while a request is in flight."""
    return *by_chunk(source), any(lane.state.in_flight for lane in source.lanes) and source.now_ns


def pinned_of(snapshot: Snapshot | None) -> Mapping[str, PinnedLane]:
    """The medians of a snapshot's lanes with their intervals; too few repeats leave the median alone."""
    lanes = snapshot.lanes if snapshot is not None else ()
    return {
        lane.name: PinnedLane(*(_median_of(lane.observations, metric) for metric in (Figure.TTFT, Figure.TOTAL)))
        for lane in lanes
    }


def _median_of(observations: Sequence[Observation], figure: Figure) -> PinnedMedian | None:
    ascending = sorted(present(observations, figure))
    if not ascending:
        return None
    middle = median(ascending)
    interval = percentile_interval(ascending, 50)
    return PinnedMedian(interval.low, middle, interval.high) if interval else PinnedMedian(middle, middle, middle)


def axis_samples(source: ChartSource, lane: Lane) -> list[float]:
    """The chosen metric of a lane's latest answers, in the unit of `axis_unit`."""
    per_unit = NS_PER_S if axis_unit(source.metric) is AxisUnit.SECONDS else 1
    return [value / per_unit for value in present(latest_answers(lane), source.metric)]


def axis_unit(figure: Figure) -> AxisUnit:
    """The unit of an axis on which a figure is shown: seconds for times."""
    return AxisUnit.SECONDS if figure.declared.unit is Unit.TIME else AxisUnit.PLAIN


def latest_answers(lane: Lane) -> list[Observation]:
    """The latest of those counted since anything asked was last changed, at most `MOST_ANSWERS`."""
    return lane.current[-MOST_ANSWERS:]


def bounded_note(lanes: Sequence[Lane]) -> str:
    """A sentence where a lane has more answers than are taken; else empty."""
    is_cut = any(len(lane.current) > MOST_ANSWERS for lane in lanes)
    return f"Of the last {MOST_ANSWERS:,} answers of each." if is_cut else ""

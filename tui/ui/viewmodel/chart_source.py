"""What charts are made of: the lanes, which of them is current, and what they are compared with."""

from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType

import msgspec

from tui.core.observation import Figure, Observation, present
from tui.core.outcome import Outcome
from tui.core.series import Metric
from tui.core.snapshot import Snapshot
from tui.core.statistics import percentile_interval
from tui.session.live import Lane
from tui.ui.viewmodel.plot import MOST_LANES

MOST_ANSWERS = 1_000
"""Answers per lane that charts of distributions take, the latest: what they cost does not grow from there on."""
METRICS: tuple[Metric, ...] = ("ttft", "ttfo", "total")
METRIC_LABELS: Mapping[Metric, str] = MappingProxyType({"ttft": "TTFT", "ttfo": "TTFO", "total": "total"})


class Span(msgspec.Struct, frozen=True):
    """A median and the interval it was known to, ns."""

    low: float
    median: float
    high: float


class LaneBaseline(msgspec.Struct, frozen=True):
    """What a lane is compared with."""

    ttft: Span | None = None
    total: Span | None = None


def baselines_of(snapshot: Snapshot | None) -> Mapping[str, LaneBaseline]:
    """The medians of a snapshot's lanes with their intervals; too few repeats leave the median alone."""
    lanes = snapshot.lanes if snapshot is not None else ()
    return {
        lane.name: LaneBaseline(*(_span_of(lane.observations, metric) for metric in (Figure.TTFT, Figure.TOTAL)))
        for lane in lanes
    }


def _span_of(observations: Sequence[Observation], figure: Figure) -> Span | None:
    ascending = sorted(present(observations, figure))
    if not ascending:
        return None
    middle = median(ascending)
    interval = percentile_interval(ascending, 50)
    return Span(interval.low, middle, interval.high) if interval else Span(middle, middle, middle)


class ChartSource(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a chart may show. Lanes change in place: build a chart from it at once."""

    lanes: Sequence[Lane]
    current: Lane
    now_ns: int
    """CLOCK_MONOTONIC, for what is in flight."""
    metric: Metric = "ttft"
    """What the charts of one metric show."""
    sweep_key: str = ""
    """The key that starts a sweep."""
    baselines: Mapping[str, LaneBaseline] = MappingProxyType({})
    """By the lane's label."""

    @property
    def shown(self) -> list[tuple[int, Lane]]:
        """The lanes that one drawing tells apart, numbered; the current one is always among them."""
        first = list(self.lanes[:MOST_LANES])
        if not any(lane is self.current for lane in first):
            first[-1:] = [self.current]
        return list(enumerate(first))

    @property
    def more(self) -> int:
        """How many lanes are not shown."""
        return max(0, len(self.lanes) - MOST_LANES)


def latest_answers(lane: Lane) -> list[Outcome]:
    """The latest of those counted since anything asked was last changed, at most `MOST_ANSWERS`."""
    return lane.current[-MOST_ANSWERS:]


def bounded_note(lanes: Sequence[Lane]) -> str:
    """Says so where a lane has more answers than are taken."""
    is_cut = any(len(lane.current) > MOST_ANSWERS for lane in lanes)
    return f"Of the last {MOST_ANSWERS:,} answers of each." if is_cut else ""


def value_of(outcome: Outcome, metric: Metric) -> int | None:
    """One metric of an outcome, ns."""
    match metric:
        case "ttft":
            return outcome.ttft_ns
        case "ttfo":
            return outcome.ttfo_ns
        case "total":
            return outcome.total_ns


def values_of(outcomes: Sequence[Outcome], metric: Metric) -> list[int]:
    """One metric of those outcomes that have it, ns."""
    return [value for outcome in outcomes if (value := value_of(outcome, metric)) is not None]

"""What draws each kind of chart, and from what. Imported once a chart is drawn: the first paint does without."""

from collections.abc import Callable
from typing import Any

import msgspec

from tui.core.record import RequestRecord
from tui.ui.charts.box_chart import BoxChart
from tui.ui.charts.decomposition_chart import DecompositionChart
from tui.ui.charts.kinds import ChartKind
from tui.ui.charts.lanes_chart import LanesChart
from tui.ui.charts.plot_view import PlotView
from tui.ui.charts.waterfall_chart import WaterfallChart
from tui.ui.charts.xy_chart import XYChart
from tui.ui.viewmodel.box_chart import box_plots
from tui.ui.viewmodel.chart_source import METRIC_LABELS, ChartSource
from tui.ui.viewmodel.decomposition_chart import decomposition_numbers, decomposition_stacks
from tui.ui.viewmodel.described import MOST_ITL_ANSWERS
from tui.ui.viewmodel.distribution_chart import distribution_plot
from tui.ui.viewmodel.five_numbers import five_numbers_of
from tui.ui.viewmodel.gaps_chart import gaps_numbers, gaps_plot
from tui.ui.viewmodel.lanes_timeline import LanesTimeline, lanes_timeline, timeline_numbers
from tui.ui.viewmodel.numbers import Numbers
from tui.ui.viewmodel.scatter_chart import scatter_numbers, scatter_plot
from tui.ui.viewmodel.speed_chart import speed_numbers, speed_plot
from tui.ui.viewmodel.trend_chart import trend_numbers, trend_plot
from tui.ui.viewmodel.waterfall import Step, step_numbers, waterfall

Version = tuple[object, ...]
"""Two that are equal stand for the same data."""


class Drawing(msgspec.Struct, frozen=True):
    """How one kind is drawn."""

    view: type[PlotView]
    attribute: str
    """What of the view the data are set to."""
    build: Callable[[ChartSource], Any]
    version: Callable[[ChartSource], Version]
    numbers: Callable[[ChartSource], Numbers]


def _runs(source: ChartSource) -> Version:
    """Changes when a request has ended."""
    ended = [
        (lane.label, len(lane.outcomes), len(lane.swept), id(lane.outcomes[-1]) if lane.outcomes else 0)
        for lane in source.lanes
    ]
    return id(source.current), source.metric, id(source.baselines), *ended


def _streams(source: ChartSource) -> Version:
    """Changes with every chunk."""
    return id(source.current), *(_stream(lane.record) for lane in source.lanes)


def _stream(record: RequestRecord | None) -> Version:
    return () if record is None else (id(record), len(record.timeline.content_ns), record.state, len(record.earlier))


def _moments(source: ChartSource) -> Version:
    """Changes as time passes while a request is in flight."""
    return *_streams(source), any(lane.state.in_flight for lane in source.lanes) and source.now_ns


def _latest(source: ChartSource) -> LanesTimeline:
    return lanes_timeline([lane.record for lane in source.lanes if lane.record], source.now_ns)


def _steps(source: ChartSource) -> tuple[Step, ...]:
    return waterfall(source.current.record) if source.current.record else ()


DRAWINGS: dict[ChartKind, Drawing] = {
    ChartKind.LATEST: Drawing(
        LanesChart, "timeline", _latest, _moments, lambda source: timeline_numbers(_latest(source))
    ),
    ChartKind.TREND: Drawing(XYChart, "plot", trend_plot, _runs, trend_numbers),
    ChartKind.DISTRIBUTION: Drawing(XYChart, "plot", distribution_plot, _runs, five_numbers_of),
    ChartKind.BOXES: Drawing(BoxChart, "boxes", box_plots, _runs, five_numbers_of),
    ChartKind.SCATTER: Drawing(XYChart, "plot", scatter_plot, _runs, scatter_numbers),
    ChartKind.GAPS: Drawing(
        XYChart,
        "plot",
        lambda source: gaps_plot(source.current.record),
        _streams,
        lambda source: gaps_numbers(source.current.record, source.current.current[-MOST_ITL_ANSWERS:]),
    ),
    ChartKind.SPEED: Drawing(XYChart, "plot", speed_plot, _streams, speed_numbers),
    ChartKind.STEPS: Drawing(WaterfallChart, "steps", _steps, _moments, lambda source: step_numbers(_steps(source))),
    ChartKind.PARTS: Drawing(DecompositionChart, "stacks", decomposition_stacks, _runs, decomposition_numbers),
}


def title_of(kind: ChartKind, source: ChartSource) -> str:
    """The chart's name with what it is of."""
    parts = [kind.heading]
    if kind.of_one_metric:
        parts.append(METRIC_LABELS[source.metric])
    if kind.of_one_lane:
        parts.append(source.current.label)
    return " · ".join(parts)

"""The chart "scatter": TTFT against total time: one point per answer."""

import statistics

from tui.core.metrics import NS_PER_S
from tui.core.wording import ABSENT, format_duration
from tui.session.live import Lane
from tui.ui.charts.plot import Curve, Numbers, Plot, Point, around
from tui.ui.charts.source import Chart, ChartSource, bounded_note, by_answer, latest_answers

_FEWEST_FOR_CORRELATION = 3


def scatter_plot(source: ChartSource) -> Plot:
    """The answers of every lane counted since anything asked was last changed; TTFT to the right, total upwards."""
    curves = tuple(
        Curve(label=lane.label, colour=str(number), symbol=number, points=tuple(sorted(points)), joined=False)
        for number, lane in source.shown
        if (points := _points(lane))
    )
    return Plot(
        x=around(x for curve in curves for x, _ in curve.points),
        panels=(around(y for curve in curves for _, y in curve.points),),
        curves=curves,
        more=source.more,
    )


def scatter_numbers(source: ChartSource) -> Numbers:
    """The medians of both and their correlation, per lane."""
    rows = tuple(_row(lane.label, points) for lane in source.lanes if (points := _points(lane)))
    return Numbers(("median of", "TTFT", "total", "correlation", "n"), rows, bounded_note(source.lanes))


def _points(lane: Lane) -> list[Point]:
    pairs = [(outcome.ttft_ns, outcome.total_ns) for outcome in latest_answers(lane)]
    return [(ttft / NS_PER_S, total / NS_PER_S) for ttft, total in pairs if ttft is not None and total is not None]


def _row(label: str, points: list[Point]) -> tuple[str, ...]:
    ttfts, totals = zip(*points, strict=True)
    medians = (round(statistics.median(values) * NS_PER_S) for values in (ttfts, totals))
    return (label, *map(format_duration, medians), _correlation(ttfts, totals), str(len(points)))


def _correlation(ttfts: tuple[float, ...], totals: tuple[float, ...]) -> str:
    """Pearson's correlation; absent for fewer than three answers."""
    if len(ttfts) < _FEWEST_FOR_CORRELATION:
        return ABSENT
    try:
        return f"{statistics.correlation(ttfts, totals):.2f}"
    except statistics.StatisticsError:  # one of them does not vary
        return ABSENT


CHART = Chart(title="Total over TTFT", build=scatter_plot, version=by_answer, numbers=scatter_numbers)

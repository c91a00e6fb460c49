"""The chart "frontier": the mean cost and the pass rate of every lane over its median total, or TTFT."""

from tui.core.frontier import FrontierPoint, frontier, frontier_note
from tui.core.metrics import NS_PER_S
from tui.ui.charts.plot import Axis, AxisUnit, Curve, Numbers, Plot, around
from tui.ui.charts.source import Chart, ChartSource, by_answer

_MOST = 100
_PER = 1_000
"""Requests that a cost is of: that of one has too many zeros for an axis."""


def _points(source: ChartSource) -> list[FrontierPoint]:
    """Of the lanes that are drawn, by their latest answers: what it costs grows with the pairs."""
    named = [(lane.label, lane.current[-_MOST:]) for _, lane in source.shown if lane.current]
    return frontier(named, source.frontier_by)


def _mark(point: FrontierPoint) -> str:
    if not point.on_frontier:
        return point.name
    return f"{point.name} (frontier)" if point.shown else f"{point.name} (frontier?)"


def frontier_plot(source: ChartSource) -> Plot:
    """One point per lane: dollars per 1,000 requests above, the share that passed below, each where it is known."""
    points = {point.name: point for point in _points(source)}
    shown = [(number, points[lane.label]) for number, lane in source.shown if lane.label in points]
    costs = [(number, point, point.usd * _PER) for number, point in shown if point.usd is not None]
    passes = [(number, point, point.passed) for number, point in shown if point.passed is not None]
    panels: list[Axis] = []
    curves: list[Curve] = []
    for of, axis in (
        (costs, around((value for _, _, value in costs), AxisUnit.PLAIN)),
        (passes, Axis(0, 1.04, AxisUnit.SHARE)),
    ):
        if not of:
            continue
        curves += [
            Curve(
                label="" if panels else _mark(point),
                colour=str(number),
                symbol=number,
                points=((time_ns / NS_PER_S, value),),
                joined=False,
                panel=len(panels),
            )
            for number, point, value in of
            if (time_ns := point.time_ns(source.frontier_by)) is not None
        ]
        panels.append(axis)
    return Plot(
        x=around(x for curve in curves for x, _ in curve.points),
        panels=tuple(panels) or (Axis(0, 1),),
        curves=tuple(curves),
        more=source.more,
    )


def frontier_numbers(source: ChartSource) -> Numbers:
    """The table of the frontier."""
    rows = tuple((point.name, point.state, *point.cells, str(point.requests)) for point in _points(source))
    return Numbers(("", "place", "total", "TTFT", "cost", "passed", "n"), rows, f"{frontier_note(source.frontier_by)}.")


CHART = Chart(
    title="Cost ($ per 1,000), pass rate",
    of_one_metric=True,
    metric=lambda source: source.frontier_by,
    placeholder="No prices and no checks yet.",
    build=frontier_plot,
    version=by_answer,
    numbers=frontier_numbers,
)

"""The chart "load": TTFT and goodput of the current lane over the levels of the latest load, with the knee."""

from textwrap import wrap

from tui.core.load_results import HEADING, LevelSummary, cells, knee, notes, with_hosts
from tui.core.metrics import NS_PER_S
from tui.ui.charts.plot import STALL, STALL_SYMBOL, TOTAL, TTFT, Axis, AxisUnit, Curve, Numbers, Plot, from_zero
from tui.ui.charts.source import Chart, ChartSource, Version

_NOTE_WIDTH = 60
"""Cells that the numbers have beside a drawing, about."""


def _levels(source: ChartSource) -> list[LevelSummary]:
    if source.load is None:
        return []
    return [level for level in source.load.levels if level.target == source.current.label]


def load_plot(source: ChartSource) -> Plot:
    """TTFT above, goodput below, over requests in flight, or over the rate. Uprights are intervals of 95 %."""
    levels = sorted(_levels(source), key=lambda level: level.level.load)
    if not levels:
        return Plot()
    unit = AxisUnit.COUNT if levels[0].level.concurrency is not None else AxisUnit.PLAIN
    medians = [(one.level.load, one.ttft.median / NS_PER_S) for one in levels if one.ttft.median is not None]
    p95s = [(one.level.load, one.ttft.p95 / NS_PER_S) for one in levels if one.ttft.p95 is not None]
    goodput = [(one.level.load, one.goodput) for one in levels]
    curves = [
        Curve(label="TTFT p50", colour=TTFT, symbol=0, points=tuple(medians)),
        Curve(label="TTFT p95", colour=TOTAL, symbol=1, points=tuple(p95s)),
        Curve(label="goodput", colour=TTFT, symbol=2, points=tuple(goodput), panel=1),
    ]
    times, rates = [y for _, y in (*medians, *p95s)], [y for _, y in goodput]
    for one in levels:
        if (of_median := one.ttft.median_interval) is not None:
            curves.append(_upright(one, of_median.low / NS_PER_S, of_median.high / NS_PER_S, TTFT, 0, 0))
            times.append(of_median.high / NS_PER_S)
        if (of_rate := one.goodput_interval) is not None:
            curves.append(_upright(one, of_rate.low, of_rate.high, TTFT, 2, 1))
            rates.append(of_rate.high)
    if (at := knee(levels).at) is not None:
        points = tuple((one.level.load, one.goodput) for one in levels if one.level == at)
        curves.append(Curve(label="knee", colour=STALL, symbol=STALL_SYMBOL, points=points, joined=False, panel=1))
    last = max(one.level.load for one in levels)
    return Plot(
        x=Axis(0.0, max(1.0, last * 1.02), unit),
        panels=(from_zero(times), from_zero(rates, AxisUnit.PLAIN)),
        curves=tuple(curve for curve in curves if curve.points),
    )


def _upright(one: LevelSummary, low: float, high: float, colour: str, symbol: int, panel: int) -> Curve:
    at = one.level.load
    return Curve(label="", colour=colour, symbol=symbol, points=((at, low), (at, high)), panel=panel)


def load_numbers(source: ChartSource) -> Numbers:
    """The levels of the current lane side by side, a row for each figure."""
    levels = _levels(source)
    columns = list(zip(HEADING, *map(cells, with_hosts(levels)), strict=True))
    said = [source.load.progress] if source.load is not None else []
    lines = [line for sentence in (*said, *notes(levels)) for line in wrap(f"{sentence}.", _NOTE_WIDTH)]
    return Numbers(columns[0], tuple(columns[1:]), "\n".join(lines)) if levels else Numbers(note="\n".join(lines))


def _version(source: ChartSource) -> Version:
    load = source.load
    return id(source.current), id(load), load.version if load is not None else 0


CHART = Chart(
    title="TTFT and goodput by load",
    placeholder="No load yet, or no level of this target.",
    of_one_lane=True,
    build=load_plot,
    version=_version,
    numbers=load_numbers,
)

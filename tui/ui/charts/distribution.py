"""The chart "dist": one metric's empirical distribution function for each lane, and the current lane's histogram."""

import math
from collections.abc import Sequence

from tui.ui.charts.boxes import five_number_table
from tui.ui.charts.plot import Axis, AxisUnit, Curve, Histogram, Plot, Point, around, from_zero
from tui.ui.charts.source import Chart, ChartSource, axis_samples, axis_unit, by_answer

_MOST_BINS = 40
_MOST_STEPS = 200


def distribution_plot(source: ChartSource) -> Plot:
    """Above, the share of each lane's answers that took x or less; below, how many of the current lane's took about x.

    Answers are those counted since anything asked was last changed.
    """
    samples = [(number, lane, sorted(axis_samples(source, lane))) for number, lane in source.shown]
    ends = [end for _, _, ascending in samples for end in (*ascending[:1], *ascending[-1:])]
    own = next(ascending for _, lane, ascending in samples if lane is source.current)
    bars = histogram(own) if own else None
    return Plot(
        x=around(ends, axis_unit(source.metric)),
        panels=(Axis(0, 1.04, AxisUnit.SHARE), from_zero(bars.heights if bars else (), AxisUnit.COUNT)),
        curves=tuple(
            Curve(label=lane.label, colour=str(number), symbol=number, points=ecdf(ascending))
            for number, lane, ascending in samples
            if ascending
        ),
        histograms=(bars,) if bars else (),
        more=source.more,
    )


def ecdf(ascending: Sequence[float]) -> tuple[Point, ...]:
    """The empirical distribution function: the share of samples that do not exceed a value, as the corners of its
    steps, from 0 on. Between two samples no share is known to rise, so the line stays level and rises at each of them.

    At every sample, or at `_MOST_STEPS` or a little more of them evenly taken, the last included.
    """
    count = len(ascending)
    step = max(1, count // _MOST_STEPS)
    shown = range(count - 1, -1, -step)[::-1]
    corners, share = [(ascending[0], 0.0)], 0.0
    for index in shown:
        corners += [(ascending[index], share), (ascending[index], share := (index + 1) / count)]
    return tuple(dict.fromkeys(corners))


def histogram(ascending: Sequence[float]) -> Histogram:
    """Counts in bars of equal width, 2·n^⅓ of them (Rice's rule; Lane, Online Statistics Education), at most 40."""
    low, high = ascending[0], ascending[-1]
    bins = min(_MOST_BINS, math.ceil(2 * len(ascending) ** (1 / 3)))
    if (high - low) / bins <= 0:  # all alike, or apart by what no number can say
        low, high, bins = low - (abs(low) / 100 or 0.5), high + (abs(high) / 100 or 0.5), 1
    width = (high - low) / bins
    heights = [0] * bins
    for value in ascending:
        heights[min(bins - 1, int((value - low) / width))] += 1
    return Histogram(label="counts", low=low, width=width, heights=tuple(map(float, heights)), panel=1)


CHART = Chart(
    title="Distribution",
    of_one_lane=True,
    of_one_metric=True,
    build=distribution_plot,
    version=by_answer,
    numbers=five_number_table,
)

"""The chart "trend": TTFT and total time of the current lane over the runs of the session."""

from itertools import islice

from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.observation import Observation
from tui.core.wording import format_duration
from tui.ui.charts.plot import FAILED, FAILED_SYMBOL, TOTAL, TTFT, Axis, AxisUnit, Band, Curve, Numbers, Plot, from_zero
from tui.ui.charts.source import Chart, ChartSource, PinnedLane, by_answer

MOST_ROWS = 500
"""Runs in the table, the newest first."""
_PANELS = ((Figure.TTFT, TTFT), (Figure.TOTAL, TOTAL))


def trend_plot(source: ChartSource) -> Plot:
    """TTFT above, total below, each on its own axis from zero, with the pinned interval where there is one.

    Warm-up is left out. Failed requests stand at the bottom of the lower panel.
    """
    outcomes = _counted(source)
    if not outcomes:
        return Plot()
    pinned = source.pinned.get(source.current.measured_name, PinnedLane())
    curves: list[Curve] = []
    bands: list[Band] = []
    panels: list[Axis] = []
    medians = (pinned.ttft, pinned.total)
    for panel, ((figure, colour), known) in enumerate(zip(_PANELS, medians, strict=True)):
        points = tuple(
            (float(outcome.run), value / NS_PER_S)
            for outcome in outcomes
            if (value := outcome.value(figure)) is not None
        )
        highs = [y for _, y in points]
        if known is not None:
            low, middle, high = (ns / NS_PER_S for ns in (known.low, known.median, known.high))
            bands.append(Band(low, middle, high, panel, colour))
            highs.append(high)
        panels.append(from_zero(highs))
        curves.append(Curve(label=figure.label, colour=colour, symbol=panel, points=points, panel=panel))
    failed = tuple((float(outcome.run), 0.0) for outcome in outcomes if outcome.total_ns is None)
    if failed:
        curves.append(Curve(label="failed", colour=FAILED, symbol=FAILED_SYMBOL, points=failed, joined=False, panel=1))
    first, last = outcomes[0].run, outcomes[-1].run
    return Plot(
        x=Axis(float(first), float(max(last, first + 1)), AxisUnit.COUNT),
        panels=tuple(panels),
        curves=tuple(curves),
        bands=tuple(bands),
    )


def _counted(source: ChartSource) -> list[Observation]:
    return source.current.of_turn([outcome for outcome in source.current.outcomes if outcome.counted])


def trend_numbers(source: ChartSource) -> Numbers:
    """The runs, the latest first."""
    outcomes = _counted(source)
    more = len(outcomes) - MOST_ROWS
    return Numbers(
        ("run", "TTFT", "total"),
        tuple(
            (str(outcome.run), format_duration(outcome.ttft_ns), format_duration(outcome.total_ns))
            for outcome in islice(reversed(outcomes), MOST_ROWS)
        ),
        f"and {more:,} before" if more > 0 else "",
    )


CHART = Chart(
    title="Trend by run",
    placeholder="No counted run yet.",
    of_one_lane=True,
    build=trend_plot,
    version=by_answer,
    numbers=trend_numbers,
)

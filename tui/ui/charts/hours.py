"""The chart "hours": medians by the hour of what the current lane asks, over the history, and what changed when."""

from datetime import UTC, datetime

from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.rounds import FIGURES, HOUR_NS, Past
from tui.core.wording import amount, counted
from tui.ui.charts.plot import (
    FAILED,
    FAILED_SYMBOL,
    STALL,
    STALL_SYMBOL,
    TOTAL,
    TTFT,
    Axis,
    AxisUnit,
    Curve,
    Numbers,
    Plot,
    from_zero,
)
from tui.ui.charts.source import Chart, ChartSource, Version

_MOST_ROWS = 24
"""Hours in the table, the newest first: what is said of changes below them is to be seen without scrolling."""
_COLOURS = {Figure.TTFT: TTFT, Figure.TOTAL: TOTAL}


def hours_plot(source: ChartSource) -> Plot:
    """TTFT above, total below, over the hours before the latest one; a mark where a figure came to lie elsewhere.

    Hours in which requests failed stand at the bottom of the lower panel.
    """
    past = source.past(source.current) or Past()
    if not past.hours:
        return Plot()
    latest = past.hours[-1].began_unix_ns
    curves: list[Curve] = []
    panels: list[Axis] = []
    for panel, figure in enumerate(FIGURES):
        points = tuple(
            (_hours(hour.began_unix_ns, latest), hour.medians[figure] / NS_PER_S)
            for hour in past.hours
            if figure in hour.medians
        )
        changed = tuple(
            (min(0.0, _hours(shift.first_after_unix_ns, latest)), shift.after / NS_PER_S)
            for shift in past.shifts
            if shift.figure is figure
        )
        panels.append(from_zero([y for _, y in (*points, *changed)]))
        label, colour = figure.label, _COLOURS[figure]
        curves.append(Curve(label=label, colour=colour, symbol=panel, points=points, panel=panel))
        if changed:
            curves.append(
                Curve(label="change", colour=STALL, symbol=STALL_SYMBOL, points=changed, joined=False, panel=panel)
            )
    failed = tuple((_hours(hour.began_unix_ns, latest), 0.0) for hour in past.hours if hour.failed)
    if failed:
        curves.append(Curve(label="failed", colour=FAILED, symbol=FAILED_SYMBOL, points=failed, joined=False, panel=1))
    first = _hours(past.hours[0].began_unix_ns, latest)
    return Plot(x=Axis(min(first, -1.0), 0.0, AxisUnit.COUNT), panels=tuple(panels), curves=tuple(curves))


def _hours(unix_ns: int, latest_ns: int) -> float:
    """Hours from the latest one, so negative."""
    return (unix_ns - latest_ns) / HOUR_NS


def hours_numbers(source: ChartSource) -> Numbers:
    """The hours, the latest first, and below them what changed and how often that is said by mistake."""
    past = source.past(source.current) or Past()
    rows = tuple(
        (
            _clock(hour.began_unix_ns),
            str(hour.rounds),
            str(hour.failed),
            *(amount(figure, hour.medians.get(figure)) for figure in FIGURES),
        )
        for hour in reversed(past.hours[-_MOST_ROWS:])
    )
    more = len(past.hours) - len(rows)
    said = [f"{shift.words} at {_clock(shift.first_after_unix_ns)}." for shift in past.shifts]
    before = [f"And {counted(more, 'hour')} before."] if more else []
    note = " ".join([*before, *said, f"{past.rule}."]) if past.hours else ""
    return Numbers(("hour (UTC)", "rounds", "failed", *(figure.label for figure in FIGURES)), rows, note)


def _clock(unix_ns: int) -> str:
    return f"{datetime.fromtimestamp(unix_ns // NS_PER_S, UTC):%m-%d %H:%M}"


def by_past(source: ChartSource) -> Version:
    """A version that changes when other rounds are known."""
    return id(source.current), id(source.past(source.current))


CHART = Chart(
    title="Hours before the latest",
    placeholder="No round of this in the history yet.",
    of_one_lane=True,
    build=hours_plot,
    version=by_past,
    numbers=hours_numbers,
)

"""The charts, one row each, in the order in which keys go through them.

A chart is a module beside this one that holds a `Chart` called `CHART`: plain data, built from the session. It knows
nothing of the screen; `tui.ui.widgets.chart_view` draws it. A new chart is a module and a row.

This table is light: a chart's module is imported when the chart is first shown.
"""

from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tui.ui.charts.source import Chart


class ChartKind(msgspec.Struct, frozen=True):
    """One row: a kind of chart, and where its module is."""

    name: str
    """In the names of files."""
    tab: str
    """In the row of all charts."""
    module: str

    @property
    def chart(self) -> "Chart":
        """The chart itself; imports its module."""
        found: Chart = import_module(self.module).CHART
        return found

    def after(self, step: int) -> "ChartKind":
        """The kind `step` further on, around the end."""
        return CHARTS[(CHARTS.index(self) + step) % len(CHARTS)]


CHARTS = (
    ChartKind("latest-run", "latest", "tui.ui.charts.latest"),
    ChartKind("trend", "trend", "tui.ui.charts.trend"),
    ChartKind("hours", "hours", "tui.ui.charts.hours"),
    ChartKind("distribution", "dist", "tui.ui.charts.distribution"),
    ChartKind("boxes", "box", "tui.ui.charts.boxes"),
    ChartKind("scatter", "scatter", "tui.ui.charts.scatter"),
    ChartKind("gaps", "gaps", "tui.ui.charts.gaps"),
    ChartKind("speed", "speed", "tui.ui.charts.speed"),
    ChartKind("steps", "steps", "tui.ui.charts.steps"),
    ChartKind("parts", "parts", "tui.ui.charts.parts"),
    ChartKind("way", "way", "tui.ui.charts.way"),
    ChartKind("frontier", "frontier", "tui.ui.charts.frontier"),
    ChartKind("turns", "turns", "tui.ui.charts.turns"),
    ChartKind("load", "load", "tui.ui.charts.load"),
)

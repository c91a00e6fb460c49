"""The waterfall of one request: one bar per step, on a common time axis."""

from typing import TYPE_CHECKING, ClassVar

from textual.reactive import var

from tui.ui.charts.lanes_chart import time_ticks
from tui.ui.charts.plot_view import Markers, PlotView
from tui.ui.viewmodel.figures import format_ms
from tui.ui.viewmodel.waterfall import Step

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

_FRAME_ROWS = 2
"""Rows for the axis and its labels."""
_NS_PER_S = 1_000_000_000


class WaterfallChart(PlotView):
    """Steps from top to bottom, each labelled with how long it took."""

    DEFAULT_CSS = """
    WaterfallChart {
        & > .waterfall-chart--bar { color: $success; }
        &:ansi { & > .waterfall-chart--bar { color: ansi_green; } }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"waterfall-chart--bar"}

    steps: var[tuple[Step, ...]] = var((), init=False)
    """What is shown."""

    @property
    def has_data(self) -> bool:
        """Whether anything has happened."""
        return bool(self.steps)

    def watch_steps(self) -> None:
        """Draw the new data."""
        self.redraw()

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """One bar per step; the last steps give way where not all fit."""
        from tui.ui.charts.figure import marker

        steps = self.steps[: max(1, height - _FRAME_ROWS)]
        rows = max(2, len(steps))
        figure.plot_size(width, min(height, rows + _FRAME_ROWS))
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        widest = max(len(step.label) for step in steps)
        labels = [
            f"{step.label:<{widest}} {format_ms(round((step.end_s - step.start_s) * _NS_PER_S)):>8}" for step in steps
        ]
        figure.ruler("y").lim(0, rows - 1).direction(-1).ticks(list(range(len(steps))), labels)
        ticks = time_ticks(max(step.end_s for step in steps), max(2, (width - widest) // 12))
        figure.ruler("x").lim(0, ticks[-1])
        figure.ruler("x").ticks(ticks, [f"{tick:g}" for tick in ticks[:-1]] + [f"{ticks[-1]:g} s"])
        drawn_with = marker("#" if self.markers is Markers.ASCII else "█", self.colour("waterfall-chart--bar"))
        for row, step in enumerate(steps):
            figure.draw(figure.segment((step.start_s, step.end_s), (row, row), marker=drawn_with))

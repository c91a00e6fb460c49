"""Base of charts with one row per lane on a common horizontal axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.ui.charts.labels import fitted
from tui.ui.charts.plot_view import PlotView

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

FRAME_ROWS = 2
"""Rows for the axis and its labels."""


class RowsView(PlotView):
    """Lays out rows from top to bottom. Those that do not fit are counted on the last, `+N more`."""

    def lay_out(self, figure: "Figure", width: int, height: int, labels: Sequence[str]) -> list[int]:
        """Size the figure and name its rows; returns the y of each row that is shown, which are the first ones."""
        most = max(1, height - FRAME_ROWS)
        shown = len(labels) if len(labels) <= most else most - 1
        names = [fitted(label, max(8, width * 2 // 5)) for label in labels[:shown]]
        if shown < len(labels):
            names.append(f"+{len(labels) - shown} more")
        # Every second row stays empty where there is room for it.
        stride = 2 if 2 * len(names) - 1 <= most else 1
        used = max(2, stride * (len(names) - 1) + 1)
        figure.plot_size(width, min(height, used + FRAME_ROWS))
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        figure.ruler("y").lim(0, used - 1).direction(-1).ticks([stride * row for row in range(len(names))], names)
        return [stride * row for row in range(shown)]

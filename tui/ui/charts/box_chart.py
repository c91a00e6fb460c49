"""Box plots across the targets."""

from typing import TYPE_CHECKING, ClassVar

from textual.reactive import var

from tui.core.metrics import NS_PER_S
from tui.ui.charts.plot_view import Markers
from tui.ui.charts.rows_view import RowsView
from tui.ui.viewmodel.axis import tick_labels
from tui.ui.viewmodel.box_chart import Boxes
from tui.ui.viewmodel.plot import ticks_on

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure


class BoxChart(RowsView):
    """From the smallest to the largest a line, from quarter to three quarters a box, and in it the median."""

    DEFAULT_CSS = """
    BoxChart {
        & > .box-chart--whisker { color: $text-muted; }
        & > .box-chart--box { color: $text-primary; }
        & > .box-chart--median { color: $foreground; text-style: bold; }
        &:ansi {
            & > .box-chart--whisker { color: ansi_default; }
            & > .box-chart--box { color: ansi_blue; }
            & > .box-chart--median { color: ansi_default; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"box-chart--whisker", "box-chart--box", "box-chart--median"}

    boxes: var[Boxes] = var(Boxes(), init=False)
    """What is shown."""

    @property
    def has_data(self) -> bool:
        """Whether any target has an answer."""
        return any(box.numbers for box in self.boxes.boxes)

    def watch_boxes(self) -> None:
        """Draw the new data."""
        self.redraw()

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """One row per target."""
        from tui.ui.charts.figure import marker

        ys = self.lay_out(figure, width, height, [box.label for box in self.boxes.boxes])
        x = self.boxes.x
        ticks = ticks_on(x, width // 16)
        figure.ruler("x").lim(x.low, x.high).ticks(ticks, tick_labels(ticks, x.unit))
        ascii_only = self.markers is Markers.ASCII
        whisker, body, middle = (
            marker(glyph, self.colour(f"box-chart--{part}"))
            for glyph, part in zip("-#|" if ascii_only else "─▒┃", ("whisker", "box", "median"), strict=True)
        )
        for box, y in zip(self.boxes.boxes, ys, strict=False):
            if box.numbers is None:
                continue
            of = box.numbers
            for ends, drawn_with in (
                ((of.min, of.max), whisker),
                ((of.quarter, of.three_quarters), body),
                ((of.median, of.median), middle),
            ):
                low, high = (end / NS_PER_S for end in ends)
                figure.draw(figure.segment((low, high), (y, y), marker=drawn_with))

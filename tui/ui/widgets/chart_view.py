"""A widget that shows a chart's drawing."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.charts.plot import BARS, BarRows, Markers, Plot
from tui.ui.widgets import chart_painters
from tui.ui.widgets.chart_painters import DEFAULT_COLOUR, Figure, Pen, PlotPainter, RowsPainter
from tui.ui.widgets.strips import ansi_strips

_FEWEST_ROWS = 4
"""Rows of a drawing that a foot leaves."""
_DEFAULT_SEQUENCE = "\x1b[38;2;{};{};{}m".format(*DEFAULT_COLOUR)
_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│┄…", "+++++++++-|-~")


class ChartView(Widget):
    """Draws `data`, only when they, the size or the colours change; of a new drawing only the rows that differ are
    painted. Every widget has a figure apart from the others'."""

    ALLOW_SELECT = False
    # One set of colours for all charts: lanes by number, figures and phases by name, no colour for two of them.
    DEFAULT_CSS = """
    ChartView {
        & > .chart-view--frame { color: $faint; }
        & > .chart-view--label { color: $text-muted; }
        & > .chart-view--0 { color: $lane-0; }
        & > .chart-view--1 { color: $lane-1; }
        & > .chart-view--2 { color: $lane-2; }
        & > .chart-view--3 { color: $lane-3; }
        & > .chart-view--4 { color: $lane-4; }
        & > .chart-view--5 { color: $lane-5; }
        & > .chart-view--6 { color: $lane-6; }
        & > .chart-view--7 { color: $lane-7; }
        & > .chart-view--ttft { color: $text-warning; }
        & > .chart-view--total { color: $text-success; }
        & > .chart-view--stall, & > .chart-view--failed { color: $text-error; }
        & > .chart-view--bars { color: $text-muted; }
        & > .chart-view--band { color: $faint; }
        & > .chart-view--whisker { color: $text-muted; }
        & > .chart-view--median { color: $foreground; text-style: bold; }
        & > .chart-view--setup { color: $faint; }
        & > .chart-view--waiting { color: $text-warning; }
        & > .chart-view--prompt { color: $lane-1; }
        & > .chart-view--thinking { color: $text-primary; }
        & > .chart-view--output { color: $success; }
        &:ansi {
            & > .chart-view--frame { color: ansi_default; text-style: dim; }
            & > .chart-view--label, & > .chart-view--whisker, & > .chart-view--median { color: ansi_default; }
            & > .chart-view--total, & > .chart-view--output { color: ansi_green; }
            & > .chart-view--ttft, & > .chart-view--waiting { color: ansi_yellow; }
            & > .chart-view--thinking { color: ansi_blue; }
            & > .chart-view--prompt { color: ansi_cyan; }
            & > .chart-view--bars, & > .chart-view--band, & > .chart-view--setup { color: ansi_default; }
            & > .chart-view--stall, & > .chart-view--failed { color: ansi_red; }
            & > .chart-view--0 { color: ansi_magenta; }
            & > .chart-view--1 { color: ansi_bright_cyan; }
            & > .chart-view--2 { color: ansi_bright_red; }
            & > .chart-view--3 { color: ansi_bright_blue; }
            & > .chart-view--4 { color: ansi_bright_yellow; }
            & > .chart-view--5 { color: ansi_bright_magenta; }
            & > .chart-view--6 { color: ansi_default; }
            & > .chart-view--7 { color: ansi_bright_green; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"chart-view--{name}"
        for name in (
            *("frame", "label", *"01234567", "ttft", "total", "stall", "failed", BARS, "band", "whisker", "median"),
            *("setup", "waiting", "prompt", "thinking", "output"),
        )
    }

    data: var[Plot | BarRows] = var(Plot(), init=False)
    """The drawing. Set it at most twice a second: a chart is dear."""
    markers: var[Markers] = var(Markers.BRAILLE, init=False)
    """The characters that points and bars are drawn with."""
    placeholder: var[str] = var("", init=False)
    """Shown while there are no data."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._figure: Figure | None = None
        self._strips: list[Strip] = []
        self._drawn_for: Size | None = None

    @property
    def drawing(self) -> list[Strip]:
        """The rows as they are shown."""
        return self._strips

    def redraw(self) -> None:
        """Draw the figure anew, and paint the rows that changed."""
        if not self.is_attached or not self.size:
            return
        before, self._strips, self._drawn_for = self._strips, self._drawn(), self.size
        if len(before) != len(self._strips):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, strip in enumerate(self._strips) if strip != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        pen = Pen(self.markers, self.rich_style, self._component)
        if not self.data.has_data:
            strips = [Strip([Segment(self.placeholder, self._component("label"))])]
        else:
            painter = PlotPainter(pen, self.data) if isinstance(self.data, Plot) else RowsPainter(pen, self.data)
            head = painter.head(width)
            strips = [] if head is None else [head]
            foot = painter.foot(width)
            if height < len(strips) + len(foot) + _FEWEST_ROWS:
                foot = []
            if height > len(strips):
                text = self._text(painter, pen, width, height - len(strips) - len(foot))
                strips += ansi_strips(text, pen.base)
            strips += foot
        blank = Strip.blank(width, pen.base)
        return [strip.adjust_cell_length(width, pen.base) for strip in strips[:height]] + [blank] * (
            height - len(strips)
        )

    def _component(self, name: str) -> Style:
        return self.get_component_rich_style(f"chart-view--{name}")

    def _text(self, painter: PlotPainter | RowsPainter, pen: Pen, width: int, height: int) -> str:
        if self._figure is None:
            self._figure = chart_painters.new_figure()
        figure = self._figure
        figure.clear()
        figure.plot_size(width, height)
        figure.canvas("default")
        figure.axes(pixel=(pen.colour("frame"), "default"))
        for axis in ("x", "y"):
            figure.ruler(axis, "both").pixel((pen.colour("label"), "default"))
        painter.draw(figure, width, height)
        text: str = figure.build().string().replace(_DEFAULT_SEQUENCE, "\x1b[39m")
        return text.translate(_ASCII) if self.markers is Markers.ASCII else text

    def watch_data(self) -> None:
        """Draw the new data."""
        self.redraw()

    def watch_markers(self) -> None:
        """Draw with the new markers."""
        self.redraw()

    def watch_placeholder(self) -> None:
        """Show the new placeholder."""
        self.redraw()

    def watch_virtual_size(self) -> None:
        """Draw for the new size, also where Textual sends no `Resize`; see `StreamView`."""
        if self.size != self._drawn_for:
            self.redraw()

    on_resize = watch_virtual_size

    def notify_style_update(self) -> None:
        """Draw with the new theme's colours."""
        super().notify_style_update()
        if self._strips:
            # The component classes get their new styles only after this.
            self.call_later(self.redraw)

    def render_line(self, y: int) -> Strip:
        """Row `y` of the drawing."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, Style.null())

"""A widget that shows a chart's drawing."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
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


_VARIABLES = {
    "frame": "faint", "label": "quiet", **{f"{lane}": f"lane-{lane}" for lane in range(8)},
    "ttft": "text-warning", "total": "text-success", "stall": "text-error", "failed": "text-error",
    BARS: "quiet", "band": "faint", "whisker": "quiet", "median": "foreground",
    "setup": "faint", "waiting": "text-warning", "prompt": "lane-1", "thinking": "text-primary", "output": "success",
}  # fmt: skip
"""One set of colours for all charts: lanes by number, figures and phases by name, no colour for two of them; each with
the theme's variable that has it. Not in CSS: at the start that costs as much as a pane does."""


class ChartView(Widget):
    """Draws `data`, only when they, the size or the colours change; of a new drawing only the rows that differ are
    painted. Every widget has a figure apart from the others'."""

    ALLOW_SELECT = False

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

    watch_data = watch_markers = watch_placeholder = redraw

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        pen = Pen(self.markers, self.rich_style, self.style_of)
        if not self.data.has_data:
            strips = [Strip([Segment(self.placeholder, self.style_of("label"))])]
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

    def style_of(self, name: str) -> Style:
        """The style of a part, one of `_VARIABLES`."""
        colour = Color.parse(self.app.theme_variables[_VARIABLES[name]])
        return self.rich_style + Style(color=colour.rich_color, bold=True if name == "median" else None)

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

    def watch_virtual_size(self) -> None:
        """Draw for the new size, also where Textual sends no `Resize`; see `StreamView`."""
        if self.size != self._drawn_for:
            self.redraw()

    on_resize = watch_virtual_size

    def notify_style_update(self) -> None:
        """Draw with the new theme's colours."""
        super().notify_style_update()
        if self._strips:
            self.call_later(self.redraw)

    def render_line(self, y: int) -> Strip:
        """Row `y` of the drawing."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, Style.null())

"""Curves, bars and bands on two axes."""

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.reactive import var
from textual.strip import Strip

from tui.ui.charts.labels import Entry, distinct, key_strip
from tui.ui.charts.plot_view import Markers, PlotView
from tui.ui.viewmodel.axis import tick_labels
from tui.ui.viewmodel.plot import BARS, Band, Bars, Curve, Plot, Point, thinned, ticks_on

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

SYMBOLS = "●▲■◆○△□◇!×"
"""What tells curves apart without colour: one for each lane, then stall and failure."""
ASCII_SYMBOLS = "o^#*%@&+!x"

_LINES = {Markers.BRAILLE: "braille", Markers.BLOCK: "hd", Markers.ASCII: "."}
_FRAME_ROWS = 2
"""Rows for the axis and its labels."""
_PANEL_GAP = 0.75
"""Rows that a panel leaves free where there are several, so that they do not touch."""
_SPARSE = 4
"""Columns per point from which on every point of a line gets its symbol; otherwise `_FEW` of them do."""
_FEW = 6


class XYChart(PlotView):
    """Draws a `Plot`: panels above each other on one x axis."""

    DEFAULT_CSS = """
    XYChart {
        & > .xy-chart--0 { color: $text-success; }
        & > .xy-chart--1 { color: $text-warning; }
        & > .xy-chart--2 { color: $text-primary; }
        & > .xy-chart--3 { color: $text-accent; }
        & > .xy-chart--4 { color: $text-secondary; }
        & > .xy-chart--5 { color: $foreground; }
        & > .xy-chart--6 { color: $text-muted; }
        & > .xy-chart--7 { color: $text-error; }
        & > .xy-chart--ttft { color: $text-warning; }
        & > .xy-chart--total { color: $text-success; }
        & > .xy-chart--stall, & > .xy-chart--failed { color: $text-error; }
        & > .xy-chart--bars { color: $text-primary; }
        & > .xy-chart--band { color: $text-disabled; }
        &:ansi {
            & > .xy-chart--0, & > .xy-chart--total { color: ansi_green; }
            & > .xy-chart--1, & > .xy-chart--ttft { color: ansi_yellow; }
            & > .xy-chart--2, & > .xy-chart--bars { color: ansi_blue; }
            & > .xy-chart--3 { color: ansi_magenta; }
            & > .xy-chart--4 { color: ansi_cyan; }
            & > .xy-chart--5, & > .xy-chart--band { color: ansi_default; }
            & > .xy-chart--6 { color: ansi_bright_blue; }
            & > .xy-chart--7, & > .xy-chart--stall, & > .xy-chart--failed { color: ansi_red; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"xy-chart--{name}" for name in (*"01234567", "ttft", "total", "stall", "failed", BARS, "band")
    }

    plot: var[Plot] = var(Plot(), init=False)
    """What is shown. Set it at most twice a second: a chart is dear."""

    _share = 1.0
    """Part of its height that each panel uses."""

    @property
    def has_data(self) -> bool:
        """Whether there is any point."""
        return any(curve.points for curve in self.plot.curves)

    def watch_plot(self) -> None:
        """Draw the new data."""
        self.redraw()

    def head(self, width: int) -> Strip:
        """The key: each curve's symbol in its colour, and its name."""
        curves = self.plot.curves
        shorts = distinct([curve.label for curve in curves])
        entries = [
            Entry(self._symbol(curve), self._style(curve.colour), curve.label, short)
            for curve, short in zip(curves, shorts, strict=True)
        ]
        bar = "#" if self.markers is Markers.ASCII else "█"
        entries += [Entry(bar, self._style(BARS), bars.label, bars.label) for bars in self.plot.bars]
        muted = self.rich_style + self.get_component_rich_style("plot-view--label")
        return key_strip(entries, muted, width, self.plot.more)

    def _style(self, colour: str) -> Style:
        return self.rich_style + self.get_component_rich_style(f"xy-chart--{colour}")

    def _symbol(self, curve: Curve) -> str:
        return (ASCII_SYMBOLS if self.markers is Markers.ASCII else SYMBOLS)[curve.symbol]

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """Bands below bars below curves."""
        plot = self.plot
        rows = max(2, height - _FRAME_ROWS)
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        labels: dict[int, tuple[float, str]] = {}
        pitch = len(plot.panels) / (rows - 1)
        self._share = 1.0 if len(plot.panels) == 1 else 1 - _PANEL_GAP * pitch
        for number, panel in enumerate(plot.panels):
            ticks = ticks_on(panel, rows // len(plot.panels) // 2)
            for tick, label in zip(ticks, tick_labels(ticks, panel.unit), strict=True):
                at = self._y(number, tick)
                # One label in a row: a panel may begin right above the top of the next.
                labels.setdefault(round(at / pitch), (at, label))
        positions, names = zip(*labels.values(), strict=True)
        figure.ruler("y").lim(0, len(plot.panels)).ticks(list(positions), list(names))
        columns = max(2, width - max(map(len, names)) - 1)
        ticks = ticks_on(plot.x, columns // 12)
        figure.ruler("x").lim(plot.x.low, plot.x.high).ticks(ticks, tick_labels(ticks, plot.x.unit))
        for band in plot.bands:
            self._draw_band(figure, band, rows)
        for bars in plot.bars:
            self._draw_bars(figure, bars, columns)
        for curve in plot.curves:
            self._draw_curve(figure, curve, columns)

    def _y(self, panel: int, value: float) -> float:
        """Where a value stands on the drawing, on which each panel is 1 high."""
        axis = self.plot.panels[panel]
        share = (value - axis.low) / (axis.high - axis.low)
        return len(self.plot.panels) - 1 - panel + share * self._share

    def _draw_curve(self, figure: "Figure", curve: Curve, columns: int) -> None:
        from tui.ui.charts.figure import marker

        points = thinned(curve.points, columns, self.plot.x.low, self.plot.x.high)
        if not points:
            return
        colour = self.colour(f"xy-chart--{curve.colour}")
        if curve.joined:
            self._draw_points(figure, points, curve.panel, marker(_LINES[self.markers], colour), joined=True)
            if len(points) * _SPARSE > columns:
                points = [points[index * (len(points) - 1) // (_FEW - 1)] for index in range(_FEW)]
        self._draw_points(figure, points, curve.panel, marker(self._symbol(curve), colour), joined=False)

    def _draw_points(self, figure: "Figure", points: list[Point], panel: int, drawn_with: object, joined: bool) -> None:
        xs, ys = [x for x, _ in points], [self._y(panel, y) for _, y in points]
        figure.draw(figure.signal(xs, ys, marker=drawn_with).lines(joined and len(points) > 1))

    def _draw_bars(self, figure: "Figure", bars: Bars, columns: int) -> None:
        """Half a cell wide each, as quarter blocks can."""
        from tui.ui.charts.figure import marker

        x = self.plot.x
        xs: list[float] = []
        tops: list[float] = []
        for half in range(2 * columns):
            at = x.low + (x.high - x.low) * (half + 0.5) / (2 * columns)
            number = int((at - bars.low) // bars.width)
            if 0 <= number < len(bars.heights) and bars.heights[number]:
                xs.append(at)
                tops.append(self._y(bars.panel, bars.heights[number]))
        symbol = "#" if self.markers is Markers.ASCII else "hd"
        drawn_with = marker(symbol, self.colour(f"xy-chart--{BARS}"))
        if xs:
            floor = figure.signal(xs, [self._y(bars.panel, 0)] * len(xs), marker=drawn_with)
            figure.draw(figure.signal(xs, tops, marker=drawn_with).fill(floor))

    def _draw_band(self, figure: "Figure", band: Band, rows: int) -> None:
        from tui.ui.charts.figure import marker

        low, middle, high = (self._y(band.panel, value) for value in (band.low, band.middle, band.high))
        ends = (self.plot.x.low, self.plot.x.high)
        ascii_only = self.markers is Markers.ASCII
        shade = marker(":" if ascii_only else "░", self.colour("xy-chart--band"))
        row_height = len(self.plot.panels) / max(1, rows - 1)
        for row in range(rows):
            if low <= row * row_height <= high:
                figure.draw(figure.segment(ends, (row * row_height,) * 2, marker=shade))
        line = marker("-" if ascii_only else "┄", self.colour(f"xy-chart--{band.colour}"))
        figure.draw(figure.segment(ends, (middle, middle), marker=line))

"""Painters of the two forms of a chart, on a figure of plotext: `PlotPainter` and `RowsPainter`.

plotext takes some 130 ms to import: it is imported by the first figure, after the first paint.
"""

import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.ui.charts.plot import (
    BARS,
    Band,
    BarRows,
    Curve,
    Histogram,
    Look,
    Markers,
    Plot,
    Point,
    round_ticks,
    thinned,
    tick_labels,
    ticks_on,
)
from tui.ui.viewmodel.lane_lines import shortened, without_common
from tui.ui.widgets.strips import KeyName, key_strip

Figure = Any
"""A plotext figure; plotext has no types."""
Colour = tuple[int, int, int] | int
"""A colour as plotext takes it: red, green and blue, or a number of the terminal's palette."""

DEFAULT_COLOUR = (1, 2, 3)
"""Stands for the terminal's own colour until the drawing is done: plotext sets a colour where there is none."""
SYMBOLS = "●▲■◆○△□◇!×"
"""Symbols that tell curves apart without colour: one for each lane, then stall and failure."""
ASCII_SYMBOLS = "o^#*%@&+!x"

_LINES = {Markers.BRAILLE: "braille", Markers.BLOCK: "hd", Markers.ASCII: "."}
_FRAME_ROWS = 2
"""Rows for the axis and its labels."""
_CELLS_PER_TICK = 12
_FEWEST_TICKS = 3
"""On an axis that ends at a round value: with fewer, half of it could stay empty."""
_PANEL_GAP = 0.75
"""Rows that a panel leaves free where there are several, so that they do not touch."""
_SPARSE = 4
"""Columns per point from which on every point of a line gets its symbol; otherwise `_FEW` of them do."""
_FEW = 6


def new_figure() -> Figure:
    """A figure apart from plotext's global one, and of any size, whatever the terminal's size."""
    import plotext

    terminal = type(plotext.terminal)()
    terminal.limit(False, False)
    return type(plotext.figure)(terminal)


class Pen(NamedTuple):
    """The means that a painter draws with: markers, and styles by the names of colours."""

    markers: Markers
    base: Style
    """The widget's own."""
    component: Callable[[str], Style]
    """The style that the stylesheet gives to a name."""

    def style(self, name: str) -> Style:
        """The style of text with this name."""
        return self.base + self.component(name)

    def colour(self, name: str) -> Colour:
        """The colour of this name, for plotext."""
        colour = self.component(name).color
        if colour is not None and colour.triplet is not None:
            return colour.triplet.red, colour.triplet.green, colour.triplet.blue
        return DEFAULT_COLOUR if colour is None or colour.number is None else colour.number

    def glyph(self, glyph: str, ascii_glyph: str) -> str:
        """The one of the two that the markers allow."""
        return ascii_glyph if self.markers is Markers.ASCII else glyph

    def marker(self, symbol: str, name: str) -> Any:
        """A plotext marker: `symbol` is one character, `braille`, or `hd` (quarter blocks)."""
        import plotext

        return plotext.marker(symbol, self.colour(name))


class RowsPainter:
    """Paints rows from top to bottom. Those that do not fit are counted on the last, `+N more`."""

    def __init__(self, pen: Pen, data: BarRows) -> None:
        self._pen = pen
        self._data = data

    def head(self, width: int) -> Strip | None:
        """The key: each look's glyph in its colour, and its name."""
        looks = self._data.key
        if not looks:
            return None
        names = [KeyName(self._glyph(look), self._pen.style(look.colour), look.name, look.short) for look in looks]
        return key_strip(names, self._pen.style("label"), width)

    def foot(self, width: int) -> list[Strip]:
        """The sentences below the rows."""
        style = self._pen.style("label")
        return [Strip([Segment(line, style)]) for line in textwrap.wrap(self._data.foot, max(1, width))]

    def _glyph(self, look: Look) -> str:
        return self._pen.glyph(look.glyph, look.ascii_glyph)

    def draw(self, figure: Figure, width: int, height: int) -> None:
        """Draw on `figure`, which is empty and sized `width` by `height` cells."""
        data = self._data
        most = max(1, height - _FRAME_ROWS)
        shown = data.rows if len(data.rows) <= most else data.rows[: most - 1]
        names = [row.label for row in shown]
        names = shortened(names, max(8, width * 2 // 5)) if data.of_lanes else names
        if len(shown) < len(data.rows):
            names.append(f"+{len(data.rows) - len(shown)} more")
        # Bars grow with the room; between them a row stays empty, except where rows belong together.
        gap = 1 if data.of_lanes and 2 * len(names) - 1 <= most else 0
        thick = max(1, (most + gap) // len(names) - gap)
        stride = thick + gap
        used = max(2, stride * len(names) - gap)
        figure.plot_size(width, min(height, used + _FRAME_ROWS))
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        middles = [stride * row + (thick - 1) // 2 for row in range(len(names))]
        figure.ruler("y").lim(0, used - 1).direction(-1).ticks(middles, names)
        self._rule_x(figure, (width - max(map(len, names))) // _CELLS_PER_TICK)
        looks = dict.fromkeys(bar.look for row in shown for bar in row.bars)
        markers = {look: self._pen.marker(self._glyph(look), look.colour) for look in looks}
        for number, row in enumerate(shown):
            for bar in row.bars:
                rows = [middles[number]] if bar.look.thin else range(stride * number, stride * number + thick)
                for y in rows:
                    figure.draw(figure.segment((bar.low, bar.high), (y, y), marker=markers[bar.look]))

    def _rule_x(self, figure: Figure, most: int) -> None:
        x = self._data.x
        ticks = round_ticks(0.0, x.high, max(_FEWEST_TICKS, most)) if self._data.grows else ticks_on(x, most)
        figure.ruler("x").lim(x.low, ticks[-1] if self._data.grows else x.high)
        figure.ruler("x").ticks(ticks, tick_labels(ticks, x.unit))


class PlotPainter:
    """Paints bands below histograms below curves, in panels above each other on one x axis."""

    def __init__(self, pen: Pen, data: Plot) -> None:
        self._pen = pen
        self._data = data
        self._share = 1.0
        """Part of its height that each panel uses."""

    def head(self, width: int) -> Strip | None:
        """The key: each curve's symbol in its colour, and its name."""
        curves = [curve for curve in self._data.curves if curve.label]
        shorts = without_common([curve.label for curve in curves])
        names = [
            KeyName(self._symbol(curve), self._pen.style(curve.colour), curve.label, short)
            for curve, short in zip(curves, shorts, strict=True)
        ]
        bar = self._pen.glyph("█", "#")
        names += [KeyName(bar, self._pen.style(BARS), each.label, each.label) for each in self._data.histograms]
        return key_strip(names, self._pen.style("label"), width, self._data.more)

    def foot(self, _width: int) -> list[Strip]:
        """No row."""
        return []

    def _symbol(self, curve: Curve) -> str:
        return self._pen.glyph(SYMBOLS[curve.symbol], ASCII_SYMBOLS[curve.symbol])

    def draw(self, figure: Figure, width: int, height: int) -> None:
        """Draw on `figure`, which is empty and sized `width` by `height` cells."""
        plot = self._data
        rows = max(2, height - _FRAME_ROWS)
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        columns = max(2, width - self._rule_y(figure, rows) - 1)
        ticks = ticks_on(plot.x, columns // _CELLS_PER_TICK)
        figure.ruler("x").lim(plot.x.low, plot.x.high).ticks(ticks, tick_labels(ticks, plot.x.unit))
        for band in plot.bands:
            self._draw_band(figure, band, rows)
        for histogram in plot.histograms:
            self._draw_histogram(figure, histogram, columns)
        for curve in plot.curves:
            self._draw_curve(figure, curve, columns)

    def _rule_y(self, figure: Figure, rows: int) -> int:
        """Mark the panels' axes; returns the length of the longest mark."""
        panels = self._data.panels
        pitch = len(panels) / (rows - 1)
        self._share = 1.0 if len(panels) == 1 else 1 - _PANEL_GAP * pitch
        labels: dict[int, tuple[float, str]] = {}
        for number, panel in enumerate(panels):
            ticks = ticks_on(panel, rows // len(panels) // 2)
            for tick, label in zip(ticks, tick_labels(ticks, panel.unit), strict=True):
                at = self._y(number, tick)
                # One label in a row: a panel may begin right above the top of the next.
                labels.setdefault(round(at / pitch), (at, label))
        positions, names = zip(*labels.values(), strict=True)
        figure.ruler("y").lim(0, len(panels)).ticks(list(positions), list(names))
        return max(map(len, names))

    def _y(self, panel: int, value: float) -> float:
        """The height at which a value stands on the drawing, on which each panel is 1 high."""
        axis = self._data.panels[panel]
        share = (value - axis.low) / (axis.high - axis.low)
        return len(self._data.panels) - 1 - panel + share * self._share

    def _draw_curve(self, figure: Figure, curve: Curve, columns: int) -> None:
        points = thinned(curve.points, columns, self._data.x.low, self._data.x.high)
        if not points:
            return
        if curve.joined:
            line = self._pen.marker(_LINES[self._pen.markers], curve.colour)
            self._draw_points(figure, points, curve.panel, line, joined=True)
            if len(points) * _SPARSE > columns:
                points = [points[index * (len(points) - 1) // (_FEW - 1)] for index in range(_FEW)]
        marker = self._pen.marker(self._symbol(curve), curve.colour)
        self._draw_points(figure, points, curve.panel, marker, joined=False)

    def _draw_points(self, figure: Figure, points: list[Point], panel: int, marker: object, joined: bool) -> None:
        xs, ys = [x for x, _ in points], [self._y(panel, y) for _, y in points]
        figure.draw(figure.signal(xs, ys, marker=marker).lines(joined and len(points) > 1))

    def _draw_histogram(self, figure: Figure, bars: Histogram, columns: int) -> None:
        """Half a cell wide each, as quarter blocks can."""
        x = self._data.x
        xs: list[float] = []
        tops: list[float] = []
        for half in range(2 * columns):
            at = x.low + (x.high - x.low) * (half + 0.5) / (2 * columns)
            number = int((at - bars.low) // bars.width)
            if 0 <= number < len(bars.heights) and bars.heights[number]:
                xs.append(at)
                tops.append(self._y(bars.panel, bars.heights[number]))
        marker = self._pen.marker(self._pen.glyph("hd", "#"), BARS)
        if xs:
            floor = figure.signal(xs, [self._y(bars.panel, 0)] * len(xs), marker=marker)
            figure.draw(figure.signal(xs, tops, marker=marker).fill(floor))

    def _draw_band(self, figure: Figure, band: Band, rows: int) -> None:
        low, middle, high = (self._y(band.panel, value) for value in (band.low, band.middle, band.high))
        ends = (self._data.x.low, self._data.x.high)
        shade = self._pen.marker(self._pen.glyph("░", ":"), "band")
        row_height = len(self._data.panels) / max(1, rows - 1)
        for row in range(rows):
            if low <= row * row_height <= high:
                figure.draw(figure.segment(ends, (row * row_height,) * 2, marker=shade))
        line = self._pen.marker(self._pen.glyph("┄", "-"), band.colour)
        figure.draw(figure.segment(ends, (middle, middle), marker=line))

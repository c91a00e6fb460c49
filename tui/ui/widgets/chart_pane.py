"""The pane of the charts: one chart at a time, under the names of all."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from tui.core.sanitize import clean
from tui.session.lane import Lane
from tui.ui import charts
from tui.ui.charts import ChartKind
from tui.ui.charts.plot import Markers, Numbers
from tui.ui.charts.source import ChartSource
from tui.ui.widgets.chart_view import ChartView

if TYPE_CHECKING:
    from tui.core.rounds import Past

_BACK, _ON = "‹ ", " ›"
"""Stand where names are left out; a click on them goes there."""


class ChartStrip(Widget):
    """A light stand-in for tabs: a Tabs widget costs as much at the first paint as all the rest of a pane."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ChartStrip {
        height: 1;
        & > .chart-strip--name { color: $text-muted; }
        & > .chart-strip--chosen { color: $foreground; text-style: bold underline; }
        &:ansi {
            & > .chart-strip--name { color: ansi_default; }
            & > .chart-strip--chosen { color: ansi_default; text-style: bold underline; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart-strip--name", "chart-strip--chosen"}

    class NameClicked(Message):
        """A name was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names
        self._chosen = 0

    def choose(self, index: int) -> None:
        """Show another name as the chosen one."""
        if index != self._chosen:
            self._chosen = index
            self.refresh()

    def _shown(self, width: int) -> tuple[int, int]:
        """The first name that is shown and the one after the last: those from the start, or as far on as needed."""
        lengths = [cell_len(name) + 1 for name in self._names]
        first = 0
        while True:
            end, used = first, len(_BACK) if first else 0
            while end < len(lengths):
                needed = used + lengths[end] + (len(_ON) if end + 1 < len(lengths) else 0)
                if needed - 1 > width and end > first:
                    break
                used += lengths[end]
                end += 1
            if end > self._chosen:
                return first, end
            first += 1

    def _parts(self, width: int) -> list[tuple[str, int]]:
        """Text and index of what stands in the row, from the left."""
        first, end = self._shown(width)
        parts: list[tuple[str, int]] = [(_BACK, first - 1)] if first else []
        for index in range(first, end):
            parts += [(self._names[index], index), (" ", index)]
        return [*parts[:-1], (_ON, end)] if end < len(self._names) else parts

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        muted = self.rich_style + self.get_component_rich_style("chart-strip--name")
        chosen = self.rich_style + self.get_component_rich_style("chart-strip--chosen")
        segments = [
            Segment(text, chosen if index == self._chosen and text != " " else muted)
            for text, index in self._parts(width)
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Choose the name that was clicked."""
        at = 0
        for text, index in self._parts(self.size.width):
            at += cell_len(text)
            if event.x < at:
                event.stop()
                self.post_message(self.NameClicked(index))
                return


class ChartHolder(Vertical):
    """Shows one chart with its name in the border, drawn only while it is seen and when its data have changed."""

    DEFAULT_CSS = """
    ChartHolder { & > ChartView { height: 1fr; } }
    """

    markers: var[Markers] = var(Markers.BRAILLE, init=False)
    """The characters that points and bars are drawn with."""

    def __init__(self, source: Callable[[], ChartSource], kind: ChartKind, *, id: str) -> None:  # noqa: A002  # Textual's name
        """`source` gives the data as they are now."""
        super().__init__(id=id)
        self._source = source
        self.kind = kind
        self.chart = ChartView()
        self.chart.placeholder = kind.chart.placeholder
        self._drawn: object = None
        self.mark = ""
        """Stands in front of the title."""
        self.border_title = kind.chart.title

    def compose(self) -> ComposeResult:
        """The chart."""
        yield self.chart

    def watch_markers(self, markers: Markers) -> None:
        """Draw with other markers."""
        self.chart.markers = markers

    def show_kind(self, kind: ChartKind) -> None:
        """Show another kind of chart."""
        if kind is self.kind:
            return
        self.kind = kind
        self._drawn = None
        if not self.draw():
            self.call_after_refresh(self.draw)

    def draw(self) -> bool:
        """Draw what there is now, if it is seen and has changed. True if the data were looked at."""
        if not self.is_attached or not self.screen.is_current or not self.chart.is_on_screen:
            return False
        source, chart = self._source(), self.kind.chart
        version = chart.version(source)
        if version == self._drawn:
            return False
        self._drawn = version
        title = Content(clean(self.mark + chart.heading(source)))
        if title != self.border_title:
            self.border_title = title
        self.chart.placeholder = chart.placeholder
        self.chart.data = chart.build(source)
        return True

    def numbers(self) -> Numbers:
        """The table of the chart's numbers."""
        return self.kind.chart.numbers(self._source())

    def on_show(self) -> None:
        """Draw what has changed while it was hidden."""
        self.call_after_refresh(self.draw)


class ChartPane(ChartHolder, can_focus=True):
    """A chart under the names of all."""

    FOCUS_ON_CLICK = False

    def __init__(self, source: Callable[[], ChartSource]) -> None:
        super().__init__(source, charts.CHARTS[0], id="chart")
        self.past: Callable[[Lane], Past | None] = lambda _lane: None
        """See `ChartSource.past`."""
        self._strip = ChartStrip([kind.tab for kind in charts.CHARTS])

    def compose(self) -> ComposeResult:
        """The names, and the first chart."""
        yield self._strip
        yield self.chart

    def show_kind(self, kind: ChartKind) -> None:
        """Show another kind of chart."""
        self._strip.choose(charts.CHARTS.index(kind))
        super().show_kind(kind)

    @on(ChartStrip.NameClicked)
    def _chosen(self, event: ChartStrip.NameClicked) -> None:
        event.stop()
        self.show_kind(charts.CHARTS[event.index])

"""Holds one chart of any kind, which is drawn only while it is seen and when its data have changed."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var

from tui.core.sanitize import clean
from tui.ui.charts.kinds import ChartKind
from tui.ui.charts.lanes_chart import LanesChart
from tui.ui.charts.plot_view import Markers, PlotView
from tui.ui.viewmodel.chart_source import ChartSource
from tui.ui.viewmodel.numbers import Numbers


class ChartHolder(Vertical):
    """Mounts one chart at a time, with its name in the border. `source` says what there is to draw."""

    DEFAULT_CSS = """
    ChartHolder { & > PlotView { height: 1fr; } }
    """

    markers: var[Markers] = var(Markers.BRAILLE, init=False)
    """What points and bars are drawn with."""

    def __init__(self, source: Callable[[], ChartSource], kind: ChartKind, *, id: str) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._source = source
        self.kind = kind
        self.chart: PlotView = self._view(kind)
        self._drawn: object = None
        self.mark = ""
        """Stands in front of the title."""
        self.border_title = kind.heading

    def compose(self) -> ComposeResult:
        """The chart."""
        yield self.chart

    def _view(self, kind: ChartKind) -> PlotView:
        if kind is ChartKind.LATEST:
            chart: PlotView = LanesChart()
        else:
            from tui.ui.charts.drawing import DRAWINGS

            chart = DRAWINGS[kind].view()
        chart.placeholder = kind.placeholder
        chart.set_reactive(PlotView.markers, self.markers)
        return chart

    def watch_markers(self, markers: Markers) -> None:
        """Draw with other markers."""
        self.chart.markers = markers

    async def show_kind(self, kind: ChartKind) -> None:
        """Show another kind of chart."""
        if kind is self.kind:
            return
        self.kind = kind
        before, self.chart = self.chart, self._view(kind)
        self._drawn = None
        with self.app.batch_update():
            await before.remove()
            await self.mount(self.chart)
        self.call_after_refresh(self.draw)

    def draw(self) -> bool:
        """Draw what there is now, if it is seen and has changed. True if the data were looked at."""
        if not self.is_attached or not self.screen.is_current or not self.chart.is_on_screen:
            return False
        source = self._source()
        if self.kind is ChartKind.LATEST and not any(lane.record for lane in source.lanes) and self._drawn is None:
            return False
        from tui.ui.charts.drawing import DRAWINGS, title_of

        drawing = DRAWINGS[self.kind]
        version = drawing.version(source)
        if version == self._drawn:
            return False
        self._drawn = version
        data = drawing.build(source)
        title = Content(clean(self.mark + title_of(self.kind, source)))
        if title != self.border_title:
            self.border_title = title
        setattr(self.chart, drawing.attribute, data)
        return True

    def numbers(self) -> Numbers:
        """What is drawn, in numbers."""
        from tui.ui.charts.drawing import DRAWINGS

        return DRAWINGS[self.kind].numbers(self._source())

    def on_show(self) -> None:
        """What has changed while it was hidden."""
        self.call_after_refresh(self.draw)

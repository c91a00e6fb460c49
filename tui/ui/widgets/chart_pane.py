"""The charts of the main screen: one at a time, chosen in the row above it."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult

from tui.ui.charts.kinds import ChartKind
from tui.ui.viewmodel.chart_source import ChartSource
from tui.ui.widgets.chart_holder import ChartHolder
from tui.ui.widgets.chart_strip import ChartStrip


class ChartPane(ChartHolder):
    """A chart under the names of all."""

    def __init__(self, source: Callable[[], ChartSource]) -> None:
        super().__init__(source, ChartKind.LATEST, id="chart")
        self._strip = ChartStrip([kind.tab for kind in ChartKind])

    def compose(self) -> ComposeResult:
        """The names, and the first chart."""
        yield self._strip
        yield self.chart

    async def show_kind(self, kind: ChartKind) -> None:
        """Show another kind of chart."""
        self._strip.choose(list(ChartKind).index(kind))
        await super().show_kind(kind)

    @on(ChartStrip.Chosen)
    async def _chosen(self, event: ChartStrip.Chosen) -> None:
        event.stop()
        await self.show_kind(list(ChartKind)[event.index])

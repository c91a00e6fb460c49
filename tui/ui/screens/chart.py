"""One chart over the whole screen, with its numbers beside it."""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, ScrollableContainer
from textual.events import Resize
from textual.strip import Strip
from textual.widgets import Static

from tui.core.frontier import BY
from tui.ui.bindings import KeyNames
from tui.ui.charts import ChartKind
from tui.ui.charts.plot import Markers, number_lines
from tui.ui.charts.source import METRICS, ChartSource
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import OnTop
from tui.ui.widgets.chart_pane import ChartHolder
from tui.ui.widgets.key_bar import KeyBar
from tui.ui.widgets.strips import padded, svg_of, text_of

_EVERY_S = 0.5
_NARROWEST = 100
"""Columns below which the numbers stand under the chart."""


class ChartScreen(OnTop[ChartKind]):
    """Shows a chart of the session as it goes on; dismisses with the kind shown last."""

    DEFAULT_CSS = """
    ChartScreen {
        & > Horizontal { height: 1fr; }
        & ChartHolder {
            width: 1fr; height: 1fr; padding: 0 1;
            border-top: solid $panel-lighten-2; border-title-color: $foreground; border-title-style: bold;
        }
        & ScrollableContainer {
            width: auto; max-width: 66%; height: 1fr; padding: 0 1;
            border-top: solid $panel-lighten-2; border-title-color: $foreground; border-title-style: bold;
            scrollbar-size: 1 1;
        }
        & #numbers { width: auto; height: auto; text-wrap: nowrap; }
        &.-narrow {
            & > Horizontal { layout: vertical; }
            & ChartHolder { height: 3fr; }
            & ScrollableContainer { width: 1fr; max-width: 100%; height: 2fr; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("chart")

    def __init__(
        self,
        source: Callable[[], ChartSource],
        kind: ChartKind,
        markers: Markers,
        keys: KeyNames,
        save: Callable[[ChartKind, str, str], None],
    ) -> None:
        """`save` writes a kind of chart to a file, given its suffix and content."""
        super().__init__()
        self._keys = keys
        self._save = save
        self._source = source
        self._lanes_on = 0
        self._metric = 0
        self._holder = ChartHolder(self._chosen, kind, id="maximised-chart")
        self._holder.markers = markers
        self._numbers = Static("", id="numbers", markup=False)
        self._lines: list[str] = []

    def compose(self) -> ComposeResult:
        """The chart, its numbers and the keys."""
        with Horizontal():
            yield self._holder
            with ScrollableContainer() as scroll:
                scroll.border_title = "Numbers"
                yield self._numbers
        yield KeyBar(self._keys.of("chart"))

    def on_mount(self) -> None:
        """Follow what happens."""
        self.set_interval(_EVERY_S, self._draw)
        self.call_after_refresh(self._draw)

    def on_resize(self, event: Resize) -> None:
        """Beside each other where there is room."""
        self.set_class(event.size.width < _NARROWEST, "-narrow")

    def _chosen(self) -> ChartSource:
        """The session, seen as this screen's keys chose."""
        source = self._source()
        lanes = source.lanes
        at = next((number for number, lane in enumerate(lanes) if lane is source.current), 0)
        current = lanes[(at + self._lanes_on) % len(lanes)]
        metric = METRICS[(METRICS.index(source.metric) + self._metric) % len(METRICS)]
        by = BY[(BY.index(source.frontier_by) + self._metric) % len(BY)]
        return msgspec.structs.replace(source, current=current, metric=metric, frontier_by=by)

    def _draw(self) -> None:
        if self._holder.draw() or not self._lines:
            lines = number_lines(self._holder.numbers(), padded)
            if lines != self._lines:
                self._lines = lines
                self._numbers.update("\n".join(lines))

    def action_step(self, step: int) -> None:
        """Show another kind of chart."""
        self._holder.show_kind(self._holder.kind.after(step))
        # At once, and whether or not there is something to draw: what is saved next is of this chart.
        self._lines = []
        self._draw()

    def action_lane(self) -> None:
        """Look at the next lane."""
        self._lanes_on += 1
        self._draw()

    def action_metric(self) -> None:
        """Show the next metric, in the charts of one."""
        self._metric += 1
        self._draw()

    def action_save(self, suffix: str) -> None:
        """Hand the chart on as it stands, with its numbers."""
        style = self._holder.chart.rich_style
        title = self._holder.border_title or ""
        simulated = any(lane.record and lane.record.spec.endpoint.simulated for lane in self._source().lanes)
        rows = [f"{title} · SIMULATED" if simulated else str(title), ""]
        lines = [
            *(Strip([Segment(row, style)]) for row in rows),
            *self._holder.chart.drawing,
            *(Strip([Segment(line, style)]) for line in ("", *self._lines)),
        ]
        content = svg_of(lines, style) if suffix == "svg" else text_of(lines)
        self._save(self._holder.kind, suffix, content)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(self._holder.kind)

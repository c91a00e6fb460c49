"""The chart of the latest run: what every lane did when, one bar each on a common time axis."""

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.reactive import var
from textual.strip import Strip

from tui.ui.charts.plot_view import Markers
from tui.ui.charts.rows_view import RowsView
from tui.ui.viewmodel.axis import round_ticks
from tui.ui.viewmodel.lanes_timeline import LanesTimeline, Phase

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

GLYPHS = {Phase.CONNECTING: "·", Phase.WAITING: "░", Phase.THINKING: "▒", Phase.STREAMING: "█"}
"""What the phases are drawn with, so that they are told apart without colour."""
ASCII_GLYPHS = {Phase.CONNECTING: ".", Phase.WAITING: "-", Phase.THINKING: "~", Phase.STREAMING: "#"}

_SHORT = {Phase.CONNECTING: "connect", Phase.WAITING: "wait", Phase.THINKING: "think", Phase.STREAMING: "stream"}
"""The key's words where the chart is narrow."""
_SHORTEST_AXIS_S = 0.1


class LanesChart(RowsView):
    """One horizontal bar per lane, from the run's first send on, in seconds."""

    DEFAULT_CSS = """
    LanesChart {
        & > .lanes-chart--connecting { color: $text-disabled; }
        & > .lanes-chart--waiting { color: $text-warning; }
        & > .lanes-chart--thinking { color: $text-primary; }
        & > .lanes-chart--streaming { color: $success; }
        &:ansi {
            & > .lanes-chart--connecting { color: ansi_default; }
            & > .lanes-chart--waiting { color: ansi_yellow; }
            & > .lanes-chart--thinking { color: ansi_magenta; }
            & > .lanes-chart--streaming { color: ansi_green; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lanes-chart--{phase}" for phase in Phase}

    timeline: var[LanesTimeline] = var(LanesTimeline(), init=False)
    """What is shown. Set it at most twice a second: a chart is dear."""

    @property
    def has_data(self) -> bool:
        """Whether any lane has begun."""
        return any(lane.spans for lane in self.timeline.lanes)

    def watch_timeline(self) -> None:
        """Draw the new data."""
        self.redraw()

    def head(self, width: int) -> Strip:
        """The key: each phase's glyph in its colour, and its name."""
        full = {phase: f" {phase}" for phase in Phase}
        short = {phase: f" {word}" for phase, word in _SHORT.items()}
        for words, gap in ((full, "  "), (short, "  "), (_SHORT, " ")):
            if sum(1 + len(word) for word in words.values()) + len(gap) * (len(words) - 1) <= width:
                break
        muted = self.rich_style + self.get_component_rich_style("plot-view--label")
        segments: list[Segment] = []
        for phase, word in words.items():
            colour = self.rich_style + self.get_component_rich_style(f"lanes-chart--{phase}")
            segments += (Segment(self._glyphs[phase], colour), Segment(f"{word}{gap}", muted))
        return Strip(segments)

    @property
    def _glyphs(self) -> dict[Phase, str]:
        return ASCII_GLYPHS if self.markers is Markers.ASCII else GLYPHS

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """One bar per lane."""
        from tui.ui.charts.figure import marker

        glyphs = self._glyphs
        lanes = self.timeline.lanes
        ys = self.lay_out(figure, width, height, [lane.label for lane in lanes])
        ticks = time_ticks(self.timeline.end_s, max(2, width // 12))
        figure.ruler("x").lim(min(0.0, self.timeline.start_s), ticks[-1])
        figure.ruler("x").ticks(ticks, [f"{tick:g}" for tick in ticks[:-1]] + [f"{ticks[-1]:g} s"])
        drawn_with = {phase: marker(glyphs[phase], self.colour(f"lanes-chart--{phase}")) for phase in Phase}
        for lane, y in zip(lanes, ys, strict=False):
            for span in lane.spans:
                figure.draw(figure.segment((span.start_s, span.end_s), (y, y), marker=drawn_with[span.phase]))


def time_ticks(end_s: float, most: int) -> list[float]:
    """At most `most` + 1 round moments from 0 s on; the last is at or after `end_s`, so that the axis stays as it is
    while a run grows a little."""
    return round_ticks(0.0, max(end_s, _SHORTEST_AXIS_S), most)

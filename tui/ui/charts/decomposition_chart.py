"""Where the time goes: one stacked bar per target."""

import textwrap
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.reactive import var
from textual.strip import Strip

from tui.core.metrics import NS_PER_S
from tui.ui.charts.labels import Entry, key_strip
from tui.ui.charts.lanes_chart import time_ticks
from tui.ui.charts.plot_view import Markers
from tui.ui.charts.rows_view import RowsView
from tui.ui.viewmodel.axis import Unit, tick_labels
from tui.ui.viewmodel.decomposition_chart import Part, Stacks

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

GLYPHS = {Part.CONNECTION: "·", Part.BASELINE: "░", Part.PROMPT: "╱", Part.THINKING: "▒", Part.OUTPUT: "█"}
"""What the parts are drawn with, so that they are told apart without colour."""
ASCII_GLYPHS = {Part.CONNECTION: ".", Part.BASELINE: "-", Part.PROMPT: "/", Part.THINKING: "~", Part.OUTPUT: "#"}

_SHORT = {
    Part.CONNECTION: "connect",
    Part.BASELINE: "base",
    Part.PROMPT: "prompt",
    Part.THINKING: "think",
    Part.OUTPUT: "output",
}
"""The key's words where the chart is narrow."""


class DecompositionChart(RowsView):
    """Connection, baseline, prompt, thinking and output of a typical answer, in the order in which they pass."""

    DEFAULT_CSS = """
    DecompositionChart {
        & > .decomposition-chart--connection { color: $text-disabled; }
        & > .decomposition-chart--baseline { color: $text-warning; }
        & > .decomposition-chart--prompt { color: $text-accent; }
        & > .decomposition-chart--thinking { color: $text-primary; }
        & > .decomposition-chart--output { color: $success; }
        &:ansi {
            & > .decomposition-chart--connection { color: ansi_default; }
            & > .decomposition-chart--baseline { color: ansi_yellow; }
            & > .decomposition-chart--prompt { color: ansi_cyan; }
            & > .decomposition-chart--thinking { color: ansi_magenta; }
            & > .decomposition-chart--output { color: ansi_green; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"decomposition-chart--{part}" for part in Part}

    stacks: var[Stacks] = var(Stacks(), init=False)
    """What is shown."""

    @property
    def has_data(self) -> bool:
        """Whether any target has an answer."""
        return any(stack.parts for stack in self.stacks.stacks)

    def watch_stacks(self) -> None:
        """Draw the new data."""
        self.redraw()

    @property
    def _glyphs(self) -> dict[Part, str]:
        return ASCII_GLYPHS if self.markers is Markers.ASCII else GLYPHS

    def head(self, width: int) -> Strip:
        """The key: each part's glyph in its colour, and its name."""
        present = {part for stack in self.stacks.stacks for part, _ in stack.parts}
        entries = [
            Entry(
                glyph,
                self.rich_style + self.get_component_rich_style(f"decomposition-chart--{part}"),
                part.value,
                _SHORT[part],
            )
            for part, glyph in self._glyphs.items()
            if part in present
        ]
        return key_strip(entries, self.rich_style + self.get_component_rich_style("plot-view--label"), width)

    def foot(self, width: int) -> list[Strip]:
        """What would tell the parts that are not told yet."""
        muted = self.rich_style + self.get_component_rich_style("plot-view--label")
        return [Strip([Segment(line, muted)]) for line in textwrap.wrap(self.stacks.advice, max(1, width))]

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """One bar per target."""
        from tui.ui.charts.figure import marker

        stacks = self.stacks.stacks
        ys = self.lay_out(figure, width, height, [stack.label for stack in stacks])
        ticks = time_ticks(max(stack.total_ns for stack in stacks) / NS_PER_S, max(2, width // 16))
        figure.ruler("x").lim(0, ticks[-1]).ticks(ticks, tick_labels(ticks, Unit.SECONDS))
        drawn_with = {
            part: marker(glyph, self.colour(f"decomposition-chart--{part}")) for part, glyph in self._glyphs.items()
        }
        for stack, y in zip(stacks, ys, strict=False):
            begin = 0.0
            for part, length in stack.parts:
                end = begin + length / NS_PER_S
                if length > 0:
                    figure.draw(figure.segment((begin, end), (y, y), marker=drawn_with[part]))
                begin = end

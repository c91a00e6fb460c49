"""One row of names, of which one is chosen: by a click, or by whoever owns it."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

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

    class Chosen(Message):
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
                self.post_message(self.Chosen(index))
                return

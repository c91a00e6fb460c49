"""Rows of plain text that change often: painted row by row, and only those that differ."""

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class LinesView(Widget):
    """Shows a few rows of text in the widget's own style.

    A Static lays its text out and paints all of it whenever it changes; with two in every lane, ten times a second,
    that was half of what the screen cost.
    """

    ALLOW_SELECT = False

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._rows: list[str] = []

    def show(self, text: str) -> None:
        """Show `text`, a row per line; paints the rows that differ from those shown."""
        before, self._rows = self._rows, text.split("\n")
        width = self.size.width
        rows = max(len(before), len(self._rows))
        changed = [y for y in range(rows) if before[y : y + 1] != self._rows[y : y + 1]]
        if changed and width:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Row `y`, cut with an ellipsis where it does not fit."""
        width = self.size.width
        text = self._rows[y] if y < len(self._rows) else ""
        if cell_len(text) > width:
            text = f"{set_cell_size(text, max(0, width - 1))}…"
        return Strip([Segment(set_cell_size(text, width), self.style_of(y))], width)

    def style_of(self, y: int) -> Style:
        """What row `y` is painted in."""
        return self.rich_style

"""The list of stored runs: as long as the history, of which only what is seen is read and drawn."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.core.run import RunRow
from tui.ui.keymap import bound
from tui.ui.viewmodel.run_lines import row_line

_AHEAD = 20
"""Rows beyond those in view that are asked for with them."""
_KEPT = 2_000
"""Rows that are remembered at most."""


class RunsList(ScrollView, can_focus=True):
    """Holds the runs' numbers, and asks for the rows that come into view."""

    BINDING_GROUP_TITLE = "Runs"
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    RunsList {
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        & > .runs-list--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        & > .runs-list--unwell { color: $text-error; }
        &:focus > .runs-list--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
        }
        &:ansi {
            & > .runs-list--unwell { color: ansi_red; }
            & > .runs-list--cursor { text-style: reverse; }
            &:focus > .runs-list--cursor { text-style: bold reverse; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"runs-list--cursor", "runs-list--unwell"}
    BINDINGS: ClassVar[list[BindingType]] = bound("runs")

    class Wanted(Message):
        """These rows are to be shown, and are not known."""

        def __init__(self, numbers: list[int]) -> None:
            super().__init__()
            self.numbers = numbers

    class Moved(Message):
        """Another run is under the cursor, or none."""

    class Chosen(Message):
        """Enter was pressed on the run under the cursor, or it was clicked again."""

    def __init__(self, at: int = 0) -> None:
        """The cursor begins in place `at`."""
        super().__init__(id="runs")
        self._numbers: Sequence[int] = ()
        self._rows: dict[int, RunRow] = {}
        self._asked: set[int] = set()
        self._cursor = at
        self.marked: int | None = None
        """Number of the run that is marked for comparison."""
        self.placeholder = ""
        """Shown while there are no runs."""

    @property
    def current(self) -> int | None:
        """Number of the run under the cursor."""
        return self._numbers[self._cursor] if self._numbers else None

    @property
    def current_row(self) -> RunRow | None:
        """The row of the run under the cursor, once it is known."""
        return None if self.current is None else self._rows.get(self.current)

    def show(self, numbers: Sequence[int]) -> None:
        """Show these runs; the cursor stays on its run, or in its place."""
        before = self.current
        self._numbers = numbers
        self._rows.clear()
        self._asked.clear()
        if before in numbers:
            self._cursor = numbers.index(before)
        self._cursor = max(0, min(self._cursor, len(numbers) - 1))
        self.virtual_size = Size(self.size.width, len(numbers))
        self._to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def receive(self, rows: Iterable[RunRow]) -> None:
        """Rows that were asked for."""
        if len(self._rows) > _KEPT:
            self._rows.clear()
            self._asked.clear()
        self._rows.update((row.number, row) for row in rows)
        self.refresh()

    def mark(self, number: int | None) -> None:
        """Mark this run, or none."""
        self.marked = number
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One run, or a gap where its row has not come yet."""
        width, index = self.size.width, y + self.scroll_offset.y
        style = self.rich_style
        if index >= len(self._numbers):
            text = self.placeholder if y == 0 and not self._numbers else ""
            return Strip([Segment(set_cell_size(text, width), style)], width)
        number = self._numbers[index]
        row = self._rows.get(number)
        if row is None:
            self._want(index)
            text = f"  {number:>6}  …"
        else:
            text = row_line(row, width, marked=number == self.marked)
            if any(target.status in ("failed", "interrupted") for target in row.targets):
                style += self.get_component_rich_style("runs-list--unwell")
        if index == self._cursor:
            style += self.get_component_rich_style("runs-list--cursor")
        if cell_len(text) > width:
            text = f"{set_cell_size(text, max(0, width - 1))}…"
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _want(self, index: int) -> None:
        first = max(0, self.scroll_offset.y - _AHEAD)
        last = max(index, self.scroll_offset.y + self.size.height + _AHEAD)
        numbers = [
            number
            for number in self._numbers[first : last + 1]
            if number not in self._rows and number not in self._asked
        ]
        if numbers:
            self._asked.update(numbers)
            self.post_message(self.Wanted(numbers))

    # Moving

    def action_move(self, step: int) -> None:
        """Go on by this number of runs."""
        self._go(self._cursor + step)

    def action_move_page(self, step: int) -> None:
        """Go on by this number of pages."""
        self._go(self._cursor + step * max(1, self.size.height - 1))

    def action_go(self, index: int) -> None:
        """Go to the first run, or with -1 to the last."""
        self._go(len(self._numbers) - 1 if index < 0 else index)

    def action_choose(self) -> None:
        """Take the run under the cursor."""
        if self._numbers:
            self.post_message(self.Chosen())

    def on_click(self, event: Click) -> None:
        """Go to the run that was clicked; a double click takes it."""
        index = event.y + self.scroll_offset.y
        if index < len(self._numbers):
            self._go(index)
            if event.chain == 2:
                self.action_choose()

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._numbers) - 1))
        if index != self._cursor:
            self._cursor = index
            self._to_cursor()
            self.refresh()
            self.post_message(self.Moved())

    def _to_cursor(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if self._cursor < top or not height:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

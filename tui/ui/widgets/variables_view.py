"""The variables' values: a table with a row per set of values, one of them in use, and the text of a cell."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Input, TextArea

from tui.core.sanitize import clean
from tui.errors import ConfigError
from tui.session.prompt_book import PromptBook, Row
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Editor, Field
from tui.ui.widgets.prompt_part import PromptPart

_CELL_CELLS = 32
"""Longest text of a cell; the whole of it stands below the table."""


class VariablesView(PromptPart):
    """Edits the rows of values. A variable has its column as soon as a prompt has its name."""

    DEFAULT_CSS = """
    VariablesView {
        & DataTable { height: auto; min-height: 3; max-height: 60%; }
        & Editor { height: 1fr; min-height: 2; }
        & Input { display: none; }
        &.-loading Input { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("variables")

    def __init__(self, book: PromptBook, load: Callable[[str], Sequence[Row]], keys: KeyNames) -> None:
        """`load` reads the rows of a file; raises ConfigError."""
        self._table: DataTable[Text] = DataTable(zebra_stripes=True, cell_padding=1)
        super().__init__(book, keys, "variables", self._table, self._fill)
        self._load = load
        self._editor = Editor("", "variable-text", "The value of this cell.")
        self._file: Input
        self._at = (0, 0)
        self._shown: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The table above the value."""
        yield self._table
        self._file = Field(placeholder="a CSV file, names in its first line, or JSONL; Enter loads it")
        yield self._file
        yield from self.keys()
        yield self.note
        yield self._editor

    def on_mount(self) -> None:
        """Fill the table, with the row in use in view."""
        self._at = (self.book.row, 0)
        self.show()

    def _fill(self) -> None:
        """Show what the book says now."""
        self._shown = self.book.names
        rows = max(1, len(self.book.rows)) if self._shown else 0
        row, column = min(self._at[0], max(0, rows - 1)), min(self._at[1], max(0, len(self._shown) - 1))
        with self.prevent(DataTable.CellHighlighted):
            self._table.clear(columns=True)
            self._table.add_columns(*(Text(clean(name)) for name in self._shown))
            for index in range(rows):
                cells = [self._cell(index, name) for name in self._shown]
                self._table.add_row(*cells, label=self._label(index))
            self._table.move_cursor(row=row, column=column)
        self._at = (row, column)
        self._show_value()

    def _cell(self, row: int, name: str) -> Text:
        value = self.book.value(row, name)
        if value is None:
            return Text("no value", style="bold")
        line = clean(value[:200]).replace("\n", "⏎")
        return Text(line if len(line) <= _CELL_CELLS else f"{line[: _CELL_CELLS - 1]}…")

    def _label(self, row: int) -> Text:
        return Text(f"▶ {row + 1}" if row == self.book.row else f"  {row + 1}")

    def _show_value(self) -> None:
        row, column = self._at
        text = self.book.value(row, self._shown[column]) or "" if self._shown else ""
        with self.prevent(TextArea.Changed):
            if self._editor.text != text:
                self._editor.load_text(text)
        self._editor.read_only = not self._shown
        if self._shown:
            rows = f"row {self.book.row + 1} of {len(self.book.rows)}" if self.book.rows else "no row yet"
            self.say(f"▶ in use: {rows}. Below: {clean(self._shown[column])} of row {row + 1}.")
        else:
            self.say("Write {{name}} into a prompt and set its value here, or load a file of values.")

    @on(DataTable.CellHighlighted)
    def _highlighted(self, event: DataTable.CellHighlighted) -> None:
        self._at = (event.coordinate.row, event.coordinate.column)
        self._show_value()

    @on(TextArea.Changed)
    def _edited(self) -> None:
        row, column = self._at
        name, is_new = self._shown[column], self.book.value(row, self._shown[column]) is None
        self.book.set_value(row, name, self._editor.text)
        if is_new:
            self.show()  # the whole column has values now
        else:
            self._table.update_cell_at((row, column), self._cell(row, name), update_width=True)  # type: ignore[arg-type]

    @on(DataTable.CellSelected)
    def action_value(self) -> None:
        """Go to the cell's text."""
        if self._shown:
            self._editor.focus()
            self._editor.move_cursor(self._editor.document.end)

    def action_use(self) -> None:
        """Take the row of the cursor into use."""
        self.book.use_row(self._at[0])
        self.show()

    def action_add(self) -> None:
        """Add a row below that of the cursor."""
        position = min(self._at[0] + 1, len(self.book.rows))
        if self.attempt(self.book.add_row, position):
            self._at = (position, 0)
            self.show()
            self.focus_list()

    def action_delete(self) -> None:
        """Delete the row of the cursor."""
        if self._at[0] < len(self.book.rows):
            self.book.delete_row(self._at[0])
            self.show()
            self.focus_list()

    def action_load(self) -> None:
        """Ask for a file."""
        self.add_class("-loading")
        self._file.focus()

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        try:
            rows = self._load(event.value.strip())
        except ConfigError as error:
            self.say(str(error), problem=True)
            return
        self.book.load_rows(rows)
        self._at = (0, 0)
        self.focus_list()
        self.show()

    def focus_list(self) -> None:
        """Put the focus on the table; a file is no longer asked for."""
        self.remove_class("-loading")
        super().focus_list()

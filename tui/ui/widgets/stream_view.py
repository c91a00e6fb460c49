"""Searching and selecting in a stream pane."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.selection import Selection

from tui.ui.viewmodel.wrapped_text import TextRow
from tui.ui.widgets.stream_pane import Mark, StreamPane


class StreamView(StreamPane):
    """Shows text as it arrives. Call `append` as it does, and `tick` at the frame rate.

    Follows the end until the reader moves back; `End` or `follow()` follows again. Text is selected with the mouse, or
    with Shift and the arrow keys.
    """

    ALLOW_SELECT = True
    DEFAULT_CSS = """
    StreamView {
        & > .stream-view--match { background: $warning-muted; color: $text-warning; text-style: underline; }
        & > .stream-view--current-match { background: $warning; color: $background; text-style: bold; }
        &:ansi {
            & > .stream-view--match { background: ansi_default; color: ansi_default; text-style: underline; }
            & > .stream-view--current-match { background: ansi_default; color: ansi_default; text-style: reverse; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"stream-view--match", "stream-view--current-match"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "select_rows(-1)", "Select up", show=False, id="text.select_up"),
        Binding("shift+down", "select_rows(1)", "Select down", show=False, id="text.select_down"),
        Binding("shift+left", "select_character(-1)", "Select left", show=False, id="text.select_left"),
        Binding("shift+right", "select_character(1)", "Select right", show=False, id="text.select_right"),
        Binding("a,ctrl+a", "select_all", "Select all", show=False, id="text.select_all"),
    ]

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(name=name, id=id, classes=classes)
        self._query = ""
        self._match: int | None = None
        """Offset of the current match."""
        self._selection: Selection | None = None
        self._caret: tuple[int, int] | None = None
        """Anchor and moving end of a selection made with keys, offsets."""

    def clear(self) -> None:
        """Forget all text, the selection and the search, and follow again."""
        super().clear()
        self._query = ""
        self._match = self._caret = None
        if self._selection is not None:
            self.screen.clear_selection()

    @property
    def _first_unsettled(self) -> int:
        # A match may begin in the rows above the open one; a query is shorter than a row or two.
        return max(0, super()._first_unsettled - (2 if self._query else 0))

    def _marks(self, row: TextRow) -> Iterator[Mark]:
        if self._query:
            matches = self._wrapped.find(self._query)
            first = bisect_left(matches, row.start - len(self._query) + 1)
            for match in matches[first : bisect_left(matches, row.end)]:
                name = "current-match" if match == self._match else "match"
                yield *self._whole_clusters(match, match + len(self._query)), self._style(name)
        if self._selection is not None:
            yield *self._selected(self._selection), self.screen.get_component_rich_style("screen--selection")

    def _whole_clusters(self, start: int, end: int) -> tuple[int, int]:
        return self._wrapped.cluster_at(start)[0], self._wrapped.cluster_at(end - 1)[1] if end > 0 else 0

    # Searching

    def search(self, query: str) -> int:
        """Highlight every place where `query` stands, whatever its case, show the first from here on; their number.

        An empty query ends the search. Text that arrives later is searched too.
        """
        self._take_in()
        self._query, self._match = query, None
        self.refresh()
        matches = self._wrapped.find(query)
        if matches:
            self._go_to_match(bisect_left(matches, self._first_shown))
        return len(matches)

    def next_match(self) -> None:
        """Show the next match; after the last one, the first."""
        self._step_match(1)

    def previous_match(self) -> None:
        """Show the match before; before the first one, the last."""
        self._step_match(-1)

    def _step_match(self, step: int) -> None:
        if self._match is not None:
            self._go_to_match(self._wrapped.find(self._query).index(self._match) + step)

    def _go_to_match(self, index: int) -> None:
        matches = self._wrapped.find(self._query)
        self._match = matches[index % len(matches)]
        self._show(self._match)
        self.refresh()

    # Selecting
    #
    # Textual's selection knows offsets (x, y) that the painted segments name, see `_at`: y is where in the source the
    # row starts, x the character in the row. So they hold while text arrives and when it moves.

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected source, without gutters and wraps."""
        return self._wrapped.extract(*self._selected(selection)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        self._selection = selection
        if selection is None:
            self._caret = None
        self.refresh()

    def _selected(self, selection: Selection) -> tuple[int, int]:
        """Start and end of a selection, offsets into the source."""
        return self._whole_clusters(
            0 if selection.start is None else self._offset(selection.start),
            self._wrapped.length if selection.end is None else self._offset(selection.end),
        )

    def _offset(self, place: Offset) -> int:
        start = min(place.y, self._wrapped.length)
        row = self._wrapped.row(self._wrapped.row_of(start))
        # Blanks after a row are its end. After a resize no row may start there; then there is no telling.
        end = row.end if row.start == start else self._wrapped.length
        return max(0, min(start + max(0, place.x), end))

    def action_select_all(self) -> None:
        """Select all of the text."""
        self.text_select_all()

    def action_select_rows(self, rows: int) -> None:
        """Move the selection's end up or down, keeping its place in the row."""
        anchor, caret = self._selection_ends()
        row = self._wrapped.row_of(caret)
        target = row + rows
        if not 0 <= target < len(self._wrapped):
            self._select(anchor, 0 if rows < 0 else self._wrapped.length)
            return
        place = self._wrapped.row(target)
        column = caret - self._wrapped.row(row).start
        self._select(anchor, min(place.start + column, max(place.start, place.end - 1)))

    def action_select_character(self, step: int) -> None:
        """Move the selection's end by a character, with all that combines with it."""
        anchor, caret = self._selection_ends()
        self._select(anchor, self._wrapped.cluster_at(caret)[1] if step > 0 else self._wrapped.cluster_at(caret - 1)[0])

    def _selection_ends(self) -> tuple[int, int]:
        """Anchor and caret of the selection made with keys; without one, both at the first row in view."""
        self._take_in()
        return self._caret or (self._first_shown, self._first_shown)

    def _select(self, anchor: int, caret: int) -> None:
        if not self._wrapped.length:
            return
        self._caret = anchor, caret
        self.screen.selections = {self: Selection.from_offsets(Offset(0, anchor), Offset(0, caret))}
        self._show(caret)

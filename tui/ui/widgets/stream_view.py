"""A pane of text that arrives as a stream: drawn line by line, painted on a tick that all panes share.

It keeps a scroll offset instead of a virtual size, because a size that grows lays out the whole screen.

Textual's selection knows offsets (x, y) that painted segments name: here y is where in the text the row starts, and x
the character in the row. So a selection holds while text arrives and when it moves.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Offset, Region
from textual.message import Message
from textual.reactive import reactive, var
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.core.events import Kind
from tui.core.sanitize import clean
from tui.ui.keymap import bound
from tui.ui.steady_cells import widest
from tui.ui.viewmodel.text_window import TextSearch, TextWindow
from tui.ui.viewmodel.wrapped_text import TextRow, WrappedText
from tui.ui.widgets.strips import StyleCache

GUTTERS = {Kind.THINKING: "┆ ", Kind.OTHER: "» "}
"""Stand before every row that is not of the answer's text, so that it is told from it without colour."""
GUTTER_CELLS = 2

Mark = tuple[int, int, Style]
"""A stretch of the text, start and end offset, and the style laid over it."""


class FollowChanged(Message):
    """A view began or stopped to follow the end of its text."""

    def __init__(self, view: "StreamView", following: bool) -> None:
        super().__init__()
        self.view = view
        self.following = following

    @property
    def control(self) -> "StreamView":
        """The view, for `@on(..., selector)`."""
        return self.view


class StreamView(Widget, can_focus=True):
    """Shows text as it arrives. Call `append` as it does, and `tick` at the frame rate.

    Follows the end until the reader moves back; `End` follows again. Text is selected with the mouse, or
    with Shift and the arrow keys.
    """

    ALLOW_SELECT = True
    DEFAULT_CSS = """
    StreamView {
        & > .stream-view--thinking { color: $text-muted; text-style: italic; }
        & > .stream-view--placeholder { color: $text-muted; }
        & > .stream-view--failing { color: $text-error; text-style: bold underline; }
        & > .stream-view--match { background: $warning-muted; color: $text-warning; text-style: underline; }
        & > .stream-view--current-match { background: $warning; color: $background; text-style: bold; }
        & > .stream-view--selection { background: $selected; color: $foreground; }
        &:ansi {
            & > .stream-view--thinking { color: ansi_default; text-style: dim italic; }
            & > .stream-view--placeholder { color: ansi_default; text-style: dim; }
            & > .stream-view--match { background: ansi_default; color: ansi_default; text-style: underline; }
            & > .stream-view--current-match, & > .stream-view--selection {
                background: ansi_default; color: ansi_default; text-style: reverse;
            }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"stream-view--{name}" for name in ("thinking", "placeholder", "failing", "match", "current-match", "selection")
    }
    BINDING_GROUP_TITLE = "Text"
    BINDINGS: ClassVar[list[BindingType]] = bound("text")

    following: var[bool] = var(True, init=False)
    """True while new text stays in view."""
    placeholder: reactive[str] = reactive("")
    """Shown while there is no text."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.window = TextWindow(widest, indent=GUTTER_CELLS)
        self.matches = TextSearch(self.window.text)
        self._empty = WrappedText(80, cell_len)
        """The placeholder, wrapped."""
        self._width = 80
        """Cells painted; kept, because asking for the size costs more than painting a row."""
        self._style = StyleCache(self, "stream-view--")
        self._selection: Selection | None = None
        self._caret: tuple[int, int] | None = None
        """Anchor and moving end of a selection made with keys, offsets."""

    # Text

    def append(self, kind: Kind, text: str) -> None:
        """Store text that arrived, made safe for the terminal. The next `tick` wraps and paints it."""
        self.window.append(kind, text)

    def tick(self) -> None:
        """Paint what arrived since the last tick: the changed rows only, or a new half page when the pane is full."""
        if self.window.is_settled:
            return
        self._width, self.window.height = self.size
        # A query is shorter than a row or two.
        rows = self.window.advance(follow=self.following, rows_above=2 if self.matches.query else 0)
        if rows is None:
            self.refresh()
        elif rows:
            self.refresh(Region(0, rows.start, self._width, len(rows)))

    def clear(self) -> None:
        """Forget all text, the selection and the search, and follow again."""
        self.window.clear()
        self.matches.begin("")
        self._caret = None
        if self._selection is not None:
            self.screen.clear_selection()
        self.following = True
        self.refresh()

    def mark(self, failing: Sequence[tuple[int, int]]) -> None:
        """Show these parts of the answer as failing; see `TextWindow.mark`."""
        self.window.mark(failing)
        self.refresh()

    @property
    def text(self) -> str:
        """The answer so far, without the thinking, safe to print."""
        self.window.settle()
        return self.window.text.text(Kind.TEXT)

    # Moving

    def action_follow(self) -> None:
        """Show the end, and keep showing it as text arrives."""
        self.following = True
        self._move_to(self.window.last_top)

    def _move_to(self, top: int) -> None:
        if top != self.window.top:
            self.window.top = top
            self.refresh()

    def _leave_for(self, top: int) -> bool:
        """Show the rows from `top` on, and follow only if that leads down to the end; false if they are in view."""
        if top == self.window.top:
            return False
        self.following = self.window.top < top >= self.window.last_top and not self.matches.query
        self._move_to(top)
        return True

    def watch_following(self, following: bool) -> None:
        """Tell the screen."""
        self.post_message(FollowChanged(self, following))

    def action_move(self, rows: int) -> None:
        """Move the view by rows."""
        self._leave_for(self.window.moved(rows))

    def action_move_page(self, pages: int) -> None:
        """Move the view by its height, less a row."""
        self.action_move(pages * max(1, self.size.height - 1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move back; at the start the wheel is left to whatever contains the view."""
        if self._leave_for(self.window.moved(-round(self.app.scroll_sensitivity_y))):
            event.stop()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move forward; at the end the wheel is left to whatever contains the view."""
        if self._leave_for(self.window.moved(round(self.app.scroll_sensitivity_y))):
            event.stop()

    def watch_virtual_size(self) -> None:
        """Fit the text, also where Textual sends no `Resize`: it does not to one that is dirty as it is first shown."""
        self.on_resize()

    def on_resize(self) -> None:
        """Wrap the text for the new width and keep the place."""
        if self.size:
            self._width, height = self.size
            self.window.resize(self._width, height, follow=self.following)
            self._empty.resize(self._width)
            self.refresh()

    # Searching

    def search(self, query: str) -> int:
        """Highlight every place where `query` stands, whatever its case, show the first from here on; their number.

        An empty query ends the search. Text that arrives later is searched too.
        """
        self.window.settle()
        self.matches.begin(query)
        self.refresh()
        places = self.matches.places()
        if places:
            self.matches.go_to(bisect_left(places, self.window.first_offset))
            self._show_match()
        return len(places)

    def step_match(self, step: int) -> None:
        """Show the match `step` further on, around the ends."""
        self.matches.step(step)
        self._show_match()

    def _show_match(self) -> None:
        if self.matches.current is not None:
            self._leave_for(self.window.top_for(self.matches.current))
            self.refresh()

    # Selecting; see the module

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected source, without gutters and wraps."""
        return self.window.text.extract(*self.window.selected(selection.start, selection.end)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        self._selection = selection
        if selection is None:
            self._caret = None
        self.refresh()

    def action_select_all(self) -> None:
        """Select all of the text."""
        self.text_select_all()

    def action_select_rows(self, rows: int) -> None:
        """Move the selection's end up or down, keeping its place in the row."""
        anchor, caret = self._selection_ends()
        self._select(anchor, self.window.below(caret, rows))

    def action_select_character(self, step: int) -> None:
        """Move the selection's end by a character, with all that combines with it."""
        anchor, caret = self._selection_ends()
        start, end = self.window.text.cluster_at(caret if step > 0 else caret - 1)
        self._select(anchor, end if step > 0 else start)

    def _selection_ends(self) -> tuple[int, int]:
        """Anchor and caret of the selection made with keys; without one, both at the first row in view."""
        self.window.settle()
        return self._caret or (self.window.first_offset, self.window.first_offset)

    def _select(self, anchor: int, caret: int) -> None:
        if self.window.text.length:
            self._caret = anchor, caret
            self.screen.selections = {self: Selection.from_offsets(Offset(0, anchor), Offset(0, caret))}
            self._leave_for(self.window.top_for(caret))

    # Painting

    def notify_style_update(self) -> None:
        """Forget styles taken from the old stylesheet."""
        super().notify_style_update()
        self._style.clear()

    def watch_placeholder(self, placeholder: str) -> None:
        """Wrap the new placeholder."""
        self._empty.clear()
        self._empty.append(Kind.TEXT, clean(placeholder))

    def render_line(self, y: int) -> Strip:
        """Row `y` of the view."""
        width, text = self._width, self.window.text
        if not text.length:
            shown = self._empty.row(y).text if y < len(self._empty) else ""
            return Strip([Segment(shown, self._style("placeholder"))]).adjust_cell_length(width, self._style())
        index = self.window.top + y
        if index >= len(text):
            return blank_strip(text.length, width, self._style())
        row = text.row(index)
        style = self._style("" if row.kind is Kind.TEXT else "thinking")
        return row_strip(row, width, style, list(self._marks(row)))

    def _marks(self, row: TextRow) -> Iterator[Mark]:
        """The failing parts, the matches and the selection on a row, the topmost last."""
        for start, end in self.window.failing if row.kind is Kind.TEXT else ():
            yield *self.window.text.whole_clusters(start, end), self._style("failing")
        if self.matches.query:
            for start, end in self.matches.matches_in(row):
                name = "current-match" if start == self.matches.current else "match"
                yield *self.window.text.whole_clusters(start, end), self._style(name)
        if self._selection is not None:
            start, end = self.window.selected(self._selection.start, self._selection.end)
            # Not the screen's own style for it: its foreground is transparent, which as one colour hides the text.
            yield start, end, self._style("selection")


def row_strip(row: TextRow, width: int, style: Style, marks: list[Mark]) -> Strip:
    """A row of `width` cells in one style, under its marks, the topmost last."""
    segments = _segments(row, width, style)
    return Strip(list(_marked(row, segments, marks) if marks else segments), width)


def blank_strip(offset: int, width: int, style: Style) -> Strip:
    """A row behind the end of the text, at `offset`."""
    return Strip([Segment(" " * width, style + _at(0, offset))], width)


def _segments(row: TextRow, width: int, style: Style) -> Iterator[Segment]:
    """A row in as few segments as can be: every segment costs some 40 bytes to the terminal."""
    text = GUTTERS.get(row.kind, "")
    at = -len(text)
    cells = 0
    for piece in row.pieces:
        if piece.start - row.start != at + len(text):
            yield Segment(text, style + _at(at, row.start))
            cells += cell_len(text)
            text, at = "", piece.start - row.start
        text += piece.text
    yield Segment(text + " " * (width - cells - cell_len(text)), style + _at(at, row.start))


def _marked(row: TextRow, segments: Iterator[Segment], marks: list[Mark]) -> Iterator[Segment]:
    """A row cut where marks begin and end."""
    for text, style, _ in segments:
        assert style is not None
        at, _ = style.meta["offset"]
        within = [(max(0, a - row.start) - at, min(b, row.end) - row.start - at, over) for a, b, over in marks]
        cuts = {cut for start, end, _ in within for cut in (start, end) if 0 < cut < len(text)}
        for first, last in pairwise(sorted({0, len(text)} | cuts)):
            painted = style
            for start, end, over in within:
                if start <= first < end:
                    painted += over
            yield Segment(text[first:last], painted + _at(at + first, row.start))


def _at(index: int, row_start: int) -> Style:
    """The style that tells Textual's selection where a segment begins: character `index` of the row from `row_start`.

    A gutter counts down from -1; blanks after the text count on beyond the row.
    """
    return Style.from_meta({"offset": (index, row_start)})

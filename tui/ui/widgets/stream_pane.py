"""A pane of text that arrives as a stream: drawn line by line, painted on a tick that all panes share.

It keeps its own scroll offset instead of a virtual size, because a size that grows lays out the whole screen; and a
full pane moves up half its height at a time, because moving up row by row rewrites every row every time.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive, var
from textual.strip import Strip
from textual.widget import Widget

from tui.core.events import Kind
from tui.core.sanitize import clean
from tui.ui.viewmodel.wrapped_text import TextRow, WrappedText

GUTTER = "┆ "
"""Stands before every row of thinking, so that it is told from the answer without colour."""

Mark = tuple[int, int, Style]
"""A stretch of the source, start and end offset, and the style laid over it."""


class StreamPane(Widget, can_focus=True):
    """The text, where the view stands in it, and its painting; `StreamView` adds searching and selecting."""

    DEFAULT_CSS = """
    StreamPane {
        & > .stream-view--thinking { color: $text-muted; text-style: dim italic; }
        & > .stream-view--placeholder { color: $text-muted; }
        &:ansi {
            & > .stream-view--thinking { color: ansi_default; }
            & > .stream-view--placeholder { color: ansi_default; text-style: dim; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"stream-view--thinking", "stream-view--placeholder"}
    BINDING_GROUP_TITLE = "Text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="text.up"),
        Binding("down", "move(1)", "Down", show=False, id="text.down"),
        Binding("pageup", "move_page(-1)", "Page up", show=False, id="text.page_up"),
        Binding("pagedown", "move_page(1)", "Page down", show=False, id="text.page_down"),
        Binding("home", "start", "Start", show=False, id="text.start"),
        Binding("end", "follow", "End, follow", show=False, id="text.follow"),
    ]

    following: var[bool] = var(True, init=False)
    """True while new text stays in view."""
    placeholder: reactive[str] = reactive("")
    """Shown while there is no text."""

    class FollowChanged(Message, namespace="stream_view"):
        """The view began or stopped to follow the end of the text."""

        def __init__(self, view: "StreamPane", following: bool) -> None:
            super().__init__()
            self.view = view
            self.following = following

        @property
        def control(self) -> "StreamPane":
            """The view, for `@on(..., selector)`."""
            return self.view

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(name=name, id=id, classes=classes)
        self._wrapped = WrappedText(80, cell_len, thinking_indent=len(GUTTER))
        self._empty = WrappedText(80, cell_len)
        """The placeholder, wrapped."""
        self._pending: list[tuple[Kind, str]] = []
        self._top = 0
        """Index of the first row in view."""
        self._width = 80
        """Cells painted; kept, because asking for the size costs more than painting a row."""
        self._styles_of: dict[str, Style] = {}

    # Text

    def append(self, kind: Kind, text: str) -> None:
        """Store text that arrived. It is made safe for the terminal, wrapped and painted by the next `tick`."""
        self._pending.append((kind, text))

    def tick(self) -> None:
        """Paint what arrived since the last tick: the changed rows only, or a new half page when the pane is full."""
        if not self._pending:
            return
        was_empty = not self._wrapped.length
        changed = self._first_unsettled
        self._take_in()
        self._width, height = self.size
        rows = len(self._wrapped)
        if self.following and rows > self._top + height:
            self._top = max(0, rows - max(1, height // 2))
            self.refresh()
        elif was_empty:
            self.refresh()
        else:
            first, last = max(changed, self._top), min(rows, self._top + height)
            if first < last:
                self.refresh(Region(0, first - self._top, self._width, last - first))

    def clear(self) -> None:
        """Forget all text, and follow again."""
        self._pending.clear()
        self._wrapped.clear()
        self._top = 0
        self.following = True
        self.refresh()

    @property
    def text(self) -> str:
        """The answer so far, without the thinking, safe to print."""
        self._take_in()
        return self._wrapped.text(Kind.TEXT)

    @property
    def _first_unsettled(self) -> int:
        """Index of the first row that more text may change."""
        return max(0, len(self._wrapped) - 1)

    def _take_in(self) -> None:
        for kind, text in self._pending:
            self._wrapped.append(kind, clean(text))
        self._pending.clear()

    # Moving

    def follow(self) -> None:
        """Show the end, and keep showing it as text arrives."""
        self.following = True
        self._move_to(self._last_top)

    @property
    def _last_top(self) -> int:
        return max(0, len(self._wrapped) - self.size.height)

    @property
    def _first_shown(self) -> int:
        """Offset of the first character in view."""
        return self._wrapped.row(self._top).start if self._top < len(self._wrapped) else self._wrapped.length

    def _move_to(self, top: int) -> None:
        if top != self._top:
            self._top = top
            self.refresh()

    def _move(self, rows: int) -> bool:
        """Move the view down by `rows`, which may be negative; false if there is nowhere to go."""
        top = max(0, self._top + rows) if rows < 0 else min(max(self._top, self._last_top), self._top + rows)
        if top == self._top:
            return False
        self.following = False
        self._move_to(top)
        return True

    def _show(self, offset: int) -> None:
        """Bring the row with `offset` into view."""
        row = self._wrapped.row_of(offset)
        if not self._top <= row < self._top + self.size.height:
            self.following = False
            self._move_to(max(0, min(row - self.size.height // 2, self._last_top)))

    def watch_following(self, following: bool) -> None:
        """Tell the screen."""
        self.post_message(self.FollowChanged(self, following))

    def action_move(self, rows: int) -> None:
        """Move the view by rows."""
        self._move(rows)

    def action_move_page(self, pages: int) -> None:
        """Move the view by its height, less a row."""
        self._move(pages * max(1, self.size.height - 1))

    def action_start(self) -> None:
        """Show the start of the text."""
        self._move(-self._top)

    def action_follow(self) -> None:
        """See `follow`."""
        self.follow()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move back; at the start the wheel is left to whatever contains the view."""
        if self._move(-round(self.app.scroll_sensitivity_y)):
            event.stop()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move forward; at the end the wheel is left to whatever contains the view."""
        if self._move(round(self.app.scroll_sensitivity_y)):
            event.stop()

    def on_resize(self, _event: Resize) -> None:
        """Wrap the text for the new width and keep the place."""
        if not self.size:
            return
        self._width, height = self.size
        self._take_in()
        place = self._first_shown
        self._wrapped.resize(self._width)
        self._empty.resize(self._width)
        self._top = self._wrapped.row_of(place)
        if self.following and len(self._wrapped) > self._top + height:
            self._top = self._last_top
        self._top = min(self._top, self._last_top)
        self.refresh()

    # Painting

    def notify_style_update(self) -> None:
        """Forget styles taken from the old stylesheet."""
        super().notify_style_update()
        self._styles_of.clear()

    def watch_placeholder(self, placeholder: str) -> None:
        """Wrap the new placeholder."""
        self._empty.clear()
        self._empty.append(Kind.TEXT, clean(placeholder))

    def render_line(self, y: int) -> Strip:
        """Row `y` of the view."""
        width = self._width
        if not self._wrapped.length:
            text = self._empty.row(y).text if y < len(self._empty) else ""
            return Strip([Segment(text, self._style("placeholder"))]).adjust_cell_length(width, self._style())
        index = self._top + y
        if index >= len(self._wrapped):
            end = self._wrapped.length
            return Strip([Segment(" " * width, self._style() + _at(0, end))], width)
        row = self._wrapped.row(index)
        marks = list(self._marks(row))
        return Strip(list(self._plain_row(row, width) if not marks else self._marked_row(row, width, marks)), width)

    def _style(self, component: str = "") -> Style:
        style = self._styles_of.get(component)
        if style is None:
            style = self.get_component_rich_style(f"stream-view--{component}") if component else self.rich_style
            self._styles_of[component] = style
        return style

    def _marks(self, row: TextRow) -> Iterator[Mark]:  # for StreamView
        """The marks on a row, the topmost last; none here."""
        yield from ()

    def _plain_row(self, row: TextRow, width: int) -> Iterator[Segment]:
        """A row in as few segments as can be: every segment costs some 40 bytes to the terminal."""
        thinking = row.kind is Kind.THINKING
        style = self._style("thinking") if thinking else self._style()
        text = GUTTER if thinking else ""
        at = -len(text)
        cells = 0
        for piece in row.pieces:
            if piece.start - row.start != at + len(text):
                yield Segment(text, style + _at(at, row.start))
                cells += cell_len(text)
                text, at = "", piece.start - row.start
            text += piece.text
        yield Segment(text + " " * (width - cells - cell_len(text)), style + _at(at, row.start))

    def _marked_row(self, row: TextRow, width: int, marks: list[Mark]) -> Iterator[Segment]:
        """A row with its parts in styles of their own."""
        for text, style, _ in Strip(self._plain_row(row, width)):
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

"""Two answers side by side, with the words in which they differ: only the person can judge which is better."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import BoxScreen
from tui.ui.viewmodel.difference import ComparedAnswer, Passage, differ, marked
from tui.ui.widgets.key_bar import KeyBar

_WIDE_COLUMNS = 100
"""From this width on they stand side by side, else one above the other."""
_MARKS = (("[-", "-]", "bold $text-error"), ("{+", "+}", "bold $text-success"))
"""Around what only the first has, and only the second; a colour says the same."""


class DifferenceScreen(BoxScreen[None]):
    """Shows two answers, scrolled together. N compares the first with the next one; Escape closes."""

    DEFAULT_CSS = """
    DifferenceScreen {
        & > Vertical { width: 96%; height: 96%; }
        & Static { width: 1fr; height: auto; }
        & Container { height: 1fr; layout: vertical; }
        & VerticalScroll { width: 1fr; height: 1fr; border-top: solid $panel-lighten-2;
            border-title-color: $foreground; border-title-style: bold;
        }
        & .note { color: $text-muted; }
        &.-wide Container { layout: horizontal; }
        &.-wide #second { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("difference")

    def __init__(self, answers: Sequence[ComparedAnswer], keys: KeyNames, first: int = 0, second: int = 1) -> None:
        """`answers` has two or more; `first` and `second` are those shown at the beginning."""
        super().__init__()
        self._answers = answers
        self._keys = keys
        self._shown = (first, second)
        self._summary = Static(id="difference-summary", markup=False)
        self._notes = tuple(Static(classes="note", markup=False) for _ in _MARKS)
        self._texts = tuple(Static(markup=False) for _ in _MARKS)
        self._panes = tuple(
            VerticalScroll(note, text, id=name, can_focus=False)
            for name, note, text in zip(("first", "second"), self._notes, self._texts, strict=True)
        )

    def compose(self) -> ComposeResult:
        """The summary, both answers, the keys."""
        with Vertical() as box:
            box.border_title = f"Differences · {self._keys('difference.close')} closes"
            yield self._summary
            yield Container(*self._panes)
            rows = self._keys.of("difference")
            yield KeyBar(rows if len(self._answers) > 2 else [row for row in rows if row.id != "difference.next"])

    def on_mount(self) -> None:
        """Show the first pair."""
        self._show()

    def on_resize(self, event: Resize) -> None:
        """Side by side where there is room."""
        self.set_class(event.size.width >= _WIDE_COLUMNS, "-wide")

    def action_next(self) -> None:
        """Compare the first with the next of the others."""
        first, second = self._shown
        places = [(second + step) % len(self._answers) for step in range(1, len(self._answers) + 1)]
        self._shown = (first, next(place for place in places if place != first))
        self._show()
        self.action_scroll_both(-1_000_000)

    def action_scroll_both(self, lines: int) -> None:
        """Scroll both by a number of lines."""
        for pane in self._panes:
            pane.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll both by pages."""
        self.action_scroll_both(pages * max(1, min(pane.size.height for pane in self._panes) - 1))

    def _show(self) -> None:
        answers = [self._answers[place] for place in self._shown]
        found = differ(*answers)
        (left, right, _), (plus, end, _) = _MARKS
        self._summary.update(f"{left}only in the first{right} {plus}only in the second{end} · {found.summary}")
        sides = zip(self._panes, self._notes, self._texts, answers, (found.first, found.second), _MARKS, strict=True)
        for pane, note, text, answer, pieces, mark in sides:
            pane.border_title = Content(answer.label)
            note.update(answer.note)
            text.update(_content(pieces, *mark))


def _content(pieces: Sequence[Passage], left: str, right: str, style: str) -> Content:
    parts = [(piece.text, style) if piece.differs else piece.text for piece in marked(pieces, left, right)]
    return Content.assemble(*parts) if parts else Content("no text")

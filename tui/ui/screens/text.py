"""Lines of text to read."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound

_WIDEST, _AROUND = 130, 6
"""Cells of the box at most, and of what is around its lines: frame, padding and scrollbar."""


def room(width: int) -> int:
    """Cells that a line has in a terminal so wide."""
    return min(_WIDEST, width * 96 // 100) - _AROUND


class TextScreen(ModalScreen[None]):
    """Shows lines that are safe to print, to be scrolled through. Escape, Q or Enter closes it."""

    DEFAULT_CSS = """
    TextScreen {
        align: center middle;
        & > Vertical {
            width: 96%; height: 96%; max-width: 130;
            padding: 0 1; background: $panel; border: heavy $primary; border-title-style: bold;
        }
        & Static { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("reader")

    def __init__(self, title: str, lines: Sequence[str], keys: KeyNames) -> None:
        super().__init__()
        self._keys = keys
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The text in a box."""
        with Vertical() as box:
            box.border_title = Content(f"{self._title} · {self._keys('reader.close')} closes")
            with VerticalScroll():
                yield Static("\n".join(self._lines), id="text", markup=False)

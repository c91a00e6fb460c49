"""A question that is answered with one line of text."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.field import Field


class AskScreen(ModalScreen[str]):
    """Asks; Enter dismisses with the text, Escape without any."""

    DEFAULT_CSS = """
    AskScreen {
        align: center middle;
        & > Vertical {
            width: 70; max-width: 96%; height: auto;
            padding: 0 1; background: $panel; border: heavy $primary;
            border-title-style: bold;
        }
        & Label { color: $text-muted; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close")

    def __init__(self, question: str, text: str, hint: str, keys: KeyNames) -> None:
        """`text` stands in the field at first, `hint` below it."""
        super().__init__()
        self._keys = keys
        self._question = question
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The field above the hint."""
        with Vertical() as box:
            box.border_title = self._question
            field = Field(self._text, id="answer")
            yield field
            yield Label(f"{self._hint} Enter keeps it, {self._keys('dialog.close')} leaves it.", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)

"""A question with two answers."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound


class ConfirmScreen(ModalScreen[bool]):
    """Asks; dismisses with True for yes. Escape is no."""

    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        & > Vertical {
            width: 60; max-width: 90%; height: auto;
            padding: 1 2; background: $panel; border: heavy $primary;
        }
        & Static { margin: 0 0 1 0; }
        & Horizontal { height: auto; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("confirm")

    def __init__(self, question: str, yes: str, keys: KeyNames) -> None:
        super().__init__()
        self._keys = keys
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question above the buttons."""
        with Vertical():
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button(self._keys.on_button("confirm.yes", self._yes), id="yes", variant="primary", compact=True)
                yield Button(self._keys.on_button("confirm.no"), id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the button's meaning."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer with a key."""
        self.dismiss(answer)

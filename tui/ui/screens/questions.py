"""Questions: one answered with a line of text, one with yes or no."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field

_LOOK_EVERY_S = 0.2


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
            yield Label(f"{self._hint} Enter saves, {self._keys('dialog.close')} discards.", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)


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

    def __init__(self, question: str, yes: str, keys: KeyNames, is_open: Callable[[], bool] = lambda: True) -> None:
        """The question goes away, unanswered, once it is no longer open."""
        super().__init__()
        self._keys = keys
        self._question = question
        self._yes = yes
        self._is_open = is_open

    def on_mount(self) -> None:
        """Look from time to time at what is asked about."""
        self.set_interval(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        if self.is_current and not self._is_open():
            self.dismiss(False)

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

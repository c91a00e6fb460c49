"""The search line: finds a text in one lane."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.stream_view import StreamView


class SearchScreen(ModalScreen[None]):
    """Searches while the person types; Enter goes on to the next match, Escape leaves.

    It stands over the row of keys, which do nothing meanwhile.
    """

    DEFAULT_CSS = """
    SearchScreen {
        align: center bottom;
        background: transparent;
        & > Horizontal { height: 1; background: $panel; }
        & Input { width: 1fr; }
        & Label { width: auto; padding: 0 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("search")

    def __init__(self, view: StreamView, keys: KeyNames) -> None:
        super().__init__()
        self._view = view
        self._field = Field(placeholder="search in this lane")
        following, before = keys("search.next"), keys("search.previous")
        self._found = Label(
            f"Enter or {following} next, {before} previous, {keys('search.close')} closes", markup=False
        )

    def compose(self) -> ComposeResult:
        """One line."""
        with Horizontal():
            yield self._field
            yield self._found

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for what is typed so far."""
        count = self._view.search(event.value)
        self._found.update(f"{count} found" if event.value else "")

    def on_input_submitted(self) -> None:
        """Go on to the next match."""
        self._view.step_match(1)

    def action_step(self, step: int) -> None:
        """Go to the next match or the one before."""
        if step > 0:
            self._view.step_match(1)
        else:
            self._view.step_match(-1)

    def action_leave(self) -> None:
        """Take the highlights away and close."""
        self._view.search("")
        self.dismiss()

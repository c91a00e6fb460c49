"""Objectives that every lane is to keep, typed in."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui.core.objectives import Objective, parse
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field

_HINT = (
    "Separated by commas: ttft.p95 < 800ms, total.p50 < 4s, otps.p50 > 80, errors < 1%. "
    "They hold until the program ends. To keep them, write objectives = [...] into the configuration. "
    "Enter takes them, an empty field removes them, {escape} changes nothing."
)


class ObjectivesScreen(ModalScreen[tuple[Objective, ...]]):
    """Edits the objectives; dismisses with them. Below the field it says what cannot be read."""

    DEFAULT_CSS = """
    ObjectivesScreen {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 96%; height: auto;
            padding: 0 1; background: $panel; border: heavy $primary;
            border-title-style: bold;
        }
        & Label { color: $text-muted; width: 1fr; }
        & .problem { display: none; color: $text-error; }
        & .problem.-said { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close")

    def __init__(self, objectives: Sequence[Objective], keys: KeyNames) -> None:
        super().__init__()
        self._keys = keys
        self._text = ", ".join(objective.text for objective in objectives)
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """The field above the hint."""
        with Vertical() as box:
            box.border_title = "Objectives"
            yield Field(self._text, id="objectives")
            yield self._problem
            yield Label(_HINT.format(escape=self._keys("dialog.close")), markup=False)

    def on_input_changed(self) -> None:
        """A corrected field takes its complaint away."""
        self._say("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismiss with the objectives, if all can be read."""
        try:
            found = tuple(parse(text) for text in event.value.split(",") if text.strip())
        except ValueError as error:
            self._say(str(error))
            return
        self.dismiss(found)

    def _say(self, sentence: str) -> None:
        self._problem.update(sentence)
        self._problem.set_class(bool(sentence), "-said")

"""All shared parameters."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from tui.core.parameters import REQUIRED, Parameters
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError
from tui.ui.viewmodel.parameter_refusals import ParameterContext, Recipient
from tui.ui.widgets.settings_form import SettingsForm


class ParametersScreen(ModalScreen[Parameters]):
    """Edits the shared parameters; dismisses with them. Escape leaves them as they were."""

    DEFAULT_CSS = """
    ParametersScreen {
        align: center middle;
        & > Vertical {
            width: 100; max-width: 100%; height: 21; max-height: 100%;
            padding: 0 1; background: $panel; border: heavy $primary;
            border-title-style: bold;
        }
        & .buttons { height: 1; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog")

    def __init__(self, parameters: Parameters, chosen: Sequence[Recipient], keys: KeyNames) -> None:
        """`chosen` are the targets that are sent the parameters."""
        super().__init__()
        self._keys = keys
        values, context = msgspec.structs.asdict(parameters), ParameterContext(lambda: chosen)
        self._form = SettingsForm(PARAMETER_ROWS, values, context, required=(REQUIRED,))

    def compose(self) -> ComposeResult:
        """The fields above the buttons."""
        with Vertical() as box:
            box.border_title = "Parameters of all targets"
            yield self._form
            with Horizontal(classes="buttons"):
                yield Button(self._keys.on_button("dialog.done"), id="done", variant="primary", compact=True)
                yield Button(self._keys.on_button("dialog.close", "Cancel"), id="cancel", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        if event.button.id == "cancel":
            self.dismiss()
        else:
            self.action_done()

    def on_input_submitted(self) -> None:
        """Enter in a field keeps the parameters."""
        self.action_done()

    def action_done(self) -> None:
        """Dismiss with the parameters, if they can be used."""
        try:
            values = self._form.read()
        except FieldError:
            return
        self.dismiss(Parameters(**values))

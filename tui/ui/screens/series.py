"""The options of a series."""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from tui.config.schema import TABLES
from tui.core.series import SeriesSettings
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.viewmodel.form_rows import FieldError, rows_of
from tui.ui.widgets.settings_form import SettingsForm


class SeriesScreen(ModalScreen[tuple[SeriesSettings, bool]]):
    """Edits the options; dismisses with them, and whether to start. Escape leaves them as they were."""

    DEFAULT_CSS = """
    SeriesScreen {
        align: center middle;
        & > Vertical {
            width: 66; max-width: 96%; height: auto; max-height: 96%;
            padding: 0 1; background: $panel; border: heavy $primary;
            border-title-style: bold;
        }
        & Horizontal { height: auto; }
        & .buttons { align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close", "series")

    def __init__(self, settings: SeriesSettings, keys: KeyNames) -> None:
        super().__init__()
        self._keys = keys
        self._form = SettingsForm(rows_of(TABLES["series"]), msgspec.structs.asdict(settings))

    def compose(self) -> ComposeResult:
        """The fields above the buttons."""
        with Vertical() as box:
            box.border_title = "Series"
            yield self._form
            with Horizontal(classes="buttons"):
                yield Button(self._keys.on_button("series.start"), id="start", variant="primary", compact=True)
                yield Button("Keep", id="keep", compact=True)
                yield Button(self._keys.on_button("dialog.close", "Cancel"), id="cancel", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        if event.button.id == "cancel":
            self.dismiss()
        else:
            self.action_done(event.button.id == "start")

    def on_input_submitted(self) -> None:
        """Enter in a field keeps the options."""
        self.action_done(False)

    def action_done(self, start: bool) -> None:
        """Dismiss with the options, if they can be used."""
        try:
            values = self._form.read()
        except FieldError:
            return
        given = {name: value for name, value in values.items() if value is not None}
        self.dismiss((SeriesSettings(**given), start))

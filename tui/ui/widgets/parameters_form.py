"""The parameters in the pane: those that are changed most, and what else is set."""

from collections.abc import Mapping
from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.core.lanes import described
from tui.core.parameters import REQUIRED, Parameters
from tui.core.sanitize import clean
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS
from tui.ui.widgets.prompt_pane import Yielding
from tui.ui.widgets.settings_form import SettingsForm

_HERE = ("max_tokens", "effort", "thinking")
"""The parameters that have a row here; each costs the first screen a millisecond."""


class ParametersForm(Yielding):
    """Edits the shared parameters as they are typed."""

    DEFAULT_CSS = """
    ParametersForm {
        height: auto;
        & ChoiceLine { color: $text-muted; }
        & > #more { height: 1; text-wrap: nowrap; text-overflow: ellipsis; color: $text-muted; }
    }
    """

    class Changed(Message):
        """The parameters are others now."""

    def __init__(self, parameters: Parameters, keys: KeyNames) -> None:
        super().__init__(id="parameters")
        self._keys = keys
        self._title = "Parameters"
        self.parameters = parameters
        """The parameters, as far as what is typed can be read."""
        rows = [row for row in PARAMETER_ROWS if row.name in _HERE]
        self._form = SettingsForm(
            rows, msgspec.structs.asdict(parameters), required=(REQUIRED,), label_cells=13, explains=False
        )
        self._more = Static(self._rest(), id="more", markup=False)
        self.entitle()

    @property
    def summary(self) -> str:
        """All that is set."""
        return clean(", ".join(described(name, value) for name, value in self.parameters.set_ones() if value != ()))

    def compose(self) -> ComposeResult:
        """One row per parameter, then all the others."""
        yield self._form
        yield self._more

    def read(self) -> Parameters:
        """The parameters as the fields have them. Raises FieldError, and focuses the field at fault."""
        self._apply(self._form.read())
        return self.parameters

    def show(self, parameters: Parameters) -> None:
        """Put other parameters into the fields."""
        self._apply(msgspec.structs.asdict(parameters))
        self._form.show(msgspec.structs.asdict(parameters))

    def on_settings_form_changed(self) -> None:
        """Take what can be read."""
        self._apply(self._form.readable())

    def _apply(self, values: Mapping[str, Any]) -> None:
        parameters = msgspec.structs.replace(self.parameters, **values)
        if parameters != self.parameters:
            self.parameters = parameters
            self._more.update(self._rest())
            self.entitle()
            self.post_message(self.Changed())

    def _rest(self) -> Content:
        """The other parameters that are set, after the link to all of them."""
        parts = [
            described(name, value) for name, value in self.parameters.set_ones() if name not in _HERE and value != ()
        ]
        more = Content.from_markup(f"[@click=app.act('edit_parameters')]more ({self._keys('edit_parameters')})[/]")
        return Content(" · ").join([more, *(Content(clean(part)) for part in parts)])

"""The parameters' fields."""

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from tui.core.parameters import Parameters
from tui.ui.viewmodel.fields import (
    FieldError,
    read_max_tokens,
    read_stop_sequences,
    read_temperature,
    write_stop_sequences,
)


class ParametersForm(Vertical):
    """Edits the shared parameters. What cannot be sent is said below the fields, in one sentence."""

    DEFAULT_CSS = """
    ParametersForm {
        height: auto;
        & > Horizontal { height: 1; }
        & Label { width: 13; color: $text-muted; }
        & Input { width: 1fr; }
        & > .problem { display: none; color: $text-error; width: 1fr; }
        &.-problem > .problem { display: block; }
    }
    """

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(id="parameters")
        self.border_title = "Parameters"
        self._initial = parameters
        self._problem = Label("", classes="problem", markup=False)
        self._max_tokens: Input
        self._stop: Input
        self._temperature: Input

    def compose(self) -> ComposeResult:
        """One row per parameter."""
        initial = self._initial
        temperature = "" if initial.temperature is None else f"{initial.temperature:g}"
        # Made here and not before: an Input with a value can be made only while a screen is up.
        self._max_tokens = _field("max-tokens", str(initial.max_tokens or ""), "required")
        self._stop = _field("stop", write_stop_sequences(initial.stop_sequences), "separated by commas")
        self._temperature = _field("temperature", temperature, "0 to 1; older models only")
        rows = (("max tokens", self._max_tokens), ("stop", self._stop), ("temperature", self._temperature))
        for label, field in rows:
            with Horizontal():
                yield Label(label)
                yield field
        yield self._problem

    def read(self) -> Parameters:
        """What stands in the fields. Raises FieldError, and focuses the field at fault."""
        field = self._max_tokens
        try:
            max_tokens = read_max_tokens(field.value)
            field = self._stop
            stop_sequences = read_stop_sequences(field.value)
            field = self._temperature
            temperature = read_temperature(field.value)
        except FieldError as error:
            field.focus()
            self._say(str(error))
            raise
        self._say("")
        # What has no field here stays as the configuration set it.
        return msgspec.structs.replace(
            self._initial, max_tokens=max_tokens, stop_sequences=stop_sequences, temperature=temperature
        )

    def on_input_changed(self, _event: Input.Changed) -> None:
        """A corrected field takes its complaint away."""
        if self.has_class("-problem"):
            self._say("")

    def _say(self, sentence: str) -> None:
        self._problem.update(sentence)
        self.set_class(bool(sentence), "-problem")


def _field(name: str, value: str, placeholder: str) -> Input:
    field = Input(value, id=name, placeholder=placeholder, compact=True)
    field.cursor_blink = False
    return field

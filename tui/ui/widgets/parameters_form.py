"""The parameters in the pane: those that are changed most, and what else is set."""

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from tui.core.lanes import described
from tui.core.parameters import Parameters
from tui.core.sanitize import clean
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.fields import FieldError, read_max_tokens
from tui.ui.viewmodel.parameter_rows import ROWS
from tui.ui.widgets.choice_line import ChoiceLine
from tui.ui.widgets.inputs import Field

_LABEL_CELLS = 13
_HERE = ("max_tokens", "effort", "thinking")
"""The parameters that have a row here."""
_CHOICES = {row.name: row.choices for row in ROWS}


class ParametersForm(Vertical):
    """Edits the shared parameters. What cannot be sent is said below the fields, in one sentence.

    It draws the first row's label itself and has one widget per row: each costs the first screen a millisecond.
    """

    DEFAULT_CSS = """
    ParametersForm {
        height: auto;
        color: $text-muted;
        & > Input { width: 1fr; margin: 0 0 0 13; }
        & > #more { height: 1; text-wrap: nowrap; text-overflow: ellipsis; color: $text-muted; }
        & > .problem { display: none; color: $text-error; width: 1fr; }
        &.-problem > .problem { display: block; }
    }
    """

    class Changed(Message):
        """The parameters are others now."""

    def __init__(self, parameters: Parameters, keys: KeyNames) -> None:
        super().__init__(id="parameters")
        self._keys = keys
        self.border_title = "Parameters"
        self._parameters = parameters
        self._problem: Label | None = None
        self._max_tokens: Input
        self._effort = _choice("effort", parameters)
        self._thinking = _choice("thinking", parameters)
        self._more = Static(self._rest(), id="more", markup=False)

    def render(self) -> str:
        """The label beside the first field."""
        return "max tokens"

    def compose(self) -> ComposeResult:
        """One row per parameter, then all the others."""
        # Made here and not before: an Input with a value can be made only while a screen is up.
        self._max_tokens = Field(str(self._parameters.max_tokens or ""), id="max-tokens", placeholder="required")
        yield self._max_tokens
        yield self._effort
        yield self._thinking
        yield self._more

    @property
    def parameters(self) -> Parameters:
        """What is set, as far as it can be read."""
        return self._parameters

    def read(self) -> Parameters:
        """What stands in the fields. Raises FieldError, and focuses the field at fault."""
        try:
            max_tokens = read_max_tokens(self._max_tokens.value)
        except FieldError as error:
            self._max_tokens.focus()
            self._say(str(error))
            raise
        self._say("")
        self._parameters = msgspec.structs.replace(self._parameters, max_tokens=max_tokens)
        return self._parameters

    def show(self, parameters: Parameters) -> None:
        """Put other parameters into the fields."""
        self._parameters = parameters
        with self.prevent(Input.Changed):
            self._max_tokens.value = str(parameters.max_tokens or "")
        self._effort.value = parameters.effort or ""
        self._thinking.value = parameters.thinking or ""
        self._changed()

    def on_input_changed(self, event: Input.Changed) -> None:
        """A corrected field takes its complaint away."""
        if self.has_class("-problem"):
            self._say("")
        try:
            max_tokens = read_max_tokens(event.value)
        except FieldError:
            return
        if max_tokens != self._parameters.max_tokens:
            self._parameters = msgspec.structs.replace(self._parameters, max_tokens=max_tokens)
            self._changed()

    def on_choice_line_changed(self, event: ChoiceLine.Changed) -> None:
        """Take the choice."""
        line = event.line
        self._parameters = msgspec.structs.replace(self._parameters, **{str(line.id): line.value or None})
        self._changed()

    def _changed(self) -> None:
        self._say("")
        self._more.update(self._rest())
        self.post_message(self.Changed())

    def _rest(self) -> Content:
        """What else is set, and how to get at all."""
        values = {row.name: getattr(self._parameters, row.name) for row in ROWS if row.name not in _HERE}
        parts = [described(name, value) for name, value in values.items() if value not in (None, ())]
        more = Content.from_markup(f"[@click=app.act('edit_parameters')]more ({self._keys('edit_parameters')})[/]")
        return Content(" · ").join([more, *(Content(clean(part)) for part in parts)])

    def _say(self, sentence: str) -> None:
        if self._problem is None:
            if not sentence:
                return
            self._problem = Label("", classes="problem", markup=False)
            self.mount(self._problem)
        self._problem.update(sentence)
        self.set_class(bool(sentence), "-problem")


def _choice(name: str, parameters: Parameters) -> ChoiceLine:
    value = getattr(parameters, name) or ""
    return ChoiceLine(_CHOICES[name], value, id=name, label=name, label_cells=_LABEL_CELLS)

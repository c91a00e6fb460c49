"""A form made from a table of settings: one row per key, checked as a configuration file is."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Checkbox, Input, Label, Select

from tui.config.check import value_of
from tui.config.keys import Key
from tui.ui.viewmodel.fields import FieldError
from tui.ui.widgets.inputs import Field

_UNSET = "not set"


class SettingsForm(VerticalScroll, can_focus=False):
    """Edits the values of a settings table. What cannot be used is said below the fields, in one sentence."""

    DEFAULT_CSS = """
    SettingsForm {
        height: auto;
        max-height: 1fr;
        & > Horizontal { height: 1; }
        & Label { width: 16; color: $text-muted; }
        & Input { width: 1fr; }
        & Select { width: 1fr; }
        & Checkbox { width: 1fr; padding: 0; }
        & > .explained { width: 1fr; height: 2; color: $text-muted; }
        & > .problem { display: none; color: $text-error; width: 1fr; }
        &.-problem > .problem { display: block; }
    }
    """

    def __init__(self, keys: Sequence[Key], values: Mapping[str, object]) -> None:
        """`values` by key; `None` is not set."""
        super().__init__()
        self._keys = keys
        self._values = values
        self._fields: dict[str, Input | Select[str] | Checkbox] = {}
        self._explained = Label("", classes="explained", markup=False)
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """One row per key, and what the focused one means."""
        for key in self._keys:
            field = self._fields[key.name] = _field(key, self._values.get(key.name))
            with Horizontal():
                yield Label(key.name.replace("_", " "))
                yield field
        yield self._explained
        yield self._problem

    def read(self) -> dict[str, object]:
        """What stands in the fields, by key, without those that are not set.

        Raises FieldError, and focuses the field at fault.
        """
        values: dict[str, object] = {}
        for key in self._keys:
            field = self._fields[key.name]
            if isinstance(field, Checkbox):
                values[key.name] = field.value
                continue
            text = field.value.strip() if isinstance(field.value, str) else ""
            if not text:
                continue
            try:
                values[key.name] = value_of(key, text, is_text=True)
            except ValueError as error:
                field.focus()
                self._say(f"{key.name.replace('_', ' ')} {error}.")
                raise FieldError(str(error)) from None
        self._say("")
        return values

    def on_descendant_focus(self) -> None:
        """Say what the focused field means."""
        for key in self._keys:
            if self._fields[key.name].has_focus:
                unit = f" ({key.unit})" if key.unit else ""
                self._explained.update(f"{key.help}{unit}")

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Say it in a word: the box itself differs in colour alone."""
        event.checkbox.label = _word(event.value)

    def on_input_changed(self) -> None:
        """A corrected field takes its complaint away."""
        if self.has_class("-problem"):
            self._say("")

    def _say(self, sentence: str) -> None:
        self._problem.update(sentence)
        self.set_class(bool(sentence), "-problem")


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _field(key: Key, value: object) -> Input | Select[str] | Checkbox:
    wanted: Any = key.type
    if wanted is bool:
        return Checkbox(_word(bool(value)), bool(value), compact=True)
    if get_origin(wanted) is Literal:
        choices = [(str(choice), str(choice)) for choice in get_args(wanted)]
        if value is None:
            return Select(choices, prompt=_UNSET, allow_blank=True, compact=True)
        return Select(choices, prompt=_UNSET, allow_blank=True, value=str(value), compact=True)
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return Field(text, placeholder=_UNSET)

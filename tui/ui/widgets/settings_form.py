"""The one form for settings: a row per key, checked as a configuration file is; and the parameters at hand."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Static

from tui.core.lanes import described
from tui.core.parameters import REQUIRED, Parameters
from tui.core.sanitize import clean
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError, FormRow
from tui.ui.viewmodel.parameter_refusals import ParameterContext
from tui.ui.widgets.choice_line import ChoiceLine
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.prompt_pane import Yielding

_HERE = ("max_tokens", "effort", "thinking")
"""The parameters that have a row here; each costs the first screen a millisecond."""


class SettingsForm(Vertical):
    """Edits settings, one row each, and complains below them in one sentence.

    With the context of parameters, a parameter that would be refused is greyed, with the reason, and a target can leave
    a shared one out.
    """

    DEFAULT_CSS = """
    SettingsForm {
        height: auto;
        max-height: 75vh;
        & > _Rows { height: auto; max-height: 50vh; color: $text-muted; }
        & Field { width: 1fr; }
        & .row { height: 1; }
        & .row > Field { min-width: 37; }
        & .row > .note { display: none; width: auto; max-width: 60%; color: $text-warning; padding: 0 0 0 1;
                         text-wrap: nowrap; text-overflow: ellipsis; }
        & .row > Checkbox { width: auto; padding: 0 0 0 1; }
        & .row.-partly > .note, & .row.-refused > .note { display: block; }
        & .row.-refused > Field, & .row.-refused > ChoiceLine { color: $text-muted; }
        & .row.-refused, & .row.-refused > .note, & .row.-refused > * > .choice-line--label { color: $text-muted; }
        & > .explained { width: 1fr; height: 3; color: $text-muted; }
        & > .problem { display: none; color: $text-error; width: 1fr; }
        &.-problem > .problem { display: block; }
        &.-problem > .explained { display: none; }
        &:ansi .row.-refused { text-style: dim; }
        &.-fills, &.-fills > _Rows { height: 1fr; max-height: 100%; }
    }
    """

    class Changed(Message):
        """Another value stands in a field."""

    def __init__(
        self,
        rows: Sequence[FormRow],
        values: Mapping[str, Any],
        context: ParameterContext | None = None,
        *,
        required: Collection[str] = (),
        label_cells: int = 17,
        explains: bool = True,
    ) -> None:
        """`values` by key; `None` is not set. `explains` has room for the meaning of the focused row."""
        super().__init__(classes="-fills" if context is not None else "")
        self._rows = rows
        self._required = required
        self._label_cells = label_cells
        self._explains = explains
        self._values = values
        self._parameters = context
        self._fields: dict[str, Input | ChoiceLine] = {}
        self._toggles: dict[str, Checkbox] = {}
        self._notes: dict[str, Label] = {}
        self._explained = Label("", classes="explained", markup=False)
        self._problem: Label | None = None

    def compose(self) -> ComposeResult:
        """One row per key, and the meaning of the focused one."""
        with _Rows():
            for row in self._rows:
                field = self._field(row)
                if self._parameters is None:
                    yield field
                    continue
                with Horizontal(classes="row"):
                    yield field
                    note = self._notes[row.name] = Label("", classes="note", markup=False)
                    yield note
                    if self._parameters.can_be_dropped(row):
                        toggle = _Toggle(row, is_on=row.name in self._parameters.dropped)
                        self._toggles[row.name] = toggle
                        yield toggle
        if self._explains:
            yield self._explained

    def on_mount(self) -> None:
        """Say what would be refused."""
        self.judge()

    @property
    def has_fields(self) -> bool:
        """True once the rows are made."""
        return bool(self._fields)

    def focus_first(self) -> None:
        """Put the focus on the first row."""
        self._fields[self._rows[0].name].focus()

    def read(self) -> dict[str, Any]:
        """The values in the fields, by key; `None` is not set. Raises FieldError, and focuses the field at fault."""
        values: dict[str, Any] = {}
        for row in self._rows:
            try:
                values[row.name] = self._value(row)
            except FieldError as error:
                self._refuse(row.name, str(error))
                raise
        if (
            self._parameters is not None
            and (sentence := self._parameters.contradiction(Parameters(**values))) is not None
        ):
            self._refuse("thinking", clean(sentence))
            raise FieldError(sentence)
        self._say("")
        return values

    def readable(self) -> dict[str, Any]:
        """The values of the fields in which nothing is wrong."""
        values: dict[str, Any] = {}
        for row in self._rows:
            with contextlib.suppress(FieldError):
                values[row.name] = self._value(row)
        return values

    def show(self, values: Mapping[str, Any]) -> None:
        """Put other values into the fields."""
        with self.prevent(Input.Changed, ChoiceLine.Changed):
            for row in self._rows:
                self._fields[row.name].value = row.write(values.get(row.name))
        self._changed()

    @property
    def dropped(self) -> tuple[str, ...]:
        """The shared parameters that are left out."""
        return tuple(name for name, toggle in self._toggles.items() if toggle.value)

    def judge(self) -> None:
        """Say anew of every parameter who would refuse it."""
        if self._parameters is None:
            return
        if self._toggles:
            self._parameters.dropped = self.dropped
        own = self._own()
        for row in self._rows:
            found, field, note = self._parameters.refusal(row, own), self._fields[row.name], self._notes[row.name]
            note.update(f"✕ {clean(found.reason)}" if found else "")
            line = field.parent
            assert isinstance(line, Horizontal)
            line.set_class(found is not None and found.by_all, "-refused")
            line.set_class(found is not None and not found.by_all, "-partly")
            if isinstance(field, ChoiceLine):
                field.refused = self._parameters.refused_choices(row)
                field.unset = self._parameters.unset(row)
            else:
                field.placeholder = self._parameters.unset(row)

    def on_descendant_focus(self) -> None:
        """Say what the focused field means."""
        self._explain()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Judge what was typed."""
        self._set(event.input)

    def on_choice_line_changed(self, event: ChoiceLine.Changed) -> None:
        """Judge what was chosen."""
        self._set(event.line)

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Judge what is left out; a value of the target's own would be sent all the same, and goes."""
        name = next(name for name, toggle in self._toggles.items() if toggle is event.checkbox)
        if event.value:
            self._fields[name].value = ""
        self._changed()

    def _set(self, changed: Input | ChoiceLine) -> None:
        """Keep a parameter that has a value from being left out."""
        toggle = next((self._toggles.get(name) for name, field in self._fields.items() if field is changed), None)
        if toggle is not None and changed.value:
            toggle.value = False
        self._changed()

    def _changed(self) -> None:
        self._say("")
        self.judge()
        self._explain()
        self.post_message(self.Changed())

    def _explain(self) -> None:
        for row in self._rows:
            toggle = self._toggles.get(row.name)
            if self._fields[row.name].has_focus or (toggle is not None and toggle.has_focus):
                found = self._parameters.refusal(row, self._own()) if self._parameters is not None else None
                self._explained.update(f"{row.help} {clean(found.reason) if found else ''}")

    def _field(self, row: FormRow) -> Input | ChoiceLine:
        text, cells, name = row.write(self._values.get(row.name)), self._label_cells, row.name.replace("_", "-")
        unset = "required" if row.name in self._required else row.hint
        if self._parameters is not None:
            unset = self._parameters.unset(row)
        field: Input | ChoiceLine
        if row.choices:
            unset = unset if row.key.optional else ""
            field = ChoiceLine(row.choices, text, unset=unset, label=row.title, label_cells=cells, id=name)
        else:
            field = Field(text, unset, label=row.title, label_cells=cells, id=name)
        self._fields[row.name] = field
        return field

    def _value(self, row: FormRow) -> Any:
        return row.read(self._fields[row.name].value, required=row.name in self._required)

    def _own(self) -> Parameters:
        return Parameters(**self.readable())

    def _refuse(self, name: str, sentence: str) -> None:
        self._fields[name].focus()
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        if self._problem is None:
            if not sentence:
                return
            self._problem = Label("", classes="problem", markup=False)
            self.mount(self._problem)
        self._problem.update(sentence)
        self.set_class(bool(sentence), "-problem")


class _Toggle(Checkbox, inherit_bindings=False):
    """Enter is for the whole form. It is empty where it is off; Textual's differs in colour alone."""

    BINDINGS: ClassVar[list[BindingType]] = bound("rows.leave_out")
    BUTTON_INNER = " "

    def __init__(self, row: FormRow, *, is_on: bool) -> None:
        super().__init__("leave out", is_on, compact=True, id=f"drop-{row.name.replace('_', '-')}")

    def watch_value(self) -> None:
        """See `ToggleButton.watch_value`."""
        self.BUTTON_INNER = "X" if self.value else " "
        super().watch_value()


class _Rows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls as the focus moves through the rows."""

    BINDINGS: ClassVar[list[BindingType]] = bound("rows.next", "rows.previous")

    def action_go(self, step: int) -> None:
        """Move the focus by a row, past what leaves one out, or out of the rows at their ends."""
        fields = list(self.query("Field, ChoiceLine").results(Widget))
        focused = self.screen.focused
        assert focused is not None
        row = next(
            i for i, field in enumerate(fields) if field is focused or field.parent is focused.parent is not self
        )
        if 0 <= row + step < len(fields):
            # At once: the next key may be here already.
            self.screen.set_focus(fields[row + step])
        elif step > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


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
        if self._form.has_fields:  # not where the program is left before they are made
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

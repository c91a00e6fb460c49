"""All parameters as fields, for the shared ones and for those of one target."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label

from tui.core.parameters import REQUIRED, Parameters
from tui.core.refusals import contradiction
from tui.core.sanitize import clean
from tui.ui.keymap import bound
from tui.ui.viewmodel.fields import FieldError, read_max_tokens
from tui.ui.viewmodel.parameter_rows import ROWS, Asked, Row, refused_choices, standing
from tui.ui.widgets.choice_line import ChoiceLine
from tui.ui.widgets.inputs import Field


class ParametersEditor(Vertical):
    """Edits parameters, one row each. What would be refused is greyed, with the reason; what cannot be sent at all is
    said below the fields, in one sentence."""

    DEFAULT_CSS = """
    ParametersEditor {
        height: 1fr;
        & .row { height: 1; }
        & .row > Label { width: 17; color: $text-muted; }
        & .row > Input { width: 1fr; min-width: 20; }
        & .row > .note { display: none; width: auto; max-width: 60%; color: $text-warning; padding: 0 0 0 1;
                         text-wrap: nowrap; text-overflow: ellipsis; }
        & .row > Checkbox { width: auto; padding: 0 0 0 1; }
        & .row.-partly > .note, & .row.-refused > .note { display: block; }
        & .row.-refused > Label, & .row.-refused > Input, & .row.-refused > ChoiceLine { color: $text-disabled; }
        & > .explained { width: 1fr; height: 3; color: $text-muted; }
        & > .problem { display: none; color: $text-error; width: 1fr; }
        &.-problem > .problem { display: block; }
        &.-problem > .explained { display: none; }
        &:ansi .row.-refused { text-style: dim; }
    }
    """

    def __init__(
        self,
        values: Parameters,
        asked: Callable[[], Sequence[Asked]],
        shared: Parameters | None = None,
        drop: Sequence[str] = (),
    ) -> None:
        """Edits the shared parameters, or with `shared` given those in which one target differs from them, which
        leaves out those named in `drop`. `asked` gives the targets whose requests are decided here."""
        super().__init__()
        self._values = values
        self._asked = asked
        self._shared = shared
        self._drop = drop
        self._fields: dict[str, Input | ChoiceLine] = {}
        self._toggles: dict[str, Checkbox] = {}
        self._notes: dict[str, Label] = {}
        self._explained = Label("", classes="explained", markup=False)
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """One row per parameter, and what the focused one means."""
        with _Rows():
            for row in ROWS:
                with Horizontal(classes="row"):
                    yield Label(row.title, markup=False)
                    yield self._field(row)
                    note = self._notes[row.name] = Label("", classes="note", markup=False)
                    yield note
                    if row.name != REQUIRED and (self._of_shared(row.name) is not None or row.name in self._drop):
                        toggle = _Toggle("leave out", row.name in self._drop, compact=True, id=f"drop-{_id(row)}")
                        self._toggles[row.name] = toggle
                        yield toggle
        yield self._explained
        yield self._problem

    def on_mount(self) -> None:
        """Say what would be refused."""
        self.judge()

    def focus_first(self) -> None:
        """Put the focus on the first parameter."""
        self._fields[ROWS[0].name].focus()

    def read(self) -> Parameters:
        """What stands in the fields. Raises FieldError, and focuses the field at fault."""
        values: dict[str, Any] = {}
        for row in ROWS:
            field = self._fields[row.name]
            try:
                required = row.name == REQUIRED and self._shared is None
                values[row.name] = read_max_tokens(field.value) if required else row.read(field.value)
            except FieldError as error:
                self._refuse(field, str(error))
                raise
        parameters = Parameters(**values)
        for one in self._asked():
            if (reason := contradiction(one.with_shared(self._in_effect(parameters)))) is not None:
                where = f"{clean(one.target.label)}: " if self._shared is None else ""
                self._refuse(self._fields["thinking"], f"{where}{reason}.")
                raise FieldError(reason)
        self._say("")
        return parameters

    @property
    def dropped(self) -> tuple[str, ...]:
        """The shared parameters that are left out."""
        return tuple(name for name, toggle in self._toggles.items() if toggle.value)

    def judge(self) -> None:
        """Say anew of every parameter who would refuse it."""
        parameters, asked = self._in_effect(Parameters(**dict(self._readable()))), self._asked()
        for row in ROWS:
            found = standing(row, parameters, asked)
            note = self._notes[row.name]
            note.update(f"✕ {clean(found.reason)}" if found else "")
            assert note.parent is not None
            line = note.parent
            assert isinstance(line, Horizontal)
            line.set_class(found is not None and found.by_all, "-refused")
            line.set_class(found is not None and not found.by_all, "-partly")
            field = self._fields[row.name]
            if isinstance(field, ChoiceLine):
                field.refused = refused_choices(row, asked)
                field.unset = self._unset(row)
            else:
                field.placeholder = self._unset(row)

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
        """What has a value is not left out."""
        toggle = next((self._toggles.get(name) for name, field in self._fields.items() if field is changed), None)
        if toggle is not None and changed.value:
            toggle.value = False
        self._changed()

    def _changed(self) -> None:
        if self.has_class("-problem"):
            self._say("")
        self.judge()
        self._explain()

    def _explain(self) -> None:
        for row in ROWS:
            toggle = self._toggles.get(row.name)
            if self._fields[row.name].has_focus or (toggle is not None and toggle.has_focus):
                found = standing(row, self._in_effect(Parameters(**dict(self._readable()))), self._asked())
                self._explained.update(f"{row.help} {clean(found.reason) if found else ''}")

    def _field(self, row: Row) -> Input | ChoiceLine:
        text = row.write(getattr(self._values, row.name))
        field: Input | ChoiceLine
        if row.choices:
            field = ChoiceLine(row.choices, text, unset=self._unset(row), id=_id(row))
        else:
            field = Field(text, placeholder=self._unset(row), id=_id(row))
        self._fields[row.name] = field
        return field

    def _of_shared(self, name: str) -> Any:
        value = getattr(self._shared, name) if self._shared is not None else None
        return None if value == () else value

    def _unset(self, row: Row) -> str:
        """What a field says while nothing stands in it."""
        value = self._of_shared(row.name)
        if value is not None:
            return "left out" if row.name in self._left_out() else f"shared: {row.write(value)}"
        return "not set" if row.choices else row.hint

    def _left_out(self) -> Sequence[str]:
        return self.dropped if self._toggles else self._drop

    def _in_effect(self, own: Parameters) -> Parameters:
        """What is sent when `own` stands in the fields."""
        return own if self._shared is None else self._shared.without(self.dropped).overridden_by(own)

    def _readable(self) -> Iterator[tuple[str, Any]]:
        """The fields in which nothing is wrong."""
        for row in ROWS:
            try:
                yield row.name, row.read(self._fields[row.name].value)
            except FieldError:
                continue

    def _refuse(self, field: Input | ChoiceLine, sentence: str) -> None:
        field.focus()
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._problem.update(sentence)
        self.set_class(bool(sentence), "-problem")


class _Toggle(Checkbox, inherit_bindings=False):
    """Enter is for the whole form. It is empty where it is off; Textual's differs in colour alone."""

    BINDINGS: ClassVar[list[BindingType]] = bound("rows.leave_out")
    BUTTON_INNER = " "

    def watch_value(self) -> None:
        """See `ToggleButton.watch_value`."""
        self.BUTTON_INNER = "X" if self.value else " "
        super().watch_value()


class _Rows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls as the focus moves through the rows."""

    BINDINGS: ClassVar[list[BindingType]] = bound("rows.next", "rows.previous")

    def action_go(self, step: int) -> None:
        """Move the focus by a row, past what leaves one out, or out of the rows at their ends."""
        fields = list(self.query("Input, ChoiceLine").results(Widget))
        focused = self.screen.focused
        assert focused is not None
        row = next(index for index, field in enumerate(fields) if field.parent is focused.parent)
        if 0 <= row + step < len(fields):
            # At once: the next key may be here already.
            self.screen.set_focus(fields[row + step])
        elif step > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


def _id(row: Row) -> str:
    return row.name.replace("_", "-")

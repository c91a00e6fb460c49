"""Dialogs for settings: the shared parameters, a series or a load, checks, and objectives."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.binding import BindingType
from textual.widgets import Input, Label

from tui.config.check import check_lines, parse_checks
from tui.config.schema import TABLES
from tui.core.checks import KINDS, AnswerCheck
from tui.core.load import LoadSettings
from tui.core.objectives import Objective, parse
from tui.core.parameters import REQUIRED, Parameters
from tui.core.sanitize import clean
from tui.core.series import SeriesSettings
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import Dialog, Problem, dialog_button, done_button
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError, rows_of
from tui.ui.viewmodel.parameter_refusals import ParameterContext, Recipient
from tui.ui.widgets.inputs import Editor, Field
from tui.ui.widgets.settings_form import SettingsForm


class ParametersScreen(Dialog[Parameters]):
    """Edits the shared parameters; dismisses with them."""

    DEFAULT_CSS = "ParametersScreen > Vertical { width: 100; max-width: 100%; height: 21; max-height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog")

    def __init__(self, parameters: Parameters, chosen: Sequence[Recipient], keys: KeyNames) -> None:
        """`chosen` are the targets that are sent the parameters."""
        values, context = msgspec.structs.asdict(parameters), ParameterContext(lambda: chosen)
        self._form = SettingsForm(PARAMETER_ROWS, values, context, required=(REQUIRED,))
        super().__init__("Parameters of all targets", keys, self._form, buttons=[done_button(keys)])

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


class SeriesScreen(Dialog[tuple[SeriesSettings | LoadSettings, bool]]):
    """Edits the options of a series or a load; dismisses with them, and whether to start."""

    DEFAULT_CSS = "SeriesScreen > Vertical { width: 66; max-width: 96%; height: auto; max-height: 96%; }"
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close", "series")

    def __init__(self, settings: SeriesSettings | LoadSettings, keys: KeyNames, table: str = "series") -> None:
        """`table` is that of the configuration which holds the options."""
        self._kind = type(settings)
        rows = rows_of(TABLES[table])
        cells = 2 + max(len(row.title) for row in rows)
        self._form = SettingsForm(rows, msgspec.structs.asdict(settings), label_cells=cells)
        start = dialog_button("start", keys.on_button("series.start"), "done(True)", "primary")
        keep = dialog_button("keep", "Keep", "done(False)")
        super().__init__(table.capitalize(), keys, self._form, buttons=[start, keep])

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
        self.dismiss((self._kind(**given), start))


_CHECKS = (
    'One a line: contains = "Paris", max_words = 50, json = true, similar = "a text", at_least = 0.7. '
    "Kinds: {kinds}. An answer passes if it passes all. {save} saves them in the plan."
)


class ChecksScreen(Dialog[tuple[AnswerCheck, ...]]):
    """Edits the checks of answers; dismisses with them."""

    DEFAULT_CSS = """
    ChecksScreen {
        & > Vertical { width: 76; max-width: 96%; height: auto; max-height: 96%; }
        & Editor { height: 20vh; min-height: 3; max-height: 8; border: none; background: $surface; }
        & Label { color: $text-muted; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog")

    def __init__(self, checks: Sequence[AnswerCheck], of: str, keys: KeyNames) -> None:
        """`of` says whose they are, where there are several prompts."""
        self._editor = Editor(check_lines(checks), "checks", 'contains = "Paris"')
        self._problem = Problem()
        hint = Label(_CHECKS.format(kinds=", ".join(KINDS), save=keys("save_plan")), markup=False)
        parts = (self._editor, self._problem, hint)
        # Enter begins a new line while the editor has the focus.
        done = dialog_button("done", "Done (Tab, Enter)", "done", "primary")
        super().__init__(f"Checks of the answers{of}", keys, *parts, buttons=[done])

    def on_mount(self) -> None:
        """Begin at the end of what is there."""
        self._editor.focus()
        self._editor.move_cursor(self._editor.document.end)

    def on_text_area_changed(self) -> None:
        """A corrected text takes its complaint away."""
        self._problem.say("")

    def action_done(self) -> None:
        """Dismiss with the checks, if all can be used."""
        try:
            found = parse_checks(self._editor.text)
        except ValueError as error:
            self._problem.say(clean(str(error)))
            return
        self.dismiss(found)


_HINT = (
    "Separated by commas: ttft.p95 < 800ms, total.p50 < 4s, otps.p50 > 80, errors < 1%. "
    "They hold until the program ends. To keep them, write objectives = [...] into the configuration. "
    "Enter takes them, an empty field removes them, {escape} changes nothing."
)


class ObjectivesScreen(Dialog[tuple[Objective, ...]]):
    """Edits the objectives; dismisses with them. Below the field it says what cannot be read."""

    DEFAULT_CSS = """
    ObjectivesScreen {
        & > Vertical { width: 76; max-width: 96%; height: auto; }
        & Label { color: $text-muted; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close")

    def __init__(self, objectives: Sequence[Objective], keys: KeyNames) -> None:
        self._problem = Problem()
        field = Field(", ".join(objective.text for objective in objectives), id="objectives")
        hint = Label(_HINT.format(escape=keys("dialog.close")), markup=False)
        super().__init__("Objectives", keys, field, self._problem, hint)

    def on_input_changed(self) -> None:
        """A corrected field takes its complaint away."""
        self._problem.say("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismiss with the objectives, if all can be read."""
        try:
            found = tuple(parse(text) for text in event.value.split(",") if text.strip())
        except ValueError as error:
            self._problem.say(str(error))
            return
        self.dismiss(found)

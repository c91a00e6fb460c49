"""All shared parameters."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

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
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError, rows_of
from tui.ui.viewmodel.parameter_refusals import ParameterContext, Recipient
from tui.ui.widgets.inputs import Editor, Field
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


class SeriesScreen(ModalScreen[tuple[SeriesSettings | LoadSettings, bool]]):
    """Edits the options of a series or a load; dismisses with them, and whether to start.

    Escape leaves them as they were.
    """

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

    def __init__(self, settings: SeriesSettings | LoadSettings, keys: KeyNames, table: str = "series") -> None:
        """`table` is that of the configuration which holds the options."""
        super().__init__()
        self._keys = keys
        self._kind, self._title = type(settings), table.capitalize()
        rows = rows_of(TABLES[table])
        cells = 2 + max(len(row.title) for row in rows)
        self._form = SettingsForm(rows, msgspec.structs.asdict(settings), label_cells=cells)

    def compose(self) -> ComposeResult:
        """The fields above the buttons."""
        with Vertical() as box:
            box.border_title = self._title
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
        self.dismiss((self._kind(**given), start))


_CHECKS = (
    'One a line: contains = "Paris", max_words = 50, json = true, similar = "a text", at_least = 0.7. '
    "Kinds: {kinds}. An answer passes if it passes all. {save} saves them in the plan."
)


class ChecksScreen(ModalScreen[tuple[AnswerCheck, ...]]):
    """Edits the checks of answers; dismisses with them. Escape leaves them as they were."""

    DEFAULT_CSS = """
    ChecksScreen {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 96%; height: auto; max-height: 96%;
            padding: 0 1; background: $panel; border: heavy $primary;
            border-title-style: bold;
        }
        & Editor { height: 8; border: none; background: $surface; }
        & Label { color: $text-muted; width: 1fr; }
        & .problem { display: none; color: $text-error; }
        & .problem.-said { display: block; }
        & .buttons { height: 1; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog")

    def __init__(self, checks: Sequence[AnswerCheck], of: str, keys: KeyNames) -> None:
        """`of` says whose they are, where there are several prompts."""
        super().__init__()
        self._keys = keys
        self._of = of
        self._editor = Editor(check_lines(checks), "checks", 'contains = "Paris"')
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """The text above the hint and the buttons."""
        with Vertical() as box:
            box.border_title = f"Checks of the answers{self._of}"
            yield self._editor
            yield self._problem
            yield Label(_CHECKS.format(kinds=", ".join(KINDS), save=self._keys("save_plan")), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._keys.on_button("dialog.done"), id="done", variant="primary", compact=True)
                yield Button(self._keys.on_button("dialog.close", "Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin at the end of what is there."""
        self._editor.focus()
        self._editor.move_cursor(self._editor.document.end)

    def on_text_area_changed(self) -> None:
        """A corrected text takes its complaint away."""
        self._say("")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        if event.button.id == "cancel":
            self.dismiss()
        else:
            self.action_done()

    def action_done(self) -> None:
        """Dismiss with the checks, if all can be used."""
        try:
            found = parse_checks(self._editor.text)
        except ValueError as error:
            self._say(clean(str(error)))
            return
        self.dismiss(found)

    def _say(self, sentence: str) -> None:
        self._problem.update(sentence)
        self._problem.set_class(bool(sentence), "-said")


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

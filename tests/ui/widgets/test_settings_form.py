"""The form of settings, alone: rows, keys, complaints, and room for its screen's buttons."""

from typing import Any, Generic, TypeVar

import pytest
from dressed import DressedApp
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Button

from tui.config.schema import TABLES
from tui.core.load import LoadSettings
from tui.core.parameters import Parameters
from tui.core.series import SeriesSettings
from tui.ui.keymap import Keymap
from tui.ui.screens.settings import SeriesScreen
from tui.ui.viewmodel.form_rows import FieldError, rows_of
from tui.ui.widgets.choice_line import ChoiceLine
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.settings_form import ParametersForm, SettingsForm

VALUES: dict[str, Any] = {"max": 2}
Form = TypeVar("Form", bound=Widget)


class FormApp(DressedApp, Generic[Form]):
    """A form and nothing else."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form

    def compose(self) -> ComposeResult:
        yield self.form


def shown(app: App[Any]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_each_row_has_its_label_and_the_focused_one_its_meaning() -> None:
    app = FormApp(SettingsForm(rows_of(TABLES["series"]), {"repeats": 3, "in_turn": False}, label_cells=20))
    async with app.run_test() as pilot:
        assert "repeats             3" in shown(app)
        assert "in turn              on [off]" in shown(app)
        app.form.focus_first()
        await pilot.press("down", "down", "space")
        assert "Ask the targets one after another" in shown(app)
        values = app.form.read()
    assert (values["repeats"], values["in_turn"], values["seed"]) == (3, True, None)


async def test_what_cannot_be_used_is_said_below_and_focused() -> None:
    app = FormApp(SettingsForm(rows_of(TABLES["retries"]), VALUES, required=("max",)))
    async with app.run_test() as pilot:
        field = app.query_one("#max", Field)
        field.value = "11"
        await pilot.pause()
        with pytest.raises(FieldError):
            app.form.read()
        await pilot.pause()
        assert app.focused is field
        assert "max must be a whole number from 0 to 10, but is 11." in shown(app)
        field.value = ""
        await pilot.pause()
        assert "must be" not in shown(app)
        with pytest.raises(FieldError, match="max is required"):
            app.form.read()
        assert app.form.readable() == {"longest_wait": None}


async def test_other_values_are_shown() -> None:
    app = FormApp(SettingsForm(rows_of(TABLES["series"]), {}))
    async with app.run_test():
        app.form.show({"repeats": 7, "until_sure": "total"})
        assert app.query_one("#until-sure", ChoiceLine).value == "total"
        assert app.form.read()["repeats"] == 7


@pytest.mark.parametrize("table", ["series", "load"])
async def test_a_series_and_a_load_have_no_default_of_the_api(table: str) -> None:
    settings = SeriesSettings() if table == "series" else LoadSettings()
    app: App[None] = App()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.push_screen(SeriesScreen(settings, Keymap().names, table))
        await pilot.pause()
        assert "API default" not in shown(app)
        assert "no limit" in shown(app)
        if table == "series":
            assert "pause between runs, s  0" in shown(app)
            assert "new text per run       " in shown(app)
            app.screen.query_one("#gap", Field).value = ""
            await pilot.pause()
            assert "pause between runs, s  no pause" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_buttons_of_a_screen_are_in_sight_and_do_what_they_say(size: tuple[int, int]) -> None:
    app: App[None] = App()
    answers: list[object] = []
    async with app.run_test(size=size) as pilot:
        for pressed in ("start", "keep", "cancel"):
            await app.push_screen(SeriesScreen(SeriesSettings(), Keymap().names), answers.append)
            await pilot.pause()
            for button in app.screen.query(Button):
                assert app.screen.region.contains_region(button.region), button.label
                assert str(button.label) in shown(app)
            await pilot.click(f"#{pressed}")
            await pilot.pause()
    assert answers == [(SeriesSettings(), True), (SeriesSettings(), False), None]


async def test_the_first_three_parameters_are_edited_where_they_stand() -> None:
    form = ParametersForm(Parameters(max_tokens=5, cache="5m"), Keymap().names)
    assert form.read().max_tokens == 5, "where the program is left before it is shown"
    app = FormApp(form)
    async with app.run_test() as pilot:
        assert "more (Alt+E) · cache 5m" in shown(app)
        app.query_one("#max-tokens", Field).focus()
        await pilot.press("7", "down", "right")
        assert form.parameters == Parameters(max_tokens=7, effort="low", cache="5m")
        form.show(Parameters(max_tokens=1, thinking="adaptive"))
        await pilot.pause()
        assert form.read() == Parameters(max_tokens=1, thinking="adaptive")
        app.query_one("#max-tokens", Field).value = "many"
        await pilot.pause()
        assert form.parameters.max_tokens == 1, "what cannot be read changes nothing"
        with pytest.raises(FieldError, match="max tokens must be a whole number"):
            form.read()

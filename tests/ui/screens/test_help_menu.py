"""The menu of letters, single letters in lanes, and the other ways around keys that a terminal keeps for itself."""

from math import inf

import pytest
from textual.containers import VerticalScroll
from textual.events import Key
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList, TextArea

from tui.ui.bindings import ACTIONS, LETTERS
from tui.ui.palette import Palette, _score
from tui.ui.screens.dialogs import SearchScreen
from tui.ui.screens.help import MenuScreen

from .conftest import OpenApp
from .driving import SMALL, WIDE, AppDriver, fast, steady


async def open_menu(s: AppDriver) -> None:
    await s.press("ctrl+@")
    await s.until(lambda: isinstance(s.app.screen, MenuScreen), "the menu")


LEAST = (60, 16)


def is_alone(s: AppDriver) -> bool:
    return s.app.main.lanes.alone


async def test_the_menu_has_every_action_and_says_why_some_are_unavailable(open_app: OpenApp) -> None:
    async with open_app(fast(2), size=WIDE) as s:
        for size in (WIDE, SMALL, LEAST):
            await s.pilot.resize_terminal(*size)
            s.app.clear_notifications()
            await open_menu(s)
            shown = s.shown
            assert ("↑↓ show the rest" in shown) == (size != WIDE), size
            box = s.app.screen.query_one(VerticalScroll)
            while (row := box.scroll_y) < box.max_scroll_y:
                await s.press("pagedown")
                await s.until(lambda row=row, box=box: box.scroll_y > row, "the next page")  # type: ignore[misc]
                shown += s.shown
            assert "Nothing was cleared that could come back." in shown, (size, "the last reason")
            for action in ACTIONS:
                if action.letter:
                    assert f" {action.letter} {action.title}"[:12] in shown, (size, action.id)
            assert "×1 Nothing is in flight." in shown, size
            await s.press("x")
            await s.until(lambda: s.on_main)
            await s.until(lambda: s.notices[-1:] == ["Nothing is in flight."])


async def test_a_letter_and_a_click_in_the_menu_act_whatever_has_the_focus(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.focus("#user")
        before = s.app.main.query_one("#user", TextArea).text
        await open_menu(s)
        await s.press(LETTERS["run"])
        await s.until(lambda: s.live.runs == 1, "a run")
        await s.run_over()
        assert s.app.main.query_one("#user", TextArea).text == before
        await open_menu(s)
        await s.press("escape")
        assert s.on_main
        await open_menu(s)
        rows = s.shown.splitlines()
        y = next(number for number, row in enumerate(rows) if " / Search" in row)
        await s.pilot.click(offset=(rows[y].index("Search"), y))
        await s.until(lambda: isinstance(s.app.screen, SearchScreen), "the search")


async def test_letters_act_in_a_lane_and_type_in_an_editor(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        await s.press("f6", "slash")
        assert isinstance(s.app.screen, SearchScreen)
        await s.press("escape")
        s.app.post_message(Key("ß", "ß"))
        await s.until(lambda: any("Alt+S" in notice for notice in s.notices), "what Option does, here too")
        await s.press("d")
        await s.until(lambda: not s.on_main, "the detail")
        await s.press("escape", "question_mark")
        await s.until(lambda: not s.on_main, "the help")
        await s.press("escape", "space")
        await s.until(lambda: isinstance(s.app.screen, MenuScreen), "the menu")
        await s.press("escape", "escape")
        assert s.app.focused is s.app.main.query_one("#user")
        await s.press("q")
        assert s.app.main.query_one("#user", TextArea).text.startswith("q")


async def test_the_footer_follows_the_focus_and_what_is_in_flight(open_app: OpenApp) -> None:
    async with open_app(steady(1)) as s:
        assert "Cancel" not in s.shown.splitlines()[-1]
        await s.streaming()
        await s.until(lambda: "F8 Cancel" in s.shown.splitlines()[-1], "the key that cancels")
        await s.press("f6")
        await s.until(lambda: "y Copy" in s.shown.splitlines()[-1], "a letter of the lane")


async def test_ctrl_c_says_how_to_leave_and_twice_leaves(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("ctrl+c")
        assert s.notices == ["F10 leaves, and so does Ctrl+C once more."]
        assert not s.app._exit
        await s.press("ctrl+c")
        await s.until(lambda: s.app._exit, "the end")


async def test_ctrl_c_is_heard_over_every_screen(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        keys = ("f1", "alt+shift+g", "alt+shift+c", "ctrl+p", "alt+v", "f3")
        for key in keys:
            await s.press(key)
            await s.until(lambda: not s.on_main, f"the screen of {key}")
            s.app.clear_notifications()
            await s.press("ctrl+c")
            assert "F10 leaves" in s.notices[-1], key
            if key != keys[-1]:
                await s.press("escape")
                await s.until(lambda: s.on_main, f"the main screen after {key}")
                s.app.dispatcher.screen._interrupted_s = -inf  # as if it were long ago
        await s.press("ctrl+c")
        await s.until(lambda: s.app._exit, "the end")


async def test_ctrl_c_copies_what_is_selected(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="one two") as s:
        await s.focus("#user")
        await s.press("ctrl+a", "ctrl+c", "ctrl+c")
        assert s.app.clipboard == "one two"
        assert not s.app._exit


@pytest.mark.parametrize(("typed", "key"), [("ß", "Alt+S"), ("√", "Alt+V"), ("∂", "Alt+D"), ("Å", "Alt+Shift+A")])
async def test_a_character_that_option_made_is_explained_once(open_app: OpenApp, typed: str, key: str) -> None:
    async with open_app(fast(1), prompt="") as s:
        await s.focus("#user")
        for _ in range(2):
            s.app.post_message(Key(typed, typed))
        await s.until(lambda: s.app.main.query_one("#user", TextArea).text == typed * 2, "both")
        await s.pilot.pause()
        is_bound = any(key == "+".join(part.capitalize() for part in one.split("+")) for a in ACTIONS for one in a.keys)
        assert len(s.notices) == is_bound
        if is_bound:
            assert key in s.notices[0]
            assert "Ctrl+Space" in s.notices[0]


async def test_a_letter_inside_a_word_is_someones_language(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="") as s:
        await s.focus("#user")
        await s.press(*"Straße, façade, gøy")
        assert not s.notices


MEANT = {
    "save": "Save",
    "export": "History",
    "repeat": "Series",
    "csv": "History",
    "cost": "Detail",
    "p95": "Statistics",
    "baseline": "Pin",
    "clipboard": "Copy",
    "delete": "Clear",
    "exit": "Quit",
    "rerun": "Run",
    "dark mode": "Theme",
    "resume": "Pause",
    "fullscreen": "Zoom",
    "shortcuts": "Help",
    "slow": "Advice",
    "settings": "Parameters",
    "drafts": "Open",
    "note": "History",
    "percentile": "Statistics",
    "colleague": "Save",  # by its help alone
    "drifts": "In turn",  # though it is unavailable
}
"""Words that are typed into the palette, and the titles that they find first."""


def test_what_is_meant_ranks_first() -> None:
    for typed, title in MEANT.items():
        matcher, words = Matcher(typed), typed.lower().split()
        scores = {row.title: _score(words, matcher.match(row.title), row.title, row.words, row.help) for row in ACTIONS}
        assert max(scores, key=scores.__getitem__) == title, typed


async def test_the_palette_finds_by_what_is_meant(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("ctrl+p")
        field, found = s.app.screen.query_one(Input), s.app.screen.query_one(OptionList)

        def first() -> str:
            return next((str(one.prompt).partition("\n")[0] for one in found.options), "")

        async def finds(title: str) -> None:
            await s.until(lambda: title in first(), f"{title}: {field.value}")

        for typed in ("csv", "dark mode", "drifts"):
            field.value = "no such thing"
            await finds("No matches")
            field.value = typed
            await finds(MEANT[typed])
        field.value = " "
        found.display = False
        await s.press("pageup")
        assert isinstance(s.app.screen, Palette), "nothing listed is no crash"
        closed = s.app.screen
        await s.press("escape")
        gathers = Palette._gather_commands.__wrapped__(closed, "e")  # type: ignore[attr-defined]
        await s.app.run_worker(gathers, exit_on_error=False).wait()


async def test_escape_goes_back_one_step(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.press("f6", "f9")
        assert is_alone(s)
        await s.press("escape")
        assert not is_alone(s)
        await s.press("escape")
        assert s.app.focused is s.app.main.query_one("#user")
        await s.press("f9")
        await s.pilot.pause()
        assert s.app.main.query_one("#user").size.width > 110, "the prompt, which has the focus"
        await s.press("escape")
        await s.pilot.pause()
        assert s.app.main.query_one("#user").size.width < 60


async def test_the_editor_goes_to_its_ends_and_selects_all(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="one\ntwo\nthree") as s:
        await s.focus("#user")
        editor = s.app.main.query_one("#user", TextArea)
        await s.press("ctrl+end")
        assert editor.cursor_location == (2, 5)
        await s.press("ctrl+shift+home")
        assert editor.selected_text == editor.text
        await s.press("ctrl+home", "ctrl+shift+end")
        assert editor.selected_text == editor.text
        await s.press("home", "ctrl+a", "x")
        assert editor.text == "x"


async def test_the_first_paste_takes_the_place_of_the_untouched_example(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="An example.") as s:
        editor = s.app.main.prompt_pane.user
        editor.example = "An example."
        await s.focus("#user")
        await s.paste("mine")
        assert editor.text == "mine"
        await s.press("ctrl+a")
        await s.press("ctrl+home")
        await s.paste("more, ")
        assert editor.text == "more, mine"


async def test_an_example_that_was_edited_stays(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="An example.") as s:
        s.app.main.prompt_pane.user.example = "An example."
        await s.focus("#user")
        await s.press("x")
        await s.paste("mine")
        assert s.app.main.prompt_pane.user.text == "xmineAn example."

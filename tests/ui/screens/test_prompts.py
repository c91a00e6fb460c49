"""Variants, variables and turns on the screen."""

from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, OptionList, Static, TabbedContent, TextArea

from tui.core.plan import Plan
from tui.core.record import State
from tui.core.series import Repeat
from tui.core.target import Target
from tui.ui.screens.prompts import PromptsScreen

from .conftest import OpenApp
from .driving import SMALL, STEADY, WIDE, AppDriver, fast, keys_of


def asked(s: AppDriver) -> list[str]:
    """What the lanes' latest requests asked."""
    return [lane.record.spec.prompt.user for lane in s.lanes if lane.record]


def tab(s: AppDriver) -> str:
    return s.app.screen.query_one(TabbedContent).active


async def open_screen(s: AppDriver, wanted: str = "tab-variants") -> None:
    await s.press("alt+v")
    await s.until(lambda: isinstance(s.app.screen, PromptsScreen))
    await s.pilot.pause()
    assert tab(s) == wanted


async def close(s: AppDriver) -> None:
    while not s.on_main:
        await s.press("escape")
        await s.pilot.pause()


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_variant_is_added_changed_and_run_beside_the_first(open_app: OpenApp, size: tuple[int, int]) -> None:
    async with open_app(fast(2), size=size, prompt="Why?") as s:
        await open_screen(s)
        # Of keys in one read none is lost: four go round the four tabs, and a fifth one further.
        for keys, wanted in ((4, "tab-variants"), (5, "tab-variables"), (3, "tab-variants")):
            await s.burst(*["alt+v"] * keys)
            assert tab(s) == wanted
        await s.press("a", *"terse", "enter", "delete", "z", "escape")
        assert s.on_main
        await s.until_shown("terse 2/2")
        await s.focus("#user")
        await s.press("end", *" Be brief.", "alt+r")
        await s.until(lambda: s.live.runs == 1)
        await s.run_over()
        labels = [lane.label for lane in s.lanes]
        assert labels == ["fast-1 · variant 1", "fast-1 · terse", "fast-2 · variant 1", "fast-2 · terse"]
        assert asked(s) == ["Why?", "Why? Be brief."] * 2
        assert s.states == [State.DONE] * 4
        await s.press("alt+n", "f5")
        await s.until(lambda: s.live.runs == 2)
        await s.run_over()
        assert [lane.label for lane in s.lanes] == ["fast-1", "fast-2"]
        assert asked(s) == ["Why?"] * 2


async def test_a_series_repeats_what_was_run_last(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="{{n}}?") as s:
        s.app.draft.book.load_rows([{"n": "one"}, {"n": "two"}])
        await open_screen(s)
        await s.press("a", "escape", "escape", "alt+r")
        await s.until(lambda: s.live.runs == 1)
        await s.run_over()
        seen: list[list[str]] = []
        run = s.app.session.run

        def noting(plan: Plan, repeat: Repeat | None = None) -> bool:
            begun = run(plan, repeat)
            seen.append(asked(s))
            return begun

        s.app.session.run = noting  # type: ignore[method-assign]
        s.app.draft.series = type(s.app.draft.series)(repeats=3, warm_ups=1)
        await s.press("alt+s")
        await s.until(lambda: s.live.series is not None and s.live.series_over, "the end of the series")
        assert seen == [[text] * 2 for text in ("one?", "one?", "two?", "one?")]


async def test_an_undefined_variable_is_marked_and_not_sent(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="") as s:
        await s.focus("#user")
        await s.press(*"In {{city}}")
        await s.until_shown("⚠ {{city}} has no value")
        await s.press("f5")
        assert s.live.runs == 0
        assert s.notices[0].startswith("{{city}} has no value: give it one")
        await open_screen(s, "tab-variables")
        await s.press("enter", *"Rome")
        await close(s)
        await s.until(lambda: "has no value" not in s.app.main.query_one("#prompt-head").render_line(0).text)
        await s.run()
        assert asked(s) == ["In Rome"]


async def test_rows_are_added_used_and_deleted(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="In {{city}}") as s:
        book = s.app.draft.book
        await open_screen(s, "tab-variables")
        await s.press("enter", *"Rome", "escape", "a", "enter", *"Oslo", "escape", "u")
        await s.until_shown("▶ 2")
        assert book.rows == [{"city": "Rome"}, {"city": "Oslo"}]
        await close(s)
        await s.until_shown("row 2/2")
        await s.run()
        assert asked(s) == ["In Oslo"]
        await s.press("alt+v", "alt+v")
        await s.pilot.pause()
        await s.press("home", "up", "delete")
        assert book.rows == [{"city": "Oslo"}]
        assert book.row == 0


def put(rows: str) -> None:
    Path("rows.csv").write_text(rows)


async def test_a_file_is_loaded_or_said_to_be_wrong(open_app: OpenApp) -> None:
    put("city,[b]land\nRome,Italy\n")
    async with open_app(fast(1), prompt="In {{city}}") as s:
        await open_screen(s, "tab-variables")
        await s.press("l", *"rows.csv", "enter")
        await s.until_shown('rows.csv, line 1: "[b]land" is no name')
        put('city,land\n"[b]Rome",Italy\nOslo,"Nor\nway"\n')
        await s.press("enter")
        await s.until(lambda: s.app.screen.query_one(DataTable).row_count == 2)
        await s.until_shown("[b]Rome")
        assert "Nor⏎way" in s.shown
        await close(s)
        await s.run()
        assert asked(s) == ["In [b]Rome"]


async def test_turns_and_a_prefill_are_sent(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="Why?") as s:
        await open_screen(s)
        await s.press("alt+v", "alt+v")
        await s.pilot.pause()
        assert tab(s) == "tab-turns"
        await s.press("a", *"Hello", "escape", "a", *"Good day", "escape", "a", "escape")
        await s.press("end", "enter", *"Because", "escape")
        await s.until_shown("The answer continues where this ends.")
        await close(s)
        await s.until_shown("2 turns · prefill")
        await s.run()
        (lane,) = s.lanes
        assert lane.record is not None
        prompt = lane.record.spec.prompt
        assert [(turn.role, turn.text) for turn in prompt.turns] == [("user", "Hello"), ("assistant", "Good day")]
        assert (prompt.user, prompt.prefill) == ("Why?", "Because")
        assert s.states == [State.DONE]


async def test_turns_are_played_on_one_key(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="Why?") as s:
        await open_screen(s)
        await s.press("alt+v", "alt+v", "a", *"Hello", "escape", "a", *"Unsaid", "escape", "p")
        await s.until_shown("its own answer")
        await s.until_shown("The user's turns are played")
        await close(s)
        await s.until_shown("2 turns · plays 2")
        await s.run()
        (lane,) = s.lanes
        assert lane.record is not None
        assert (lane.record.spec.turn, s.live.runs) == (2, 2)
        said = [turn.text for turn in lane.record.spec.prompt.turns]
        assert said[0] == "Hello"
        assert "Unsaid" not in said
        await s.until_shown("done, turn 2")


async def test_a_refused_prefill_is_said_before_it_is_sent_and_after(open_app: OpenApp) -> None:
    async with open_app([Target(model="claude-opus-5-5")], prompt="Why?", max_tokens=20) as s:
        await open_screen(s)
        await s.press("alt+v", "alt+v", "end", "enter", *"Because", "escape")
        await close(s)
        note = s.views[0].query_one(".note", Static)
        refused = "Claude Opus 5.5 does not take a prefill; only older models do. Alt+V takes it away."
        await s.until(lambda: str(note.content) == refused, "the refusal to come")
        await s.run()
        assert s.states == [State.FAILED]
        assert str(note.content).startswith("The server refused the request")
        assert str(note.content).endswith("Alt+V takes it away.")
        await open_screen(s)
        await s.press("alt+v", "alt+v", "end", "delete")
        await close(s)
        await s.run()
        assert not s.views[0].has_class("-noted")


async def test_a_turn_changes_its_role_and_goes(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="Why?") as s:
        await open_screen(s)
        await s.press("alt+v", "alt+v", "a", *"Hi", "escape", "r")
        book = s.app.draft.book
        assert [turn.role for turn in book.prompt.turns] == ["assistant"]
        await s.press("delete")
        assert book.prompt.turns == ()
        await s.press("z")
        assert [turn.text for turn in s.app.draft.book.prompt.turns] == ["Hi"]
        await s.press("home", "delete", "delete")
        await s.until_shown("The user's last turn stays.")
        await s.press("enter", *" Really?")
        await close(s)
        assert s.app.main.query_one("#user", TextArea).text == "Why? Really?"


async def test_the_mouse_does_it_all(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="Why?") as s:
        await s.pilot.click("#prompt-head")
        await s.until(lambda: isinstance(s.app.screen, PromptsScreen))
        await s.pilot.pause()
        await s.pilot.click("VariantsView #add")
        await s.pilot.pause()
        assert isinstance(s.app.focused, Input)
        book = s.app.draft.book
        assert len(book.prompts) == 2
        await s.pilot.click("VariantsView OptionList", offset=(3, 0))
        await s.until_shown("variant 1 is in use")
        assert book.current == 0


async def test_a_name_that_is_taken_is_refused(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="Why?") as s:
        await open_screen(s)
        await s.press("a", *"variant 1")
        await s.until_shown("Another variant has this name.")
        await s.press("escape")
        assert s.app.screen.query_one(OptionList).has_focus
        assert s.app.draft.book.prompt.name == "variant"


async def test_run_all_while_a_run_is_in_flight_asks_first(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await open_screen(s)
        await s.press("a", "escape", "escape")
        await s.streaming()
        await s.press("alt+r")
        await s.until_shown("Cancel it and run again?")
        await s.press("y")
        await s.until(lambda: s.live.runs == 2 and len(s.lanes) == 2)
        await s.press("f8")
        await s.run_over()


async def test_the_system_prompt_has_a_key_and_says_whether_it_is_empty(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.until_shown("System · none")
        await s.press(keys_of("system")[0], *"Be brief.")
        await s.until_shown("System · 9 characters")
        await s.press(keys_of("system")[0])
        assert s.app.focused is s.app.main.prompt_pane.user
        assert s.app.draft.plan().prompt.system == "Be brief."


async def test_there_is_no_next_variant_of_one(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("alt+n")
        assert s.notices == ["There is only one variant of the prompt: Alt+V adds others."]

"""Two answers side by side."""

import pytest

from tui.core.events import Kind
from tui.core.target import Target
from tui.ui.screens.difference import DifferenceScreen

from .conftest import OpenApp
from .driving import FAST, SMALL, WIDE, fast

CHATTY = Target(model="sim-chatty")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_the_current_lane_s_answer_stands_beside_the_next_one_s(open_app: OpenApp, size: tuple[int, int]) -> None:
    async with open_app([FAST, CHATTY], size=size) as s:
        await s.run()
        await s.press("alt+shift+d")
        await s.until_shown("only in the first, ")
        assert "[-only in the first-] {+only in the second+}" in s.shown
        screen = s.app.screen
        assert isinstance(screen, DifferenceScreen)
        first, second = (screen.query_one(name).region for name in ("#first", "#second"))
        if size is WIDE:
            assert first.y == second.y
            assert first.right <= second.x
        else:
            assert first.x == second.x
            assert first.bottom <= second.y
        assert "sim-fast" in s.shown
        assert "{+" in s.shown.split("─sim-chatty─")[-1]
        await s.press("escape")
        await s.until(lambda: s.on_main)


async def test_both_scroll_together(open_app: OpenApp) -> None:
    async with open_app([CHATTY, Target(model="sim-chatty", name="other")], size=SMALL) as s:
        await s.run()
        await s.press("alt+shift+d")
        await s.until_shown("PgDn Page down")
        panes = [s.app.screen.query_one(name) for name in ("#first", "#second")]
        await s.press("down", "down")
        await s.until(lambda: [pane.scroll_y for pane in panes] == [2, 2])
        await s.press("end")
        await s.until(lambda: all(pane.scroll_y == pane.max_scroll_y > 2 for pane in panes))
        await s.press("home")
        await s.until(lambda: [pane.scroll_y for pane in panes] == [0, 0])


async def test_n_goes_on_to_the_next_answer(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.run()
        await s.press("f6", "f6", "alt+shift+d")
        await s.until_shown("N Next answer")

        def titles() -> list[str]:
            return [str(s.app.screen.query_one(name).border_title) for name in ("#first", "#second")]

        assert titles() == ["fast-2", "fast-3"]
        await s.press("n")
        assert titles() == ["fast-2", "fast-1"]
        await s.press("n")
        assert titles() == ["fast-2", "fast-3"]


async def test_one_answer_has_nothing_to_stand_beside(open_app: OpenApp) -> None:
    async with open_app([FAST]) as s:
        await s.run()
        await s.press("alt+shift+d")
        assert s.on_main
        assert s.notices == ["There are no two answers to compare: ask two lanes first."]


async def test_what_a_model_says_is_no_markup(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        record.pieces[:] = [(Kind.TEXT, "[bold]not bold[/bold] \x1b]0;title\x07 [/]")]
        await s.press("alt+shift+d")
        await s.until_shown("[bold]not bold[/bold] ␛]0;title␇ [/]")

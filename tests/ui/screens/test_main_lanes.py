"""Lanes: going from one to the next, one alone, scrolling back, copying, searching, clearing."""

import pytest
from textual.geometry import Size

from tui.core.figures import Figure
from tui.core.record import State
from tui.ui.screens.dialogs import SearchScreen

from .conftest import OpenApp
from .driving import FAST, STEADY, AppDriver, fast, keys_of, steady

LOW = (100, 30)
"""Both lanes have few rows, so that they are soon full."""


def current(s: AppDriver) -> int:
    return s.views.index(s.app.main.lanes.current)


async def later_text(s: AppDriver, top: int) -> None:
    await s.until(lambda: s.views[0].stream.window.top > top, "later text")


async def more_text(s: AppDriver, lane: int, characters: int) -> None:
    """Wait until so much has arrived meanwhile."""
    stream = s.views[lane].stream
    length = len(stream.text)
    await s.until(lambda: len(stream.text) > length + characters, "text that arrives meanwhile")


async def test_next_and_previous_lane_go_around_and_a_click_goes_to_one(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        for key in keys_of("next_lane"):
            visited = []
            await s.focus("#user")
            for _ in range(4):
                await s.press(key)
                visited.append(current(s))
                assert s.app.focused is s.views[current(s)].stream, key
            assert visited == [0, 1, 2, 0], f"the first {key} goes to the current lane"
            await s.press("f6", "escape")
            await s.until_shown("─▸ fast-2")
            assert s.shown.count("▸ fast") == 1, "marked where the focus is elsewhere, too"
            await s.press("f6", "shift+f6")
        for key in keys_of("previous_lane"):
            visited = []
            for _ in range(3):
                await s.press(key)
                visited.append(current(s))
            assert visited == [2, 1, 0], key
        await s.pilot.click(s.views[2].stream)
        assert current(s) == 2
        # In one read: from the lane that Tab has just reached, and back.
        await s.burst("shift+tab", "f6", "f6", "shift+f6")
        assert current(s) == 2
        assert s.app.focused is s.views[2].stream


async def test_maximise_shows_one_lane_alone_and_all_again(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.run()
        await s.press("f6", "f6")
        for key in keys_of("maximise"):
            await s.press(key)
            await s.pilot.pause()
            assert [view.display for view in s.views] == [False, True, False], key
            assert s.views[1].size.width > 100
            assert "✔ done" in s.shown
            assert "TTFT" in s.shown
            assert s.app.focused is s.views[1].stream
            await s.press(key)
            await s.pilot.pause()
            assert [view.display for view in s.views] == [True] * 3, key
            assert s.shown.count("✔ done") == 3
        await s.press("f9", "f6")
        assert [view.display for view in s.views] == [False, False, True], "the next lane, alone"
        assert current(s) == 2
        assert s.app.focused is s.views[2].stream


async def test_a_lane_that_was_hidden_shows_what_came_meanwhile(open_app: OpenApp) -> None:
    async with open_app(steady(3)) as s:
        await s.streaming()
        await s.press("f6", "f9")
        before = [view.lane.record.text() for view in s.views if view.lane.record]
        await s.until(lambda: len(s.views[2].text) > len(before[2]) + 50)
        await s.press("f8")
        await s.run_over()
        await s.press("f9")
        await s.until(lambda: [view.stream.text for view in s.views] == [view.text for view in s.views])


async def test_scrolling_back_stops_following_and_end_follows(open_app: OpenApp) -> None:
    async with open_app(steady(2), size=LOW) as s:
        await s.streaming()
        stream = s.views[0].stream
        await s.until(lambda: stream.window.top > 0, "more text than fits")
        await s.press("f6")
        for key in ("up", "pageup", "home"):
            await s.press(key)
            assert not s.is_following(0), key
            assert s.is_following(1), "scrolling one lane leaves the others"
            await s.until_shown("⏸ End")
            top = stream.window.top
            await more_text(s, 0, 100)
            assert stream.window.top == top, "what is read stays where it is"
            await s.press("end")
            assert s.is_following(0), key
            await s.until(lambda: "⏸" not in s.shown)
            await later_text(s, top)


async def test_a_wide_lane_says_what_end_does(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_app((FAST,), size=(100, 30)) as s:
        await s.run()
        await s.press("f6", "up")
        assert s.views[0].stream.following, "there is nothing to scroll"
        await s.run()
        await s.pilot.resize_terminal(100, 30)
        s.views[0].stream.following = False
        await s.until_shown("✔ done  ⏸ End follows")
        s.views[0].lane.first = (Figure.TTFT,)
        for width, found in (
            (35, ["✔ done · first: TTFT  ⏸ End follows"]),
            (28, ["⏸ End · ✔ done · first: TTFT"]),
            (22, ["⏸ End follows", "✔ done · first: TTFT"]),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(type(s.views[0]._state), "size", Size(width, 1))
                assert s.views[0]._state_rows() == found, "no fact of the state is cut"


async def test_a_new_run_follows_again(open_app: OpenApp) -> None:
    async with open_app((STEADY, FAST), size=LOW) as s:
        await s.press("f5")
        await s.until(lambda: s.views[0].stream.window.top > 0)
        await s.press("f6", "home")
        await s.press("f8")
        await s.run_over()
        await s.press("f5")
        await s.until(lambda: s.states[0] is State.STREAMING)
        await s.until(lambda: s.views[0].stream.text)
        assert s.views[0].stream.following


async def test_copy_takes_the_selection_or_the_current_lanes_whole_text(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:

        async def copied(*keys: str) -> tuple[list[str], str]:
            s.app.clear_notifications()
            await s.press(*keys)
            return s.notices, s.app.clipboard

        assert await copied("ctrl+t") == (["There is nothing to copy yet."], "")
        await s.run()
        first, second = (view.text for view in s.views)
        assert second
        for key in keys_of("copy"):
            said = f"Copied fast-2, {len(second):,} characters."
            await s.focus("#user")
            await s.pilot.click(s.views[1].stream)
            assert await copied(key) == ([said], second), key
            await s.pilot.click(s.views[0].stream, offset=(0, 0))
            await s.press("home", *["shift+right"] * 3)
            assert await copied(key) == (["Copied the selection, 3 characters."], first[:3]), key


async def test_search_finds_marks_and_leaves(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        view = s.views[0]
        word = view.text.split()[0].strip(".,:").casefold()
        await s.press("f6")
        for key in keys_of("search"):
            await s.press(key)
            assert isinstance(s.app.screen, SearchScreen), key
            await s.press(*word)
            count = view.text.casefold().count(word)
            await s.until_shown(f"{count} found")
            assert view.stream.matches.current is not None
            await s.press("enter", "down", "up")
            await s.press("escape")
            assert s.on_main
            assert view.stream.matches.current is None
        await s.press("f3", *"qqqq")
        await s.until_shown("0 found")
        await s.press("enter", "down", "up", "escape")


async def test_searching_while_the_lane_streams(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f3", "e")
        before = len(s.views[0].text)
        await s.until(lambda: len(s.views[0].text) > before + 50)
        await s.press("enter", "enter", "up", "escape")
        assert s.states == [State.STREAMING]


async def test_clear_empties_lanes_and_history(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        before = s.shown
        await s.press("ctrl+l")
        await s.until_painted()
        assert s.on_main
        assert s.shown == before, "Ctrl+L paints again and takes nothing away"
        (key,) = keys_of("clear")
        await s.press(key)
        await s.until_shown("2 results in all")
        await s.press("y")
        await s.until(lambda: s.on_main, "the main screen")
        await s.until_painted()
        assert s.states == [State.IDLE] * 2
        assert [view.stream.text for view in s.views] == ["", ""]
        assert [lane.outcomes for lane in s.lanes] == [[], []]
        assert s.shown.count("○ idle") == 2
        assert "No run yet." in s.shown
        assert "20 tok" not in s.shown
        assert "█" not in s.shown[s.shown.index("Session ·") :]
        await s.run()
        assert s.states == [State.DONE] * 2


async def test_clearing_asks_and_can_be_undone(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.press("alt+l")
        assert s.on_main, "there is nothing to lose"
        await s.run()
        text = s.views[0].text
        await s.press("alt+l")
        await s.until_shown("2 results in all")
        await s.press("n")
        assert [len(lane.outcomes) for lane in s.lanes] == [1, 1]
        await s.press("alt+l", "y")
        await s.until(lambda: [len(lane.outcomes) for lane in s.lanes] == [0, 0], "empty lanes")
        await s.run()
        await s.press("alt+shift+j")
        await s.until_painted()
        assert [len(lane.outcomes) for lane in s.lanes] == [2, 2]
        assert [lane.outcomes[0].run for lane in s.lanes] == [1, 1]
        await s.press("alt+l", "y")
        await s.until(lambda: [len(lane.outcomes) for lane in s.lanes] == [0, 0], "empty lanes")
        await s.press("alt+shift+j")
        await s.until(lambda: s.states == [State.DONE] * 2, "the answers")
        assert text
        await s.press("alt+shift+j")
        assert any("Nothing was cleared" in notice for notice in s.notices)


async def test_clearing_in_flight_is_refused(open_app: OpenApp) -> None:
    async with open_app((STEADY, FAST)) as s:
        await s.press("f5")
        await s.until(lambda: s.states == [State.STREAMING, State.DONE])
        await s.press("alt+l")
        assert s.states == [State.STREAMING, State.DONE]
        assert s.notices == ["A run is in flight: cancel it (F8), or let it end."]


async def test_128_lanes_run_and_scroll(open_app: OpenApp) -> None:
    async with open_app(fast(128)) as s:
        await s.run()
        assert s.states == [State.DONE] * 128
        pane = s.app.main.lanes
        assert pane.max_scroll_y > 0
        assert s.views[0].stream.text
        await s.press("f6", "shift+f6")
        assert current(s) == 127
        await s.until(lambda: pane.scroll_offset.y == pane.max_scroll_y, "the last lane in view")
        await s.until(lambda: "fast-128" in s.shown)
        await s.until(lambda: s.views[127].stream.text == s.views[127].text != "", "its text")


async def test_a_drag_past_the_end_of_a_lane_selects_nothing_of_another_answer(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.run()
        first, second = (view.stream for view in s.views[:2])
        await s.pilot.mouse_down(first, offset=(2, 1))
        await s.pilot.hover(second, offset=(5, 2))
        await s.pilot.mouse_up(second, offset=(5, 2))
        assert list(s.app.screen.selections) == [first]
        assert first.text.endswith(s.app.screen.get_selected_text() or "nothing")

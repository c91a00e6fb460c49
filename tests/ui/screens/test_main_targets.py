"""The choice of targets: searched, toggled, added to, remembered; and lanes that follow it."""

import re
from pathlib import Path

import msgspec
from textual.widgets import Input, OptionList

from tui.config.remembered import TargetList, load_targets
from tui.core.record import State
from tui.core.target import Target

from .conftest import OpenApp
from .driving import FAST, STEADY, AppDriver, fast

HAIKU = Target(model="claude-haiku-5-5")


def listed(s: AppDriver) -> list[str]:
    """The lines of the list."""
    options = s.app.main.query_one("#target-list", OptionList).options
    return [str(option.prompt) for option in options]


def labels(s: AppDriver) -> list[str]:
    return [view.lane.label for view in s.views]


async def search(s: AppDriver, text: str) -> None:
    await s.type_into("#target-search", text)
    await s.pilot.pause()


async def lanes_are(s: AppDriver, *expected: str) -> None:
    await s.until(lambda: labels(s) == list(expected), f"lanes {expected}, not {labels(s)}")
    await s.until(lambda: all(re.search(f"[─━](▸ )?{re.escape(label)}[─━]", s.shown) for label in expected))


async def test_chosen_and_known_models_are_listed(open_app: OpenApp) -> None:
    async with open_app((FAST, HAIKU)) as s:
        assert listed(s)[:2] == ["[x] sim-fast", "[x] claude-haiku-5-5"]
        assert "[ ] claude-opus-5-5" in listed(s)
        assert "Models (2)" in s.shown


async def test_search_narrows_the_list(open_app: OpenApp) -> None:
    async with open_app((FAST, HAIKU)) as s:
        await search(s, "opus 5.5")
        assert listed(s) == ["[ ] claude-opus-5-5"]
        await search(s, "no such")
        assert listed(s) == []
        await search(s, "")
        await s.press("backspace")
        assert len(listed(s)) > 4


async def test_enter_on_the_only_match_chooses_it(open_app: OpenApp) -> None:
    async with open_app((FAST,)) as s:
        await search(s, "haiku 5.5")
        await s.press("enter")
        await lanes_are(s, "sim-fast", "claude-haiku-5-5")
        assert s.app.main.query_one("#target-search", Input).value == ""
        assert "Models (2)" in s.shown


async def test_an_id_that_is_there_is_toggled_by_its_whole_name_even_if_others_match(open_app: OpenApp) -> None:
    """`claude-opus-5` is part of `claude-opus-5-5`, and the only way to type it."""
    async with open_app((FAST,)) as s:
        await search(s, "claude-opus-5")
        assert len(listed(s)) == 2
        await s.press("enter")
        await s.press("enter")
        await s.until(lambda: len(s.lanes) == 2)


async def test_toggling_in_the_list(open_app: OpenApp) -> None:
    async with open_app((FAST, HAIKU)) as s:
        await s.focus("#target-list")
        await s.press("home", "down", "enter")
        await lanes_are(s, "sim-fast")
        assert listed(s)[1] == "[ ] claude-haiku-5-5"
        await s.press("enter")
        await lanes_are(s, "sim-fast", "claude-haiku-5-5")


async def test_a_click_toggles(open_app: OpenApp) -> None:
    async with open_app((FAST, HAIKU)) as s:
        await s.pilot.click("#target-list", offset=(0, 1))
        await lanes_are(s, "sim-fast")


async def test_a_typed_id_is_added_and_asked(open_app: OpenApp) -> None:
    async with open_app((FAST,)) as s:
        await search(s, "sim-chunked")
        assert listed(s) == []
        await s.press("enter")
        await lanes_are(s, "sim-fast", "sim-chunked")
        assert "[x] sim-chunked" in listed(s)
        await s.run()
        assert s.states == [State.DONE, State.DONE]


async def test_an_id_with_a_space_is_refused(open_app: OpenApp) -> None:
    async with open_app((FAST,)) as s:
        await search(s, "two words")
        await s.press("enter")
        assert s.notices == ["A model's id has no spaces or control characters."]
        assert labels(s) == ["sim-fast"]


async def test_the_last_target_stays(open_app: OpenApp) -> None:
    async with open_app((FAST,)) as s:
        await s.focus("#target-list")
        await s.press("home", "enter")
        assert listed(s)[0] == "[x] sim-fast"
        assert s.notices == ["At least one target stays chosen; choose another before dropping this one."]
        assert labels(s) == ["sim-fast"]


def state_file(directory: Path) -> Path:
    (file,) = directory.rglob("*.json")
    return file


async def test_the_choice_is_remembered(open_app: OpenApp, sealed: Path) -> None:
    async with open_app((FAST,)) as s:
        assert load_targets() is None
        await search(s, "haiku 5.5")
        await s.press("enter")
        await lanes_are(s, "sim-fast", "claude-haiku-5-5")
    assert load_targets() == TargetList(targets=(FAST, HAIKU))
    file = state_file(sealed)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(msgspec.json.decode(file.read_bytes())["targets"]) == 2


def put_a_file_at(directory: Path) -> None:
    directory.write_text("not a directory")


async def test_a_choice_that_cannot_be_saved_is_said_and_holds(open_app: OpenApp, sealed: Path) -> None:
    put_a_file_at(sealed)
    async with open_app((FAST,)) as s:
        await search(s, "haiku 5.5")
        await s.press("enter")
        await lanes_are(s, "sim-fast", "claude-haiku-5-5")
        await s.until(lambda: s.notices)
        assert "cannot be saved" in s.notices[0]


async def test_lanes_that_stay_keep_their_text_and_history(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.run()
        texts = [view.stream.text for view in s.views]
        await s.focus("#target-list")
        await s.press("home", "down", "enter")
        await lanes_are(s, "fast-1", "fast-3")
        assert [view.stream.text for view in s.views] == [texts[0], texts[2]]
        assert [len(lane.outcomes) for lane in s.lanes] == [1, 1]


async def test_a_choice_made_in_flight_is_shown_when_the_run_is_over_or_run_again(open_app: OpenApp) -> None:
    async with open_app((STEADY, FAST)) as s:
        await s.press("f5")
        await s.until(lambda: s.states == [State.STREAMING, State.DONE])
        await s.focus("#target-list")
        await s.press("home", "down", "enter")
        assert labels(s) == ["sim-steady", "sim-fast"], "what is in flight stays in view"
        await s.press("f8")
        await s.run_over()
        await s.press("f5")
        await lanes_are(s, "sim-steady")


async def test_the_current_lane_may_go(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.press("f6", "f6")
        await s.focus("#target-list")
        await s.press("home", "down", "enter")
        await lanes_are(s, "fast-1")
        await s.press("f6", "f9", "f9", "ctrl+t")
        await s.run()
        assert s.states == [State.DONE]


async def test_lanes_that_change_while_the_program_is_left_are_no_crash(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        s.app.draft.targets.add("sim-steady")
        s.live.set_targets(s.app.draft.plan().lanes)
        lanes = s.app.main.lanes
        lanes._closing = True  # as when Textual closes what is on a screen
        try:
            await lanes.show(s.live.lanes)
        finally:
            lanes._closing = False

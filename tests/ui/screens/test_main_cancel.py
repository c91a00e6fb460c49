"""Cancelling, and running again while a run is in flight."""

import pytest

from tui.core.record import State
from tui.ui.screens.questions import ConfirmScreen

from .conftest import OpenApp
from .driving import FAST, STEADY, fast, keys_of, steady


@pytest.mark.parametrize("key", keys_of("cancel_all"))
async def test_cancel_ends_every_request_and_keeps_the_text(open_app: OpenApp, key: str) -> None:
    async with open_app(steady(3)) as s:
        await s.streaming()
        await s.press(key)
        await s.run_over()
        assert s.states == [State.CANCELLED] * 3
        assert all(view.stream.text for view in s.views)
        assert s.shown.count("⊘ cancelled") == 3
        assert [lane.outcomes for lane in s.lanes] == [[], [], []], "what was cancelled is no measurement"


@pytest.mark.parametrize("key", keys_of("cancel_lane"))
async def test_cancel_lane_ends_the_current_one_alone(open_app: OpenApp, key: str) -> None:
    async with open_app(steady(3)) as s:
        await s.streaming()
        s.views[1].stream.focus()
        await s.pilot.pause()
        await s.press(key)
        await s.until(lambda: s.states[1] is State.CANCELLED)
        assert [s.states[0], s.states[2]] == [State.STREAMING] * 2
        assert s.live.run_in_flight


@pytest.mark.parametrize("action", ["cancel_all", "cancel_lane"])
async def test_cancelling_nothing_changes_nothing(open_app: OpenApp, action: str) -> None:
    async with open_app(fast(2)) as s:
        await s.press(keys_of(action)[0])
        assert s.states == [State.IDLE] * 2
        await s.run()
        await s.press(keys_of(action)[0])
        assert s.states == [State.DONE] * 2


@pytest.mark.parametrize("key", keys_of("run"))
async def test_running_in_flight_asks_first(open_app: OpenApp, key: str) -> None:
    async with open_app((STEADY, FAST)) as s:
        await s.press("f5")
        await s.until(lambda: s.states == [State.STREAMING, State.DONE])
        await s.press(key)
        assert isinstance(s.app.screen, ConfirmScreen)
        await s.until_shown("A run is in flight")
        assert s.live.runs == 1
        assert s.states[0] is State.STREAMING, "asking stops nothing"


@pytest.mark.parametrize("answer", ["n", "escape"])
async def test_no_leaves_the_run_alone(open_app: OpenApp, answer: str) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        record = s.lanes[0].record
        await s.press("f5", answer)
        assert s.on_main
        assert s.lanes[0].record is record
        assert s.states == [State.STREAMING]
        assert s.live.runs == 1


@pytest.mark.parametrize("answer", ["y", "enter"])
async def test_yes_cancels_and_runs_again(open_app: OpenApp, answer: str) -> None:
    async with open_app(steady(2)) as s:
        await s.streaming()
        first = [lane.record for lane in s.lanes]
        await s.press("f5", answer)
        await s.until(lambda: s.live.runs == 2)
        assert all(record is not None and record.state is State.CANCELLED for record in first)
        await s.until(lambda: s.states == [State.STREAMING] * 2)


async def test_the_question_goes_away_with_the_run(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f5")
        await s.until(lambda: isinstance(s.app.screen, ConfirmScreen))
        # By the test, not by the length of the answer, so that the question is there before it on any machine.
        s.app.session.cancel_all()
        await s.until(lambda: s.states == [State.CANCELLED])
        await s.until(lambda: s.on_main)
        assert s.live.runs == 1


async def test_the_buttons_answer_too(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f5")
        await s.pilot.click("#no")
        assert s.on_main
        assert s.live.runs == 1
        await s.press("f5")
        await s.pilot.click("#yes")
        await s.until(lambda: s.live.runs == 2)


async def test_keys_of_the_main_screen_rest_while_it_asks(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f5")
        for key in ("f5", "f8", "f7", "ctrl+l", "f9"):
            await s.press(key)
            assert isinstance(s.app.screen, ConfirmScreen)
        assert s.states == [State.STREAMING]

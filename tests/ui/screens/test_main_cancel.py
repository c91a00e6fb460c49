"""Cancelling, and running again while a run is in flight."""

from functools import partial
from itertools import zip_longest

from tui.core.record import State
from tui.ui.screens.dialogs import ConfirmScreen
from tui.ui.screens.help import HelpScreen

from .conftest import OpenApp
from .driving import FAST, STEADY, AppDriver, fast, keys_of, steady


async def test_cancel_ends_the_lane_or_every_request_and_keeps_the_text(open_app: OpenApp) -> None:
    async with open_app(steady(3)) as s:
        for key in (*keys_of("cancel_all"), *keys_of("cancel_lane")):
            await s.press(key)
            assert s.states == [State.IDLE] * 3, f"{key} with nothing to cancel changes nothing"
        for lane_key, all_key in zip_longest(keys_of("cancel_lane"), keys_of("cancel_all"), fillvalue="f8"):
            await s.streaming()
            s.views[1].stream.focus()
            await s.pilot.pause()
            await s.press(lane_key)
            await s.until(lambda: s.states[1] is State.CANCELLED, f"the end of the lane by {lane_key}")
            assert [s.states[0], s.states[2]] == [State.STREAMING] * 2
            assert s.live.run_in_flight
            await s.press(all_key)
            await s.run_over()
            assert s.states == [State.CANCELLED] * 3, all_key
            assert all(view.stream.text for view in s.views)
            assert s.shown.count("⊘ cancelled") == 3
            assert [lane.outcomes for lane in s.lanes] == [[], [], []], "what was cancelled is no measurement"


async def test_cancelling_what_is_over_changes_nothing(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        for key in (keys_of("cancel_all")[0], keys_of("cancel_lane")[0]):
            await s.press(key)
            assert s.states == [State.DONE] * 2, key


async def test_running_in_flight_asks_first_and_no_leaves_the_run_alone(open_app: OpenApp) -> None:
    async with open_app((STEADY, FAST)) as s:
        await s.press("f5")
        await s.until(lambda: s.states == [State.STREAMING, State.DONE])
        record = s.lanes[0].record
        for key, answer in zip_longest(keys_of("run"), ("n", "escape"), fillvalue="f5"):
            await s.press(key)
            assert isinstance(s.app.screen, ConfirmScreen), key
            await s.until_shown("A run is in flight")
            await s.press(answer)
            assert s.on_main, answer
        await s.press("f5")
        for key in ("f5", "f8", "f7", "ctrl+l", "f9"):
            await s.press(key)
            assert isinstance(s.app.screen, ConfirmScreen), f"{key} rests while it is asked"
        await s.pilot.click("#no")
        assert s.on_main
        assert s.lanes[0].record is record
        assert s.states == [State.STREAMING, State.DONE], "asking stops nothing"
        assert s.live.runs == 1


async def test_yes_cancels_and_runs_again(open_app: OpenApp) -> None:
    async with open_app(steady(2)) as s:
        await s.streaming()
        for runs, answer in enumerate(("y", "enter", "#yes"), 2):
            records = [lane.record for lane in s.lanes]
            await s.press("f5")
            await (s.pilot.click(answer) if answer.startswith("#") else s.press(answer))
            await s.until(partial(runs_are, s, runs), f"another run by {answer}")
            assert all(record is not None and record.state is State.CANCELLED for record in records), answer
            await s.until(lambda: s.states == [State.STREAMING] * 2)


def runs_are(s: AppDriver, count: int) -> bool:
    return s.live.runs == count


async def test_the_question_goes_away_with_the_run(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f5")
        await s.until(lambda: isinstance(s.app.screen, ConfirmScreen))
        question = s.app.screen
        await s.press("f1")
        await s.until(lambda: isinstance(s.app.screen, HelpScreen), "the help over it")
        question.dismiss(False)  # as by a click that comes late
        assert isinstance(s.app.screen, HelpScreen)
        await s.press("escape")
        assert s.app.screen is question
        # By the test, not by the length of the answer, so that the question is there before it on any machine.
        s.app.session.cancel_all()
        await s.until(lambda: s.states == [State.CANCELLED])
        await s.until(lambda: s.on_main)
        assert s.live.runs == 1

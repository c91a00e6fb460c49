"""Series on the screen: started, watched, paused, cancelled, set up."""

import itertools

import pytest
from textual.widgets import Input

from tui.core.decomposition import RunsNeeded
from tui.core.load import LoadEnding, LoadSettings
from tui.core.parameters import Parameters
from tui.core.record import State
from tui.core.run import StoredRun
from tui.core.series import Ending, SeriesSettings
from tui.core.target import Target
from tui.simulator.profiles import load
from tui.ui.screens.settings import SeriesScreen
from tui.ui.widgets.choice_line import ChoiceLine

from .conftest import OpenApp
from .driving import AppDriver, fast, keys_of, steady


def set_up(s: AppDriver, **settings: object) -> None:
    s.app.draft.series = SeriesSettings(**settings)  # type: ignore[arg-type]


async def series_over(s: AppDriver) -> None:
    await s.until(lambda: s.live.series is not None and not s.live.busy)


async def test_one_key_runs_the_plan_again_and_again(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        set_up(s, repeats=3, warm_ups=1)
        await s.press(keys_of("series")[1])
        await series_over(s)
        assert s.live.runs == 4
        assert [[outcome.counted for outcome in lane.outcomes] for lane in s.lanes] == [[False, True, True, True]] * 2
        assert [len(lane.current) for lane in s.lanes] == [3, 3]
        await s.until(lambda: "series: 3 of 3, done" in s.shown)


async def test_in_turn_no_two_targets_are_in_flight_together(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        set_up(s, repeats=2, warm_ups=0, in_turn=True)
        await s.press(keys_of("series")[1])
        await series_over(s)
        for run in (1, 2):
            spans = sorted(
                (outcome.sent_ns or 0, outcome.ended_ns or 0)
                for lane in s.lanes
                for outcome in lane.outcomes
                if outcome.run == run
            )
            assert len(spans) == 3
            assert all(ended <= sent for (_, ended), (sent, _) in itertools.pairwise(spans))


async def test_pause_begins_no_further_run_and_resume_goes_on(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        set_up(s, repeats=10_000, warm_ups=0)
        await s.press(keys_of("series")[1])
        await s.press(keys_of("pause")[0])
        await s.until(lambda: not s.live.run_in_flight and "paused" in s.shown)
        begun = s.live.runs
        assert s.live.busy
        await s.press(keys_of("pause")[0])
        await s.until(lambda: s.live.runs > begun + 1)
        await s.press(keys_of("cancel_all")[0])
        await s.until(lambda: not s.live.busy)


async def test_cancel_ends_the_series_and_keeps_what_is_finished(open_app: OpenApp) -> None:
    async with open_app([*fast(1), *steady(1)]) as s:
        set_up(s, repeats=50, warm_ups=0)
        await s.press(keys_of("series")[1])
        await s.until(lambda: s.states == [State.DONE, State.STREAMING])
        await s.press(keys_of("cancel_all")[0])
        await series_over(s)
        assert s.live.series is not None
        assert s.live.series.ending is Ending.CANCELLED
        assert [len(lane.outcomes) for lane in s.lanes] == [1, 0]
        assert s.live.runs == 1


async def test_a_run_asked_for_during_a_series_asks_first(open_app: OpenApp) -> None:
    async with open_app(steady(1)) as s:
        set_up(s, repeats=5, warm_ups=0)
        await s.press(keys_of("series")[1])
        await s.until(lambda: s.states == [State.STREAMING])
        await s.press(keys_of("run")[0])
        await s.press("y")
        await s.until(lambda: s.live.runs == 2 and s.states == [State.STREAMING])
        assert s.live.series is None
        await s.press(keys_of("cancel_all")[0])
        await s.until(lambda: not s.live.busy)


async def test_options_are_set_checked_and_used(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press(keys_of("series_options")[0])
        screen = s.app.screen
        assert isinstance(screen, SeriesScreen)
        repeats = screen.query(Input).first()
        repeats.value = "0"
        await s.press(keys_of("series")[1])
        assert s.app.screen is screen
        await s.until(lambda: "repeats must be a whole number from 1 to 10000, but is" in s.shown)
        repeats.value = "2"
        screen.query_one("#until-sure", ChoiceLine).choose("total")
        await s.press(keys_of("series")[1])
        await series_over(s)
        assert s.app.draft.series.repeats == 2
        assert s.app.draft.series.until_sure == "total"


async def test_a_load_is_set_up_begun_watched_and_shown(open_app: OpenApp) -> None:
    async with open_app(fast(2), prompt="Hello.") as s:
        s.app.draft.load = LoadSettings(levels=(1, 2), requests=8, ramp=0.05, warm_up=0.05)
        await s.press(keys_of("load")[0])
        screen = s.app.screen
        assert isinstance(screen, SeriesScreen)
        fields = {field.id: field for field in screen.query(Input)}
        assert fields["levels"].value == "1, 2"
        fields["levels"].value = "1, two"
        await s.press(keys_of("series")[1])
        await s.until(lambda: "levels must be a list, each a whole number from 1 to 1024" in s.shown)
        fields["levels"].value = "1, 3"
        await s.press(keys_of("series")[1])
        await s.until(lambda: s.live.load is not None and s.live.load.ending is not None, "the end of the load")
        await s.run_over()
        load = s.live.load
        assert load is not None
        assert [(one.target, one.level.concurrency, one.requests) for one in load.levels] == [
            ("fast-1", 1, 8),
            ("fast-1", 3, 8),
            ("fast-2", 1, 8),
            ("fast-2", 3, 8),
        ]
        # A stream of each target was shown live; the rest is counted, and belongs to no race.
        assert s.states == [State.DONE] * 2
        assert [lane.outcomes for lane in s.lanes] == [[], []]
        assert f"load over: complete, {load.ended} requests" in s.shown
        assert s.app.main.charts.kind.name == "load"
        await s.until_shown("goodput")
        await s.run()
        assert s.states == [State.DONE] * 2
        assert [len(lane.outcomes) for lane in s.lanes] == [1, 1]
        assert "load over" not in s.shown


async def test_a_load_is_cancelled_and_one_that_cannot_be_is_refused(open_app: OpenApp) -> None:
    async with open_app(steady(1)) as s:
        s.app.draft.load = LoadSettings(levels=(2,), rate=3.0)
        await s.press(keys_of("load")[0])
        await s.press(keys_of("series")[1])
        await s.until(lambda: any("not both" in said for said in s.notices))
        s.app.draft.load = LoadSettings(levels=(3,), ramp=0)
        await s.press(keys_of("load")[0])
        await s.press(keys_of("series")[1])
        await s.until(lambda: s.live.load is not None and s.live.load.in_flight == 3, "three in flight")
        await s.until_shown("1 of 1: 3 in flight")
        await s.press(keys_of("cancel_all")[0])
        await s.until(lambda: not s.live.busy)
        load = s.live.load
        assert load is not None
        assert (load.ending, load.in_flight, load.ended) == (LoadEnding.CANCELLED, 0, 3)


async def test_a_sweep_tells_the_time_per_token_and_nothing_else(open_app: OpenApp) -> None:
    profile = load()["sim-endless"]
    async with open_app([Target(model="sim-endless", parameters=Parameters(max_tokens=128))]) as s:
        set_up(s, repeats=1, warm_ups=0)
        await s.press(keys_of("sweep")[0])
        await s.until(lambda: "The sweep sends up to 19" in s.shown)
        await s.until(lambda: "sweep: " in s.shown)
        await series_over(s)
        (lane,) = s.lanes
        assert len(lane.swept) == 18
        assert lane.current == []
        assert lane.record is not None
        assert lane.record.spec.prompt.user == s.app.draft.plan().prompt.user
        fit = lane.fit()
        assert fit.needed is RunsNeeded.NOTHING
        assert fit.per_output is not None
        assert fit.per_output.value == pytest.approx(1e9 / profile.tokens_per_second, rel=0.2)
        assert fit.per_input is not None
        assert fit.per_input.value == pytest.approx(profile.prefill_ms_per_1k * 1e3, rel=0.2)
        await s.until(lambda: "sweep: 18 of 18, done" in s.shown)


async def test_a_sweep_asks_the_row_in_use_and_leaves_what_was_counted(open_app: OpenApp) -> None:
    targets = [Target(model="sim-endless", parameters=Parameters(max_tokens=32))]
    async with open_app(targets, prompt="Why is the {{what}} blue?") as s:
        session, book = s.app.session, s.app.draft.book
        book.rows, book.row = [{"what": "sky"}, {"what": "sea"}], 1
        runs: list[StoredRun] = []
        session.on_run_over = runs.append
        set_up(s, repeats=1, warm_ups=0)
        await s.run()
        (lane,) = s.lanes
        (own,) = lane.current
        await s.press(keys_of("sweep")[0])
        await s.until(lambda: s.live.series is not None)
        await series_over(s)
        asked = [request.spec.prompt.user.splitlines()[-1] for run in runs for request in run.requests]
        assert s.live.series is not None
        assert asked == ["Why is the sea blue?"] * (1 + 1 + s.live.series.total)
        assert lane.current == [own]

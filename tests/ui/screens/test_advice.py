"""Advice on the screen: from a run to a suggestion, to a trial, to its acceptance."""

from pathlib import Path

import msgspec
from textual.widgets import OptionList

from tui.advice.trial import TrialVerdict
from tui.config.schema import HistorySettings
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.series import Ending, SeriesSettings
from tui.core.target import Target
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.ui.screens.advice import AdviceScreen

from .conftest import OpenApp
from .driving import FAST, STEADY, AppDriver

THINKING = Target(model="sim-heavy-thinking")
CHATTY = Target(model="sim-chatty")


async def series(s: AppDriver, repeats: int = 5) -> None:
    s.app.draft.series = SeriesSettings(repeats=repeats, warm_ups=0)
    await s.press("alt+s")
    await s.until(lambda: s.live.series is not None and not s.live.busy)


async def tried(s: AppDriver) -> None:
    """Try what is pointed at, and wait for the end."""
    await s.press("t")
    await s.until(lambda: s.app.context.advice is not None and s.app.context.advice.running, "a trial")
    await s.until(lambda: s.app.context.advice is not None and s.app.context.advice.open is not None, "the trial's end")


async def test_a_suggestion_is_tried_and_accepted_into_the_parameters(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app([THINKING], history=Recorder(tmp_path / "history.db", HistorySettings())) as s:
        await series(s)
        plan = s.app.draft.plan()
        await s.press("alt+a")
        await s.until_shown("Turn thinking off")
        await s.until_shown("thinking-bound")
        await s.until_shown("T tries it: up to 82 requests, at")
        await tried(s)
        assert s.app.context.advice is not None
        assert s.app.context.advice.open is not None
        assert s.app.context.advice.open.result is TrialVerdict.FASTER
        await s.until_shown("predicted total")
        await s.until_shown("verdict   sure: faster")
        assert s.app.draft.plan().targets == plan.targets
        await s.press("a")
        await s.until_shown("accepted")
        assert s.app.main.parameters_form.read().thinking == "disabled"
        await s.press("escape")
        await s.until(lambda: s.on_main)
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        assert record.spec.parameters.thinking == "disabled"
        await s.app.workers.wait_for_complete()
        with Store(tmp_path / "history.db") as store:
            assert [entry.data["accepted"] for entry in store.tried()] == [True, None]


async def test_a_prompt_is_tried_as_a_variant_and_accepted_into_the_editor(open_app: OpenApp) -> None:
    async with open_app([CHATTY]) as s:
        await series(s)
        await s.press("alt+a")
        await s.until_shown("Ask for shorter answers")
        await tried(s)
        assert len(s.lanes) == 2
        assert s.app.draft.book.prompt.user == "Why is the sky blue?"
        await s.press("d")
        await s.until_shown("only in the first, ")
        titles = [str(s.app.screen.query_one(name).border_title) for name in ("#first", "#second")]
        assert titles[0] == "sim-chatty", "its answers stand side by side"
        assert titles[1].startswith("sim-chatty · ")
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, AdviceScreen))
        await s.press("a", "escape")
        await s.until(lambda: s.on_main)
        assert "Be brief: answer in" in s.app.draft.book.prompt.user
        await s.run()
        assert len(s.lanes) == 1


async def test_accepting_changes_only_the_target_that_was_tried(open_app: OpenApp) -> None:
    async with open_app([THINKING, FAST]) as s:
        await series(s)
        await s.press("alt+a")
        await s.until_shown("Turn thinking off")
        await tried(s)
        await s.press("a")
        await s.until(lambda: s.app.draft.plan().targets[0].parameters.thinking is not None)
        assert s.app.draft.plan().targets[1] == FAST
        assert s.app.main.parameters_form.read().thinking is None
        assert s.app.draft.plan().targets[0].parameters == Parameters(thinking="disabled")


async def test_a_trial_can_be_cancelled_and_goes_on_while_its_screen_is_closed(open_app: OpenApp) -> None:
    async with open_app([THINKING]) as s:
        await s.run()
        plan = s.app.draft.plan()
        await s.press("alt+a")
        await s.until_shown("T Try")
        await s.press("t", "c")
        await s.until(lambda: s.app.context.advice is not None and s.app.context.advice.open is not None)
        assert s.live.series is not None
        assert s.live.series.ending is Ending.CANCELLED
        assert s.app.draft.plan() == plan
        await s.until_shown("not sure whether it makes a difference")
        await s.press("t")
        await s.until(lambda: s.app.context.advice is not None and s.app.context.advice.running, "a second trial")
        await s.press("escape")
        await s.until(lambda: s.on_main and s.app.context.advice is not None and s.app.context.advice.open is not None)
        await s.press("alt+a")
        await s.until_shown("verdict   sure: faster")


async def test_without_an_answer_there_is_no_advice(open_app: OpenApp) -> None:
    async with open_app([STEADY]) as s:
        await s.press("alt+a")
        assert s.on_main
        assert s.notices == ["There is nothing to base advice on yet: let a run of this lane end first."]
        await s.streaming()
        await s.press("alt+a")
        assert s.on_main


async def test_what_cannot_be_done_is_said(open_app: OpenApp) -> None:
    async with open_app([FAST]) as s:
        await s.run()
        await s.press("alt+a")
        await s.until(lambda: isinstance(s.app.screen, AdviceScreen))
        await s.press("a")
        await s.until(lambda: "There is no trial to decide on: try a suggestion first (T)." in s.notices)
        listed = s.app.screen.query_one(OptionList)
        rows = s.app.context.advice.rows if s.app.context.advice is not None else []
        listed.highlighted = next(at for at, row in enumerate(rows) if row.trial is None)
        await s.pilot.pause()
        await s.press("enter")
        await s.until(lambda: "The program cannot try this for you: the details say what to do." in s.notices)


async def test_the_first_note_is_said_once_and_the_log_is_remembered(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app([THINKING], history=Recorder(tmp_path / "history.db", HistorySettings())) as s:
        await series(s)
        await s.press("alt+a")
        await s.until_shown("First make a prompt that works well")
        await tried(s)
        await s.press("r")
        await s.until_shown("rejected")
        assert s.app.main.parameters_form.read().thinking is None, "what was rejected changes nothing"
        await s.press("escape")
        await s.until(lambda: s.on_main)
        await s.press("alt+a")
        await s.until_shown("rejected")
        assert "First make a prompt" not in s.shown
        await s.app.workers.wait_for_complete()
    async with open_app([THINKING], history=Recorder(tmp_path / "history.db", HistorySettings())) as s:
        await s.run()
        await s.press("alt+a")
        await s.until_shown("Tried (1):")
        await s.until_shown("rejected")


async def test_the_share_that_may_be_cut_is_chosen_by_a_key(open_app: OpenApp) -> None:
    async with open_app([Target(model="sim-endless")], max_tokens=400) as s:
        await series(s)
        await s.press("alt+a")
        await s.until_shown("First look at this: 5 of 5 answers cut at max_tokens (400)")
        assert "Lower max_tokens" not in s.shown
        await s.press("s", "s", "s", "s")
        await s.until_shown("Lower max_tokens to 200")
        assert "All answers may be cut by max_tokens." in s.notices


async def test_the_parts_of_the_prompt_are_counted_once_it_is_shown(open_app: OpenApp) -> None:
    async with open_app([FAST]) as s:
        prompt = Prompt(system="You are brief.", user="Why?")
        s.app.session.run(msgspec.structs.replace(s.app.draft.plan(), prompt=prompt))
        await s.run_over()
        await s.press("alt+a")
        await s.until(lambda: isinstance(s.app.screen, AdviceScreen))

        def parts() -> str:
            assert s.app.context.advice is not None
            assert s.app.context.advice.advice is not None
            return next(one.reason for one in s.app.context.advice.advice.no_suggestions if one.rule == "prompt length")

        await s.until(lambda: "~" not in parts(), "counts of the endpoint")
        assert " system, " in parts()

"""Keys pressed while an advice trial is under way act on the person's draft, never on the trial's two lanes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tui.core.prompt import Prompt
from tui.core.target import Target
from tui.session.live import Lane

from .conftest import OpenApp
from .driving import AppDriver, keys_of

THINKING = Target(model="sim-heavy-thinking")


@asynccontextmanager
async def trial(open_app: OpenApp, *, variants: int = 1) -> AsyncIterator[AppDriver]:
    """The main screen while a trial of two lanes is under way, for a draft of one target."""
    async with open_app([THINKING]) as s:
        if variants > 1:
            s.app.draft.book.add()
            s.app.main.prompt_pane.show()
        await s.run()
        await s.press("alt+a")
        await s.until_shown("Turn thinking off")
        await s.press("t")
        await s.until(lambda: len(s.lanes) == 2 and s.live.run_in_flight, "a trial of two lanes")
        # However slow the machine is, the trial stays under way.
        assert s.app.session.series is not None
        s.app.session.series.pause()
        await s.press("escape")
        await s.until(lambda: s.on_main, "the main screen")
        yield s


def run_uids(s: AppDriver) -> int:
    return len(s.app.session.run_uids)


def sent(lanes: list[Lane]) -> list[tuple[str, str | None]]:
    """Model and thinking of every lane's latest request."""
    records = [lane.record for lane in lanes]
    return [(record.spec.model, record.spec.parameters.thinking) for record in records if record is not None]


@pytest.mark.parametrize(("key", "variants", "lanes"), [("f5", 1, 1), ("f5", 2, 1), ("alt+r", 2, 2)])
async def test_run_again_asks_the_lanes_of_the_draft(open_app: OpenApp, key: str, variants: int, lanes: int) -> None:
    async with trial(open_app, variants=variants) as s:
        await s.press(key)
        await s.until_shown("Run again")
        await s.press("y")
        await s.until(lambda: s.app.session.series is not None and s.live.series is None, "a run by itself")
        await s.run_over()
        assert sent(s.lanes) == [("sim-heavy-thinking", None)] * lanes
        assert s.app.session.latest is not None
        assert len(s.app.session.latest.requests) == lanes


async def test_edits_and_dropped_parameters_go_to_the_draft(open_app: OpenApp) -> None:
    async with trial(open_app) as s:
        before = s.app.draft.plan()
        s.app.draft.book.edit(user="Something else?")
        s.app.main.prompt_pane.show()
        await s.press(keys_of("drop_parameter")[0])
        await s.press(keys_of("edit_target")[0])
        await s.until(lambda: not s.on_main, "the target's screen")
        await s.press("escape")
        assert s.app.draft.plan().targets == before.targets
        assert [lane.target.label for lane in s.lanes][1:] == ["sim-heavy-thinking · thinking disabled"]
        # What the trial asks was fixed when it began.
        assert all(lane.plan is None or lane.plan.prompt == before.prompt for lane in s.lanes)


async def test_nothing_is_warmed_and_no_request_is_sent_beside_the_trial(open_app: OpenApp) -> None:
    async with trial(open_app) as s:
        await s.press(keys_of("warm_cache")[0])
        assert any("in flight" in notice for notice in s.notices)
        assert all(lane.warming is None for lane in s.lanes)


async def test_when_a_trial_is_over_the_next_run_asks_the_draft(open_app: OpenApp) -> None:
    async with trial(open_app) as s:
        s.app.session.cancel_all()
        await s.until(lambda: not s.live.busy, "the trial's end")
        s.app.draft.book.edit(user="Why?")
        s.app.main.prompt_pane.show()
        await s.run()
        assert sent(s.lanes) == [("sim-heavy-thinking", None)]
        assert s.lanes[0].record is not None
        assert s.lanes[0].record.spec.prompt == Prompt(user="Why?")

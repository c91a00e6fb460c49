"""What costs more than one run is asked first, with requests, costs and time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tui.core.plan import Budget
from tui.core.series import SeriesSettings
from tui.ui.screens.dialogs import ConfirmScreen

from .conftest import OpenApp
from .driving import AppDriver, fast


@asynccontextmanager
async def asking(open_app: OpenApp, usd: float) -> AsyncIterator[AppDriver]:
    async with open_app(fast(2), max_tokens=40) as s:
        s.app.draft._rest = msgspec.structs.replace(s.app.draft._rest, budget=Budget(ask_from_usd=usd))
        s.app.draft.series = SeriesSettings(repeats=2, warm_ups=0)
        yield s


@pytest.mark.parametrize(("key", "what"), [("alt+s", "Series: 4 requests"), ("alt+shift+s", "Sweep: up to ")])
async def test_a_series_and_a_sweep_begin_after_a_question(open_app: OpenApp, key: str, what: str) -> None:
    async with asking(open_app, 0.0) as s:
        await s.press(key)
        await s.until_shown(what)
        await s.until_shown("at prices that are not")
        await s.press("n")
        await s.until(lambda: s.on_main, "the main screen")
        assert s.live.runs == 0
        await s.press(key)
        await s.until(lambda: isinstance(s.app.screen, ConfirmScreen), "the question")
        await s.press("enter")
        await s.until(lambda: s.live.runs > 0, "the first run")
        await s.press("f8")
        await s.run_over()


async def test_all_variants_are_asked_about_and_a_single_run_is_not(open_app: OpenApp) -> None:
    async with asking(open_app, 0.0) as s:
        s.app.draft.book.add()
        await s.run()
        assert s.live.runs == 1
        await s.press("alt+r")
        await s.until_shown("All variants: 4 requests")
        await s.until_shown("about 0 s")
        await s.press("y")
        await s.until(lambda: s.live.runs == 2, "the second run")
        await s.run_over()
        assert len(s.lanes) == 4

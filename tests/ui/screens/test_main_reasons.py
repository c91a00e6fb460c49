"""Why actions are unavailable: one reason each, in palette and footer, and said to whoever presses the key."""

from operator import attrgetter

import pytest

from tui.ui.bindings import ACTIONS, Action
from tui.ui.controllers.reasons import Reasons
from tui.ui.keymap import TABLE
from tui.ui.widgets.key_bar import KeyBar

from .conftest import OpenApp
from .driving import FAST, STEADY, AppDriver, fast

WITH_REASON = [row for row in TABLE if row.unless]
IN_FLIGHT = "A run is in flight: cancel it (F8), or let it end."


@pytest.mark.parametrize("row", WITH_REASON, ids=lambda row: row.id)
def test_every_reason_of_the_table_is_there(row: Action) -> None:
    assert callable(getattr(Reasons, row.unless))


def in_palette(s: AppDriver) -> dict[str, str]:
    """What the palette says of every action, by title."""
    return {command.title: command.help for command in s.app.get_system_commands(s.app.screen)}


async def test_every_action_of_the_application_has_a_handler(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        for row in ACTIONS:
            assert callable(attrgetter(row.handler)(s.app.dispatcher)), row.id


async def test_before_anything_was_asked_the_palette_and_the_keys_say_what_is_missing(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        unavailable = {row for row in ACTIONS if row.unless and s.app.dispatcher.reasons.of(row)}
        assert {row.id for row in unavailable} >= {
            *("cancel_all", "cancel_lane", "pause", "next_variant", "pin", "copy", "detail", "difference"),
            *("advice", "history"),
        }
        palette = in_palette(s)
        for row in unavailable:
            reason = s.app.dispatcher.reasons.of(row)
            assert palette[row.title] == f"× {reason}"
            await s.press(row.keys[0])
            assert s.notices[-1] == reason
            assert s.on_main
            s.app.clear_notifications()


async def test_a_run_in_flight_is_said_in_one_wording(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        mixing = [row for row in TABLE if row.unless == "run_in_flight"]
        assert {row.id for row in mixing} >= {"series", "sweep", "warm_cache", "refresh_models", "clear"}
        assert {s.app.dispatcher.reasons.of(row) for row in mixing} == {IN_FLIGHT}
        palette = in_palette(s)
        assert {palette[row.title] for row in mixing if not row.view} == {f"× {IN_FLIGHT}"}
        assert s.app.dispatcher.reasons.nothing_measured() == IN_FLIGHT


async def test_the_footer_marks_what_is_unavailable_and_says_why(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        bar = s.app.main.query_one(KeyBar)
        await s.press("f6")
        await s.until_shown("×y Copy")
        assert "Copy: There is nothing to copy yet." in str(bar.tooltip)
        await s.streaming()
        await s.until(lambda: "×" not in s.shown.splitlines()[-1], "a footer without a cross, as far as it goes")
        assert "Copy" not in str(bar.tooltip)


async def test_the_advice_says_why_there_is_nothing_to_decide_or_cancel(open_app: OpenApp) -> None:
    async with open_app([FAST]) as s:
        await s.run()
        await s.press("alt+a")
        await s.until_shown("×A Accept")
        for key, reason in {"a": "no_trial", "r": "no_trial", "c": "no_trial_running"}.items():
            await s.press(key)
            assert s.notices[-1] == getattr(s.app.dispatcher.reasons, reason)()

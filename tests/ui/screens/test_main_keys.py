"""Keys that a person chose, in a running app."""

from tui.config.schema import KeySettings
from tui.simulator.process import SimulatorProcess
from tui.ui.keymap import keymap_of
from tui.ui.screens.dialogs import SearchScreen

from .driving import SMALL, app_driver_of, fast, plan_of
from .engine import SharedEngine


async def test_a_chosen_key_acts_is_shown_and_replaces_the_usual_ones(
    shared_engine: SharedEngine, simulator: SimulatorProcess
) -> None:
    keys = KeySettings(preset="vi", actions={"run": ("f12", "r")})
    plan = plan_of(fast(2), simulator.base_url, "Why?", 100)
    with shared_engine.lend() as engine:
        async with app_driver_of(engine, plan, keymap=keymap_of(keys, "test")) as s:
            assert "F12 Run" in s.shown
            await s.press("f5", "ctrl+r")
            assert s.live.runs == 0
            # Letters type in an editor, and act in a lane.
            await s.focus("#user")
            await s.press("r", "j")
            assert s.app.draft.book.prompt.user == "rjWhy?"
            await s.focus("StreamView")
            await s.press("r")
            await s.until(lambda: s.live.runs == 1, "a run")
            await s.run_over()
            await s.press("slash")
            assert isinstance(s.app.screen, SearchScreen)
            await s.press("escape")
            # In one read with the key that goes there, or that opens the menu, a letter is none of the prompt's.
            for leader, letter in (("f6", "/"), ("ctrl+@", "/"), ("f6", "d")):
                await s.focus("#user")
                await s.burst(leader, letter)
                await s.until(lambda: not s.on_main, f"what {letter} opens")
                await s.press("escape")
                assert s.app.draft.book.prompt.user == "rjWhy?"
            await s.focus("StreamView")
            assert {"k", "j", "G"} <= s.app.active_bindings.keys()
            await s.press("f1", "slash", *"fire")
            await s.until_shown("F12, R")


async def test_sentences_and_screens_over_the_lanes_know_chosen_keys(
    shared_engine: SharedEngine, simulator: SimulatorProcess
) -> None:
    actions: dict[str, tuple[str, ...]] = {
        "run": ("f12",),
        "variants": ("ctrl+y",),
        "help": ("f11",),
        "series": ("alt+5",),
    }
    plan = plan_of(fast(1), simulator.base_url, "Why?", 100)
    with shared_engine.lend() as engine:
        async with app_driver_of(engine, plan, keymap=keymap_of(KeySettings(actions=actions), "test")) as s:
            assert "F12 runs the prompt." in s.shown
            assert "+ variants, variables (Ctrl+Y)" in s.shown
            for key, closing in {"f11": "f11", "ctrl+y": "escape"}.items():
                await s.press(key)
                assert s.app.screen is not s.app.main
                await s.press(closing)
                assert s.app.screen is s.app.main
            await s.press("alt+o")
            assert "Start (Alt+5)" in s.shown
            await s.press("alt+5")
            await s.until(lambda: s.live.runs > 0, "a run of the series")


async def test_the_footer_of_the_lanes_ends_where_the_charts_begin(
    shared_engine: SharedEngine, simulator: SimulatorProcess
) -> None:
    with shared_engine.lend() as engine:
        async with app_driver_of(engine, plan_of(fast(2), simulator.base_url, "Why?", 100), size=SMALL) as s:
            await s.press("f2")
            await s.until(lambda: "Search" in s.shown.splitlines()[-1], "the lanes' keys")
            await s.press("f2")
            await s.until(lambda: "Search" not in s.shown.splitlines()[-1], "no key of theirs with the charts")

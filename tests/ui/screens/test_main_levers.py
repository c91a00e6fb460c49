"""Caches, prompt lengths, costs and lists of models on the screen."""

import pytest

from tui.core.parameters import Parameters
from tui.core.target import Target

from .conftest import OpenApp
from .driving import keys_of

LONG = "A gateway counts the requests of each key, and turns away what is above its limit. " * 60
CACHED = Target(model="claude-haiku-5-5", name="cached", parameters=Parameters(cache=True))
PLAIN = Target(model="claude-haiku-5-5", name="plain")
OTHER = Target(model="claude-haiku-5-5", name="other")


async def test_one_key_warms_the_cache(open_app: OpenApp) -> None:
    async with open_app([CACHED, PLAIN], prompt=LONG, max_tokens=20) as s:
        await s.press(*keys_of("warm_cache"))
        await s.until(lambda: "cache warmed:" in s.shown, "a warmed cache")
        assert "not warmed: cache is off" in s.shown
        assert s.live.runs == 0
        await s.run()
        await s.until(lambda: "truncated at 20 · $0.0" in s.shown, "the lanes' costs")
        await s.until(lambda: "run $0.0" in s.shown, "the cost of run and session")


async def test_a_narrow_lane_shows_what_was_read_from_the_cache(open_app: OpenApp) -> None:
    async with open_app([CACHED, PLAIN, OTHER], prompt=LONG.upper(), max_tokens=20, size=(120, 40)) as s:
        await s.press(*keys_of("warm_cache"))
        await s.until(lambda: "cache warmed:" in s.shown, "a warmed cache")
        await s.run()
        await s.until_shown("in 0 +")
        # The word for the quickest, where one is, has a row of its own, in one of the three.
        cached, *others = [view.query_one(".state").size.height for view in s.views]
        assert cached in (3, 4)
        assert min(others) == 1
        await s.press("f6", keys_of("maximise")[0])
        await s.until(lambda: s.views[0].query_one(".state").size.height < cached, "room for all on one line")


async def test_a_lane_says_how_long_the_prompt_is(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.session.preview._COUNT_AFTER_S", 0.01)
    async with open_app([PLAIN], prompt="Why is the sky blue?") as s:
        await s.until(lambda: "prompt 10 tok" in s.shown, "the count")
        await s.type_into("#user", "Why is the sky blue, and why is it not violet?")
        await s.until(lambda: "prompt 17 tok" in s.shown, "the count of what was typed")


async def test_one_key_lists_the_models(open_app: OpenApp) -> None:
    async with open_app([PLAIN]) as s:
        await s.press(*keys_of("refresh_models"))
        await s.until(lambda: "Known: " in s.shown, "the list")

"""Texts to read: a request step by step, and an answer with its Markdown laid out."""

import pytest

from tui.core.events import Kind
from tui.ui.charts.plot import BarRows
from tui.ui.screens.text import DetailScreen, TextScreen
from tui.ui.widgets.chart_view import ChartView

from .conftest import OpenApp
from .driving import SMALL, WIDE, fast, keys_of


@pytest.mark.parametrize("key", keys_of("detail"))
async def test_detail_shows_the_current_lanes_request(open_app: OpenApp, key: str) -> None:
    async with open_app(fast(2), size=WIDE) as s:
        await s.run()
        await s.press("f6", "f6", key)
        assert isinstance(s.app.screen, DetailScreen)
        await s.until_shown(s.views[1].lane.label)
        record = s.views[1].lane.record
        assert record is not None
        assert record.api_request_id is not None
        for shown in ("first token", "text", "cold TTFT", "whole way", record.api_request_id):
            assert shown in s.shown
        waterfall = s.app.screen.query_one(ChartView)
        assert isinstance(waterfall.data, BarRows)
        assert waterfall.size.height == len(waterfall.data.rows) + 2
        await s.press("tab", "end")
        await s.until_shown("stamped by")
        await s.press("escape")
        assert s.on_main


async def test_detail_of_nothing_says_what_to_do(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("f4")
        assert s.on_main
        await s.until_shown("run the prompt first")


async def test_detail_scrolls_at_80_by_24(open_app: OpenApp) -> None:
    async with open_app(fast(1), size=SMALL) as s:
        await s.run()
        await s.press("f4", "tab", "end")
        await s.until_shown("stamps shared")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_an_answer_is_laid_out_on_one_key_and_copied_as_it_was_written(
    open_app: OpenApp, size: tuple[int, int]
) -> None:
    written = "# A heading\n\n- **bold** [blue](x)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    async with open_app(fast(1), size=size) as s:
        await s.press("f6", "m")
        assert s.on_main
        assert "no answer yet" in s.notices[0]
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        record.pieces[:] = [(Kind.THINKING, "# not this"), (Kind.TEXT, written)]
        await s.press("m")
        await s.until(lambda: isinstance(s.app.screen, TextScreen), "the answer")
        await s.until_shown("A heading")
        assert " • bold blue (x)" in s.shown
        assert "not this" not in s.shown
        await s.press("y")
        assert s.app.clipboard == written
        await s.press("escape")
        assert s.on_main

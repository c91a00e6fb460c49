"""Borders between panes, dragged with the mouse: bounded, kept in the draft, and no matter to the keyboard."""

from textual.geometry import Region
from textual.widget import Widget

from .conftest import OpenApp
from .driving import SMALL, AppDriver, fast


def region(s: AppDriver, selector: str) -> Region:
    return s.app.screen.query_one(selector, Widget).region


async def drag(s: AppDriver, start: tuple[int, int], end: tuple[int, int]) -> None:
    await s.pilot.mouse_down(offset=start)
    await s.pilot.hover(offset=end)
    await s.pilot.mouse_up(offset=end)
    await s.pilot.pause()


async def test_the_prompt_and_the_charts_take_the_room_they_are_given(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        lanes, charts = region(s, "#lanes"), region(s, "#charts")
        await drag(s, (lanes.x - 1, 20), (59, 20))
        assert (region(s, "#edit").width, region(s, "#lanes").x) == (60, 60)
        assert s.app.draft.panes.prompt == 0.5
        await drag(s, (10, charts.y), (10, charts.y - 6))
        assert region(s, "#charts").height == charts.height + 6
        await drag(s, (region(s, "#chart").x, charts.y + 1), (40, charts.y + 1))
        assert region(s, "#history").width == 40
        # Nothing is selected on the way, and the focus is where it was.
        assert not s.app.screen.selections
        await s.press(*"abc")
        assert "abc" in s.app.main.prompt_pane.user.text
        # What is dragged too far stays within bounds.
        await drag(s, (region(s, "#lanes").x, 20), (119, 20))
        assert (region(s, "#edit").width, region(s, "#lanes").width) == (92, 28)
        await drag(s, (region(s, "#lanes").x, 20), (0, 20))
        assert region(s, "#edit").width == 38
        await drag(s, (10, region(s, "#charts").y), (10, 0))
        assert region(s, "#top").height >= 16
        await drag(s, (10, region(s, "#charts").y), (10, 39))
        assert region(s, "#charts").height == 5
        # Zoomed, the prompt has the whole width, and its own again afterwards.
        await s.press("f9")
        assert region(s, "#edit").width == 120
        await s.press("f9")
        assert region(s, "#edit").width == 38
        await s.pilot.resize_terminal(*SMALL)
        assert region(s, "#edit").width == SMALL[0]
        kept = s.app.draft.kept(s.app.draft.series, (), None)
        assert kept.panes == s.app.draft.panes


async def test_in_a_small_terminal_table_and_chart_share_their_pane(open_app: OpenApp) -> None:
    async with open_app(fast(2), size=SMALL) as s:
        await drag(s, (10, 10), (40, 15))
        assert s.app.draft.panes.prompt is None, "a click beside a border"
        s.app.main.show_pane("charts")
        await s.pilot.pause()
        chart = region(s, "#chart")
        await drag(s, (10, chart.y), (10, chart.y - 4))
        assert region(s, "#chart").y == chart.y - 4
        await drag(s, (10, chart.y - 4), (10, 23))
        assert region(s, "#chart").height >= 4


async def test_parameters_and_models_give_way_to_a_prompt_that_needs_the_rows(open_app: OpenApp) -> None:
    async with open_app(fast(2), size=SMALL) as s:
        whole = region(s, "#user").height
        await s.paste("\n".join(map(str, range(60))))
        assert (region(s, "#parameters").height, region(s, "#targets").height) == (1, 1)
        assert region(s, "#user").height > whole + 8
        await s.until(lambda: "Parameters · max tokens 2000" in s.shown and "Models (2) · fast-1, fast-2" in s.shown)
        # They come back with the focus, and stay while it is elsewhere.
        await s.press("tab")
        assert region(s, "#user").height == whole
        assert "max tokens   2000" in s.shown
        await s.press("f2", "f2", "f2")
        assert s.app.main.prompt_pane.has_focus_within
        assert region(s, "#parameters").height == 1
        await s.pilot.click("#targets")
        assert s.app.main.picker.has_focus_within
        await s.pilot.pause()
        assert region(s, "#targets").height == 8
        await s.focus("#user")
        await s.press("ctrl+a", "delete")
        assert region(s, "#user").height == whole

"""The charts of the main screen: gone through by keys and mouse, shown alone, saved."""

import os
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest
from textual.widgets import Static

from tui.config.schema import HistorySettings
from tui.core.series import SeriesSettings
from tui.history.recorder import Recorder
from tui.ui import charts
from tui.ui.charts import CHARTS, ChartKind
from tui.ui.charts.plot import Bar, BarRow, BarRows, Look, Markers, Numbers, number_lines
from tui.ui.charts.source import Chart, by_answer
from tui.ui.screens.chart import ChartScreen
from tui.ui.widgets.chart_painters import RowsPainter
from tui.ui.widgets.chart_pane import ChartStrip
from tui.ui.widgets.chart_view import ChartView
from tui.ui.widgets.strips import padded

from .conftest import OpenApp
from .driving import SMALL, WIDE, AppDriver, fast, keys_of, steady

NEXT, BEFORE, MAX = keys_of("next_chart")[0], keys_of("previous_chart")[0], keys_of("maximise_chart")[0]


def keys_to(name: str) -> list[str]:
    """The keys from the first chart to the one of that name."""
    return [NEXT] * [kind.name for kind in CHARTS].index(name)


def shown(s: AppDriver) -> str:
    """The name of the chart."""
    return s.app.main.charts.kind.name


def mounted(s: AppDriver) -> int:
    return len(s.app.main.charts.query(ChartView))


async def open_alone(s: AppDriver) -> ChartScreen:
    await s.press(MAX)
    await s.until(lambda: isinstance(s.app.screen, ChartScreen))
    screen = s.app.screen
    assert isinstance(screen, ChartScreen)
    await s.until(lambda: screen._lines, "numbers")
    return screen


async def test_keys_go_through_all_charts_one_at_a_time(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        for expected in (*CHARTS[1:], CHARTS[0]):
            await s.press(NEXT)
            assert shown(s) == expected.name
            # These models have no price, there is no history, no conversation was played, and nothing was loaded.
            if expected.name not in ("frontier", "hours", "turns", "load"):
                await s.until(lambda: s.app.main.charts.chart.data.has_data)
            assert mounted(s) == 1
        await s.press(BEFORE)
        assert shown(s) == CHARTS[-1].name


async def test_the_chart_of_hours_reads_the_history_when_it_is_shown(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(fast(2), history=Recorder(tmp_path / "history.db", HistorySettings())) as s:
        await s.run()
        while shown(s) != "hours":
            await s.press(NEXT)
        await s.until(lambda: s.app.main.charts.chart.data.has_data)
        screen = await open_alone(s)
        await s.until(lambda: any("from 20 rounds on; there are 1" in line for line in screen._lines))


async def test_a_click_on_a_name_shows_its_chart(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        strip = s.app.main.query_one(ChartStrip)
        row = strip.render_line(0).text
        await s.pilot.click(strip, offset=(row.index("scatter") + 3, 0))
        await s.until(lambda: shown(s) == "scatter")
        await s.until_shown("Total over TTFT")
        # What does not fit is behind an arrow.
        while "parts" not in row:
            await s.pilot.click(strip, offset=(row.rindex("›"), 0))
            await s.pilot.pause()
            row = strip.render_line(0).text
        await s.pilot.click(strip, offset=(row.index("parts"), 0))
        await s.until(lambda: shown(s) == "parts")
        assert mounted(s) == 1


async def test_numbers_are_those_of_the_chart_that_is_shown(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        await s.run()
        screen = await open_alone(s)
        for step in (*["right"] * len(CHARTS), "left"):
            await s.press(step)
            # At once: a file that is saved now is of this chart, too.
            expected = number_lines(screen._holder.numbers(), padded)
            assert screen._lines == expected, screen._holder.kind.name
            assert not expected or expected[0].rstrip() in s.shown


async def test_a_chart_alone_uses_the_screen(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        await s.run()
        screen = await open_alone(s)
        await s.until(lambda: screen._holder.chart.drawing, "a drawing")
        rows = screen._holder.chart.drawing
        drawn = [y for y, row in enumerate(rows) if row.text.strip()]
        assert drawn[-1] - drawn[0] > 0.9 * len(rows) - 4


async def test_in_a_small_terminal_the_key_brings_the_charts_to_the_front(open_app: OpenApp) -> None:
    async with open_app(fast(2), size=SMALL) as s:
        await s.run()
        await s.press(NEXT)
        await s.until_shown("Trend by run")
        assert s.app.main.has_class("-show-charts")


async def test_a_chart_of_one_lane_follows_the_current_lane(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        await s.press(NEXT)
        await s.until_shown("Trend by run · fast-1")
        await s.press("f6", "f6")
        await s.until_shown("Trend by run · fast-2")


async def test_a_series_is_shown_to_its_end_though_seldom_drawn(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press(*keys_to("scatter"))
        s.app.draft.series = SeriesSettings(repeats=30, warm_ups=0)
        await s.press(keys_of("series")[1])
        await s.until(lambda: s.live.series is not None and not s.live.busy)
        await s.until_painted()
        assert s.app.main.charts.numbers().rows[0][-1] == "30"
        assert "30" in s.app.main.history._lines.content.plain  # type: ignore[union-attr]


async def test_charts_of_a_stream_are_drawn_while_it_goes_on(open_app: OpenApp) -> None:
    async with open_app(steady(2)) as s:
        await s.press(*keys_to("gaps"))
        await s.streaming()
        await s.until(lambda: s.app.main.charts.chart.data.has_data)
        seen = s.app.main.charts.chart.drawing
        await s.until(lambda: s.app.main.charts.chart.drawing != seen)
        await s.press("f8")
        await s.run_over()


async def test_no_chart_is_drawn_while_it_is_hidden(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_app(fast(2), size=SMALL) as s:
        assert s.app.main.has_class("-show-prompt")
        with monkeypatch.context() as patch:
            patch.setattr(RowsPainter, "draw", lambda *_: pytest.fail("drew"))
            await s.run()
            assert s.app.main.has_class("-show-lanes")
            await s.pilot.pause()
        await s.press("f2")
        await s.until_shown("stream")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_alone_it_has_its_numbers_beside_it(open_app: OpenApp, size: tuple[int, int]) -> None:
    async with open_app(fast(2), size=size) as s:
        await s.run()
        await s.press(*keys_to("boxes"))
        screen = await open_alone(s)
        await s.until_shown("Box plots · TTFT")
        await s.until_shown("median")
        await s.press("m")
        await s.until_shown("Box plots · TTFO")
        await s.press("right", "l")
        await s.until_shown("correlation")
        numbers = screen.query_one("#numbers", Static)
        chart = screen.query_one(ChartView)
        beside = numbers.region.x > chart.region.x
        assert beside is (size == WIDE)
        await s.press("escape")
        await s.until(lambda: s.on_main)
        assert shown(s) == "scatter"


async def test_alone_it_follows_the_next_run(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press(NEXT)
        screen = await open_alone(s)
        s.app.session.run(s.app.draft.plan())
        await s.until(lambda: any(line.startswith("1 ") for line in screen._lines))


@pytest.mark.parametrize(("key", "suffix"), [("t", ".txt"), ("s", ".svg")])
async def test_it_is_saved_in_the_working_directory(open_app: OpenApp, key: str, suffix: str) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        await s.press(NEXT)
        await open_alone(s)
        await s.press(key)
        await s.until(lambda: s.notices)
        await s.press(key)
        await s.until(lambda: len(s.notices) > 1)
        paths = sorted(Path.cwd().iterdir())
        assert len(paths) == 2  # none is written over, nothing is left beside
        for path in paths:
            assert path.name.startswith("latency-tui-trend-")
            assert path.suffix == suffix
            assert stat.S_IMODE(path.stat().st_mode) == 0o600  # prompt and answer may be in it
            assert any(str(path) in notice for notice in s.notices)
            content = path.read_text()
            for expected in ("SIMULATED", "fast-1", "TTFT", "run"):
                assert expected in content


async def test_it_is_saved_in_the_state_directory_where_the_working_one_is_closed(
    open_app: OpenApp, sealed: Path
) -> None:
    async with open_app(fast(1)) as s:
        await s.run()
        await open_alone(s)
        (Path.cwd() / "gone").mkdir()
        os.chdir("gone")
        Path.cwd().rmdir()
        try:
            await s.press("t")
            await s.until(lambda: s.notices)
        finally:
            os.chdir(sealed.parent)
        (path,) = (sealed / "latency-tui").glob("*.txt")
        assert str(path) in s.notices[-1]
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_markers_are_those_of_the_settings(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        s.app.main.charts.markers = Markers.ASCII
        await s.run()
        await s.press(NEXT)
        await s.until(lambda: s.app.main.charts.chart.data.has_data)
        assert "".join(strip.text for strip in s.app.main.charts.chart.drawing).isascii()
        screen = await open_alone(s)
        assert screen._holder.chart.markers is Markers.ASCII


@pytest.fixture
def with_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """One module and one row: all that a new chart is."""
    module = ModuleType("another_chart")
    look = Look("runs", "runs", "█", "#", "output")
    module.CHART = Chart(  # type: ignore[attr-defined]
        title="Runs counted",
        placeholder="No run counted yet.",
        build=lambda source: BarRows(
            rows=tuple(BarRow(lane.label, (Bar(0, len(lane.outcomes), look),)) for lane in source.lanes), key=(look,)
        ),
        version=by_answer,
        numbers=lambda source: Numbers(
            ("lane", "runs"), tuple((lane.label, str(len(lane.outcomes))) for lane in source.lanes)
        ),
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(charts, "CHARTS", (*CHARTS, ChartKind("counted", "counted", module.__name__)))


@pytest.mark.usefixtures("with_one_more")
async def test_a_new_chart_is_in_the_strip_on_the_keys_alone_and_in_files(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        await s.press(BEFORE)
        assert shown(s) == "counted"
        await s.until_shown("Runs counted")
        assert "counted" in s.app.main.query_one(ChartStrip).render_line(0).text
        screen = await open_alone(s)
        assert [line.split() for line in screen._lines] == [["lane", "runs"], ["fast-1", "1"], ["fast-2", "1"]]
        await s.press("t", "s")
        await s.until(lambda: len(s.notices) > 1)
        texts = {path.suffix: path.read_text() for path in Path.cwd().glob("latency-tui-counted-*")}
        assert set(texts) == {".txt", ".svg"}
        for text in texts.values():
            for expected in ("Runs counted", "█", "fast-2", "runs"):
                assert expected in text
        await s.press("escape", NEXT)
        assert shown(s) == CHARTS[0].name

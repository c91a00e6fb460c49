"""The widget that draws a chart: rows of bars, in a real app and drawn by plotext."""

import pytest
from dressed import DressedApp
from rich.color import Color
from textual.app import ComposeResult

from tui.ui.charts.latest import LOOKS, Phase
from tui.ui.charts.plot import Bar, BarRow, BarRows, Markers, time_axis
from tui.ui.widgets import chart_painters
from tui.ui.widgets.chart_view import ChartView

BARS = (
    Bar(-0.2, 0, LOOKS[Phase.CONNECTING]),
    Bar(0, 0.5, LOOKS[Phase.WAITING]),
    Bar(0.5, 1, LOOKS[Phase.THINKING]),
    Bar(1, 2, LOOKS[Phase.STREAMING]),
)


def rows_of(*rows: BarRow) -> BarRows:
    return BarRows(rows=rows, x=time_axis(rows), key=tuple(LOOKS.values()))


def lanes(count: int) -> BarRows:
    return rows_of(*(BarRow(f"model-{number}", BARS) for number in range(count)))


class Charts(DressedApp):
    def compose(self) -> ComposeResult:
        yield ChartView()

    @property
    def chart(self) -> ChartView:
        return self.query_one(ChartView)

    def rows(self) -> list[str]:
        return [self.chart.render_line(y).text for y in range(self.chart.size.height)]


@pytest.mark.parametrize("size", [(60, 8), (118, 12)])
@pytest.mark.parametrize("markers", Markers)
async def test_every_lane_and_phase_can_be_read(size: tuple[int, int], markers: Markers) -> None:
    async with Charts().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.markers = markers
        app.chart.data = lanes(3)
        rows = app.rows()
        glyphs = {phase: look.ascii_glyph if markers is Markers.ASCII else look.glyph for phase, look in LOOKS.items()}
        for phase in Phase:
            assert f"{glyphs[phase]} {phase}" in rows[0]
        bars = [row for row in rows if "model-" in row]
        assert len(bars) == 3
        for bar in bars:
            runs = [bar.count(glyphs[phase]) for phase in Phase if phase is not Phase.CONNECTING]
            assert runs[0] > 3
            # Streaming took twice as long as waiting and thinking did, each.
            assert abs(runs[2] - 2 * runs[0]) <= 3
        assert "2 s" in "".join(rows)
        assert {len(row) for row in rows} == {size[0]}
        if markers is Markers.ASCII:
            assert "".join(rows).isascii()


@pytest.mark.parametrize(("size", "more"), [((60, 8), "+124 more"), ((118, 12), "+120 more")])
async def test_lanes_that_do_not_fit_are_counted(size: tuple[int, int], more: str) -> None:
    async with Charts().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = lanes(128)
        rows = app.rows()
        assert more in rows[-3]
        assert "model-0" in rows[1]


async def test_nothing_is_drawn_without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_painters, "new_figure", lambda: pytest.fail("drew"))
    async with Charts().run_test(size=(40, 8)) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.placeholder = "no run yet"
        assert app.rows()[0].rstrip() == "no run yet"


async def test_only_rows_that_differ_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Charts().run_test(size=(60, 8)) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = lanes(3)
        painted: list[int] = []
        monkeypatch.setattr(app.chart, "refresh", lambda *regions, **_: painted.extend(region.y for region in regions))
        first, *others = lanes(3).rows
        shorter = BarRow(first.label, (*BARS[:3], Bar(1, 1.5, LOOKS[Phase.STREAMING])))
        app.chart.data = rows_of(shorter, *others)
        assert painted == [1]
        app.chart.redraw()
        assert painted == [1]


async def test_resizing_draws_again() -> None:
    async with Charts().run_test(size=(60, 8)) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = lanes(3)
        await pilot.resize_terminal(90, 10)
        await pilot.pause()
        assert {len(row) for row in app.rows()} == {90}
        assert sum("model-" in row for row in app.rows()) == 3


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (12, 3), (20, 4)])
async def test_tiny_panes_do_no_harm(size: tuple[int, int]) -> None:
    async with Charts().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = lanes(5)
        assert len(app.rows()) == size[1]


async def test_colours_follow_the_theme() -> None:
    async with Charts().run_test(size=(60, 8)) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = lanes(1)
        before = app.chart.render_line(1)
        app.theme = "dracula"
        await pilot.pause()
        assert app.chart.render_line(1) != before
        app.theme = "ansi-dark"
        await pilot.pause()
        colours = [segment.style.color for segment in app.chart.render_line(1) if segment.style]
        assert not any(colour and colour.triplet for colour in colours)
        assert colours[0] == Color.default()


async def test_labels_cannot_drive_the_terminal() -> None:
    async with Charts().run_test(size=(60, 8)) as pilot:
        app = pilot.app
        assert isinstance(app, Charts)
        app.chart.data = rows_of(BarRow("evil\x1b[2J\n漢字", BARS))
        assert "evil␛[2J 漢字" in "".join(app.rows())
        assert app.chart.render_line(1).cell_length == 60


def test_figures_are_their_own() -> None:
    assert chart_painters.new_figure() is not chart_painters.new_figure()

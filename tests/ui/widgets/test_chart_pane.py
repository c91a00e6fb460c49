"""Every kind of chart, drawn in a real app: readable, bounded, in any size and with any marker."""

import itertools
from pathlib import Path

import msgspec
import pytest
from chart_samples import MODELS, MS, lane_with, outcome_of, record_with, session
from dressed import DressedApp
from pictures import Album
from syrupy.assertion import SnapshotAssertion
from textual.app import ComposeResult
from textual.pilot import Pilot

from tui.ui.charts import CHARTS, ChartKind
from tui.ui.charts.plot import Markers
from tui.ui.charts.source import ChartSource
from tui.ui.widgets import chart_painters
from tui.ui.widgets.chart_painters import ASCII_SYMBOLS, SYMBOLS, RowsPainter
from tui.ui.widgets.chart_pane import ChartHolder

PANE, WHOLE = (46, 10), (110, 32)
BY_NAME = {kind.name: kind for kind in CHARTS}


class Shown(DressedApp):
    """One chart and nothing else."""

    def __init__(self, source: ChartSource, kind: ChartKind, markers: Markers = Markers.BRAILLE) -> None:
        super().__init__()
        self.source = source
        self.holder = ChartHolder(lambda: self.source, kind, id="chart")
        self.holder.markers = markers

    def compose(self) -> ComposeResult:
        yield self.holder

    @property
    def rows(self) -> list[str]:
        return [strip.text for strip in self.holder.chart.drawing]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


async def drawn(app: Shown, pilot: Pilot[None]) -> None:
    await pilot.pause()
    app.holder.draw()
    await pilot.pause()


def show(app: Shown, kind: ChartKind) -> None:
    """Draw another chart, at once: what waits until nothing moves any more takes 20 ms each time."""
    app.holder.show_kind(kind)
    app.holder.draw()


@pytest.mark.parametrize("size", [PANE, WHOLE], ids=["pane", "whole"])
async def test_picture(snapshot: SnapshotAssertion, tmp_path: Path, size: tuple[int, int]) -> None:
    album = Album(snapshot, tmp_path)
    app = Shown(session(), CHARTS[0])
    async with app.run_test(size=size) as pilot:
        for kind in CHARTS:
            show(app, kind)
            await pilot.pause()
            album.add(kind.name, app)
    album.check()


async def test_any_size_and_marker() -> None:
    app = Shown(session(), CHARTS[0])
    async with app.run_test(size=(1, 1)) as pilot:
        for size in ((1, 1), (5, 2), (12, 4), (24, 6), PANE, WHOLE):
            await pilot.resize_terminal(*size)
            for kind, markers in itertools.product(CHARTS, Markers):
                app.holder.markers = markers
                show(app, kind)
                assert len(app.rows) == size[1], kind.name
                assert {strip.cell_length for strip in app.holder.chart.drawing} == {size[0]}, kind.name
                if markers is Markers.ASCII and size in (PANE, WHOLE):
                    assert app.text.replace("…", "~").isascii(), kind.name
                assert ("⠀" < max(app.text) < "⣿") <= (markers is Markers.BRAILLE), kind.name


@pytest.mark.parametrize("runs", [1, 2, 3, 10_000])
async def test_from_one_run_to_ten_thousand(runs: int) -> None:
    app = Shown(session(runs), CHARTS[0])
    async with app.run_test(size=PANE) as pilot:
        await pilot.pause()
        for kind in CHARTS:
            show(app, kind)
            assert len("".join(app.rows).split()) > 5, kind.name


async def test_without_data_it_says_so_and_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_painters, "new_figure", lambda: pytest.fail("drew"))
    lane = lane_with("empty", [])
    app = Shown(ChartSource(lanes=[lane], current=lane, now_ns=0), CHARTS[0])
    async with app.run_test(size=PANE) as pilot:
        await pilot.pause()
        for kind in CHARTS:
            show(app, kind)
            assert app.rows[0].strip() == kind.chart.placeholder


async def test_curves_are_told_apart_without_colour() -> None:
    for markers, symbols in ((Markers.BRAILLE, SYMBOLS), (Markers.ASCII, ASCII_SYMBOLS)):
        app = Shown(session(), BY_NAME["scatter"], markers)
        async with app.run_test(size=WHOLE) as pilot:
            await drawn(app, pilot)
            for symbol, model in zip(symbols, MODELS, strict=False):
                assert f"{symbol} {model}" in app.rows[0]
                assert any(symbol in row for row in app.rows[1:])
    assert len(set(SYMBOLS)) == len(SYMBOLS) == len(ASCII_SYMBOLS) == len(set(ASCII_SYMBOLS))


async def test_what_is_pinned_is_a_band() -> None:
    source = session()
    with_band, without = Shown(source, BY_NAME["trend"]), Shown(source, BY_NAME["trend"])
    without.source = msgspec.structs.replace(source, pinned={})
    for app, expected in ((with_band, True), (without, False)):
        async with app.run_test(size=WHOLE) as pilot:
            await drawn(app, pilot)
            assert ("░" in app.text) is expected
            assert ("┄" in app.text) is expected


async def test_stalls_are_marked() -> None:
    app = Shown(session(), BY_NAME["gaps"])
    async with app.run_test(size=WHOLE) as pilot:
        await drawn(app, pilot)
        assert sum(row.count("!") for row in app.rows[1:]) == 2
        assert "stall, from" in app.rows[0]


async def test_a_box_shows_its_median() -> None:
    lane = lane_with("a", [outcome_of(run, (100 + 10 * run) * MS) for run in range(1, 10)])
    app = Shown(ChartSource(lanes=[lane], current=lane, now_ns=0), BY_NAME["boxes"])
    async with app.run_test(size=(60, 6)) as pilot:
        await drawn(app, pilot)
        bar = next(row for row in app.rows if "┤" in row).split("┤")[1]
        # 110 to 190 ms in even steps.
        halves = bar.strip().split("┃")
        assert abs(halves[0].count("▒") - halves[1].count("▒")) <= 1
        assert abs(halves[0].count("─") - halves[1].count("─")) <= 1
        assert bar.count("┃") == 1
        assert bar.count("▒") > 4


async def test_only_what_changed_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = session()
    app = Shown(source, BY_NAME["boxes"])
    async with app.run_test(size=PANE) as pilot:
        await drawn(app, pilot)
        count = 0
        draw = RowsPainter.draw

        def counted(self: RowsPainter, *arguments: object) -> None:
            nonlocal count
            count += 1
            draw(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(RowsPainter, "draw", counted)
        assert not app.holder.draw()
        source.lanes[0].outcomes.append(outcome_of(61, 900 * MS))
        assert app.holder.draw()
        assert not app.holder.draw()
        assert count == 1


async def test_hidden_it_is_not_drawn() -> None:
    app = Shown(session(), BY_NAME["trend"])
    async with app.run_test(size=PANE) as pilot:
        await drawn(app, pilot)
        app.holder.display = False
        await pilot.pause()
        app.source.current.outcomes.append(outcome_of(61, 900 * MS))
        assert not app.holder.draw()
        before = app.rows
        app.holder.display = True
        await pilot.pause()
        await pilot.pause()
        assert app.rows != before


async def test_colours_follow_the_theme() -> None:
    app = Shown(session(), BY_NAME["scatter"])
    async with app.run_test(size=PANE) as pilot:
        await drawn(app, pilot)
        before = app.holder.chart.drawing
        app.theme = "dracula"
        await pilot.pause()
        await pilot.pause()
        assert app.holder.chart.drawing != before
        app.theme = "ansi-dark"
        await pilot.pause()
        await pilot.pause()
        styles = [segment.style for strip in app.holder.chart.drawing for segment in strip]
        assert not any(style and style.color and style.color.triplet for style in styles)


async def test_names_cannot_drive_the_terminal() -> None:
    evil = lane_with(
        "evil\x1b[2J-漢字", [outcome_of(run, run * MS) for run in range(1, 9)], record_with([20 * MS, 30 * MS])
    )
    source = ChartSource(lanes=[evil], current=evil, now_ns=0)
    app = Shown(source, CHARTS[0])
    async with app.run_test(size=PANE) as pilot:
        await pilot.pause()
        for kind in CHARTS:
            show(app, kind)
            assert "\x1b" not in app.text + str(app.holder.border_title)
            assert {strip.cell_length for strip in app.holder.chart.drawing} == {PANE[0]}

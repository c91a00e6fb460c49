"""The first row while runs follow each other: a bar that fills, and the time that is left."""

import pytest
from textual.app import App, ComposeResult

from tui.core.series import Ending, Series, SeriesSettings
from tui.core.sweep import Sweep
from tui.session.live import LiveState
from tui.ui.keymap import Keymap
from tui.ui.widgets.status_bar import StatusBar

S = 1_000_000_000


class Row(App[None]):
    def compose(self) -> ComposeResult:
        self.row = StatusBar(Keymap().names)
        yield self.row

    def shown(self, live: LiveState) -> str:
        self.row.endpoints = ("here",)
        self.row.show(live)
        return str(self.row.render())


@pytest.mark.parametrize("sweep", [None, Sweep(1_000, 500)])
async def test_a_bar_fills_and_the_time_left_falls(sweep: Sweep | None) -> None:
    # A trial's runs are a series too.
    app, live = Row(), LiveState()
    async with app.run_test(size=(100, 1)):
        live.engine_ready, live.series_over = True, False
        series = live.series = Series(SeriesSettings(repeats=40, warm_ups=1), "u1", 2, 7, sweep=sweep)
        filled = []
        while (repeat := series.next()) is not None:
            shown = app.shown(live)
            assert ("left" in shown) == (series.done > 0)
            filled.append(shown.count("#"))
            series.add(repeat, 90 * S, 0.001, all_failed=False)
            if series.done == 20:
                assert "30 min left" in app.shown(live)
        assert filled == sorted(filled)
        assert filled[0] == 0 < filled[20] < filled[-1]
        live.series_over = True
        assert "left" not in app.shown(live)


async def test_the_winner_of_until_sure_is_named_and_comes_first_where_there_is_little_room() -> None:
    app, live = Row(), LiveState()
    live.engine_ready, live.series_over = True, True
    series = live.series = Series(SeriesSettings(repeats=1, warm_ups=0, until_sure="total"), "u1", 1, 7)
    repeat = series.next()
    assert repeat is not None
    series.add(repeat, S, 0.001, all_failed=False)
    series.end(Ending.SURE)
    series.verdict = "sure: a is usually fastest in total (95 %), 6 repeats"
    for width in (120, 70):
        async with app.run_test(size=(width, 1)):
            shown = app.shown(live)
            assert series.verdict in shown
            assert ("series: 1 of 1" in shown) is (width == 120)
        app = Row()

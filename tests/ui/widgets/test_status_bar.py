"""The first row while runs follow each other: a bar that fills, and the time that is left."""

import pytest
from textual.app import App, ComposeResult

from tui.core.series import Series, SeriesSettings
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

"""The painter of the main screen: one tick for lanes, charts and rows, while there is anything to paint."""

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.timer import Timer

from tui.session.live import LiveState
from tui.ui.pace import Pacer
from tui.ui.widgets.chart_pane import ChartPane
from tui.ui.widgets.history_view import HistoryView
from tui.ui.widgets.lanes_pane import LanesPane

if TYPE_CHECKING:
    from tui.ui.viewmodel.verdicts import LaneVerdicts

_SLOW_S, _SLOW_IN_FLIGHT_S = 0.5, 1.0
"""Shortest time between two drawings of the charts and the table of the session; longer while a run is in flight."""


class Painter:
    """Brings what is shown up to the live state, as often as the link to the terminal can bear."""

    def __init__(
        self,
        screen: Screen[Any],
        live: LiveState,
        pacer: Pacer,
        lanes: LanesPane,
        history: HistoryView,
        charts: ChartPane,
        now_ns: Callable[[], int],
        show_rows: Callable[[], None],
        before_tick: Callable[[], None],
    ) -> None:
        """`now_ns` is the moment that is shown, on the clock of the stamps; `show_rows` shows the first row and the
        last; `before_tick` is called at the beginning of every tick."""
        self._screen = screen
        self._live = live
        self._pacer = pacer
        self._lanes = lanes
        self._history = history
        self._charts = charts
        self._now_ns = now_ns
        self._show_rows = show_rows
        self._before_tick = before_tick
        self._timer: Timer | None = None
        self.is_ticking = False
        """False while idle: then nothing is written."""
        self._painted_version = -1
        self._slow_version = -1
        self._slow_drawn = 0.0
        self._lanes_mounting = False
        self._evidence_shown = True

    @cached_property
    def _evidence(self) -> "LaneVerdicts":
        # What judges results is imported after the first picture, which has none.
        from tui.ui.viewmodel.verdicts import LaneVerdicts

        return LaneVerdicts()

    def start(self) -> None:
        """Show the first picture, and tick when something happens."""
        self._timer = self._screen.set_interval(self._pacer.frame_s, self._tick, pause=True)
        # Not on the first tick only: these belong on the first picture.
        self._show_rows()
        self._history.show(self._live.lanes)
        self.wake()

    def wake(self) -> None:
        """Something has changed: paint on the next tick, and on each one after while it goes on."""
        if self._timer is not None:
            self.is_ticking = True
            self._timer.resume()

    def repaint(self) -> None:
        """Paint everything on the next tick."""
        self._painted_version = self._slow_version = -1
        self.wake()

    @property
    def is_current(self) -> bool:
        """True if all that has happened is shown. The charts are never done while a run is in flight."""
        slow = self._live.run_in_flight or self._slow_version == self._live.version
        return self._painted_version == self._live.version and slow

    def _tick(self) -> None:
        self._before_tick()
        live = self._live
        worked_out = self._evidence.refresh_one(live)
        self._evidence_shown = self._evidence_shown and not worked_out
        if self._timer is not None and self._evidence_shown and not live.run_in_flight and self.is_current:
            # What the first row says besides, such as an offer, changes without the live state.
            self._show_rows()
            self.is_ticking = False
            self._timer.pause()
            return
        if not self._pacer.may_paint():
            return
        if [view.lane for view in self._lanes.views] != live.lanes:
            if not self._lanes_mounting:
                self._lanes_mounting = True
                self._screen.run_worker(self._show_lanes(), exclusive=True, group="lanes")
            return
        self._painted_version = live.version
        # What is over is shown at once and whole; what streams comes again.
        most = self._pacer.lanes(len(self._lanes.in_view))
        self._lanes.tick(self._now_ns(), most if live.run_in_flight else None)
        if not self._evidence_shown:
            self._evidence_shown = True
            for view in self._lanes.views:
                view.show_evidence(self._evidence.lines(view.lane))
            self._slow_version = -1
        self._show_rows()
        self._draw_when_due()

    def _draw_when_due(self) -> None:
        now, in_flight = time.monotonic(), self._live.run_in_flight
        if now < self._slow_drawn + (_SLOW_IN_FLIGHT_S if in_flight else _SLOW_S):
            return
        if in_flight and not self._pacer.may_draw_charts:
            return
        self._slow_drawn = now
        if in_flight:
            # Between two ticks: a key that comes meanwhile waits for one of the two, not for both.
            self._screen.set_timer(self._pacer.frame_s / 2, self._draw)
        else:
            self._draw()

    def _draw(self) -> None:
        self._slow_version = self._live.version
        self._history.show(self._live.lanes, self._evidence.word)
        self._charts.draw()

    async def _show_lanes(self) -> None:
        try:
            await self._lanes.show(self._live.lanes)
        finally:
            self._lanes_mounting = False
        self.repaint()

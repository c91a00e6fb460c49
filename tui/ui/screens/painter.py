"""The painter of the main screen: one tick for lanes, charts and rows, while there is anything to paint."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
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


class SparingCompositor(Compositor):
    """Textual's renders nearly all widgets for every frame of the lanes, whole though they are hidden, and cuts their
    rows at the edges of all the others. Here a widget renders only rows in which something of it is seen, and only what
    is seen is cut out.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        """See `Compositor.render_partial_update`."""
        changed = [place.intersection(self.size.region) for place in self._dirty_regions]
        self._dirty_regions.clear()
        left_over: list[list[tuple[int, int]]] = [[] for _ in range(self.size.height)]
        for y, start, end in self._regions_to_spans(filter(None, changed)):
            left_over[y].append((start, end))
        return _Pieces(self._seen_in(left_over)) if any(left_over) else None

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        whole = [(crop.x, crop.right)]
        return self._seen_in([whole if is_rendered_line(y) else [] for y in range(crop.bottom)])

    def _seen_in(self, left_over: list[list[tuple[int, int]]]) -> list[dict[int, Strip]]:
        """By row what is seen, by its first column, of places that are given by row: first column and the one behind
        the last."""
        rows: list[dict[int, Strip]] = [{} for _ in left_over]
        for widget, (region, clip) in self.visible_widgets.items():  # from front to back
            x, y, width, height = region.intersection(clip)
            right = x + width
            seen = [
                row
                for row in range(y, min(y + height, len(rows)))
                if any(start < right and x < end for start, end in left_over[row])
            ]
            if not seen:
                continue
            first, last = seen[0], seen[-1]
            strips = widget.render_lines(Region(x - region.x, first - region.y, width, last + 1 - first))
            for row in seen:
                behind = []
                for start, end in left_over[row]:
                    shown, hidden = max(start, x), min(end, right)
                    if shown >= hidden:
                        behind.append((start, end))
                        continue
                    rows[row][shown] = strips[row - first].crop(shown - x, hidden - x)
                    behind += [part for part in ((start, shown), (hidden, end)) if part[0] < part[1]]
                left_over[row] = behind
        return [dict(sorted(row.items())) for row in rows]


class _Pieces(ChopsUpdate):
    """Pieces of rows, each by its first column. Where one follows on another, the cursor is not moved."""

    def __init__(self, rows: Sequence[Mapping[int, Strip]]) -> None:
        super().__init__(rows, [], [])

    def render_segments(self, console: Console) -> str:
        """See `CompositorUpdate.render_segments`."""
        written = []
        for y, row in enumerate(self.chops, 1):
            after = -1
            for x, strip in row.items():
                if strip is None:
                    continue
                if x != after:
                    written.append(f"\x1b[{y};{x + 1}H")
                written.append(strip.render(console))
                after = x + strip.cell_length
        return "".join(written)


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

"""What a token costs the screen in a lane that holds many: the real widgets, driven inside this process."""

import asyncio
import gc
import time
from itertools import cycle, islice

from dressed import DressedApp
from textual.app import ComposeResult

from tui.core.events import Content, Kind, Mark, Marked
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target, Timeouts
from tui.session.live import Lane
from tui.ui.charts.latest import phase_rows
from tui.ui.charts.source import ChartSource
from tui.ui.keymap import Keymap
from tui.ui.widgets.chart_view import ChartView
from tui.ui.widgets.lane_view import LaneView

PER_TICK = 50
TICKS = 60
TOKEN_NS = 10_000_000
TOKENS = cycle((" The", " time", " to", " first", " token", " is", " 漢字", " to", " feel", ";", " not", " so", ".\n"))


def cpu_per_token_us(held: int) -> float:
    """Microseconds of CPU per token in a lane that holds `held` already: record, wrap, figures, chart, painting."""
    return asyncio.run(_measure(held))


class _LongLane(DressedApp):
    CSS = "#chart { height: 10; }"

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        self.view = LaneView(lane, Keymap().names)
        self.chart = ChartView(id="chart")

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.chart


async def _measure(held: int) -> float:
    record = _record()
    lane = Lane(Target(model="long"))
    lane.record = record
    for first in range(0, held, PER_TICK):
        record.apply(_content(first))
    app = _LongLane(lane)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        gc.freeze()
        began = time.process_time()
        for tick in range(TICKS):
            first = held + tick * PER_TICK
            record.apply(_content(first))
            now_ns = (first + PER_TICK) * TOKEN_NS
            app.view.tick(now_ns)
            if tick % 5 == 0:
                app.chart.data = phase_rows(ChartSource(lanes=[lane], current=lane, now_ns=now_ns))
            # Long enough for the screen to paint.
            await asyncio.sleep(0.03)
        return (time.process_time() - began) / (TICKS * PER_TICK) * 1e6


def _content(first: int) -> Content:
    stamps = [(first + index) * TOKEN_NS for index in range(PER_TICK)]
    return Content(request_id=1, kind=Kind.TEXT, t_ns=stamps, texts=list(islice(TOKENS, PER_TICK)))


def _record() -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="long",
        model="long",
        endpoint=Endpoint(name="none", base_url="http://127.0.0.1"),
        prompt=Prompt(user="Go on."),
        parameters=Parameters(max_tokens=1_000_000),
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec)
    for mark in (Mark.QUEUED, Mark.SENT):
        record.apply(Marked(request_id=1, mark=mark, t_ns=0))
    return record

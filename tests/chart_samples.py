"""Lanes with outcomes and requests drawn from a fixed seed."""

import math
import random
from functools import cache
from types import SimpleNamespace
from typing import cast

import msgspec
from hypothesis import strategies as st
from made_load import curve, saturating

from tui.core.events import Content, Kind, Mark, Marked, RequestEnded, Status, Usage, UsageReported
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target, Timeouts
from tui.session.live import Lane
from tui.session.load import LoadRun
from tui.ui.charts.plot import BarRows, Numbers, Plot
from tui.ui.charts.source import ChartSource, PinnedLane, PinnedMedian

MS = 1_000_000
NS = st.integers(1, 10**13)
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")


def outcome_of(run: int, ttft_ns: int | None, total_ns: int | None = None, ttfo_ns: int | None = None) -> Observation:
    """A finished request; a failed one without a TTFT."""
    if ttft_ns is None:
        return Observation(run=run, status=Status.FAILED)
    return Observation(
        run=run,
        status=Status.DONE,
        ttft_ns=ttft_ns,
        ttfo_ns=ttft_ns if ttfo_ns is None else ttfo_ns,
        total_ns=2 * ttft_ns if total_ns is None else total_ns,
        set_up_ns=30 * MS if run == 1 else None,
        upload_ns=0,
        network_ns=ttft_ns // 4,
        server_ns=ttft_ns - ttft_ns // 4,
    )


def lane_with(name: str, outcomes: list[Observation], record: RequestRecord | None = None) -> Lane:
    """A lane with this history."""
    lane = Lane(Target(model=name))
    lane.outcomes += outcomes
    lane.record = record
    return lane


def record_with(content_ns: list[int], *, sent_ns: int = 12 * MS, tokens: int | None = 40) -> RequestRecord:
    """A request whose content arrived at these moments; ended if it has tokens."""
    spec = RequestSpec(
        request_id=1,
        target="model",
        model="model",
        endpoint=Endpoint(name="none", base_url="http://127.0.0.1", simulated=True),
        prompt=Prompt(user="Go on."),
        parameters=Parameters(max_tokens=1_000),
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec)
    record.apply(Marked(request_id=1, mark=Mark.QUEUED, t_ns=0))
    record.apply(Marked(request_id=1, mark=Mark.SENT, t_ns=sent_ns))
    record.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=content_ns, texts=["x"] * len(content_ns)))
    if tokens is not None:
        record.apply(UsageReported(request_id=1, usage=Usage(output_tokens=tokens)))
        end = max([sent_ns, *content_ns]) + 3 * MS
        record.apply(RequestEnded(request_id=1, t_ns=end, status=Status.DONE, stop_reason="end_turn"))
    return record


def session(runs: int = 60) -> ChartSource:
    """Three lanes after so many runs, with pinned results for the current one, the second."""
    rng = random.Random(7)
    lanes = []
    for slower, model in enumerate(MODELS, 1):
        outcomes = []
        for run in range(1, runs + 1):
            if rng.random() < 0.03:
                outcomes.append(outcome_of(run, None))
                continue
            ttft = round(200 * slower * MS * (0.8 + 0.4 * rng.random()))
            total = ttft + round(800 * slower * MS * (0.8 + 0.4 * rng.random()))
            found = outcome_of(run, ttft, total, ttft + 150 * (slower - 1) * MS)
            outcomes.append(msgspec.structs.replace(found, usd=0.001 * slower, passed=run % (slower + 2) > 0))
        stamps = [12 * MS + 200 * slower * MS]
        for chunk in range(120 * slower):
            gap = 10 * MS + round(5 * MS * rng.random()) + (250 * MS if chunk in (40, 90) else 0)
            stamps.append(stamps[-1] + gap)
        lanes.append(lane_with(model, outcomes, record_with(stamps, tokens=200 * slower)))
    pinned = PinnedLane(PinnedMedian(360 * MS, 400 * MS, 440 * MS), PinnedMedian(1_900 * MS, 2_000 * MS, 2_100 * MS))
    return ChartSource(
        lanes=lanes,
        current=lanes[1],
        now_ns=10**10,
        sweep_key="Alt+Shift+S",
        pinned={MODELS[1]: pinned},
        load=load_of(MODELS[1]),
    )


@cache
def load_of(target: str) -> LoadRun:
    """A load of a target that is full at 8 in flight, as far as charts see one."""
    levels = curve(saturating(8.0, 1.0, (1, 2, 4, 8, 16)), count=60, noise=0.2)
    named = [msgspec.structs.replace(level, target=target) for level in levels]
    return cast(LoadRun, SimpleNamespace(levels=named, version=1, progress="load over: complete"))


@st.composite
def outcomes(draw: st.DrawFn) -> list[Observation]:
    """Up to 80 runs, some failed."""
    times = draw(st.lists(st.none() | st.tuples(NS, NS), max_size=80))
    return [outcome_of(run, *((None,) if pair is None else (pair[0], sum(pair)))) for run, pair in enumerate(times, 1)]


@st.composite
def stamps(draw: st.DrawFn) -> list[int]:
    """Moments of content, some together."""
    gaps = draw(st.lists(st.integers(0, 10**10), max_size=200))
    moments = [20 * MS]
    for gap in gaps:
        moments.append(moments[-1] + gap)
    return moments


def source_of(*lanes: list[Observation]) -> ChartSource:
    made = [lane_with(f"lane-{number}", of_lane) for number, of_lane in enumerate(lanes)]
    return ChartSource(lanes=made, current=made[0], now_ns=0)


def check_numbers(numbers: Numbers) -> None:
    """A table."""
    for row in numbers.rows:
        assert len(row) == len(numbers.headings)


def check(drawing: Plot | BarRows) -> None:
    """Finite, and on its axes."""
    for axis in (drawing.x, *(drawing.panels if isinstance(drawing, Plot) else ())):
        assert math.isfinite(axis.low)
        assert axis.low < axis.high < math.inf
    if isinstance(drawing, BarRows):
        for row in drawing.rows:
            for bar in row.bars:
                assert drawing.x.low <= bar.low <= bar.high <= drawing.x.high
        return
    for line in drawing.curves:
        panel = drawing.panels[line.panel]
        assert list(line.points) == sorted(line.points, key=lambda point: point[0])
        for x, y in line.points:
            assert drawing.x.low <= x <= drawing.x.high
            assert panel.low <= y <= panel.high

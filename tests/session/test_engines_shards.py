"""A run of more streams than one engine takes: several engines of this machine, one start."""

import os
import signal
from collections.abc import Iterator

import pytest

from tui.core.engine_events import EngineFailed, Hello
from tui.core.events import Content, EngineReady, Status
from tui.session import engines
from tui.session.engines import most_here
from tui.simulator.process import SimulatorProcess

from .test_engines import several

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that take four streams, on three cores."""
    monkeypatch.setattr(engines, "STREAMS_PER_ENGINE", 4)
    monkeypatch.setattr(engines, "most_here", lambda: 2)


@pytest.mark.usefixtures("small")
async def test_lanes_are_shared_out_and_start_at_one_moment(url: str) -> None:
    async with several() as running:
        lanes = running.start(url, [None] * 7)
        ended = await running.over()
        assert running.statuses(lanes) == [Status.TRUNCATED] * 7
        assert len(running.pids) == 2
        # All in one start, whatever engine: by one clock, so that nothing is unsure.
        assert ended.send_spread_ns is not None
        assert ended.spread_error_ns == 0
        assert ended.hosts == ()
        # The session hears of one engine.
        assert sum(isinstance(event, Hello) for event in running.events) <= 1
        assert sum(isinstance(event, EngineReady) for event in running.events) <= 1
        assert running.problems == []
        before = running.pids
        running.start(url, [None] * 7)
        await running.over()
        assert running.pids == before


@pytest.mark.usefixtures("small")
async def test_waves_that_one_engine_takes_need_no_other(url: str) -> None:
    async with several() as running:
        lanes = running.start(url, [None] * 9, at_once=4)
        await running.over()
        assert running.statuses(lanes) == [Status.TRUNCATED] * 9
        assert len(running.pids) == 1


@pytest.mark.usefixtures("small")
async def test_an_engine_that_is_lost_takes_only_its_own_lanes_and_is_there_again(url: str) -> None:
    async with several() as running:
        lanes = running.start(url, [None] * 6, tokens=150)
        await running.until(
            lambda: {event.request_id for event in running.events if isinstance(event, Content)} == set(lanes),
            "content of every lane",
        )
        os.kill(running.pids[1], signal.SIGKILL)
        await running.over()
        assert running.statuses(lanes) == [Status.TRUNCATED, Status.INTERRUPTED] * 3
        assert sum(isinstance(event, EngineFailed) for event in running.events) == 1
        again = running.start(url, [None] * 6)
        await running.over()
        assert running.statuses(again) == [Status.TRUNCATED] * 6


def test_the_screen_keeps_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, most in ((1, 1), (2, 1), (8, 7)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, cores=cores: set(range(cores)), raising=False)
        assert most_here() == most

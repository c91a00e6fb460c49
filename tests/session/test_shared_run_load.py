"""A load that several engines share: real ones on this machine, some with clocks of their own."""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import islice

import msgspec
import pytest
import pytest_asyncio
from truth_file import TruthFile, most_at_once

from tui.core import load_shares
from tui.core.events import Content, Event, FailureKind, RequestEnded, RunEnded, Status
from tui.core.host import Host
from tui.core.load import LevelEnded, LoadEnded, LoadEnding, LoadSettings, RequestBegun, due_times, steps_of
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.protocol import StartLoad
from tui.session import engines
from tui.simulator.process import SimulatorProcess

from .test_engines import AHEAD_S, HAS_CLOCKS, HERE, TOKYO, Several, several

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_scope="module")]

NS_PER_S = 1_000_000_000
FIRST = 100_000
"""Number of a load's first request, by the load: no request has another's id."""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, TruthFile]]:
    """The base URL of a simulator, and its log."""
    path = tmp_path_factory.mktemp("simulator") / "truth"
    with SimulatorProcess.start(log=path) as simulator:
        yield simulator.base_url, TruthFile(path)


@pytest.fixture(scope="module")
def url(logged: tuple[str, TruthFile]) -> str:
    return logged[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Several]:
    """Engines that take two streams, on four cores, and one of another clock: the same ones for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_shares, "STREAMS_PER_ENGINE", 2)
        patch.setattr(engines, "most_here", lambda: 3)
        async with several(HERE, TOKYO) as found:
            yield found


def plan_at(url: str, *, tokens: int = 20, model: str = "sim-steady", rows: int = 0) -> Plan:
    return Plan(
        prompt=Prompt(user="How does gateway {{n}} limit requests?" if rows else "How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=tokens),
        targets=(Target(model=model),),
        endpoints=(Endpoint(name="test", base_url=url),),
        default_endpoint="test",
        rows=tuple({"n": str(at)} for at in range(rows)),
    )


class Loaded:
    """What became of a load."""

    def __init__(self, events: list[Event]) -> None:
        self.begun = [one for one in events if isinstance(one, RequestBegun)]
        self.counted = [one for one in self.begun if one.since_ns is not None]
        self.ended = {one.request_id: one for one in events if isinstance(one, RequestEnded)}
        self.levels = [one for one in events if isinstance(one, LevelEnded)]
        (self.ending,) = [one.ending for one in events if isinstance(one, LoadEnded)]
        kinds = [type(one) for one in events]
        assert kinds.index(LoadEnded) == kinds.index(RunEnded) - 1
        assert len(self.ended) == len(self.begun) == len({one.request_id for one in self.begun})


def start(running: Several, plan: Plan, settings: LoadSettings, hosts: tuple[Host, ...] = ()) -> None:
    running.events.clear()
    running._run += 1
    first = running._run * FIRST
    command = StartLoad(run_id=running._run, plan=plan, settings=settings, seed=4, first_request=first)
    running.engines.start_load(command, hosts)


async def load(running: Several, plan: Plan, settings: LoadSettings, hosts: tuple[Host, ...] = ()) -> Loaded:
    start(running, plan, settings, hosts)
    await running.over()
    return Loaded(running.events)


async def test_engines_share_levels_and_rates_and_every_row_is_asked_once(
    running: Several, url: str, logged: tuple[str, TruthFile]
) -> None:
    plan = plan_at(url, rows=40, tokens=5, model="sim-fast")
    done = await load(running, plan, LoadSettings(levels=(5,), requests=40, ramp=0, warm_up=0))
    assert done.ending is LoadEnding.COMPLETE
    assert len(running.pids) == 4
    assert sorted(one.row for one in done.begun) == list(range(40))
    assert Counter(one.part for one in done.counted).keys() == {0, 1, 2}
    assert len(done.counted) == 40
    # One start: every engine counts from the same moment of the one clock.
    assert len({level.since_ns for level in done.levels}) == 1
    # By the server's own log: the level in sum, which is more than any of them has.
    assert 2 < most_at_once(await logged[1].spans(len(done.begun))) <= 5

    # Levels of which some engines have no slot, with a warm-up: what goes on between them is not counted.
    done = await load(running, plan, LoadSettings(levels=(1, 5, 2), requests=9, ramp=0.05, warm_up=0.05))
    assert Counter(one.step for one in done.counted) == {0: 9, 1: 9, 2: 9}
    assert {one.part for one in done.counted if one.step == 0} == {0}
    assert {one.part for one in done.counted if one.step == 2} == {0, 1}
    numbers = [one.request_id for one in done.begun]
    assert [one.row for one in done.begun] == [number % FIRST for number in numbers]
    since = {(level.step, level.since_ns) for level in done.levels}
    assert len(since) == 3

    # A rate, whose arrivals are those of one engine alone.
    settings = LoadSettings(rate=90.0, arrivals="poisson", requests=30, ramp=0, warm_up=0, most_in_flight=6)
    shared = await load(running, plan, settings)
    assert len({one.part for one in shared.begun}) == 3
    # A busy machine may leave some unsent; no other has the number of one.
    assert len({one.row for one in shared.begun} & set(range(30))) == len(shared.begun)
    assert sum(level.unsent for level in shared.levels) + len(shared.counted) == 30
    first = min(one.since_ns or 0 for one in shared.counted)
    (step,) = steps_of(settings, 1)
    planned = [round(moment * NS_PER_S) for moment, _ in islice(due_times(settings, step, 4, plan), 30)]
    due = {one.request_id % FIRST: one.due_ns - first for one in shared.begun}
    assert all(due[number] == planned[number] for number in due)

    # The cap is one for all.
    for settings in (LoadSettings(levels=(5,), seconds=60, ramp=0), LoadSettings(rate=200.0, ramp=0)):
        capped = await load(running, plan, msgspec.structs.replace(settings, max_requests=23))
        assert capped.ending is LoadEnding.REQUESTS
        assert sorted(one.row for one in capped.begun) == list(range(23))


async def test_a_burst_of_429_at_all_of_them_stops_all(running: Several) -> None:
    with SimulatorProcess.start(fault="error-429") as refusing:
        done = await load(
            running, plan_at(refusing.base_url), LoadSettings(levels=(6,), seconds=60, ramp=0.5, stop_at_refusals=4)
        )
        assert done.ending is LoadEnding.RATE_LIMITED
        kinds = Counter(one.failure.kind for one in done.ended.values() if one.failure is not None)
        assert kinds.keys() == {FailureKind.RATE_LIMITED}
        assert kinds.total() < 12, "no engine saw so many by itself"


async def test_hosts_share_a_load_each_by_its_own_clock_and_a_cancelled_one_reports_every_end(
    running: Several, url: str
) -> None:
    settings = LoadSettings(levels=(2, 4), requests=10, ramp=0.05, warm_up=0.05)
    done = await load(running, plan_at(url, tokens=5), settings, (HERE, TOKYO))
    assert done.ending is LoadEnding.COMPLETE
    assert Counter(one.step for one in done.counted) == {0: 10, 1: 10}
    assert {one.host for one in done.begun} == {"desk", "tokyo"}
    ahead = {one.part: 0 if one.host == "desk" else AHEAD_S * NS_PER_S for one in done.begun}
    if HAS_CLOCKS:
        for step in range(2):
            since = [level.since_ns - ahead[level.part] for level in done.levels if level.step == step]
            assert abs(since[0] - since[1]) < NS_PER_S
    # Each by its own clock.
    for one in done.begun:
        assert 0 < done.ended[one.request_id].t_ns - one.due_ns < 60 * NS_PER_S

    start(running, plan_at(url, tokens=5_000), LoadSettings(levels=(4,), ramp=0), (HERE, TOKYO))
    await running.until(lambda: sum(isinstance(one, Content) for one in running.events) >= 4, "content")
    running.engines.end_load(LoadEnding.CANCELLED)
    await running.over()
    cancelled = Loaded(running.events)
    assert cancelled.ending is LoadEnding.CANCELLED
    assert {one.status for one in cancelled.ended.values()} == {Status.CANCELLED}


async def test_a_lost_engine_interrupts_its_share_and_the_others_count_what_it_had_left(
    running: Several, url: str
) -> None:
    start(running, plan_at(url, tokens=40), LoadSettings(levels=(6,), requests=18, ramp=0, warm_up=0))
    await running.until(lambda: sum(isinstance(one, Content) for one in running.events) >= 3, "content")
    os.kill(running.engines.client("this machine, engine 2").pid, signal.SIGKILL)
    await running.over()
    done = Loaded(running.events)
    assert done.ending is LoadEnding.COMPLETE
    interrupted = {one.request_id for one in done.ended.values() if one.status is Status.INTERRUPTED}
    assert interrupted
    assert len({one.part for one in done.begun if one.request_id in interrupted}) == 1
    assert len(done.counted) == 18
    assert len(running.problems) == 1

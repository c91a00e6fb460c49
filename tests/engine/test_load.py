"""Loads through the real engine, with the simulator's own log as the truth of what was in flight; and its scheduler
without a network, where the server is what the test says."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from truth_file import TruthFile, most_at_once
from waiting import in_time

from tui.core.events import Event, Failure, FailureKind, Mark, Marked, RequestEnded, RunEnded, Status
from tui.core.load import LevelEnded, LoadEnded, LoadEnding, LoadSettings, RequestBegun, due_times, steps_of
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.load import LoadScheduler
from tui.engine.protocol import StartLoad
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.simulator.process import SimulatorProcess

from .driver import Driver

pytestmark = pytest.mark.asyncio(loop_scope="module")

NS_PER_S = 1_000_000_000
BeforeSend = Callable[[], Awaitable[None]]


def plan_at(url: str, model: str = "sim-fast", rows: tuple[dict[str, str], ...] = ()) -> Plan:
    return Plan(
        prompt=Prompt(user="How does a gateway {{what}} requests?" if rows else "How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=50),
        targets=(Target(model=model),),
        endpoints=(Endpoint(name="test", base_url=url),),
        default_endpoint="test",
        rows=rows,
    )


def events_of(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[tuple[str, TruthFile]]:
    """The base URL of a simulator, and its log."""
    with SimulatorProcess.start(log=tmp_path / "truth") as process:
        yield process.base_url, TruthFile(tmp_path / "truth")


async def load(engine: Driver, plan: Plan, settings: LoadSettings, seed: int = 1) -> list[Event]:
    engine.events.clear()
    engine.records = {}
    engine._run_id += 1
    command = StartLoad(run_id=engine._run_id, plan=plan, settings=settings, seed=seed, first_request=1)
    engine.client.start_load(command)
    await engine.over()
    return list(engine.events)


async def test_a_level_keeps_its_number_in_flight_by_the_servers_log(
    engine: Driver, filed: tuple[str, TruthFile]
) -> None:
    url, truth = filed
    settings = LoadSettings(levels=(1, 3), requests=12, ramp=0.05, warm_up=0.1)
    events = await load(engine, plan_at(url), settings)
    begun = events_of(events, RequestBegun)
    spans = await truth.spans(len(begun))
    assert most_at_once(spans) == 3
    # While the second level is counted, each slot asks again right behind its answer: two others are always there.
    second = next(event for event in events_of(events, LevelEnded) if event.step == 1)
    others, going = set(), 0
    for event in events:
        going += isinstance(event, RequestBegun) - isinstance(event, RequestEnded)
        if isinstance(event, RequestEnded) and second.since_ns < event.t_ns < second.until_ns:
            others.add(going)
    assert others == {2}
    assert [sum(one.step == step and one.since_ns is not None for one in begun) for step in (0, 1)] == [12, 12]


async def test_a_warm_up_and_the_level_before_are_handed_over_without_draining(
    engine: Driver, filed: tuple[str, TruthFile]
) -> None:
    url, truth = filed
    settings = LoadSettings(levels=(4, 6), requests=12, ramp=0.0, warm_up=0.2)
    events = await load(engine, plan_at(url), settings)
    begun = events_of(events, RequestBegun)
    spans = await truth.spans(len(begun))
    for level in events_of(events, LevelEnded):
        for moment in (level.since_ns, level.until_ns if level.step == 0 else None):
            if moment is not None:
                # Of the engine's requests, some are begun before the moment and over after it.
                ends = {one.request_id: one.t_ns for one in events_of(events, RequestEnded)}
                across = [one for one in begun if one.due_ns <= moment < ends[one.request_id]]
                assert len(across) >= 3
    assert most_at_once(spans) == 6


async def test_arrivals_are_due_when_the_seed_says_and_sent_then(engine: Driver, filed: tuple[str, TruthFile]) -> None:
    url, truth = filed
    rows = ({"what": "limit"}, {"what": "queue"})
    settings = LoadSettings(rate=40.0, arrivals="poisson", requests=30, ramp=0.0, warm_up=0.25, seed=5)
    plan = plan_at(url, rows=rows)
    events = await load(engine, plan, settings, seed=5)
    begun = events_of(events, RequestBegun)
    first = begun[0].due_ns
    planned = [
        moment for moment, _ in itertools.islice(due_times(settings, steps_of(settings, 1)[0], 5, plan), len(begun))
    ]
    assert [(one.due_ns - first) / NS_PER_S for one in begun] == pytest.approx(
        [moment - planned[0] for moment in planned], abs=1e-6
    )
    assert sum(one.since_ns is not None for one in begun) == 30
    assert [one.row for one in begun] == list(range(len(begun)))
    sent = {one.request_id: one.t_ns for one in events_of(events, Marked) if one.mark is Mark.SENT}
    assert all(sent[one.request_id] >= one.due_ns for one in begun)
    # By the server's log: none before it was due, and one after the other, as they were.
    received = [begun_ns for begun_ns, _ in await truth.spans(len(begun))]
    assert all(came_ns >= one.due_ns for came_ns, one in zip(received, begun, strict=True))


async def test_the_first_burst_of_429_ends_a_load(engine: Driver, with_fault: Callable[[str], str]) -> None:
    settings = LoadSettings(levels=(3, 6), seconds=60, ramp=0.0, warm_up=0.0)
    events = await load(engine, plan_at(with_fault("error-429")), settings)
    ended = events_of(events, RequestEnded)
    assert [one.failure.kind for one in ended] == [FailureKind.RATE_LIMITED] * len(ended)
    assert 3 <= len(ended) <= 5
    assert [one.ending for one in events_of(events, LoadEnded)] == [LoadEnding.RATE_LIMITED]


async def test_what_can_never_succeed_ends_a_load_at_once(engine: Driver, with_fault: Callable[[str], str]) -> None:
    events = await load(engine, plan_at(with_fault("error-403")), LoadSettings(rate=50.0, ramp=0.0))
    assert [one.ending for one in events_of(events, LoadEnded)] == [LoadEnding.FAILING]
    assert len(events_of(events, RequestEnded)) < 500


async def test_no_more_is_sent_than_the_cap_says(engine: Driver, filed: tuple[str, TruthFile]) -> None:
    events = await load(engine, plan_at(filed[0]), LoadSettings(levels=(4,), seconds=60, max_requests=7))
    assert len(events_of(events, RequestBegun)) == len(events_of(events, RequestEnded)) == 7
    assert [one.ending for one in events_of(events, LoadEnded)] == [LoadEnding.REQUESTS]


# Without a network


class SlowServer(RequestSender):
    """Answers in `takes_s`, but holds everything back until `opens`."""

    def __init__(self, takes_s: float = 0.0) -> None:
        super().__init__({})
        self.events: list[Event] = []
        self.opens = asyncio.Event()
        self.opens.set()
        self.now = self.most = 0
        self.slots: set[int] = set()
        self.over = asyncio.Event()
        self.arrived = asyncio.Event()
        self.wanted = 0
        self.scheduler = LoadScheduler(self, self.emit)
        self._takes_s = takes_s
        self.fails: set[int] = set()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, RunEnded):
            self.over.set()

    async def send(
        self, spec: RequestSpec, slot: int, reporter: RequestReporter, before_send: BeforeSend
    ) -> RequestEnded:
        await before_send()
        assert slot not in self.slots, "two requests share a connection"
        self.slots.add(slot)
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now >= self.wanted:
            self.arrived.set()
        try:
            reporter.mark(Mark.SENT)
            await self.opens.wait()
            await asyncio.sleep(self._takes_s)
        finally:
            self.now -= 1
            self.slots.discard(slot)
        if reporter.request_id in self.fails:
            failure = Failure(kind=FailureKind.SERVER_ERROR, message="no", retry_after_s=0.001)
            return reporter.ended(Status.FAILED, failure=failure)
        return reporter.ended(Status.DONE)

    def start(self, settings: LoadSettings, plan: Plan | None = None) -> None:
        plan = plan_at("http://a") if plan is None else plan
        self.scheduler.start(StartLoad(run_id=1, plan=plan, settings=settings, seed=3, first_request=10))

    async def run(self, settings: LoadSettings, plan: Plan | None = None) -> list[Event]:
        self.start(settings, plan)
        async with in_time("the end of the load", lambda: self.events[-5:]):
            await self.over.wait()
        return self.events


async def test_what_is_due_while_the_server_stalls_keeps_its_moment() -> None:
    server = SlowServer()
    server.opens.clear()
    server.wanted = 4
    settings = LoadSettings(rate=200.0, arrivals="constant", requests=40, ramp=0, warm_up=0, most_in_flight=4)
    server.start(settings)
    async with in_time("four requests", lambda: server.events):
        await server.arrived.wait()
    await asyncio.sleep(0.1)  # the stall itself
    server.opens.set()
    async with in_time("the end of the load", lambda: server.events[-5:]):
        await server.over.wait()
    begun = events_of(server.events, RequestBegun)
    gaps = [later.due_ns - earlier.due_ns for earlier, later in itertools.pairwise(begun)]
    assert gaps == pytest.approx([NS_PER_S // 200] * (len(begun) - 1), abs=1_000)
    assert server.most == 4
    sent = {one.request_id: one.t_ns for one in events_of(server.events, Marked) if one.mark is Mark.SENT}
    # The fifth was due 25 ms after the begin, and sent when the stall was over.
    assert sent[begun[4].request_id] - begun[4].due_ns > 50_000_000
    (level,) = events_of(server.events, LevelEnded)
    assert len(begun) + level.unsent == 40


async def test_a_slot_sends_as_it_becomes_free_and_never_two_at_once() -> None:
    server = SlowServer(0.001)
    events = await server.run(LoadSettings(levels=(2, 5, 1), requests=20, ramp=0.01, warm_up=0.01))
    assert server.most == 5
    begun, ends = events_of(events, RequestBegun), {one.request_id: one.t_ns for one in events_of(events, RequestEnded)}
    assert [sum(one.step == at and one.since_ns is not None for one in begun) for at in range(3)] == [20, 20, 20]
    levels = events_of(events, LevelEnded)
    assert [level.step for level in levels] == [0, 1, 2]
    assert all(later.since_ns >= earlier.until_ns for earlier, later in itertools.pairwise(levels))
    assert len(ends) == len(begun)
    assert [one.request_id for one in begun] == list(range(10, 10 + len(begun)))
    # Of the last level all wait for the one before.
    last = [one for one in begun if one.step == 2 and one.since_ns is not None]
    assert all(later.due_ns >= ends[earlier.request_id] for earlier, later in itertools.pairwise(last))


async def test_targets_are_asked_one_after_the_other() -> None:
    server = SlowServer(0.001)
    plan = plan_at("http://a")
    two = Plan(
        **{name: getattr(plan, name) for name in plan.__struct_fields__ if name != "targets"},
        targets=(Target(model="a"), Target(model="b")),
    )
    events = await server.run(LoadSettings(levels=(3,), requests=6, ramp=0, warm_up=0), two)
    first_of_second = next(at for at, one in enumerate(events) if isinstance(one, RequestBegun) and one.step == 1)
    begun = [one.request_id for one in events_of(events[:first_of_second], RequestBegun)]
    assert {one.request_id for one in events_of(events[:first_of_second], RequestEnded)} == set(begun)


async def test_a_failure_makes_its_slot_wait_and_is_not_sent_again() -> None:
    server = SlowServer()
    server.fails = {10, 11}
    events = await server.run(LoadSettings(levels=(1,), requests=4, ramp=0, warm_up=0))
    ended = events_of(events, RequestEnded)
    assert [one.status for one in ended] == [Status.FAILED, Status.FAILED, Status.DONE, Status.DONE]
    begun = events_of(events, RequestBegun)
    assert begun[1].due_ns - ended[0].t_ns >= 1_000_000


async def test_failures_in_a_row_end_a_load_whatever_they_are() -> None:
    server = SlowServer()
    server.fails = set(range(1_000))
    events = await server.run(LoadSettings(levels=(2,), seconds=60, ramp=0, warm_up=0))
    assert [one.ending for one in events_of(events, LoadEnded)] == [LoadEnding.FAILING]
    assert 10 <= len(events_of(events, RequestEnded)) <= 12


@pytest.mark.parametrize("settings", [LoadSettings(levels=(3,), ramp=0), LoadSettings(rate=1_000.0, most_in_flight=3)])
async def test_a_cancelled_load_reports_every_end_and_its_own(settings: LoadSettings) -> None:
    server = SlowServer()
    server.opens.clear()
    server.wanted = 3
    server.start(settings)
    async with in_time("three requests", lambda: server.events):
        await server.arrived.wait()
    server.scheduler.end(LoadEnding.CANCELLED)
    async with in_time("the end of the load", lambda: server.events):
        await server.over.wait()
    ended = events_of(server.events, RequestEnded)
    assert [one.status for one in ended] == [Status.CANCELLED] * 3
    assert [one.ending for one in events_of(server.events, LoadEnded)] == [LoadEnding.CANCELLED]


async def test_one_cancelled_request_leaves_the_load_going() -> None:
    server = SlowServer()
    server.opens.clear()
    server.wanted = 2
    server.start(LoadSettings(levels=(2,), requests=5, ramp=0, warm_up=0))
    async with in_time("two requests", lambda: server.events):
        await server.arrived.wait()
    server.scheduler.cancel((10, 999))
    server.opens.set()
    async with in_time("the end of the load", lambda: server.events):
        await server.over.wait()
    statuses = {one.request_id: one.status for one in events_of(server.events, RequestEnded)}
    assert statuses[10] is Status.CANCELLED
    assert set(statuses.values()) == {Status.CANCELLED, Status.DONE}
    assert [one.ending for one in events_of(server.events, LoadEnded)] == [LoadEnding.COMPLETE]


async def test_shutting_down_waits_for_the_ends() -> None:
    server = SlowServer()
    server.opens.clear()
    server.wanted = 1
    server.start(LoadSettings(levels=(1,), ramp=0))
    async with in_time("a request", lambda: server.events):
        await server.arrived.wait()
    await server.scheduler.shut_down()
    assert isinstance(server.events[-1], RunEnded)

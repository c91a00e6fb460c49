"""Runs and the barrier before their sends, without a network: a request behaves as its model's name says."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from waiting import in_time

from tui.core.events import Event, FailureKind, Mark, Marked, RequestEnded, RunEnded, RunStarted, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine import scheduler
from tui.engine.protocol import StartRun
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.engine.scheduler import Scheduler, StartBarrier

BeforeSend = Callable[[], Awaitable[None]]


def spec(request_id: int, url: str = "http://a", model: str = "done") -> RequestSpec:
    return RequestSpec(
        request_id=request_id,
        target=model,
        model=model,
        endpoint=Endpoint(name="e", base_url=url),
        prompt=Prompt(user="u"),
        parameters=Parameters(max_tokens=5),
        timeouts=Timeouts(),
    )


class Fixture(RequestSender):
    """A scheduler whose requests behave as their model's name says."""

    def __init__(self) -> None:
        super().__init__({})
        self.events: list[Event] = []
        self.slots: dict[int, int] = {}
        self.running: set[int] = set()
        self.cleaned: list[int] = []
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self.scheduler = Scheduler(self, self.emit)

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, RunEnded):
            self.over.set()

    async def send(
        self, spec: RequestSpec, slot: int, reporter: RequestReporter, before_send: BeforeSend
    ) -> RequestEnded:
        self.slots[spec.request_id] = slot
        if spec.model == "fails early":
            raise ValueError("boom")
        await before_send()
        reporter.mark(Mark.SENT)
        self.running.add(spec.request_id)
        try:
            if spec.model == "hangs":
                self.started.set()
                await asyncio.Event().wait()
        finally:
            self.cleaned.append(spec.request_id)
        return reporter.ended(Status.DONE)

    async def run(self, *specs: RequestSpec, at_once: int | None = None) -> None:
        self.scheduler.start(StartRun(run_id=1, requests=specs, at_once=at_once))
        async with in_time("the end of the run", lambda: self.events):
            await self.over.wait()

    def ends(self) -> dict[int, RequestEnded]:
        return {event.request_id: event for event in self.events if isinstance(event, RequestEnded)}


async def test_a_run_is_framed_and_its_spread_known() -> None:
    fixture = Fixture()
    await fixture.run(spec(1), spec(2), spec(3))
    first, last = fixture.events[0], fixture.events[-1]
    assert isinstance(first, RunStarted)
    assert first.request_ids == (1, 2, 3)
    assert isinstance(last, RunEnded)
    stamps = [event.t_ns for event in fixture.events if isinstance(event, Marked) and event.mark is Mark.SENT]
    assert last.send_spread_ns == max(stamps) - min(stamps)
    queued = [event.request_id for event in fixture.events if isinstance(event, Marked) and event.mark is Mark.QUEUED]
    assert queued == [1, 2, 3]


async def test_the_spread_of_one_is_undefined() -> None:
    fixture = Fixture()
    await fixture.run(spec(1))
    last = fixture.events[-1]
    assert isinstance(last, RunEnded)
    assert last.send_spread_ns is None


async def test_slots_are_numbered_per_endpoint() -> None:
    fixture = Fixture()
    await fixture.run(spec(1), spec(2, "http://b"), spec(3), spec(4, "http://b"))
    assert fixture.slots == {1: 0, 2: 0, 3: 1, 4: 1}


async def test_one_that_fails_before_the_barrier_holds_up_no_other() -> None:
    fixture = Fixture()
    await fixture.run(spec(1, model="fails early"), spec(2))
    ends = fixture.ends()
    assert ends[2].status is Status.DONE
    assert ends[1].failure is not None
    assert ends[1].failure.kind is FailureKind.ENGINE
    assert "ValueError: boom" in ends[1].failure.message


async def test_a_cancelled_request_ends_alone() -> None:
    fixture = Fixture()
    run = asyncio.create_task(fixture.run(spec(1, model="hangs"), spec(2)))
    await fixture.started.wait()
    fixture.scheduler.cancel((1, 99))
    await run
    assert {request_id: end.status for request_id, end in fixture.ends().items()} == {
        1: Status.CANCELLED,
        2: Status.DONE,
    }
    assert 1 in fixture.cleaned
    fixture.scheduler.cancel((1, 2))


async def test_one_cancelled_before_it_began_still_reports_its_end() -> None:
    fixture = Fixture()
    fixture.scheduler.start(StartRun(run_id=1, requests=(spec(1, model="hangs"), spec(2))))
    fixture.scheduler.cancel((1,))
    async with asyncio.timeout(10):
        await fixture.over.wait()
    assert fixture.ends()[1].status is Status.CANCELLED
    assert fixture.ends()[2].status is Status.DONE


async def test_shutting_down_cancels_everything_and_reports_it() -> None:
    fixture = Fixture()
    fixture.scheduler.start(StartRun(run_id=1, requests=(spec(1, model="hangs"),)))
    await fixture.started.wait()
    await fixture.scheduler.shut_down()
    assert fixture.ends()[1].status is Status.CANCELLED
    assert isinstance(fixture.events[-1], RunEnded)
    await fixture.scheduler.shut_down()


async def test_an_empty_run_is_over_at_once() -> None:
    fixture = Fixture()
    await fixture.run()
    assert [type(event) for event in fixture.events] == [RunStarted, RunEnded]


async def test_in_turn_each_wave_begins_when_the_one_before_is_over() -> None:
    fixture = Fixture()
    await fixture.run(spec(1), spec(2), spec(3), spec(4), spec(5), at_once=2)
    order = [
        (event.request_id, isinstance(event, RequestEnded))
        for event in fixture.events
        if isinstance(event, RequestEnded) or (isinstance(event, Marked) and event.mark is Mark.SENT)
    ]
    for wave in ({1, 2}, {3, 4}, {5}):
        part, order = order[: 2 * len(wave)], order[2 * len(wave) :]
        assert {request_id for request_id, _ in part} == wave
    last = fixture.events[-1]
    assert isinstance(last, RunEnded)
    assert last.send_spread_ns is None


async def test_one_that_waits_for_its_turn_can_be_cancelled() -> None:
    fixture = Fixture()
    fixture.scheduler.start(StartRun(run_id=1, requests=(spec(1, model="hangs"), spec(2), spec(3)), at_once=1))
    await fixture.started.wait()
    fixture.scheduler.cancel((2,))
    for _ in range(3):  # the cancellation, the request's own end, its report
        await asyncio.sleep(0)
    assert set(fixture.ends()) == {2}
    fixture.scheduler.cancel((1,))
    async with asyncio.timeout(10):
        await fixture.over.wait()
    statuses = {request_id: ended.status for request_id, ended in fixture.ends().items()}
    assert statuses == {1: Status.CANCELLED, 2: Status.CANCELLED, 3: Status.DONE}
    assert 2 not in fixture.running


# The start barrier


async def waiting(task: "asyncio.Task[None]") -> bool:
    """True if `task` still waits after everything that is ready has run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_the_barrier_opens_when_all_have_arrived() -> None:
    held = StartBarrier(2)
    first = asyncio.create_task(held.arrive())
    assert await waiting(first)
    await held.arrive()
    await first


async def test_one_that_leaves_the_barrier_is_not_waited_for() -> None:
    held = StartBarrier(3)
    first = asyncio.create_task(held.arrive())
    held.leave()
    assert await waiting(first)
    held.leave()
    await first


async def test_the_barrier_opens_for_good_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "OPEN_AFTER_S", 0.01)
    held = StartBarrier(3)
    await held.arrive()
    monkeypatch.setattr(scheduler, "OPEN_AFTER_S", 1e6)
    await held.arrive()


async def test_one_that_is_cancelled_at_the_barrier_has_been_counted() -> None:
    held = StartBarrier(2)
    first = asyncio.create_task(held.arrive())
    assert await waiting(first)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await held.arrive()


async def test_alone_at_the_barrier_it_does_not_wait() -> None:
    await StartBarrier(1).arrive()

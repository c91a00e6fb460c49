"""Scheduler of loads: keeps so many requests in flight, or sends at the moments that are due, level after level.

Requests of a level that is over go on while the next one begins: nothing is drained between the levels of a target. No
request is sent again, since a second attempt would be load that nobody asked for. An engine that sends a share of a
load begins every level when it is told to, so that all engines do so together; until then its slots go on, uncounted.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from tui.core.engine_events import Armed
from tui.core.events import Event, Failure, RequestEnded, RunEnded, RunStarted, Status
from tui.core.failures import FailureWatch
from tui.core.load import (
    LevelEnded,
    LoadEnded,
    LoadEnding,
    LoadStep,
    RequestBegun,
    buster_of,
    plan_of,
    request_of,
    starts_of,
    steps_of,
)
from tui.core.load_shares import Allowance, Ration
from tui.core.metrics import NS_PER_S
from tui.engine.failures import engine_fault
from tui.engine.protocol import StartLoad
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.engine.scheduler import attempts, back_off_s

_LONGEST_WAIT_S = 60.0
"""Longest that a slot waits after a failure, s, whatever the server asks for."""
_MADE_AHEAD_NS = 5_000_000
"""Time before an arrival is due at which its request is made, so that it leaves when it is due."""

_Due = tuple[int, int | None, int, int | None, int | None]
"""A request that is due: its step and row, its moment, that from which on its level is counted, and its number."""


class LoadScheduler:
    """Runs loads, one at a time."""

    def __init__(self, sender: RequestSender, emit: Callable[[Event], None]) -> None:
        self._sender = sender
        self._emit = emit
        self._load: _Load | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, command: StartLoad) -> None:
        """Begin a load. None may be under way."""
        self._load = _Load(command, self._sender, self._emit)
        self._task = asyncio.create_task(self._load.run(), name=f"load {command.run_id}")

    def end(self, ending: LoadEnding) -> None:
        """Begin no further request; what is in flight goes on."""
        if self._load is not None:
            self._load.end(ending)

    def fire(self, run_id: int, at_ns: int) -> None:
        """Begin the next level of a load that is shared at this moment of CLOCK_MONOTONIC; another one is ignored."""
        if self._load is not None and self._load.run_id == run_id:
            self._load.fire(at_ns)

    def deal(self, run_id: int, ration: Ration) -> None:
        """Let a share of a load begin further requests."""
        if self._load is not None and self._load.run_id == run_id:
            self._load.deal(ration)

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each still reports its end."""
        if self._load is not None:
            self._load.cancel(request_ids)

    async def shut_down(self) -> None:
        """Cancel everything and wait until the connections are closed and the ends reported."""
        if self._load is not None and self._task is not None:
            self._load.end(LoadEnding.CANCELLED)
            await asyncio.wait([self._task])


class _Start:
    """Begin of each level of a load that several engines share."""

    def __init__(self, say_armed: Callable[[], None]) -> None:
        self._say_armed = say_armed
        self._fired = asyncio.Event()
        self._at_ns = 0

    def fire(self, at_ns: int) -> None:
        """Begin the level at this moment."""
        self._at_ns = at_ns
        self._fired.set()

    async def of_level(self, over: asyncio.Event) -> int:
        """Wait for the moment at which a level begins, or the end of the load; returns the moment."""
        self._say_armed()
        ends = [asyncio.create_task(event.wait()) for event in (over, self._fired)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        self._fired.clear()
        await _until(over, self._at_ns)
        return self._at_ns


class _Load:
    """One load under way."""

    def __init__(self, command: StartLoad, sender: RequestSender, emit: Callable[[Event], None]) -> None:
        self.run_id = command.run_id
        self._command = command
        self._sender = sender
        self._emit = emit
        self._settings = settings = command.settings
        self._share = command.share
        self._steps = steps_of(settings, len(command.plan.lanes))
        self._watch = FailureWatch(settings.stop_at_refusals)
        self._allowance = Allowance(settings, is_dealt=self._share.of > 1 and not settings.is_open)
        self.requests: dict[int, asyncio.Task[object]] = {}
        """The tasks of the requests in flight, by their ids."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._ending = LoadEnding.COMPLETE
        self._at = 0
        self._since_ns: int | None = None
        self._start = None if self._share.of == 1 else _Start(partial(emit, Armed(run_id=command.run_id)))
        # Of levels of concurrency.
        self._slots: set[int] = set()
        self._wanted = 0
        self._moved = asyncio.Event()
        """Set when slots that wait may go on: the next level has begun, or something was dealt."""
        self._level_full = asyncio.Event()
        self._full_ns = 0
        # Of rates.
        self._waiting: deque[_Due] = deque()
        self._free: list[int] = []
        self._made = 0
        """Slots that rates have used so far."""
        self._earlier = 0
        """Arrivals of the levels before, those of all shares."""

    def end(self, ending: LoadEnding) -> None:
        """Begin no further request; with a cancelled load those in flight are cancelled too."""
        if not self._over.is_set():
            self._ending = ending
            self._over.set()
            self._level_full.set()
        if ending is LoadEnding.CANCELLED:
            self.cancel(tuple(self.requests))

    def fire(self, at_ns: int) -> None:
        """Begin the next level at this moment."""
        if self._start is not None:
            self._start.fire(at_ns)

    def deal(self, ration: Ration) -> None:
        """Take what else may be begun."""
        self._allowance.deal(ration)
        self._move()
        if not self._slots:
            self._look_full(time.monotonic_ns())

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests."""
        for request_id in request_ids:
            if (task := self.requests.get(request_id)) is not None:
                task.cancel()

    async def run(self) -> None:
        """Go through all levels, and report the end."""
        run_id = self._command.run_id
        self._emit(RunStarted(run_id=run_id, t_ns=time.monotonic_ns(), unix_ns=time.time_ns(), request_ids=()))
        for at, step in enumerate(self._steps):
            if step.number == 1:
                await self._drain()
            begun_ns = time.monotonic_ns() if self._start is None else await self._start.of_level(self._over)
            if self._over.is_set():
                break
            await (self._at_rate if self._settings.is_open else self._in_flight)(at, step, begun_ns)
        await self._drain()
        self._emit(LoadEnded(ending=self._ending))
        self._emit(RunEnded(run_id=run_id, t_ns=time.monotonic_ns()))

    async def _drain(self) -> None:
        """Wait for the ends of all requests in flight."""
        self._wanted = 0
        self._waiting.clear()
        self._move()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._free.clear()
        self._made = 0

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _begin_level(self, at: int) -> None:
        self._at, self._since_ns, self._full_ns = at, None, 0
        self._allowance.begin_level(at)
        self._level_full.clear()
        self._move()

    def _move(self) -> None:
        """Let the slots go on that wait for the next level."""
        self._moved.set()
        self._moved = asyncio.Event()

    # Levels of concurrency

    async def _in_flight(self, at: int, step: LoadStep, begun_ns: int) -> None:
        assert step.level.concurrency is not None
        self._wanted = step.level.concurrency
        self._begin_level(at)
        starts, before = starts_of(step, self._settings.ramp), int(step.before)
        for slot in set(self._share.slots(self._wanted)) - self._slots:
            self._slots.add(slot)
            start_s = starts[slot - before] if slot >= before else 0.0
            self._spawn(self._slot(slot, begun_ns + round(start_s * NS_PER_S)))
        counted_ns = begun_ns + round((max(starts, default=0.0) + self._settings.warm_up) * NS_PER_S)
        if not await _until(self._over, counted_ns):
            return
        self._since_ns = since_ns = counted_ns if self._share.of > 1 else time.monotonic_ns()
        self._allowance.count()
        if not self._slots:
            self._look_full(since_ns)
        until_ns = await self._level_over()
        self._emit(LevelEnded(step=at, since_ns=since_ns, until_ns=until_ns))
        self._begin_level(at)  # what begins before the next level counts for none

    async def _level_over(self) -> int:
        """Wait for the end of a level's counted time, by time or by count, or of the load; returns its moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.counted_s):
                await self._level_full.wait()
        return self._full_ns or time.monotonic_ns()

    def _look_full(self, free_ns: int) -> None:
        """Note the end of a level by count: a slot that is free since then has nothing more to send."""
        if self._allowance.is_used_up and not self._level_full.is_set():
            self._full_ns = free_ns
            self._level_full.set()

    async def _slot(self, slot: int, due_ns: int) -> None:
        """Send one request after the other, from a moment on, as long as the level wants so many."""
        failures = 0
        await _until(self._over, due_ns)
        while slot < self._wanted and not self._over.is_set():
            if not self._allowance.may_begin():
                self._look_full(due_ns)
                await self._moved.wait()
                if self._allowance.may_begin():
                    due_ns = time.monotonic_ns()
                continue
            ended = await self._request((self._at, None, due_ns, self._since_ns, None), slot)
            failures = 0 if ended.failure is None else failures + 1
            if ended.failure is not None:
                await _until(self._over, time.monotonic_ns() + round(_wait_s(ended.failure, failures) * NS_PER_S))
            due_ns = time.monotonic_ns()
        self._slots.discard(slot)
        if not self._slots:
            self._look_full(time.monotonic_ns())

    # Rates

    async def _at_rate(self, at: int, step: LoadStep, begun_ns: int) -> None:
        settings, command = self._settings, self._command
        self._begin_level(at)
        ramp = 0.0 if settings.arrivals == "trace" else settings.ramp
        since_ns = begun_ns + round((ramp + settings.warm_up) * NS_PER_S)
        seconds = settings.counted_s if settings.arrivals != "trace" else settings.seconds
        until_ns = None if seconds is None else since_ns + round(seconds * NS_PER_S)
        left, last_ns = settings.requests, since_ns
        number = self._earlier
        for offset, row, is_own in self._share.arrivals(settings, step, command.seed, command.plan):
            due_ns = begun_ns + round(offset * NS_PER_S)
            if until_ns is not None and due_ns >= until_ns:
                break
            if is_own and not await _until(self._over, due_ns - _MADE_AHEAD_NS):
                return
            is_counted = due_ns >= since_ns
            if is_counted and left is not None:
                if left == 0:
                    until_ns = due_ns
                    break
                left -= 1
            if is_own:
                of_all = number if self._share.of > 1 else None
                self._arrive((at, row, due_ns, since_ns if is_counted else None, of_all))
            last_ns, number = due_ns, number + 1
            if number == settings.max_requests and self._share.of > 1:
                if not is_own and await _until(self._over, due_ns):
                    self.end(LoadEnding.REQUESTS)
                await self._over.wait()  # whose it is ends with it
                return
        self._earlier = number
        until_ns = max(last_ns, since_ns + 1) if until_ns is None else until_ns
        if not await _until(self._over, until_ns):
            return
        unsent = sum(since is not None for _, _, _, since, _ in self._waiting)
        self._waiting.clear()
        self._emit(LevelEnded(step=at, since_ns=since_ns, until_ns=until_ns, unsent=unsent))

    def _arrive(self, due: _Due) -> None:
        """Send what is due, or let it wait where too many are in flight."""
        if len(self._tasks) >= self._share.of_count(self._settings.most_in_flight):
            self._waiting.append(due)
            return
        if not self._free:
            self._free.append(self._made)
            self._made += 1
        self._spawn(self._arrived(due, self._free.pop()))

    async def _arrived(self, due: _Due, slot: int) -> None:
        while not self._over.is_set():
            await self._request(due, slot)
            if not self._waiting:
                break
            due = self._waiting.popleft()
        self._free.append(slot)

    # One request

    async def _request(self, due: _Due, slot: int) -> RequestEnded:
        """Send a request, and report everything of it."""
        (at, row, due_ns, since_ns, of_all), command = due, self._command
        number = self._allowance.take(counted=since_ns is not None) if of_all is None else of_all
        if number + 1 >= self._settings.max_requests and not self._allowance.is_dealt:
            self.end(LoadEnding.REQUESTS)
        reporter = RequestReporter(command.first_request + number, self._emit)
        row = number if row is None else row
        self._emit(RequestBegun(request_id=reporter.request_id, step=at, row=row, due_ns=due_ns, since_ns=since_ns))
        task = asyncio.current_task()
        assert task is not None
        self.requests[reporter.request_id] = task
        try:
            buster = buster_of(self._settings, command.seed, number)
            spec = request_of(plan_of(command.plan, self._steps[at].lane, row), reporter.request_id, buster)
            ended = await attempts(self._sender, spec, slot, reporter, partial(_moment, due_ns))
        except asyncio.CancelledError:
            task.uncancel()
            ended = reporter.ended(Status.CANCELLED)
        except Exception as error:  # the others go on
            ended = reporter.ended(Status.FAILED, failure=engine_fault(error))
        finally:
            del self.requests[reporter.request_id]
        reporter.report(ended)
        if (ending := self._watch.look(ended, len(self.requests), time.monotonic())) is not None:
            self.end(ending)
        return ended


async def _until(over: asyncio.Event, moment_ns: int) -> bool:
    """Wait until a moment or the end of the load; False if that came first."""
    wait_s = (moment_ns - time.monotonic_ns()) / NS_PER_S
    if wait_s <= 0:
        await asyncio.sleep(0)  # what is due late must not keep others from being read
    elif not over.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await over.wait()
    return not over.is_set()


def _wait_s(failure: Failure, failures: int) -> float:
    """Pause of a slot after a failure, s: what the server asks for, or a client's usual back-off."""
    asked = back_off_s(failures - 1) if failure.retry_after_s is None else failure.retry_after_s
    return min(_LONGEST_WAIT_S, asked)


async def _moment(due_ns: int) -> None:
    """Hold a request, whose connection stands, until it is due."""
    if (wait_ns := due_ns - time.monotonic_ns()) > 0:
        await asyncio.sleep(wait_ns / NS_PER_S)

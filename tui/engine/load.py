"""Scheduler of loads: keeps so many requests in flight, or sends at the moments that are due, level after level.

Requests of a level that is over go on while the next one begins: nothing is drained between the levels of a target. No
request is sent again, since a second attempt would be load that nobody asked for.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

from tui.core.events import Event, Failure, FailureKind, RequestEnded, RunEnded, RunStarted, Status
from tui.core.failures import FOR_GOOD
from tui.core.load import (
    LevelEnded,
    LoadEnded,
    LoadEnding,
    LoadStep,
    RequestBegun,
    buster_of,
    due_times,
    plan_of,
    request_of,
    starts_of,
    steps_of,
)
from tui.core.metrics import NS_PER_S
from tui.engine.failures import engine_fault
from tui.engine.protocol import StartLoad
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.engine.scheduler import attempts, back_off_s

_BURST_S = 10.0
"""Time within which refusals by a rate limit count as one burst, s."""
_FAILURES_FOR_GOOD, _FAILURES = 3, 10
"""Failures in a row that end a load: of a kind that the same request meets again, and of any."""
_LONGEST_WAIT_S = 60.0
"""Longest that a slot waits after a failure, s, whatever the server asks for."""


_Due = tuple[int, int | None, int, int | None]
"""A request that is due: its step and row, its moment, and that from which on its level is counted."""


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

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each still reports its end."""
        if self._load is not None:
            self._load.cancel(request_ids)

    async def shut_down(self) -> None:
        """Cancel everything and wait until the connections are closed and the ends reported."""
        if self._load is not None and self._task is not None:
            self._load.end(LoadEnding.CANCELLED)
            await asyncio.wait([self._task])


class _Guard:
    """Watch on how requests end, for reasons to end the load."""

    def __init__(self, stop_at_refusals: int) -> None:
        self._stop_at_refusals = stop_at_refusals
        self._refusals: deque[float] = deque()
        self._failures = 0

    def look(self, ended: RequestEnded, in_flight: int) -> LoadEnding | None:
        """Take in an end; returns the reason to end the load, if it is one."""
        failure = ended.failure
        if ended.status is Status.CANCELLED:
            return None
        if failure is None:
            self._failures = 0
            return None
        self._failures += 1
        if failure.kind is FailureKind.RATE_LIMITED and self._stop_at_refusals:
            now = time.monotonic()
            self._refusals.append(now)
            while self._refusals[0] < now - _BURST_S:
                self._refusals.popleft()
            if len(self._refusals) >= self._stop_at_refusals:
                return LoadEnding.RATE_LIMITED
        most = _FAILURES_FOR_GOOD if failure.kind in FOR_GOOD else max(_FAILURES, 2 * in_flight)
        return LoadEnding.FAILING if self._failures >= most else None


class _Load:
    """One load under way."""

    def __init__(self, command: StartLoad, sender: RequestSender, emit: Callable[[Event], None]) -> None:
        self._command = command
        self._sender = sender
        self._emit = emit
        self._settings = command.settings
        self._steps = steps_of(command.settings, len(command.plan.lanes))
        self._guard = _Guard(command.settings.stop_at_refusals)
        self.requests: dict[int, asyncio.Task[object]] = {}
        """The tasks of the requests in flight, by their ids."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._ending = LoadEnding.COMPLETE
        self._begun = 0
        self._at = 0
        self._since_ns: int | None = None
        self._left: int | None = None
        """Counted requests that the level still wants; None where time alone ends it."""
        # Of levels of concurrency.
        self._slots: set[int] = set()
        self._wanted = 0
        self._moved = asyncio.Event()
        """Set when the next level has begun."""
        self._level_full = asyncio.Event()
        self._full_ns = 0
        # Of rates.
        self._waiting: deque[_Due] = deque()
        self._free: list[int] = []
        self._made = 0
        """Slots that rates have used so far."""

    def end(self, ending: LoadEnding) -> None:
        """Begin no further request; with a cancelled load those in flight are cancelled too."""
        if not self._over.is_set():
            self._ending = ending
            self._over.set()
            self._level_full.set()
        if ending is LoadEnding.CANCELLED:
            self.cancel(tuple(self.requests))

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
            if self._over.is_set():
                break
            await (self._at_rate(at, step) if self._settings.is_open else self._in_flight(at, step))
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

    async def _until(self, moment_ns: int) -> bool:
        """Wait until a moment or the end of the load; False if that came first."""
        wait_s = (moment_ns - time.monotonic_ns()) / NS_PER_S
        if wait_s <= 0:
            await asyncio.sleep(0)  # what is due late must not keep others from being read
        elif not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._over.wait()
        return not self._over.is_set()

    def _begin_level(self, at: int) -> int:
        self._at, self._since_ns, self._left, self._full_ns = at, None, None, 0
        self._level_full.clear()
        self._move()
        return time.monotonic_ns()

    def _move(self) -> None:
        """Let the slots go on that wait for the next level."""
        self._moved.set()
        self._moved = asyncio.Event()

    # Levels of concurrency

    async def _in_flight(self, at: int, step: LoadStep) -> None:
        assert step.level.concurrency is not None
        self._wanted = step.level.concurrency
        begun_ns = self._begin_level(at)
        missing = sorted(set(range(self._wanted)) - self._slots)
        starts = starts_of(step, self._settings.ramp)[-len(missing) :] if missing else []
        for slot, start_s in zip(missing, starts, strict=False):
            self._slots.add(slot)
            self._spawn(self._slot(slot, begun_ns + round(start_s * NS_PER_S)))
        counted_ns = begun_ns + round((max(starts, default=0.0) + self._settings.warm_up) * NS_PER_S)
        if not await self._until(counted_ns):
            return
        self._since_ns, self._left = time.monotonic_ns(), self._settings.requests
        until_ns = await self._level_over()
        self._emit(LevelEnded(step=at, since_ns=self._since_ns, until_ns=until_ns))

    async def _level_over(self) -> int:
        """Wait for the end of a level's counted time, by time or by count, or of the load; returns its moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.counted_s):
                await self._level_full.wait()
        return self._full_ns if self._left == 0 and self._full_ns else time.monotonic_ns()

    async def _slot(self, slot: int, due_ns: int) -> None:
        """Send one request after the other, from a moment on, as long as the level wants so many."""
        failures = 0
        await self._until(due_ns)
        while slot < self._wanted and not self._over.is_set():
            if self._left == 0:
                if not self._level_full.is_set():
                    self._full_ns = due_ns
                    self._level_full.set()
                await self._moved.wait()
                continue
            ended = await self._request(self._at, None, due_ns, self._since_ns, slot)
            failures = 0 if ended.failure is None else failures + 1
            if ended.failure is not None:
                await self._until(time.monotonic_ns() + round(_wait_s(ended.failure, failures) * NS_PER_S))
            due_ns = time.monotonic_ns()
        self._slots.discard(slot)

    # Rates

    async def _at_rate(self, at: int, step: LoadStep) -> None:
        settings = self._settings
        begun_ns = self._begin_level(at)
        ramp = 0.0 if settings.arrivals == "trace" else settings.ramp
        since_ns = begun_ns + round((ramp + settings.warm_up) * NS_PER_S)
        seconds = settings.counted_s if settings.arrivals != "trace" else settings.seconds
        until_ns = None if seconds is None else since_ns + round(seconds * NS_PER_S)
        left, last_ns = settings.requests, since_ns
        for offset, row in due_times(settings, step, self._command.seed, self._command.plan):
            due_ns = begun_ns + round(offset * NS_PER_S)
            if until_ns is not None and due_ns >= until_ns:
                break
            if not await self._until(due_ns):
                return
            is_counted = due_ns >= since_ns
            if is_counted and left is not None:
                if left == 0:
                    until_ns = due_ns
                    break
                left -= 1
            self._arrive((at, row, due_ns, since_ns if is_counted else None))
            last_ns = due_ns
        until_ns = max(last_ns, since_ns + 1) if until_ns is None else until_ns
        if not await self._until(until_ns):
            return
        unsent = sum(since is not None for _, _, _, since in self._waiting)
        self._waiting.clear()
        self._emit(LevelEnded(step=at, since_ns=since_ns, until_ns=until_ns, unsent=unsent))

    def _arrive(self, due: _Due) -> None:
        """Send what is due, or let it wait where too many are in flight."""
        if len(self._tasks) >= self._settings.most_in_flight:
            self._waiting.append(due)
            return
        if not self._free:
            self._free.append(self._made)
            self._made += 1
        self._spawn(self._arrived(due, self._free.pop()))

    async def _arrived(self, due: _Due, slot: int) -> None:
        while not self._over.is_set():
            await self._request(*due, slot)
            if not self._waiting:
                break
            due = self._waiting.popleft()
        self._free.append(slot)

    # One request

    async def _request(self, at: int, row: int | None, due_ns: int, since_ns: int | None, slot: int) -> RequestEnded:
        """Send a request, and report everything of it."""
        number, command = self._begun, self._command
        self._begun += 1
        if self._left is not None and since_ns is not None:
            self._left -= 1
        if self._begun >= self._settings.max_requests:
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
            ended = await attempts(self._sender, spec, slot, reporter, _at_once)
        except asyncio.CancelledError:
            task.uncancel()
            ended = reporter.ended(Status.CANCELLED)
        except Exception as error:  # the others go on
            ended = reporter.ended(Status.FAILED, failure=engine_fault(error))
        finally:
            del self.requests[reporter.request_id]
        reporter.report(ended)
        if (ending := self._guard.look(ended, len(self.requests))) is not None:
            self.end(ending)
        return ended


def _wait_s(failure: Failure, failures: int) -> float:
    """Pause of a slot after a failure, s: what the server asks for, or a client's usual back-off."""
    asked = back_off_s(failures - 1) if failure.retry_after_s is None else failure.retry_after_s
    return min(_LONGEST_WAIT_S, asked)


async def _at_once() -> None:
    """No barrier: a load's request is sent as soon as its connection stands."""

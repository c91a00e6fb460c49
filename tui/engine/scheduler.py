"""Scheduler of runs: fires their requests in parallel, retries and cancels them, and reports the end of each run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from tui.core import metrics
from tui.core.engine_events import Armed
from tui.core.events import AttemptFailed, Event, Failure, FailureKind, Mark, RequestEnded, RunEnded, RunStarted, Status
from tui.core.plan import RequestSpec
from tui.core.target import LONGEST_BACK_OFF_S
from tui.engine.failures import engine_fault
from tui.engine.protocol import StartRun
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender

_WORTH_RETRYING = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.SERVER_ERROR,
        FailureKind.CONNECTION,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.PROXY,
    }
)
"""Failures that may go away by themselves; the SDK would retry the same ones, unseen."""
_FIRST_BACK_OFF_S = 0.5
"""Wait after the first attempt where the server names none, s; it doubles from there. The SDK's own."""
OPEN_AFTER_S = 1.0
"""Longest that connected requests wait for those still connecting, s."""
_SPIN_NS = 2_000_000
"""Time before a common start in which the engine does nothing else, ns."""


class StartBarrier:
    """Holds each request, connected and ready, until all of its wave have arrived or left; then lets them go together.

    Targets get their requests at the same moment, whatever their connections took, and the work of preparing one
    request does not stand between the sends of two others. asyncio.Barrier does not serve: a party cannot leave it,
    one that is cancelled breaks it for all, and it never opens for those who wait too long.
    """

    def __init__(self, expected: int, on_armed: Callable[[], None] | None = None) -> None:
        """With `on_armed` it does not open by itself: that is called when it could, and `open_at` opens it."""
        self._missing = expected
        self._open = asyncio.Event()
        self._on_armed = on_armed
        self._is_armed = False

    async def arrive(self) -> None:
        """Count one in and wait until the barrier opens: without `on_armed` at most `OPEN_AFTER_S`."""
        self._count()
        if not self._open.is_set():
            try:
                async with asyncio.timeout(OPEN_AFTER_S):
                    await self._open.wait()
            except TimeoutError:
                self._may_open()
            await self._open.wait()

    def open_at(self, at_ns: int) -> None:
        """Open at a moment of CLOCK_MONOTONIC, or now if it has passed."""
        early_s = (at_ns - time.monotonic_ns() - _SPIN_NS) / 1e9
        asyncio.get_running_loop().call_later(max(0.0, early_s), self._open_exactly, at_ns)

    def _open_exactly(self, at_ns: int) -> None:
        # The loop's timers are a millisecond late at worst; requests of other hosts leave at this very moment.
        while time.monotonic_ns() < at_ns:
            pass
        self._open.set()

    def leave(self) -> None:
        """Count one out that will not arrive: it failed or was cancelled before."""
        self._count()

    def _count(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._may_open()

    def _may_open(self) -> None:
        if self._on_armed is None:
            self._open.set()
        elif not self._is_armed:
            self._is_armed = True
            self._on_armed()


class _Wave:
    """Requests that are fired together, when it is their turn."""

    def __init__(self, expected: int, on_armed: Callable[[], None] | None) -> None:
        self.barrier = StartBarrier(expected, on_armed)
        self.turn = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.reporters: list[RequestReporter] = []


class Scheduler:
    """Turns runs into requests, numbered per endpoint, so that each has a connection to itself."""

    def __init__(self, sender: RequestSender, emit: Callable[[Event], None]) -> None:
        self._sender = sender
        self._emit = emit
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._held: dict[int, StartBarrier] = {}
        """Barriers of the runs that start together with those of other engines."""

    def start(self, run: StartRun) -> None:
        """Fire the requests of `run`: all together, or one wave of `run.at_once` after the other."""
        self._emit(
            RunStarted(
                run_id=run.run_id,
                t_ns=time.monotonic_ns(),
                unix_ns=time.time_ns(),
                request_ids=tuple(spec.request_id for spec in run.requests),
            )
        )
        size = run.at_once or max(1, len(run.requests))
        slots: dict[str, int] = {}
        waves: list[_Wave] = []
        # All tasks now, so that a cancellation that comes right behind finds them.
        for first in range(0, len(run.requests), size):
            specs = run.requests[first : first + size]
            wave = _Wave(len(specs), partial(self._emit, Armed(run_id=run.run_id)) if run.is_held else None)
            for spec in specs:
                slot = slots.setdefault(spec.endpoint.base_url, 0)
                slots[spec.endpoint.base_url] += 1
                reporter = RequestReporter(spec.request_id, self._emit)
                task = asyncio.create_task(self._request(spec, slot, wave, reporter), name=f"request {spec.request_id}")
                task.add_done_callback(partial(self._report_unbegun, reporter, wave))
                self._requests[spec.request_id] = task
                wave.tasks.append(task)
                wave.reporters.append(reporter)
            waves.append(wave)
        if run.is_held:
            self._held[run.run_id] = waves[0].barrier
        finish = asyncio.create_task(self._finish(run.run_id, waves), name=f"run {run.run_id}")
        self._runs.add(finish)
        finish.add_done_callback(self._runs.discard)

    def fire(self, run_id: int, at_ns: int) -> None:
        """Let a run that is held go at this moment of CLOCK_MONOTONIC; one that is over is ignored."""
        if (barrier := self._held.pop(run_id, None)) is not None:
            barrier.open_at(at_ns)

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each still reports its end."""
        for request_id in request_ids:
            if (task := self._requests.get(request_id)) is not None:
                task.cancel()

    async def shut_down(self) -> None:
        """Cancel everything and wait until the connections are closed and the ends reported."""
        self.cancel(tuple(self._requests))
        if self._runs:
            await asyncio.wait(self._runs)

    async def _finish(self, run_id: int, waves: list[_Wave]) -> None:
        for wave in waves:
            wave.turn.set()
            await asyncio.gather(*wave.tasks, return_exceptions=True)
        self._held.pop(run_id, None)
        sent: list[int] = []
        if len(waves) == 1:  # of requests that were not meant to start together a spread says nothing
            sent = [reporter.sent_ns for reporter in waves[0].reporters if reporter.sent_ns is not None]
        self._emit(
            RunEnded(
                run_id=run_id,
                t_ns=time.monotonic_ns(),
                send_spread_ns=metrics.spread_ns(sent),
                sent_ns=(min(sent), max(sent)) if sent else None,
            )
        )

    def _report_unbegun(self, reporter: RequestReporter, wave: _Wave, task: asyncio.Task[None]) -> None:
        """Report the end of a task that was cancelled before its first step, and so never ran."""
        if task.cancelled():
            wave.barrier.leave()
            self._requests.pop(reporter.request_id, None)
            reporter.report(reporter.ended(Status.CANCELLED))

    async def _request(self, spec: RequestSpec, slot: int, wave: _Wave, reporter: RequestReporter) -> None:
        has_arrived = False

        async def before_send() -> None:
            nonlocal has_arrived
            if not has_arrived:
                has_arrived = True
                await wave.barrier.arrive()

        try:
            await wave.turn.wait()
            ended = await attempts(self._sender, spec, slot, reporter, before_send)
        except asyncio.CancelledError:
            ended = reporter.ended(Status.CANCELLED)
        except Exception as error:  # the lane must say so, whatever it is, and the others go on
            ended = reporter.ended(Status.FAILED, failure=engine_fault(error))
        finally:
            if not has_arrived:
                wave.barrier.leave()
            self._requests.pop(spec.request_id, None)
        reporter.report(ended)


async def attempts(
    sender: RequestSender,
    spec: RequestSpec,
    slot: int,
    reporter: RequestReporter,
    before_send: Callable[[], Awaitable[None]],
) -> RequestEnded:
    """Send, and send again as often as the plan allows while the server turns the request away."""
    attempt, is_repeated = 0, False
    while True:
        reporter.mark(Mark.QUEUED)
        ended = await sender.send(spec, slot, reporter, before_send)
        failure = ended.failure
        if failure is not None and failure.kind is FailureKind.THREAD_LOST and spec.previous_message is not None:
            # No retry of the plan's: the same turn, with the whole transcript, begins another thread.
            spec = msgspec.structs.replace(spec, previous_message=None)
            _set_aside(reporter, ended, failure, 0.0)
            continue
        if failure is None or failure.kind not in _WORTH_RETRYING:
            break
        if reporter.was_stale and not is_repeated:
            # No server has seen it: that is no retry, and the next connection is a fresh one.
            is_repeated = True
            _set_aside(reporter, ended, failure, 0.0)
            continue
        if reporter.has_content or attempt == spec.retries.max:
            break
        wait_s = failure.retry_after_s
        if wait_s is None:
            wait_s = back_off_s(attempt)
        elif wait_s > spec.retries.longest_wait:
            return _with_words(ended, failure, "That is longer than retries.longest_wait, so it is not sent again.")
        attempt += 1
        _set_aside(reporter, ended, failure, wait_s)
        await asyncio.sleep(wait_s)
    return ended


def back_off_s(failures: int) -> float:
    """Wait after a failure for which the server names none, s, where `failures` came before it in a row."""
    return min(LONGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2.0 ** min(failures, 8))


def _set_aside(reporter: RequestReporter, ended: RequestEnded, failure: Failure, wait_s: float) -> None:
    reporter.report(AttemptFailed(request_id=reporter.request_id, t_ns=ended.t_ns, failure=failure, wait_s=wait_s))


def _with_words(ended: RequestEnded, failure: Failure, words: str) -> RequestEnded:
    said = msgspec.structs.replace(failure, message=f"{failure.message} {words}")
    return msgspec.structs.replace(ended, failure=said)

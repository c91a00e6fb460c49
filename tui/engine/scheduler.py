"""Runs: fires their requests in parallel, cancels them, and says when a run is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from tui.core import metrics
from tui.core.events import (
    AttemptFailed,
    Content,
    Event,
    FailureKind,
    Mark,
    Marked,
    RequestEnded,
    RunEnded,
    RunStarted,
    Status,
)
from tui.core.plan import RequestSpec
from tui.engine.failures import engine_fault
from tui.engine.gate import Gate
from tui.engine.protocol import StartRun

Emit = Callable[[Event], None]

_WORTH_RETRYING = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.SERVER_ERROR,
        FailureKind.CONNECTION,
        FailureKind.CONNECTION_REFUSED,
    }
)
"""What may go away by itself; the SDK would retry the same, unseen."""
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.5, 8.0
"""Waits between attempts where the server names none, doubling: the SDK's own."""


class Ask(Protocol):
    """One streamed request, from connect to end; reports everything but its queueing and its end.

    `slot` is the request's number among those of its run at the same endpoint.
    """

    def __call__(
        self, spec: RequestSpec, slot: int, emit: Emit, before_send: Callable[[], Awaitable[None]]
    ) -> Awaitable[RequestEnded]: ...


class Scheduler:
    """Turns runs into requests. A run's requests are numbered per endpoint, so that each has its own connection."""

    def __init__(self, ask: Ask, emit: Emit) -> None:
        self._ask = ask
        self._emit = emit
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._runs: set[asyncio.Task[None]] = set()

    def start(self, run: StartRun) -> None:
        """Fire the requests of `run`: all at once, or one wave of `run.at_once` after the other."""
        self._emit(
            RunStarted(
                run_id=run.run_id,
                t_ns=time.monotonic_ns(),
                unix_ns=time.time_ns(),
                request_ids=tuple(spec.request_id for spec in run.requests),
            )
        )
        size = run.at_once or max(1, len(run.requests))
        sent: list[int] = []
        slots: dict[str, int] = {}
        waves: list[_Wave] = []
        # All tasks at once, so that a cancellation that comes right behind finds them.
        for first in range(0, len(run.requests), size):
            specs = run.requests[first : first + size]
            wave = _Wave(Gate(len(specs)))
            for spec in specs:
                slot = slots.setdefault(spec.endpoint.base_url, 0)
                slots[spec.endpoint.base_url] += 1
                task = asyncio.create_task(self._request(spec, slot, wave, sent), name=f"request {spec.request_id}")
                task.add_done_callback(partial(self._report_unbegun, spec.request_id, wave.gate))
                self._requests[spec.request_id] = task
                wave.tasks.append(task)
            waves.append(wave)
        finish = asyncio.create_task(self._finish(run.run_id, waves, sent), name=f"run {run.run_id}")
        self._runs.add(finish)
        finish.add_done_callback(self._runs.discard)

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

    async def _finish(self, run_id: int, waves: list["_Wave"], sent: list[int]) -> None:
        for wave in waves:
            wave.turn.set()
            await asyncio.gather(*wave.tasks, return_exceptions=True)
        # Of requests that were not meant to start together a spread says nothing.
        spread_ns = metrics.spread_ns(sent) if len(waves) == 1 else None
        self._emit(RunEnded(run_id=run_id, t_ns=time.monotonic_ns(), send_spread_ns=spread_ns))

    def _report_unbegun(self, request_id: int, gate: Gate, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never runs: say for it what it would have said."""
        if task.cancelled():
            gate.leave()
            self._requests.pop(request_id, None)
            self._emit(RequestEnded(request_id=request_id, t_ns=time.monotonic_ns(), status=Status.CANCELLED))

    async def _request(self, spec: RequestSpec, slot: int, wave: "_Wave", sent: list[int]) -> None:
        at_gate = was_sent = False

        async def before_send() -> None:
            nonlocal at_gate
            if not at_gate:
                at_gate = True
                await wave.gate.arrive()

        def emit(event: Event) -> None:
            nonlocal was_sent
            if isinstance(event, Marked) and event.mark is Mark.SENT and not was_sent:
                # Later attempts are not part of the run's start.
                was_sent = True
                sent.append(event.t_ns)
            self._emit(event)

        request_id = spec.request_id
        try:
            await wave.turn.wait()
            ended = await self._attempts(spec, slot, emit, before_send)
        except asyncio.CancelledError:
            ended = RequestEnded(request_id=request_id, t_ns=time.monotonic_ns(), status=Status.CANCELLED)
        except Exception as error:  # the lane must say so, whatever it is, and the others go on
            ended = RequestEnded(
                request_id=request_id, t_ns=time.monotonic_ns(), status=Status.FAILED, failure=engine_fault(error)
            )
        finally:
            if not at_gate:
                wave.gate.leave()
            self._requests.pop(request_id, None)
        self._emit(ended)

    async def _attempts(
        self, spec: RequestSpec, slot: int, emit: Emit, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        """Ask, and ask again as often as the plan allows while the server turns the request away."""
        has_content = False

        def watch(event: Event) -> None:
            nonlocal has_content
            has_content = has_content or isinstance(event, Content)
            emit(event)

        for attempt in range(spec.retries.max + 1):
            emit(Marked(request_id=spec.request_id, mark=Mark.QUEUED, t_ns=time.monotonic_ns()))
            ended = await self._ask(spec, slot, watch, before_send)
            failure = ended.failure
            if failure is None or failure.kind not in _WORTH_RETRYING or has_content or attempt == spec.retries.max:
                break
            wait_s = failure.retry_after_s
            if wait_s is None:
                wait_s = min(_LONGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2**attempt)
            emit(AttemptFailed(request_id=spec.request_id, t_ns=ended.t_ns, failure=failure, wait_s=wait_s))
            await asyncio.sleep(wait_s)
        return ended


class _Wave:
    """Requests that are fired together, when it is their turn."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.turn = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

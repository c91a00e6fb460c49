"""Gate between the engine and the live state: what ends a request passes only once it is stored."""

import asyncio
from collections.abc import Callable

from tui.core.events import Event
from tui.history.recorder import Recorder

WAIT_FOR_DISK_S = 2.0
"""Longest time that a result waits for the disk before it is shown all the same."""

_SLOW = "The disk is slow: results are shown before they are stored in the history."


class CommitGate:
    """Gives every batch of events to the recorder, then, in their order, to `deliver`.

    Batches wait only behind one that ends a request, and that one for its commit.
    """

    def __init__(self, recorder: Recorder, deliver: Callable[[list[Event]], None], say: Callable[[str], None]) -> None:
        self.on_interrupted: Callable[[int], None] = lambda _requests: None
        """Called with how many requests were in flight when earlier programs died."""
        self._recorder = recorder
        self._deliver = deliver
        self._say = say
        self._held: list[tuple[int, list[Event]]] = []
        """Batches in order, each with the ticket that must be safe before it is delivered."""
        self._last = self._safe = 0
        self._slow = False
        """True from the first wait in vain until the disk has caught up."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin recording; what the recorder says comes on the running loop."""
        loop = asyncio.get_running_loop()

        def on_loop(call: Callable[..., None], argument: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(call, argument)

        self._recorder.on_safe = lambda ticket: on_loop(self._is_safe, ticket)
        self._recorder.on_problem = lambda sentence: on_loop(self._say, sentence)
        self._recorder.on_interrupted = lambda requests: on_loop(self.on_interrupted, requests)
        self._recorder.start()

    def add(self, events: list[Event]) -> None:
        """Record a batch from the engine, and deliver it when it may be shown."""
        ticket = self._recorder.add(events)
        if ticket is not None:
            self._last = ticket
        if self._slow or (ticket is None and not self._held):
            self._deliver(events)
            return
        self._held.append((self._last, events))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WAIT_FOR_DISK_S, self._waited_in_vain)

    async def close(self, within_s: float = WAIT_FOR_DISK_S) -> None:
        """Store all batches, and deliver those that were held."""
        await asyncio.to_thread(self._recorder.close, within_s)
        self._release()

    def _is_safe(self, ticket: int) -> None:
        self._safe = max(self._safe, ticket)
        if self._safe == self._last:
            self._slow = False
        ready = [events for needed, events in self._held if needed <= self._safe]
        del self._held[: len(ready)]
        self._stop_timer()
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(WAIT_FOR_DISK_S, self._waited_in_vain)
        for events in ready:
            self._deliver(events)

    def _waited_in_vain(self) -> None:
        self._slow = True
        self._say(_SLOW)
        self._release()

    def _release(self) -> None:
        self._stop_timer()
        held, self._held = self._held, []
        for _, events in held:
            self._deliver(events)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

"""Decoding in the background of reading: what the sockets queued is decoded in short slices between reads."""

import asyncio
import time
from collections.abc import Callable

INTERVAL_S = 0.02
"""How long data are gathered before they are decoded. Their times are stamped; only the screen waits for this."""
SLICE_S = 0.001
"""Longest that decoding keeps the event loop from reading sockets."""


class Pump:
    """Runs jobs that have work, soon but in no hurry, and never longer than a slice at a time."""

    def __init__(self) -> None:
        self._jobs: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, job: Callable[[], None]) -> None:
        """Have `job` run at the next turn; adding it again before that changes nothing."""
        self._jobs[job] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._turn)

    def drop(self, job: Callable[[], None]) -> None:
        """Forget `job`."""
        self._jobs.pop(job, None)

    def _turn(self) -> None:
        until = time.monotonic() + SLICE_S
        while self._jobs and time.monotonic() < until:
            job = next(iter(self._jobs))
            del self._jobs[job]
            job()
        # Sockets come first: what is left is done after they have been read.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(0, self._turn) if self._jobs else None

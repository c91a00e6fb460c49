"""Event loop that knows when it last looked at its sockets, so that the engine's own delay can be told from a pause.

Data that a read finds have come since the loop last looked: it would have read them then. While the loop sleeps in the
selector it looks all the time, and is woken at once; how late it then was given a processor, Linux says.
"""

import asyncio
import contextlib
import os
import selectors
import time

_SLEPT_NS = 500_000
"""Wait in the selector from which on nothing was ready when it began."""
_RUN_DELAY = "/proc/thread-self/schedstat"
"""Its second number is the time, ns, for which this thread was ready and had no processor."""


class LastLook:
    """Note of a loop's last look at its sockets."""

    looked_ns = 0
    """Moment, CLOCK_MONOTONIC, after which all arrived that is ready now and was not read before; 0 if unknown."""


class _WatchedSelector(selectors.DefaultSelector, LastLook):
    """A selector that notes its looks."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_ns = self._returned_ns = time.monotonic_ns()
        self._run_delay_fd: int | None = None
        with contextlib.suppress(OSError):
            self._run_delay_fd = os.open(_RUN_DELAY, os.O_RDONLY | os.O_CLOEXEC)
        self._run_delay_ns = self._read_run_delay_ns() or 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`."""
        began_ns = time.monotonic_ns()
        ready = super().select(timeout)
        now_ns = time.monotonic_ns()
        if now_ns - began_ns < _SLEPT_NS:
            # What is ready may have come right after the look before.
            self.looked_ns = self._returned_ns
        else:
            self.looked_ns = max(began_ns, now_ns - self._woken_late_ns(now_ns - began_ns))
        self._returned_ns = now_ns
        return ready

    def close(self) -> None:
        """See `selectors.BaseSelector.close`."""
        super().close()
        if self._run_delay_fd is not None:
            os.close(self._run_delay_fd)
            self._run_delay_fd = None

    def _woken_late_ns(self, slept_ns: int) -> int:
        """Longest that the thread can have been ready to run before this sleep ended."""
        total = self._read_run_delay_ns()
        if total is None:
            return min(slept_ns, _SLEPT_NS)
        late, self._run_delay_ns = total - self._run_delay_ns, total
        return late

    def _read_run_delay_ns(self) -> int | None:
        if self._run_delay_fd is None:
            return None
        try:
            return int(os.pread(self._run_delay_fd, 64, 0).split()[1])
        except (OSError, ValueError, IndexError):
            return None


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop with a note of its last look."""

    def __init__(self) -> None:
        self.looks = _WatchedSelector()
        super().__init__(self.looks)


def looks_of(loop: asyncio.AbstractEventLoop) -> LastLook:
    """The looks of the loop; always 0 for a loop that does not note them."""
    return loop.looks if isinstance(loop, WatchedLoop) else LastLook()

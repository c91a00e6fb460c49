"""From the kernel's arrival stamps (CLOCK_REALTIME) to the one clock of all timelines (CLOCK_MONOTONIC)."""

import time
from collections.abc import Callable

_TIGHT_NS = 20_000
"""Readings of both clocks further apart than this were interrupted, and say little of the offset."""
_SLEW_NS = 1_000_000
"""An offset that moved further than this between two looks was stepped, not slewed (at most 0.5 ms a second)."""
_EARLY_NS = 50_000
"""How far a stamp may seem to lie in the future: the error of the offset itself."""


class StampClock:
    """Converts stamps with an offset that is measured anew at each conversion, so that a stepped wall clock moves
    nothing: a stamp taken before the step is converted with the offset from before it.
    """

    def __init__(
        self,
        realtime_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._realtime_ns = realtime_ns
        self._monotonic_ns = monotonic_ns
        self._offset = self._previous = self._measured()

    def _measured(self) -> int:
        """CLOCK_REALTIME minus CLOCK_MONOTONIC, ns: the tightest of a few readings."""
        best_gap, offset = 1 << 62, 0
        for _ in range(5):
            before = self._monotonic_ns()
            real = self._realtime_ns()
            after = self._monotonic_ns()
            if after - before < best_gap:
                best_gap, offset = after - before, real - (before + after) // 2
            if best_gap <= _TIGHT_NS:
                break
        return offset

    def arrival_ns(self, stamp_ns: int, read_ns: int) -> int | None:
        """When data that was read at `read_ns` (monotonic) and stamped `stamp_ns` (realtime) arrived, monotonic ns.

        None if the stamp fits neither the present offset nor the one before the last step; then only the time of
        the read is known.
        """
        real = self._realtime_ns()
        elapsed = self._monotonic_ns() - read_ns
        # The look just taken is good enough to see a step; only then is the offset measured with more care.
        looked = real - read_ns - elapsed
        if abs(looked - self._offset) > _SLEW_NS:
            measured = self._measured()
            if abs(measured - self._offset) > _SLEW_NS:
                self._previous = self._offset
            self._offset = measured
        elif elapsed <= _TIGHT_NS:
            self._offset = looked
        for offset in (self._offset, self._previous):
            arrival = stamp_ns - offset
            if read_ns - _LONGEST_WAIT_NS <= arrival <= read_ns + _EARLY_NS:
                return min(arrival, read_ns)
        return None


_LONGEST_WAIT_NS = 10_000_000_000
"""Data that waited longer than this in the kernel were not read by a live engine: the stamp is of another clock."""

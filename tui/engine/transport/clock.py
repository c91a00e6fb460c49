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
        self._looked_ns = self._monotonic_ns()
        # The last step came between these two; as yet there was none.
        self._step_after_ns = self._step_before_ns = self._looked_ns - _LONGEST_WAIT_NS

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
        the read is known. Of two times that fit it is the later: data rarely wait for as long as a clock is stepped.
        """
        real = self._realtime_ns()
        now_ns = self._monotonic_ns()
        # The look just taken is good enough to see a step; only then is the offset measured with more care.
        looked = real - now_ns
        if abs(looked - self._offset) > _SLEW_NS:
            measured = self._measured()
            if abs(measured - self._offset) > _SLEW_NS:
                self._previous = self._offset
                self._step_after_ns, self._step_before_ns = self._looked_ns, self._monotonic_ns()
            self._offset = measured
        elif now_ns - read_ns <= _TIGHT_NS:
            self._offset = looked
        self._looked_ns = now_ns
        oldest = read_ns - _LONGEST_WAIT_NS
        fitting: list[int] = []
        for offset, earliest, latest in (
            (self._offset, max(oldest, self._step_after_ns), read_ns),
            (self._previous, oldest, min(read_ns, self._step_before_ns)),
        ):
            arrival = stamp_ns - offset
            if earliest - _EARLY_NS <= arrival <= latest + _EARLY_NS:
                fitting.append(min(arrival, read_ns))
        return max(fitting, default=None)


_LONGEST_WAIT_NS = 10_000_000_000
"""Data that waited longer than this in the kernel were not read by a live engine: the stamp is of another clock."""

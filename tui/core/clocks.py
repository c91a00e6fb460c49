"""Clocks of engines. Each stamps by its own CLOCK_MONOTONIC, and no figure compares two of them.

Stamps of two engines may be set beside each other only for drawing, for a start together and for the spread of one,
through a `ClockOffset`, which says how far off that may be.
"""

from collections.abc import Iterable

import msgspec

PINGS = 8
"""Pings of which the quickest tells the offset."""


class ClockOffset(msgspec.Struct, frozen=True, kw_only=True):
    """Distance of an engine's clock from the one of this process."""

    offset_ns: int = 0
    """The engine's clock less ours."""
    error_ns: int = 0
    """Most that the offset is off: half of the ping's round trip."""
    rtt_ns: int = 0
    """Round trip of that ping over the pipe."""

    def here(self, there_ns: int) -> int:
        """A moment of the engine's clock, by ours."""
        return there_ns - self.offset_ns

    def there(self, here_ns: int) -> int:
        """A moment of our clock, by the engine's."""
        return here_ns + self.offset_ns


SAME_CLOCK = ClockOffset()
"""That of an engine on this machine: one kernel, one clock."""


def offset_of(sent_ns: int, answered_ns: int, received_ns: int) -> ClockOffset:
    """The offset that one ping tells: it was answered, at `answered_ns` of the engine's clock, somewhere between."""
    rtt = max(0, received_ns - sent_ns)
    return ClockOffset(offset_ns=answered_ns - (sent_ns + received_ns) // 2, error_ns=(rtt + 1) // 2, rtt_ns=rtt)


def best_of(pings: Iterable[ClockOffset]) -> ClockOffset:
    """The offset of the ping with the shortest round trip. Raises ValueError without any."""
    return min(pings, key=lambda ping: ping.rtt_ns)

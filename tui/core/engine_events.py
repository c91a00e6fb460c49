"""Events of an engine itself: that it is there, what its clock says, and that it has ended.

Each engine stamps by its own CLOCK_MONOTONIC, and no figure compares two of them. Stamps of two engines may be set
beside each other only for drawing, for a start together and for the spread of one, through a `ClockOffset`, which says
how far off that may be.
"""

from collections.abc import Iterable
from enum import StrEnum

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


class StampSource(StrEnum):
    """Source of arrival stamps."""

    KERNEL = "kernel"
    """The kernel, when it took them in."""
    READ = "read"
    """The engine, right after it read them."""


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


class TaggedEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Base of all events: tagged for the wire by the class's name in snake case."""


class Hello(TaggedEvent, frozen=True, kw_only=True):
    """The first event of an engine: what it is, and where it runs."""

    app_version: str
    sdk_version: str
    python: str
    platform: str
    hostname: str
    pid: int
    stamp_source: StampSource
    """Source of its stamps, as far as the system tells beforehand."""
    resolution_ns: int
    """Resolution of its clock."""
    unix_ns: int
    mono_ns: int
    """Its wall clock and its CLOCK_MONOTONIC at one moment."""
    host: str = ""
    """Name of the host it runs on, as this side knows it; empty for this machine."""


class Ponged(TaggedEvent, frozen=True, kw_only=True):
    """The answer to a ping."""

    number: int
    t_ns: int


class Armed(TaggedEvent, frozen=True, kw_only=True):
    """The requests of a run that is held are connected, or over, and wait for the moment in which they are fired."""

    run_id: int


class ClockRead(TaggedEvent, frozen=True, kw_only=True):
    """The clock of an engine was compared with ours. Made by the client, never sent by the engine."""

    host: str
    clock: ClockOffset


class EngineFailed(TaggedEvent, frozen=True, kw_only=True):
    """An engine ended unasked. Made by the client, never sent by the engine.

    The ends of its requests come before it.
    """

    t_ns: int
    """The moment, by the engine's clock, as far as that is known."""
    message: str
    host: str = ""
    """Name of the host it ran on; empty for this machine."""

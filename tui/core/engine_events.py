"""Events of an engine itself: that it is there, what its clock says, and that it has ended."""

from enum import StrEnum

import msgspec

from tui.core.clocks import ClockOffset


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

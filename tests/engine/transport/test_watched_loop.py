"""The loop's last look: what of a wait is the engine's own, and what is a pause of the stream."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tui.engine.transport import StampedStream
from tui.engine.transport.watched_loop import WatchedLoop, looks_of

from .loopback import Peer, linux, pair, segments_of, until

MS = 1_000_000
BURST = 20
Burst = Callable[[StampedStream, Peer], Awaitable[None]]


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        runner.run(main())


@linux
def test_a_burst_after_a_pause_is_not_booked_as_the_engines_delay() -> None:
    async def body() -> None:
        async with pair() as (stream, peer):
            peer.send(b"first")
            await segments_of(stream, 5)
            paused_ns = time.monotonic_ns()
            await asyncio.sleep(0.3)  # the pause of the stream that is measured
            before_ns = peer.send(b"x" * 1_000)
            for _ in range(BURST - 1):
                peer.send(b"x" * 1_000)
            await until(stream, lambda: bool(stream._segments))
            (segment, *_) = stream.take_over()
            assert segment.parts > 1
            # Not since the read before, which is 300 ms ago: the loop slept in between, and woke when data came.
            assert segment.since_ns - paused_ns > 100 * MS
            assert segment.since_ns <= before_ns + 50_000, "all of it came after the last look"

    run(body)


@linux
def test_what_came_while_the_loop_was_busy_counts_from_its_look_before() -> None:
    async def body() -> None:
        async with pair() as (stream, peer):
            peer.send(b"first")
            await segments_of(stream, 5)
            await asyncio.sleep(0.05)
            before_ns = peer.send(b"one")
            peer.send(b"two")
            while time.monotonic_ns() < before_ns + 40 * MS:
                pass  # the loop is kept from looking
            await until(stream, lambda: bool(stream._segments))
            (segment,) = stream.take_over()
            assert segment.parts == 2
            assert segment.since_ns <= before_ns
            assert segment.read_ns - segment.since_ns >= 40 * MS

    run(body)


@linux
def test_what_waited_for_room_counts_from_the_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.engine.transport.socket_stream._PAUSE_BYTES", 3)

    async def body() -> None:
        async with pair() as (stream, peer):
            peer.send(b"first")
            await until(stream, lambda: bool(stream._segments))
            peer.send(b"held")
            await asyncio.sleep(0.02)  # the loop looks at other things
            (first,) = stream.take_over()
            await until(stream, lambda: bool(stream._segments))
            (held,) = stream.take_over()
            assert held.since_ns == first.read_ns

    run(body)


def test_a_loop_that_does_not_note_its_looks_knows_none() -> None:
    loop = asyncio.new_event_loop()
    try:
        assert looks_of(loop).looked_ns == 0
    finally:
        loop.close()


def test_where_the_kernel_does_not_say_how_late_a_thread_ran_the_sleep_bounds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.engine.transport.watched_loop._RUN_DELAY", "/nowhere")

    async def body() -> None:
        loop = asyncio.get_running_loop()
        began_ns = time.monotonic_ns()
        await asyncio.sleep(0.05)
        assert began_ns <= looks_of(loop).looked_ns <= time.monotonic_ns()

    run(body)

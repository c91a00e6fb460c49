"""The stamped sockets over real connections on loopback."""

import asyncio
import socket
import time
from collections.abc import Awaitable
from typing import Any

import httpcore2
import pytest

from tui.engine.transport import exchange
from tui.engine.transport import socket_stream as module

from .loopback import (
    WITHIN_S,
    Watcher,
    linux,
    pair,
    read_all,
    segments_of,
    until,
)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


# Stamps


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_kernel_says_when_data_arrived(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    async with pair(host) as (stream, peer):
        for _ in range(20):
            before_ns = peer.send(b"data")
            (segment,) = await segments_of(stream, 4)
            assert segment.data == b"data"
            assert segment.from_kernel
            # 50 µs: as far as the offset between the two clocks may err.
            assert before_ns - 50_000 <= segment.arrival_ns <= segment.read_ns <= time.monotonic_ns()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@linux
async def test_a_read_that_comes_late_does_not_move_the_arrival() -> None:
    async with pair() as (stream, peer):
        before_ns = peer.send(b"data")
        after_ns = time.monotonic_ns()
        while time.monotonic_ns() < after_ns + 30_000_000:
            pass  # the loop is kept from reading
        (segment,) = await segments_of(stream, 4)
        assert before_ns - 50_000 <= segment.arrival_ns <= after_ns + 10_000_000
        assert segment.read_ns >= after_ns + 30_000_000


@linux
async def test_a_read_that_takes_several_segments_at_once_says_so() -> None:
    async with pair() as (stream, peer):
        peer.send(b"first")
        await until(stream, lambda: len(stream._segments) == 1)
        # The loop does not turn between these, so that one read takes them all.
        befores = [peer.send(b"more") for _ in range(3)]
        await until(stream, lambda: len(stream._segments) == 2)
        first, merged = stream.take_over()
        assert (first.parts, merged.parts) == (1, 3)
        assert merged.data == b"more" * 3
        assert merged.since_ns == first.read_ns <= befores[0]
        assert merged.arrival_ns >= befores[2] - 50_000, "the kernel stamps the last of them"


@linux
async def test_segments_that_wait_to_be_decoded_keep_their_own_stamps() -> None:
    async with pair() as (stream, peer):
        befores = []
        for number in range(50):
            befores.append(peer.send(b"%04d" % number))
            # The next is sent when this one has been read, and queued; nobody decodes.
            await until(stream, lambda: len(stream._segments) == len(befores))
        segments = stream.take_over()
        assert [segment.data for segment in segments] == [b"%04d" % number for number in range(50)]
        arrivals = [segment.arrival_ns for segment in segments]
        limits = [*befores[1:], time.monotonic_ns()]
        for before_ns, arrival_ns, next_ns in zip(befores, arrivals, limits, strict=True):
            assert before_ns - 50_000 <= arrival_ns <= next_ns + 50_000


async def test_without_the_kernels_stamp_the_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KERNEL_STAMPS", False)
    async with pair() as (stream, peer):
        before_ns = peer.send(b"data")
        (segment,) = await segments_of(stream, 4)
        assert not segment.from_kernel
        assert before_ns <= segment.arrival_ns == segment.read_ns


async def test_a_write_is_stamped_before_it_can_be_answered(watcher: Watcher) -> None:
    exchange.set(watcher)
    started_ns = time.monotonic_ns()
    async with pair() as (stream, peer):
        for _ in range(20):
            before_ns = time.monotonic_ns()
            await stream.write(b"ask")
            after_ns = time.monotonic_ns()
            await peer.reader.readexactly(3)
            assert before_ns <= watcher.writes[-1] <= after_ns
        await stream.write(b"")
    assert len(watcher.writes) == 20
    assert started_ns <= watcher.resolved_ns <= watcher.writes[0]


async def test_a_long_write_is_stamped_at_its_last_byte(watcher: Watcher) -> None:
    exchange.set(watcher)
    data = bytes(range(256)) * (1 << 14)  # more than the buffers of both ends take
    async with pair() as (stream, peer):
        writing = asyncio.create_task(stream.write(data))
        received = await peer.reader.readexactly(1 << 16)
        assert not writing.done()
        assert not watcher.writes
        half_ns = time.monotonic_ns()
        received += await peer.reader.readexactly(len(data) - len(received))
        await writing
        assert received == data
        assert len(watcher.writes) == 1
        assert half_ns <= watcher.writes[0] <= time.monotonic_ns()


class Partial:
    """A socket that takes three bytes a call, while a clock runs on: the receiver works in our place."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.now_ns = 0
        self.called_ns: list[int] = []

    def monotonic_ns(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def send(self, data: memoryview) -> int:
        self.called_ns.append(self.now_ns)
        self.now_ns += 1000
        return self._socket.send(data[:3])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


async def test_a_write_is_stamped_when_the_last_call_that_sends_is_made(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when it returns, by which time the answer may be there, and not at an earlier call."""
    exchange.set(watcher)
    async with pair() as (stream, peer):
        sock = Partial(stream._socket)
        monkeypatch.setattr(stream, "_socket", sock)
        with monkeypatch.context() as patch:
            patch.setattr(module, "time", sock)
            await stream.write(b"0123456789")
        assert await peer.reader.readexactly(10) == b"0123456789"
        assert len(sock.called_ns) == 4
        assert watcher.writes == [sock.called_ns[-1]]


async def test_a_write_that_nobody_reads_times_out() -> None:
    async with pair() as (stream, _):
        with pytest.raises(httpcore2.WriteTimeout):
            await stream.write(bytes(1 << 26), timeout=0.05)


async def test_a_read_that_brings_nothing_times_out() -> None:
    async with pair() as (stream, peer):
        with pytest.raises(httpcore2.ReadTimeout):
            await stream.read(100, timeout=0.01)
        peer.send(b"late")
        assert await stream.read(100, timeout=WITHIN_S) == b"late"


# Ends


async def test_an_end_comes_after_what_came_before() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        peer.writer.close()
        assert await read_all(stream) == [b"data"]
        assert await stream.read(100) == b""
        stream.check_end()  # it ended, and was not broken


async def test_a_reset_comes_after_what_came_before() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        assert await stream.read(100, timeout=WITHIN_S) == b"data"
        peer.reset()
        for _ in range(2):
            with pytest.raises(httpcore2.ReadError, match="reset"):
                await stream.read(100, timeout=WITHIN_S)


async def test_a_reset_right_behind_data_is_seen_by_whoever_takes_over() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        await until(stream, lambda: len(stream._segments) == 1)
        peer.reset()
        await until(stream, lambda: len(stream._segments) == 2)
        data, end = stream.take_over()
        assert (data.data, end.data) == (b"data", b"")
        with pytest.raises(httpcore2.ReadError):
            stream.check_end()


async def test_a_write_to_one_who_has_gone_is_an_error() -> None:
    async with pair() as (stream, peer):
        peer.reset()
        assert await raising(stream.read(1, timeout=WITHIN_S)) is httpcore2.ReadError
        assert await raising(stream.write(b"data")) is httpcore2.WriteError


async def raising(doing: Awaitable[object]) -> type[Exception] | None:
    try:
        await doing
    except Exception as error:  # the test looks at it
        return type(error)
    return None


async def test_it_is_readable_once_the_server_has_closed() -> None:
    async with pair() as (stream, peer):
        assert not stream.get_extra_info("is_readable")
        peer.writer.close()
        async with asyncio.timeout(WITHIN_S):
            await stream.arrived()
        assert stream.get_extra_info("is_readable")
        stream.take_over()
        assert stream.get_extra_info("is_readable")
    assert stream.get_extra_info("is_readable")


async def test_it_is_readable_at_once_without_a_turn_of_the_loop() -> None:
    async with pair() as (stream, peer):
        sock: socket.socket = peer.writer.get_extra_info("socket")
        sock.shutdown(socket.SHUT_WR)
        # A turn later at the latest, but asked before the loop has come round.
        deadline = time.monotonic() + WITHIN_S
        while not stream.get_extra_info("is_readable"):
            assert time.monotonic() < deadline
        assert not stream._segments


async def test_the_socket_is_told() -> None:
    async with pair() as (stream, peer):
        assert stream.get_extra_info("socket").getsockname() == peer.writer.get_extra_info("peername")
        assert stream.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.get_extra_info("unheard-of") is None


async def test_a_reader_that_is_waiting_hears_of_our_own_close() -> None:
    async with pair() as (stream, _):
        reading = asyncio.create_task(stream.read(100))
        await asyncio.sleep(0)
        await stream.aclose()
        async with asyncio.timeout(WITHIN_S):
            assert await reading == b""
        await stream.aclose()


async def test_reading_pauses_when_nobody_decodes_and_goes_on_when_someone_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PAUSE_BYTES", 100_000)
    data = bytes(range(256)) * (1 << 16)
    async with pair() as (stream, peer):
        peer.send(data)
        await until(stream, lambda: stream._paused)
        for _ in range(100):
            await asyncio.sleep(0)
        assert 100_000 < stream._queued_bytes < 100_000 + 65536 + 1
        assert peer.writer.transport.get_write_buffer_size() > 0
        segments = await segments_of(stream, len(data))
        assert b"".join(segment.data for segment in segments) == data
        stamps = [segment.arrival_ns for segment in segments]
        assert stamps == sorted(stamps)

"""Sockets whose data come with the time of their arrival, on the one clock of all timelines.

On Linux a TCP socket with SO_TIMESTAMPNS hands each `recvmsg` the time at which the kernel took in the data, before
any process ran; elsewhere, and where the kernel gives no stamp, the time right after the read is taken. The stamps are
CLOCK_REALTIME, timelines CLOCK_MONOTONIC: `StampClock` converts. The callback that reads does nothing but read and
queue, and so runs ahead of whatever parses.
"""

import asyncio
import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2

from tui.core.engine_events import StampSource
from tui.engine.transport import READ_BYTES, Segment, StampedStream, exchange, socket_errors_as
from tui.engine.transport.tcp_path import TcpPath
from tui.engine.transport.tls_stream import TlsStream
from tui.engine.transport.watched_loop import looks_of

SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>; Python's socket module does not name it."""
_TIMESPEC = struct.Struct("qq")
_KERNEL_STAMPS = sys.platform == "linux" and struct.calcsize("P") == 8
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if _KERNEL_STAMPS else 0
_PAUSE_BYTES = 4 * 1024 * 1024
"""Unread data at which reading pauses, so that a stream faster than its parser is held back by TCP."""
_TIGHT_NS = 20_000
"""Readings of both clocks further apart than this were interrupted, and say little of the offset."""
_MOST_READINGS = 200
"""Readings until one is tight: more than a busy machine interrupts in a row."""
_SLEW_NS = 1_000_000
"""An offset that moved further than this between two looks was stepped, not slewed (at most 0.5 ms a second)."""
_EARLY_NS = 50_000
"""Furthest that a stamp may seem to lie in the future: the error of the offset itself."""
_LONGEST_WAIT_NS = 10_000_000_000
"""Data that waited longer than this in the kernel were not read by a live engine: the stamp is of another clock."""


class StampClock:
    """Converter of stamps. The offset is measured anew at each conversion, so that a stepped wall clock moves nothing:
    a stamp taken before the step is converted with the offset from before it.
    """

    def __init__(
        self, realtime_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._realtime_ns = realtime_ns
        self._monotonic_ns = monotonic_ns
        low, high = self._measured()
        self._offset = self._previous = (low + high) // 2
        self._error = (high - low) // 2
        self._looked_ns = self._monotonic_ns()
        # The last step came between these two; as yet there was none.
        self._step_after_ns = self._step_before_ns = self._looked_ns - _LONGEST_WAIT_NS

    def _measured(self) -> tuple[int, int]:
        """CLOCK_REALTIME minus CLOCK_MONOTONIC, ns, as bounds that are proven: the tightest of many readings.

        A reading of one clock between two of the other bounds the offset however long it was interrupted; a middle
        taken from an interrupted one may be anything.
        """
        low, high = -(1 << 62), 1 << 62
        for _ in range(_MOST_READINGS):
            before = self._monotonic_ns()
            real = self._realtime_ns()
            after = self._monotonic_ns()
            if after - before < high - low:
                low, high = real - after, real - before
            if high - low <= _TIGHT_NS:
                break
        return low, high

    def arrival_ns(self, stamp_ns: int, read_ns: int) -> int | None:
        """Arrival, monotonic ns, of data read at `read_ns` (monotonic) and stamped `stamp_ns` (realtime).

        None if the stamp fits neither the present offset nor the one before the last step, or if the offset cannot
        be told now; then only the time of the read is known. Of two times that fit it is the later: data rarely wait
        for as long as a clock is stepped.
        """
        real = self._realtime_ns()
        now_ns = self._monotonic_ns()
        # The look just taken is good enough to see a step; only then is the offset measured with more care.
        looked = real - now_ns
        if abs(looked - self._offset) > _SLEW_NS:
            low, high = self._measured()
            if high - low > _SLEW_NS:
                return None  # Every reading was interrupted: nothing is known of the offset now.
            measured, error = (low + high) // 2, (high - low) // 2
            # An offset that was never told better than that has not been stepped: it is told now.
            if abs(measured - self._offset) > _SLEW_NS + self._error + error:
                self._previous = self._offset
                self._step_after_ns, self._step_before_ns = self._looked_ns, self._monotonic_ns()
            self._offset, self._error = measured, error
        elif now_ns - read_ns <= _TIGHT_NS:
            self._offset, self._error = looked, _TIGHT_NS
        self._looked_ns = now_ns
        oldest = read_ns - _LONGEST_WAIT_NS
        arrival = stamp_ns - self._offset
        fits = max(oldest, self._step_after_ns) - _EARLY_NS <= arrival <= read_ns + _EARLY_NS
        if self._step_before_ns + 2 * _EARLY_NS >= oldest:
            # Not long after a step: the stamp may be from before it.
            before = stamp_ns - self._previous
            if oldest - _EARLY_NS <= before <= min(read_ns, self._step_before_ns) + _EARLY_NS:
                arrival = max(arrival, before) if fits else before
                fits = True
        return min(arrival, read_ns) if fits else None


@contextmanager
def kernel_stamping() -> Iterator[None]:
    """Keep the kernel stamping meanwhile, by a socket that asks for stamps and is otherwise idle.

    The kernel begins to stamp when the first socket asks, by a worker of its own, and stops with the last. On a busy
    machine that worker came too late for 47 of 300 connections opened one after another: their data had no stamp.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as idle:
        if _KERNEL_STAMPS:
            idle.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        yield


def usual_stamp_source() -> StampSource:
    """The source of stamps that this system has for TCP."""
    return StampSource.KERNEL if _KERNEL_STAMPS else StampSource.READ


class SocketStream(StampedStream):
    """A connected TCP socket."""

    def __init__(self, sock: socket.socket, clock: StampClock, *, to_proxy: bool = False) -> None:
        super().__init__()
        self._socket = sock
        self._path = TcpPath(sock, lambda stamp_ns: clock.arrival_ns(stamp_ns, time.monotonic_ns()), to_proxy=to_proxy)
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._looks = looks_of(self._loop)
        self._segments: list[Segment] = []
        self._queued_bytes = self._latest_ns = 0
        self._read_ns = time.monotonic_ns()
        self._paused = self._resumed = self._ended = False
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._stamped = _KERNEL_STAMPS and sock.family in (socket.AF_INET, socket.AF_INET6)
        if self._stamped:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    def _readable(self) -> None:
        """Read once and queue; epoll calls again if there is more."""
        try:
            if self._stamped:
                data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, _ANCILLARY_BYTES)
            else:
                data, ancillary = self._socket.recv(READ_BYTES), []
        except (BlockingIOError, InterruptedError):
            # Woken by an acknowledgement: left where it is, it would wake the loop again and again.
            self._path.take_acks()
            return
        except OSError as error:
            self._error = error
            data, ancillary = b"", []
        read_ns = time.monotonic_ns()
        since_ns = self._since_ns()
        arrival_ns = None
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                arrival_ns = self._clock.arrival_ns(seconds * 1_000_000_000 + nanoseconds, read_ns)
        if arrival_ns is None:
            is_refused = self._stamped and bool(data)
            segment = Segment(data, read_ns, read_ns, False, since_ns=since_ns, is_refused=is_refused)
        else:
            # TCP delivers in order: an earlier time than before is the error of the clocks' offset.
            arrival_ns = max(arrival_ns, self._latest_ns)
            parts = self._path.arrived(arrival_ns)
            segment = Segment(data, arrival_ns, read_ns, True, parts, min(since_ns, arrival_ns))
        self._latest_ns = segment.arrival_ns
        self._read_ns = read_ns
        self._segments.append(segment)
        self._queued_bytes += len(data)
        if not data:
            self._ended = True
        if self._ended or self._queued_bytes > _PAUSE_BYTES:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())
        if self._waiter is not None:
            _resolve(self._waiter)
        if self._on_data is not None:
            self._on_data(data)

    def _since_ns(self) -> int:
        """Moment after which all arrived that is read now: the last look of the loop, or the read before."""
        if self._resumed:
            self._resumed = False
            return self._read_ns
        return max(self._read_ns, self._looks.looked_ns)

    def subscribe(self, on_data: Callable[[bytes], None] | None) -> None:
        """See `StampedStream.subscribe`."""
        self._on_data = on_data

    def pull(self) -> list[Segment]:
        """See `StampedStream.pull`."""
        segments, self._segments = self._segments, []
        self._queued_bytes = 0
        if self._paused and not self._ended and self._socket.fileno() >= 0:
            self._paused, self._resumed = False, True
            self._loop.add_reader(self._socket.fileno(), self._readable)
        if not segments and self._ended:
            segments = [Segment(b"", time.monotonic_ns(), time.monotonic_ns(), False)]
        return segments

    def check_end(self) -> None:
        """See `StampedStream.check_end`."""
        if self._error is not None:
            raise httpcore2.ReadError(str(self._error)) from self._error

    async def arrived(self) -> None:
        """See `StampedStream.arrived`."""
        if not self._segments and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand all of `buffer` to the kernel."""
        if not buffer:
            return  # httpcore2 ends a body with an empty write: nothing is sent, and nothing must be stamped
        self._scanned = b""
        if (told := exchange.get(None)) is not None:
            told.writing(self._path)
        async with socket_errors_as(httpcore2.WriteTimeout, httpcore2.WriteError), asyncio.timeout(timeout):
            written_ns = await self._send_all(memoryview(buffer))
        if told is not None:
            told.written(written_ns)

    async def _send_all(self, left: memoryview) -> int:
        """Send everything. Returns when the last call that sent was made, CLOCK_MONOTONIC ns.

        When it was made and not when it returned: sending wakes the receiver, which often runs at once in our place,
        so that a clock read after the call may be later than the answer.
        """
        written_ns = time.monotonic_ns()
        while left:
            called_ns = time.monotonic_ns()
            try:
                sent = self._socket.send(left)
            except (BlockingIOError, InterruptedError):
                self._path.take_acks()
                await self._writable()
                continue
            self._path.wrote(sent)
            written_ns = called_ns
            left = left[sent:]
        return written_ns

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(self._socket.fileno(), _resolve, ready)
        try:
            await ready
        finally:
            if self._socket.fileno() >= 0:
                self._loop.remove_writer(self._socket.fileno())

    async def aclose(self) -> None:
        """Close the socket at once."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._path.end()
            self._socket.close()
        self._ended = True
        if self._waiter is not None:
            _resolve(self._waiter)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "TlsStream":
        """Wrap the connection in TLS and shake hands."""
        stream = TlsStream(self, ssl_context, server_hostname)
        try:
            async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
                await stream.shake_hands()
        except BaseException:
            await self.aclose()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Facts that httpcore2 asks of a stream."""
        match info:
            case "socket":
                return self._socket
            case "is_readable":
                self._path.take_acks()
                return self._ended or bool(self._segments) or _readable_now(self._socket)
        return None


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _readable_now(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    # Not POLLERR alone: an acknowledgement that has just come says no more than that.
    return any(event & (select.POLLIN | select.POLLHUP) for _, event in poll.poll(0))
